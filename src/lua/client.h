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

/* The target at `arg`: pid, string, via, or (with_alias) ref. Raises for what is none of these, and
 * for a via on a registry with duplicate keys. */
struct pr_target pr_check_target(struct pr_lua *lua, lua_State *L, int arg, int with_alias);

/* The process that {"via", registry, key} at `arg` names, id 0: nobody. Raises as above. */
pierrot_pid pr_find_via(struct pr_lua *lua, lua_State *L, int arg);

/* The name, or the via, at `arg` as a term. Gives; NULL: out of memory, or it cannot be sent. */
pierrot_term *pr_name_term(struct pr_lua *lua, lua_State *L, int arg);

/* Raises the exit {why, {module, function, …the arguments 1 to n_args of L}}; why is on top. */
int pr_raise_call_exit(struct pr_lua *lua, lua_State *L, const char *module, const char *function,
                       int n_args);

void pr_open_client(struct pr_lua *lua, lua_State *L);

#endif
