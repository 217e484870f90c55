/* SPDX-License-Identifier: MIT */
#include "lua/scalar.h"

#include "lua/ident.h"

int pr_is_scalar(lua_State *L, int index)
{
    int type = lua_type(L, index);
    return pr_is_scalar_type(type) || (type == LUA_TLIGHTUSERDATA && pr_to_id(L, index) != 0);
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
