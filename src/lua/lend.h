/* SPDX-License-Identifier: MIT
 *
 * Requests to C actors that are no more than a few scalars: terms on the C stack, whose strings are
 * Lua's own. Whoever is called with one has it lent, as all requests are. */
#ifndef PR_LUA_LEND_H
#define PR_LUA_LEND_H

#include "lua/state.h"
#include "sched/runner.h"

enum { PR_LENT_MAX = 6 };

struct pr_lent {
    struct pierrot_term root;
    struct pr_table table;
    struct pierrot_term items[PR_LENT_MAX];
};

/* The scalar at `index` as a cell that borrows its string; whether it is one. */
int pr_lend_scalar(lua_State *L, int index, struct pierrot_term *cell);

/* The value at `tag` and the n from `first` on as {tag, value, …}; nils at the end count for nothing.
 * It is good while they stay where they are. NULL: they are too many, or not all scalars. */
const pierrot_term *pr_lend_request(lua_State *L, int tag, int first, int n, struct pr_lent *lent);

#endif
