/* SPDX-License-Identifier: MIT
 *
 * The function that luv gets in place of a script's callback: it knows whose it is. luv never calls it,
 * it is taken apart where callbacks come in (luv_event.c). */
#ifndef PR_LUA_LUV_CALLBACK_H
#define PR_LUA_LUV_CALLBACK_H

#include "lua/luv_state.h"

enum pr_luv_kind {
    PR_LUV_EVENT,   /* of a handle, which may have more of them */
    PR_LUV_ANSWER,  /* to a request of a handle's */
    PR_LUV_REQUEST, /* to one of nobody's: `what` is a struct pr_luv_request */
    PR_LUV_OPENED,  /* the same, with a descriptor among the results */
    PR_LUV_CLOSED,  /* of a handle: the last that is heard of it */
    PR_LUV_EXITED,  /* of an OS process */
    PR_LUV_WORKED   /* `what` is the work's userdata */
};

struct pr_luv_callback {
    pierrot_pid pid; /* id 0: nobody's */
    enum pr_luv_kind kind;
    void *what; /* a struct pr_luv_handle, if not said otherwise; or NULL */
};

/* Wraps the function at `function` of L (0: none); keeps the value at `kept` (0: none) alive as long
 * as luv knows the callback. Pushes it. Raises a memory error. luv's box is at `box`. */
void pr_luv_callback_push(lua_State *L, int box, const struct pr_luv_callback *callback,
                          int function, int kept);

/* Sets `what` of the callback at `index`, if that is one. */
void pr_luv_callback_set(lua_State *L, int index, void *what);

/* Whose the value at `index` is; NULL: none of ours. Needs a free slot on the stack. */
struct pr_luv *pr_luv_callback_get(lua_State *L, int index, struct pr_luv_callback *callback);

/* Pushes the script's function, or nil. */
void pr_luv_callback_push_function(lua_State *L, int index);

#endif
