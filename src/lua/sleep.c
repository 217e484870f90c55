/* SPDX-License-Identifier: MIT
 *
 * A wait for time alone, and whether the caller can wait at all. */
#include "lua/ident.h"
#include "lua/process.h"
#include "lua/receive.h"
#include "lua/wait.h"

static int try_sleep(lua_State *L, lua_KContext context)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *self = pr_lua_current(lua);
    (void)context;
    if (self->alarm && !self->alarm->has_fired)
        return -1;
    if (!self->alarm && context == 0)
        return -1; /* for ever */
    pr_wait_alarm_clear(lua, self);
    lua_pushboolean(L, 1);
    return 1;
}

static int sleep_k(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    return pr_wait(PR_SELF(L), L, context, try_sleep, sleep_k);
}

static int l_sleep(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    if (lua_isnoneornil(L, 1))
        return pr_type_error(L, 1, "milliseconds");
    uint64_t deadline = pr_check_deadline(lua, L, 1);
    pr_check_can_wait(lua, L);
    if (pr_wait_alarm_set(lua, pr_lua_current(lua), deadline) != 0)
        return luaL_error(L, "not enough memory");
    return pr_wait(lua, L, deadline != UINT64_MAX, try_sleep, sleep_k);
}

/* can_wait(): whether the caller can wait now; where Lua cannot yield it cannot. */
static int l_can_wait(lua_State *L)
{
    lua_pushboolean(L, pr_can_wait(PR_SELF(L), L));
    return 1;
}

void pr_open_sleep(struct pr_lua *lua, lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"sleep", l_sleep},
        {"can_wait", l_can_wait},
        {NULL, NULL},
    };
    pr_lua_register(L, lua, functions);
}
