/* SPDX-License-Identifier: MIT
 *
 * The gen_server engine for servers written in Lua. A server is a process with a state and a
 * module; its callbacks run on coroutines of the pool, each by a fresh lua_resume, which is the
 * protected call at the same time. A callback that waits or is preempted keeps its coroutine until
 * it returns. */
#ifndef PR_LUA_SERVER_H
#define PR_LUA_SERVER_H

#include "lua/activation.h"

/* One slice of a server. */
enum pr_slice_end pr_server_run(struct pr_lua *lua, struct pr_lua_process *server);

/* A coroutine of the server's has failed, its body or one beside that: its error value is on top. The
 * server stops with that, after terminate. */
enum pr_slice_end pr_server_fail(struct pr_lua *lua, struct pr_lua_process *server, lua_State *co);

/* Whether a call may run the server at once, nested in the caller: nothing of it is on its way. */
int pr_server_is_idle(struct pr_lua *lua, struct pr_process *process);

/* Runs handle_call at once for the request at `request` of L. PR_NOW_ANSWERED: the reply is on top
 * of L; PR_NOW_REFUSED: it must be sent. Raises in L what cannot be sent, before anything has
 * happened. */
enum pr_now pr_server_call_now(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                               pierrot_from from, int request);

/* Runs the first slice of a server just made at once. */
void pr_server_start_now(struct pr_lua *lua, struct pr_lua_process *server);

const char *pr_server_module_name(const struct pr_lua_process *server);

/* Gives back what the server held of its module. */
void pr_server_leave(struct pr_lua *lua, struct pr_lua_process *server);

/* Makes the engine's functions; frees the table of modules. */
void pr_server_open(struct pr_lua *lua, lua_State *L);
void pr_server_close(struct pr_lua *lua);

#endif
