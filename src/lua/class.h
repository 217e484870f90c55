/* SPDX-License-Identifier: MIT
 *
 * The modules of gen_servers: one entry for each table in use, shared by its servers, so that a
 * server holds its module in one word. */
#ifndef PR_LUA_CLASS_H
#define PR_LUA_CLASS_H

#include "lua/process.h"

struct pr_class {
    struct pr_map_node node;
    const void *table; /* its address; the store keeps it alive */
    uint32_t place;
    uint32_t n_users;
    int has_names; /* a callback was picked by the name in a request */
    char *name; /* for reports; or NULL */
};

/* The entry of the table at `index` of L, with one more user. Raises a memory error in L. */
struct pr_class *pr_class_hold(struct pr_lua *lua, lua_State *L, int index, const char *name);
void pr_class_drop(struct pr_lua *lua, struct pr_class *class_);

/* Makes the table at `index` of L the module of the server; `name` (may be NULL) is for reports.
 * Raises a memory error in L. */
void pr_class_set(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server, int index,
                  const char *name);

/* Frees what is left, at the end of the state. */
void pr_class_close(struct pr_lua *lua);

/* Pushes the module. There must be a free stack slot. */
void pr_class_push(struct pr_lua *lua, const struct pr_class *class_, lua_State *L);

/* Pushes the callback of that name on L: a function, a table, or what else stands there; nil. May
 * run an __index of the module's: L is protected. */
void pr_class_push_callback(struct pr_lua *lua, struct pr_class *class_, lua_State *L,
                            const char *name);

#endif
