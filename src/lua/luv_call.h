/* SPDX-License-Identifier: MIT
 *
 * luv's functions as scripts have them: each calls luv's own, in its place, so that errors are told as
 * luv tells them. */
#ifndef PR_LUA_LUV_CALL_H
#define PR_LUA_LUV_CALL_H

#include "lua/luv_state.h"

/* Pushes the function of that name for luv's own on top of L, popped; luv's box is at `box`. */
void pr_luv_call_push(lua_State *L, int box, const char *name);

/* Pushes one that raises why there is no such function. */
void pr_luv_call_push_refusal(lua_State *L, const char *name, const char *why);

/* walk(fn): fn(handle) for each handle of the calling process's. Upvalue: the box. */
int pr_luv_walk(lua_State *L);

#endif
