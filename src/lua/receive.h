/* SPDX-License-Identifier: MIT
 *
 * Taking messages: receive with patterns, flush, sleep. */
#ifndef PR_LUA_RECEIVE_H
#define PR_LUA_RECEIVE_H

#include "lua/state.h"

void pr_open_receive(struct pr_lua *lua, lua_State *L);

#endif
