/* SPDX-License-Identifier: MIT
 *
 * What a process does to others, as functions of Lua. */
#ifndef PR_LUA_CLIENT_H
#define PR_LUA_CLIENT_H

#include "lua/state.h"

void pr_open_client(struct pr_lua *lua, lua_State *L); /* send, cast, reply, send_request */
void pr_open_calls(struct pr_lua *lua, lua_State *L);  /* call and its like, which wait */
void pr_open_reads(struct pr_lua *lua, lua_State *L);  /* read: of a C actor, without a message */

#endif
