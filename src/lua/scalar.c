/* SPDX-License-Identifier: MIT */
#include "lua/scalar.h"

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

/* A length up to this is believed; a longer one when a part of it is there. */
enum { SHORT_LENGTH = 64, SPARSEST = 4 };

int pr_array_room(lua_State *L, int table)
{
    lua_Unsigned length = lua_rawlen(L, table), n = 0;
    if (length > SHORT_LENGTH) {
        lua_pushnil(L);
        while (n < length / SPARSEST && lua_next(L, table)) {
            lua_pop(L, 1);
            n++;
        }
        if (n < length / SPARSEST)
            return 0; /* lua_next has taken the key */
        lua_pop(L, 1);
    }
    return length < INT32_MAX ? (int)length : INT32_MAX;
}
