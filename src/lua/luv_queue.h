/* SPDX-License-Identifier: MIT
 *
 * The callbacks of a process that wait to be run, oldest first. Each lies on a coroutine of the pool
 * with its arguments, so that it is begun by a resume, and goes on by one when it was preempted. */
#ifndef PR_LUA_LUV_QUEUE_H
#define PR_LUA_LUV_QUEUE_H

#include "lua/luv_state.h"

/* Appends one for the function and the n_args arguments on top of L, popped on success. NULL: out of
 * memory. handle: whose event it is; or NULL. */
struct pr_luv_call *pr_luv_call_new(struct pr_luv *luv, struct pr_luv_owner *owner,
                                    struct pr_luv_handle *handle, lua_State *L, int n_args);

/* It begins: it is no event any more that could be taken back. */
void pr_luv_call_begin(struct pr_luv_call *call);

/* It has returned: its coroutine goes back to the pool. */
void pr_luv_call_end(struct pr_luv *luv, struct pr_luv_call *call);

/* It is given up, whether it has begun or not; values to be closed are closed. */
void pr_luv_call_drop(struct pr_luv *luv, struct pr_luv_call *call);
void pr_luv_call_drop_all(struct pr_luv *luv, struct pr_luv_owner *owner);

/* The events of a handle are given up that nobody has seen yet. */
void pr_luv_call_drop_events(struct pr_luv *luv, struct pr_luv_handle *handle);

#endif
