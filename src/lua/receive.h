/* SPDX-License-Identifier: MIT
 *
 * Taking messages: receive with patterns, flush, sleep. */
#ifndef PR_LUA_RECEIVE_H
#define PR_LUA_RECEIVE_H

#include "lua/state.h"

/* A timeout argument: milliseconds as a deadline; UINT64_MAX for none, "infinity", math.huge.
 * Raises for what is no time. */
uint64_t pr_check_deadline(struct pr_lua *lua, lua_State *L, int arg);

void pr_open_receive(struct pr_lua *lua, lua_State *L);

#endif
