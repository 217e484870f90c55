/* SPDX-License-Identifier: MIT
 *
 * Closing values of processes that end, and what else runs where nothing can give way and all must
 * end: within a budget of ticks of the watchdog and of instructions. */
#ifndef PR_LUA_CLOSING_H
#define PR_LUA_CLOSING_H

#include "lua/state.h"

/* Runs the closing values of a dead or suspended coroutine, within a budget of ticks; but where its
 * hooks are dead, so that nothing could end those values. 1: it is as good as new; 0: it may have
 * failed in a hook of the user's. */
int pr_close_coroutine(struct pr_lua *lua, lua_State *co);

/* Calls the function below its n_args arguments on top of `co`, in which nothing runs, for one
 * result: within the budget of closing values, so it ends, and without a wait. LUA_OK or an error;
 * then `co` is of no more use. */
int pr_call_briefly(lua_State *co, int n_args);

#endif
