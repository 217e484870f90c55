/* SPDX-License-Identifier: MIT
 *
 * luv, where it is installed, as a module of processes: bound to the scheduler's loop. */
#ifndef PR_LUA_LUV_H
#define PR_LUA_LUV_H

#include "lua/process.h"

/* Lets require find it: a package searcher. Raises a memory error. */
void pr_luv_offer(struct pr_lua *lua, lua_State *L);

/* The process ends: what it holds of luv's is released. */
void pr_luv_leave(struct pr_lua *lua, struct pr_lua_process *process);

/* Before the Lua state may close: every handle is closed, every request has reported. Waits for what
 * runs in libuv's threads. Thread: the one that has the scheduler's loop. */
void pr_luv_close(struct pr_lua *lua);

#endif
