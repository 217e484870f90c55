/* SPDX-License-Identifier: MIT
 *
 * What a server's engine keeps while a callback runs: on the stack of the coroutine, and, for a call
 * nested in its caller, on the C stack. */
#ifndef PR_LUA_FRAME_H
#define PR_LUA_FRAME_H

#include "lua/process.h"

/* Layout of the stack of an activation: 1, 2: pid and ref of the caller whose call is handled
 * (nil); 3: the message that is handled, for the report of a crash; 4: the module, or nil while it is
 * not looked up; from 5 on the callback, its arguments, its results. */
enum { PR_FROM_PID = 1, PR_FROM_REF = 2, PR_HANDLED = 3, PR_MODULE = 4, PR_BASE = 4 };

/* A call that is nested in its caller: the reply goes straight to the caller's stack. */
struct pr_lua_now {
    pierrot_ref ref;
    lua_State *L; /* the caller's; there is room for the reply */
    int request;  /* where it stands there */
    pierrot_pid caller;
    const struct pr_lua_process *server;
    int is_answered;
    struct pr_lua_now *outer;
};

#endif
