/* SPDX-License-Identifier: MIT
 *
 * Starts on other schedulers: of Lua processes, of servers and of the C actors. */
#ifndef PR_LUA_REMOTE_H
#define PR_LUA_REMOTE_H

#include "lua/state.h"

void pr_open_remote(struct pr_lua *lua, lua_State *L);

#endif
