/* SPDX-License-Identifier: MIT
 *
 * How a server in Lua answers system messages, and tells who traces it (proc/system.h). */
#ifndef PR_LUA_ASKED_H
#define PR_LUA_ASKED_H

#include "lua/frame.h"

enum pr_asked {
    PR_ASKED_ANSWERED, /* and that is all */
    PR_ASKED_TO_STOP,  /* with the reason on top */
    PR_ASKED_IN_LUA    /* a function and its n_args arguments are on top: its results are for
                          pr_asked_take, from PR_BASE + 1 on */
};

/* The request of a system message is on top of the activation's stack, at PR_BASE + 1. */
enum pr_asked pr_asked(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server, int *n_args);
void pr_asked_take(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server);

/* format_status and its argument are on top; where the server is traced it is called with what was
 * logged: the number of arguments of what is to be called now. */
int pr_asked_with_log(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server);

/* Tells the tracer what the server got, on top of L; what it answers the call it handles, at `index`.
 */
void pr_asked_trace_in(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server);
void pr_asked_trace_out(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server, int index);

#endif
