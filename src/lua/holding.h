/* SPDX-License-Identifier: MIT
 *
 * Processes that hold up their scheduler: C functions cannot be interrupted, nor can Lua code that
 * C calls where it cannot yield. When they have let others wait for long, the log hears of it: when
 * Lua code goes on, at the next instruction. */
#ifndef PR_LUA_HOLDING_H
#define PR_LUA_HOLDING_H

#include <lua.h>

/* Tells of the process that runs, once a slice, if the watchdog has seen others wait for it. In a
 * hook of L: Lua allocates nothing for it. */
void pr_holding_tell(lua_State *L);

#endif
