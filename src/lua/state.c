/* SPDX-License-Identifier: MIT */
#include "lua/state.h"

const char pr_core_key = 0;

void pr_lua_register(lua_State *L, struct pr_lua *lua, const luaL_Reg *functions)
{
    lua_pushlightuserdata(L, lua);
    luaL_setfuncs(L, functions, 1);
}
