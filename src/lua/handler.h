/* SPDX-License-Identifier: MIT
 *
 * From a request to the callback that handles it: which function of a table of callbacks it is, and
 * the arguments it gets. */
#ifndef PR_LUA_HANDLER_H
#define PR_LUA_HANDLER_H

#include "lua/process.h"

/* The state of a server: pushes it, nil before init is done; takes the value on top as the new one.
 */
void pr_handler_push_state(struct pr_lua *lua, lua_State *L, const struct pr_lua_process *server);
void pr_handler_set_state(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server);

/* Pushes what a callback returns for a state that is to be nil, since a nil leaves the state. */
void pr_handler_push_nil_state(lua_State *L);

/* Pushes {pid, ref}. */
void pr_handler_push_from(lua_State *L, pierrot_from from);

enum pr_pushed {
    PR_PUSHED,
    PR_NOT_SCALARS, /* one is a table and must not be shared (`scalars_only`) */
    PR_TOO_MANY     /* for arguments of a function */
};

/* Pushes the elements of the request from the second on, up to the largest integer key; nil where
 * there is none. Unless PR_PUSHED nothing is pushed. */
enum pr_pushed pr_handler_push_elements(lua_State *L, int request, int scalars_only);

/* Replaces the table of callbacks on top by the function for the request, if any; whether it is the
 * one picked by name (else it is the catch-all). nil on top: there is none. With lua_gettable for `get`
 * the table may inherit callbacks, and code of the module may run; with lua_rawget it may not. */
int pr_handler_pick(lua_State *L, int request, int (*get)(lua_State *, int));

/* A request {name, …} of scalars, as a term, need not become a table: with the callback on top, a table
 * that has a function of this name, leaves function and arguments; their number. -1: it must be a
 * Lua value, and the stack is as before. */
int pr_handler_spread(struct pr_lua *lua, lua_State *L, const struct pr_lua_process *server,
                      const pierrot_term *request, const pierrot_from *from);

/* Whether a value is such a request. */
int pr_handler_can_spread(const struct pierrot_term *value);

/* With the callback on top (function or table) and the request at `request`: leaves function and
 * arguments; their number, or -1: nothing handles this request (the stack is as before the
 * callback). The request is the server's own copy. */
int pr_handler_push_arguments(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                              int request, const pierrot_from *from);

#endif
