/* SPDX-License-Identifier: MIT
 *
 * What runs in the coroutine of a server: from a message to its callback. */
#ifndef PR_LUA_ACTIVATION_H
#define PR_LUA_ACTIVATION_H

#include "lua/frame.h"

/* The body of a coroutine that serves; who starts it lays out its stack, by the server's phase.
 * Upvalue: the Lua side. */
int pr_activate(lua_State *L);

/* The body for a callback that a nested call began: pid, ref, its results. */
int pr_activate_results(lua_State *L);

/* Whether there is something to handle: a message, when it is suspended a system message, or its
 * timeout. */
int pr_server_has_work(struct pr_lua_process *server);

#endif
