/* SPDX-License-Identifier: MIT
 *
 * Who led to a process: a list that its tasks' starters leave in its dictionary, as in Elixir. */
#ifndef PR_LUA_CALLERS_H
#define PR_LUA_CALLERS_H

#include "lua/process.h"

/* Pushes the list on the scratch stack, whatever the user has made of it, nearest first. Whether
 * there is one; else nothing is pushed. Thread: owner. */
int pr_lua_push_callers(struct pr_lua *lua, struct pr_lua_process *process);

#endif
