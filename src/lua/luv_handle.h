/* SPDX-License-Identifier: MIT
 *
 * The handles that scripts have made, from their creation until they have reported their close. */
#ifndef PR_LUA_LUV_HANDLE_H
#define PR_LUA_LUV_HANDLE_H

#include "lua/luv_state.h"

/* The record that the next handle will have: from then on pr_luv_handle_adopt cannot fail. Raises a
 * memory error. */
struct pr_luv_handle *pr_luv_handle_reserve(struct pr_luv *luv, lua_State *L);

/* The handle at `index` of L is new, and the process's. */
void pr_luv_handle_adopt(struct pr_luv *luv, lua_State *L, struct pr_luv_owner *owner, int index);

/* NULL: not known. */
struct pr_luv_handle *pr_luv_handle_find(struct pr_luv *luv, const uv_handle_t *handle);

/* Closes it, unless it is closing. */
void pr_luv_handle_close(struct pr_luv *luv, struct pr_luv_handle *handle);

/* It has reported its close: the record goes. */
void pr_luv_handle_forget(struct pr_luv *luv, struct pr_luv_handle *handle);

/* The process ends: what it holds is closed. A child of the system's is waited for first, so that it
 * does not stay a zombie; it is not ended. */
void pr_luv_handle_close_all(struct pr_luv *luv, struct pr_luv_owner *owner);

/* No more is read before pr_luv_handle_go_on: what was read could not be handed over. */
void pr_luv_handle_pause(struct pr_luv_handle *handle);
void pr_luv_handle_go_on(struct pr_luv_handle *handle);

#endif
