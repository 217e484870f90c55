/* SPDX-License-Identifier: MIT
 *
 * Lua as the language of a runtime: opening and closing the state of a scheduler, with everything
 * that scripts find in it. */
#ifndef PR_LUA_LANGUAGE_H
#define PR_LUA_LANGUAGE_H

#include "lua/state.h"

extern const struct pr_language pr_lua_language;

/* Runs the file of that module, embedded in the library; its result is on top. Returns 1. */
int pr_lua_load_embedded(lua_State *L, const char *name);

#endif
