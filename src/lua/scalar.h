/* SPDX-License-Identifier: MIT */
#ifndef PR_LUA_SCALAR_H
#define PR_LUA_SCALAR_H

#include "lua/ident.h"

/* Types of which a message can hold any value; of light userdata only pids and refs. */
static inline int pr_is_scalar_type(int type)
{
    return type == LUA_TSTRING || type == LUA_TNUMBER || type == LUA_TNIL || type == LUA_TBOOLEAN;
}

/* Whether the value is what a message holds beside tables. */
static inline int pr_is_scalar(lua_State *L, int index)
{
    int type = lua_type(L, index);
    return pr_is_scalar_type(type) || (type == LUA_TLIGHTUSERDATA && pr_to_id(L, index) != 0);
}

/* The number of entries of a table; `table` is a positive index. */
int pr_count_pairs(lua_State *L, int table);

/* Room for the elements of a copy: the length of the table, INT32_MAX at most; or 0 where few of so
 * many can be there. The length of a table with holes is whatever Lua finds, 2^40 for one of some forty
 * entries. */
int pr_array_room(lua_State *L, int table);

#endif
