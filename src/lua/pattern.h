/* SPDX-License-Identifier: MIT
 *
 * What receive and match accept: nil for anything, a value for equal ones, a table for tables that
 * have what it has, any, one_of. Stack indices are positive. */
#ifndef PR_LUA_PATTERN_H
#define PR_LUA_PATTERN_H

#include "lua/state.h"

/* Whether the value at `value` matches the pattern at `pattern`, which holds no function. Raises
 * for a pattern that is cyclic. */
int pr_pattern_match(lua_State *L, int pattern, int value);

/* Whether this light userdata is pierrot.any. */
int pr_pattern_is_any(const void *address);

/* Whether there is a function anywhere in a pattern: those are Lua's to match. */
int pr_pattern_has_function(lua_State *L, int pattern);

/* The newest ref of this scheduler that stands in a pattern itself or in the table it is; of
 * alternatives the oldest. id 0: none, or the message may be older. */
pierrot_ref pr_pattern_ref(struct pr_lua *lua, lua_State *L, int pattern);

void pr_open_pattern(struct pr_lua *lua, lua_State *L);

#endif
