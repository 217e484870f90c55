/* SPDX-License-Identifier: MIT
 *
 * Errors that are said of the library's function that the user has called, at the user's line,
 * whatever lies between: the files of the library in Lua, tail calls, a pcall. */
#ifndef PR_LUA_BLAME_H
#define PR_LUA_BLAME_H

#include "lua/state.h"

/* bad argument #1 to 'send' (text): as luaL_argerror, but always by the name that the function has
 * in its module. `text` may be on the stack of L. Returns never. */
int pr_argument_error(struct pr_lua *lua, lua_State *L, int arg, const char *text);

/* As luaL_checkany. */
void pr_check_any(struct pr_lua *lua, lua_State *L, int arg);

/* As luaL_error, with the text of a finished string. Returns never. */
int pr_user_error(struct pr_lua *lua, lua_State *L, const char *text);

#endif
