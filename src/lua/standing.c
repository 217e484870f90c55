/* SPDX-License-Identifier: MIT
 *
 * The clock that a test decides on: what pierrot.testing does its virtual time with. */
#include "lua/ask.h"
#include "lua/binding.h"
#include "lua/ident.h"
#include "lua/process.h"
#include "lua/wait.h"

/* clock_stand(ref [, ms]): time stands; the caller gets ref as a message after so long. */
static int l_clock_stand(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    pierrot_ref ref = pr_check_ref(L, 1);
    double ms = luaL_optnumber(L, 2, -1);
    uint64_t limit_ms = ms >= 0 && ms < 1e15 ? (uint64_t)ms : UINT64_MAX;
    pr_standing_begin(lua->scheduler, limit_ms, lua->owner->current->pid, ref);
    return 0;
}

/* clock_go(): time is real again. On the scheduler that made it stand. */
static int l_clock_go(lua_State *L)
{
    pr_standing_end(PR_SELF(L)->scheduler);
    return 0;
}

/* clock_standing(): what the clock shows, in ns, while it stands; else nil. */
static int l_clock_standing(lua_State *L)
{
    const struct pr_clock *clock = PR_SELF(L)->scheduler->clock;
    if (pr_clock_stands(clock))
        lua_pushinteger(L, (lua_Integer)pr_clock_now(clock));
    else
        lua_pushnil(L);
    return 1;
}

/* clock_set(ns) */
static int l_clock_set(lua_State *L)
{
    lua_Integer ns = luaL_checkinteger(L, 1);
    pr_standing_set(PR_SELF(L)->scheduler, ns > 0 ? (uint64_t)ns : 0);
    return 0;
}

/* await_idle(): returns when all schedulers are idle: the time of the next alarm in ns, or false. */
static int l_await_idle(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_owner *owner = lua->owner;
    pr_check_can_wait(lua, L);
    pierrot_ref ref = pr_owner_make_ref(owner);
    struct pr_call *call =
        pr_call_begin(owner, owner->current, (pierrot_pid){0}, ref, 0, UINT64_MAX);
    if (!call)
        return luaL_error(L, "not enough memory");
    if (pr_standing_observe(lua->scheduler, (pierrot_from){owner->current->pid, ref}) != 0) {
        (void)pr_call_end(owner, call, NULL);
        return luaL_error(L, "another process waits until all is idle");
    }
    return pr_ask_wait(lua, L, call);
}

void pr_open_standing(struct pr_lua *lua, lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"clock_stand", l_clock_stand},
        {"clock_go", l_clock_go},
        {"clock_standing", l_clock_standing},
        {"clock_set", l_clock_set},
        {"await_idle", l_await_idle},
        {NULL, NULL},
    };
    pr_lua_register(L, lua, functions);
}
