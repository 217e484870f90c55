/* SPDX-License-Identifier: MIT
 *
 * Making processes from Lua: spawn and its kin, the start of servers and of the C actors. */
#ifndef PR_LUA_SPAWN_H
#define PR_LUA_SPAWN_H

#include "lua/kind.h"

/* Starts a process here that runs the function on top of L, under the n_args arguments below it;
 * they are used as they are, and popped. 0 or an error. May raise a memory error in L. */
int pr_spawn_plain(struct pr_lua *lua, lua_State *L, int n_args,
                   const struct pr_spawn_options *options, struct pr_lua_process **made,
                   pierrot_ref *ref);

/* A process that calls require(module)[function](arg), watched by the current one. Lends: arg
 * (NULL: nil). 0 or an error. Thread: owner. */
int pr_spawn_named(struct pr_lua *lua, const char *module, const char *function,
                   const pierrot_term *arg, pierrot_pid *pid, pierrot_ref *ref);

/* The same with options; `monitor` is taken from them. */
int pr_spawn_named_with(struct pr_lua *lua, const char *module, const char *function,
                        const pierrot_term *arg, const struct pr_spawn_options *options,
                        pierrot_pid *pid, pierrot_ref *ref);

/* ------------------------------------------------------------- for starts elsewhere */

/* A coroutine with room for so many values; memory errors are L's. */
struct pr_pooled pr_spawn_take_body(struct pr_lua *lua, lua_State *L, int n_values);

/* nil, "already_registered", or an error in L. */
int pr_spawn_fail(lua_State *L, int error);

/* The built-in actor of that name; NULL: there is none. */
const pierrot_behaviour *pr_behaviour_named(const char *name);

/* For use as `return pr_start_wait_for(…)`: waits for the answer of a process that is being started,
 * whose pid is the peer of the call by then. Stack: the ref of the starter's monitor, or nothing.
 * Results: pid [, ref]; or nil, why. */
int pr_start_wait_for(struct pr_lua *lua, lua_State *L, struct pr_call *call);

void pr_open_spawn(struct pr_lua *lua, lua_State *L);

#endif
