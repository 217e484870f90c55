/* SPDX-License-Identifier: MIT
 *
 * Taking messages: receive with patterns, flush, sleep. */
#ifndef PR_LUA_RECEIVE_H
#define PR_LUA_RECEIVE_H

#include "lua/state.h"

/* Pushes a message of the mailbox as its receiver sees it. What had to be built is kept with the
 * message, so that looking again costs little. Raises a memory error in L. */
void pr_push_message(struct pr_lua *lua, lua_State *L, struct pr_signal *message);

/* Whether the value at `value` matches the pattern at `pattern`; functions in patterns raise. */
int pr_match(struct pr_lua *lua, lua_State *L, int pattern, int value);

/* A timeout argument: milliseconds as a deadline; UINT64_MAX for none, "infinity", math.huge.
 * Raises for what is no time. */
uint64_t pr_check_deadline(struct pr_lua *lua, lua_State *L, int arg);

void pr_open_receive(struct pr_lua *lua, lua_State *L);

#endif
