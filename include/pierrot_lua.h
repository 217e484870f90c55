/* SPDX-License-Identifier: MIT
 *
 * The Lua module: require "pierrot" in a stock interpreter. */
#ifndef PIERROT_LUA_H
#define PIERROT_LUA_H

#include "pierrot.h"

#ifdef __cplusplus
extern "C" {
#endif

struct lua_State;

/* Opens pierrot in a state of the host's: a runtime whose scheduler 0 is run by the state's main program
 * whenever that waits; it ends with lua_close. Thread: the state's. */
PIERROT_API int luaopen_pierrot(struct lua_State *L);

#ifdef __cplusplus
}
#endif

#endif
