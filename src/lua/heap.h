/* SPDX-License-Identifier: MIT
 *
 * What a process of Lua's holds, for max_heap. All processes of a scheduler share one Lua state, so
 * nobody knows whose an object is: a process that has allocated as much as it may hold, since it was
 * measured last, is measured by a walk of what its stack, its state and its mailbox lead to, which
 * ends as soon as that is too much. What modules hold is nobody's. */
#ifndef PR_LUA_HEAP_H
#define PR_LUA_HEAP_H

#include "lua/process.h"

/* Puts a limit on a process just made. 0 or PIERROT_ENOMEM. */
int pr_heap_limit(struct pr_lua *lua, struct pr_lua_process *process, uint64_t max_bytes);

/* Around a slice of a process with a limit: `begin` gives what `end` wants. A process that holds too
 * much is EXITING after it. */
uint64_t pr_heap_begin(struct pr_lua *lua, struct pr_lua_process *process);
void pr_heap_end(struct pr_lua *lua, struct pr_lua_process *process, uint64_t begun);

/* The allocator of a state of our own; in the state of a host ours goes around the host's, from open
 * to close. */
lua_State *pr_heap_new_state(struct pr_lua *lua);
void pr_heap_enter_host(struct pr_lua *lua);
void pr_heap_leave_host(struct pr_lua *lua);

#endif
