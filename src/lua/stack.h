/* SPDX-License-Identifier: MIT
 *
 * How deep a stack is. Lua finds a frame by a walk from the top: one level after another would take
 * for ever in a deep one. */
#ifndef PR_LUA_STACK_H
#define PR_LUA_STACK_H

#include <lua.h>

/* The number of frames. */
int pr_count_frames(lua_State *co);

/* The frame at the bottom; whether there is one. */
int pr_bottom_frame(lua_State *co, lua_Debug *ar);

#endif
