/* SPDX-License-Identifier: MIT
 *
 * Where luv's callbacks come in from the loop, and how they are run: as a slice of the process that
 * gave them to luv, never while that is in the middle of its own code. */
#ifndef PR_LUA_LUV_EVENT_H
#define PR_LUA_LUV_EVENT_H

#include "lua/luv_state.h"

/* For luv_set_callback. The stack holds a callback and its n_args arguments, which are taken. */
int pr_luv_deliver(lua_State *L, int n_args, int n_results, int flags);

/* Whether callbacks are to be run before the process's own code: PR_SYS_CALLBACKS is set. */
int pr_luv_come_first(struct pr_lua *lua, struct pr_lua_process *process);

/* Runs the callbacks that wait. WAITS: all have returned. */
enum pr_slice_end pr_luv_run(struct pr_lua *lua, struct pr_lua_process *process);

#endif
