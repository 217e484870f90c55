/* SPDX-License-Identifier: MIT */
#ifndef PR_LUA_SCALAR_H
#define PR_LUA_SCALAR_H

#include "lua/state.h"

/* Whether the value is what a message holds beside tables. */
int pr_is_scalar(lua_State *L, int index);

/* The number of entries of a table; `table` is a positive index. */
int pr_count_pairs(lua_State *L, int table);

#endif
