/* SPDX-License-Identifier: MIT */
#include "lua/scalar.h"

#include "lua/ident.h"

int pr_is_scalar(lua_State *L, int index)
{
    switch (lua_type(L, index)) {
    case LUA_TNIL:
    case LUA_TBOOLEAN:
    case LUA_TNUMBER:
    case LUA_TSTRING:
        return 1;
    case LUA_TLIGHTUSERDATA:
        return pr_to_id(L, index) != 0;
    default:
        return 0;
    }
}

int pr_count_pairs(lua_State *L, int table)
{
    int n = 0;
    lua_pushnil(L);
    while (lua_next(L, table)) {
        lua_pop(L, 1);
        n++;
    }
    return n;
}
