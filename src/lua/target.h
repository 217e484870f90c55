/* SPDX-License-Identifier: MIT
 *
 * Whom an argument means: a pid, a name, a via, an alias. */
#ifndef PR_LUA_TARGET_H
#define PR_LUA_TARGET_H

#include "lua/state.h"

/* Where a message goes: a pid, whoever has a name, an alias. */
struct pr_target {
    pierrot_pid pid; /* id 0: nobody */
    pierrot_ref alias;
};

/* The target at `arg`: pid, string, via, or (with_alias) ref. Raises for what is none of these, and
 * for a via on a registry with duplicate keys. */
struct pr_target pr_check_target(struct pr_lua *lua, lua_State *L, int arg, int with_alias);

/* Whether the table at `arg` is a {"via", registry, key}. */
int pr_is_via(lua_State *L, int arg);

/* The process that {"via", registry, key} at `arg` names, id 0: nobody. Raises as above. */
pierrot_pid pr_find_via(struct pr_lua *lua, lua_State *L, int arg);

/* The name, or the via, at `arg` as a term. Gives; NULL: out of memory, or it cannot be sent. */
pierrot_term *pr_name_term(struct pr_lua *lua, lua_State *L, int arg);

#endif
