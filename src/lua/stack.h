/* SPDX-License-Identifier: MIT
 *
 * The calls that a coroutine is in. Lua finds one by a walk from the top: one level after another
 * would take for ever in a deep stack. */
#ifndef PR_LUA_STACK_H
#define PR_LUA_STACK_H

#include <lua.h>

/* How many there are. */
int pr_count_frames(lua_State *co);

/* The one at the bottom; whether there is one. */
int pr_bottom_frame(lua_State *co, lua_Debug *ar);

/* The value of slot `n` in a frame, moved to L, where there is room; whether there is one. */
int pr_push_local(lua_State *co, const lua_Debug *ar, int n, lua_State *L);

/* Whether one is that of a hook, as far as can be seen: not far below the top, nor where the hook
 * has called its last function in its own place. */
int pr_is_in_hook(lua_State *co);

#endif
