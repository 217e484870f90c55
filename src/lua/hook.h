/* SPDX-License-Identifier: MIT
 *
 * The user's hooks: debug.sethook and debug.gethook, as Lua's own, with one thing more. A hook that
 * the main script sets outside of coroutines (or a test, which has a process of its own) is for all
 * code of its Lua state that has none of its own, as a coverage tool or a debugger expects who
 * knows nothing of processes: coroutines of the pool, which run the callbacks of many servers, get
 * it when they go on, and so do the user's.
 *
 * What is kept of a hook is a userdata (struct pr_user_hook) with the function as its value: the
 * hooks of single coroutines in a weak table, the script's in the registry. */
#ifndef PR_LUA_HOOK_H
#define PR_LUA_HOOK_H

#include "lua/state.h"

struct pr_user_hook {
    int mask;   /* as for lua_sethook */
    int count;  /* of instructions, as the user has said */
    int period; /* how many pass between two events for the count */
    int left;   /* so many more before the function is called for it */
};

/* Replaces debug.sethook and debug.gethook; a hook that the script has set before stays. */
void pr_open_hook(struct pr_lua *lua, lua_State *L);

/* Adds as_script() to the table on top. */
void pr_open_script(struct pr_lua *lua, lua_State *L);

/* The state of a host goes on without us. */
void pr_hook_leave(struct pr_lua *lua);

/* A coroutine goes back to the pool: a hook of its own goes. */
void pr_hook_forget(lua_State *co);

/* Whether this is a hook that debug.sethook has set. */
int pr_hook_is_users(lua_Hook function);

#endif
