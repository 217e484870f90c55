/* SPDX-License-Identifier: MIT
 *
 * Taking messages: receive with patterns, flush; and waiting for time alone. */
#ifndef PR_LUA_RECEIVE_H
#define PR_LUA_RECEIVE_H

#include "lua/state.h"

void pr_open_receive(struct pr_lua *lua, lua_State *L);

/* sleep, can_wait. */
void pr_open_sleep(struct pr_lua *lua, lua_State *L);

#endif
