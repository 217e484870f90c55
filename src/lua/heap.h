/* SPDX-License-Identifier: MIT
 *
 * max_heap: what a process holds in the Lua state that it shares with others, and its end when that is too
 * much. How much the state has grown in its slices is summed up; when the sum passes the limit, what the
 * process can reach is measured, and the sum begins anew. A process without a limit costs nothing. */
#ifndef PR_LUA_HEAP_H
#define PR_LUA_HEAP_H

#include "lua/process.h"

/* Bytes of the state at this moment. */
uint64_t pr_heap_now(struct pr_lua *lua);

/* The slice of a process with a limit is over; it began at `before`. Ends it (killed) where it holds too
 * much; without memory to measure it the next slice tries again. */
void pr_heap_check(struct pr_lua *lua, struct pr_lua_process *process, uint64_t before);

#endif
