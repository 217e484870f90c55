/* SPDX-License-Identifier: MIT
 *
 * System messages (proc/system.h), as pierrot.sys sends them. */
#ifndef PR_LUA_SYSTEM_H
#define PR_LUA_SYSTEM_H

#include "lua/state.h"

void pr_open_system(struct pr_lua *lua, lua_State *L);

#endif
