/* SPDX-License-Identifier: MIT */
#include "lua/system.h"

#include "lua/blame.h"
#include "lua/copy.h"
#include "lua/ident.h"
#include "lua/process.h"
#include "lua/target.h"
#include "lua/wait.h"

static struct pr_process *current(struct pr_lua *lua)
{
    return lua->owner->current;
}

static int no_memory(lua_State *L)
{
    return luaL_error(L, "not enough memory");
}

/* system_cast(server, request): a system message, no reply wanted. Whether there is such a process. */
static int l_system_cast(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_owner *owner = lua->owner;
    struct pr_target target = pr_check_target(lua, L, 1, 0);
    pr_signal_poll(owner);
    struct pierrot_term value = pr_encode(lua, L, 2, pr_ptable_find(owner, target.pid));
    struct pr_signal *signal = pr_signal_new(owner, PR_SIGNAL_CALL, target.pid);
    if (!signal) {
        pr_value_drop(owner, &value);
        return no_memory(L);
    }
    signal->value = value;
    signal->flags = PR_FLAG_SYSTEM;
    signal->from = current(lua)->pid;
    signal->ref = pr_owner_make_ref(owner);
    pr_signal_send(owner, signal);
    PR_CHECK_ALIVE(lua, L);
    lua_pushboolean(L, 1);
    return 1;
}

/* context: the call. Results: true, reply; false, why. */
static int try_system(lua_State *L, lua_KContext context)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_call *call = (struct pr_call *)context;
    if (call->outcome == PR_PENDING)
        return -1;
    luaL_checkstack(L, 12, NULL);
    lua_pushboolean(L, call->outcome == PR_ANSWERED);
    if (call->outcome == PR_TIMED_OUT)
        lua_pushliteral(L, "timeout");
    else
        pr_push_value(lua, L, &call->value);
    (void)pr_call_end(lua->owner, call, NULL);
    return 2;
}

static int system_k(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    return pr_wait(PR_SELF(L), L, context, try_system, system_k);
}

/* system_call(server, request, timeout): a system message. true, reply; false, why. */
static int l_system_call(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_owner *owner = lua->owner;
    struct pr_target target = pr_check_target(lua, L, 1, 0);
    pr_check_any(lua, L, 2);
    lua_settop(L, 3);
    uint64_t deadline = pr_check_deadline(lua, L, 3);
    pr_check_can_wait(lua, L);
    if (!target.pid.id || target.pid.id == current(lua)->pid.id) {
        lua_pushboolean(L, 0);
        lua_pushstring(L, target.pid.id ? "calling_self" : "noproc");
        return 2;
    }
    pr_signal_poll(owner);
    struct pierrot_term value = pr_encode(lua, L, 2, pr_ptable_find(owner, target.pid));
    struct pr_call *call =
        pr_call_begin(owner, current(lua), target.pid, pr_owner_make_ref(owner), 1, deadline);
    if (!call) {
        pr_value_drop(owner, &value);
        return no_memory(L);
    }
    if (pr_call_send(owner, call, value, PR_FLAG_SYSTEM) != 0) {
        (void)pr_call_end(owner, call, NULL);
        return no_memory(L);
    }
    PR_CHECK_ALIVE(lua, L);
    return pr_wait(lua, L, (lua_KContext)call, try_system, system_k);
}

/* is_suspended(): whether the caller is; while it answers system messages. */
static int l_is_suspended(lua_State *L)
{
    lua_pushboolean(L, current(PR_SELF(L))->sys & PR_SYS_SUSPENDED);
    return 1;
}

void pr_open_system(struct pr_lua *lua, lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"system_call", l_system_call},
        {"system_cast", l_system_cast},
        {"is_suspended", l_is_suspended},
        {NULL, NULL},
    };
    pr_lua_register(L, lua, functions);
}
