/* SPDX-License-Identifier: MIT
 *
 * What a process does to others: send, call, cast, reply, requests; and finding them by name. */
#ifndef PR_LUA_CLIENT_H
#define PR_LUA_CLIENT_H

#include "lua/state.h"

/* Where a message goes: a pid, whoever has a name, an alias. */
struct pr_target {
    pierrot_pid pid; /* id 0: nobody */
    pierrot_ref alias;
};

/* The target at `arg`: pid, string, or (with_alias) ref; a via is resolved by the Lua side before.
 * Raises for what is none of these. */
struct pr_target pr_check_target(struct pr_lua *lua, lua_State *L, int arg, int with_alias);

/* Raises the exit {why, {module, function, …the arguments 1 to n_args of L}}; why is on top. */
int pr_raise_call_exit(struct pr_lua *lua, lua_State *L, const char *module, const char *function,
                       int n_args);

void pr_open_client(struct pr_lua *lua, lua_State *L);

/* What a DOWN shows in place of the pid when the server at `arg` was monitored: its name, or a via
 * that names nobody; else NULL. Gives: *name. 0 or PIERROT_ENOMEM. */
int pr_shown_name(struct pr_lua *lua, lua_State *L, int arg, struct pr_target target,
                  pierrot_term **name);

#endif
