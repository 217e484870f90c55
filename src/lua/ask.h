/* SPDX-License-Identifier: MIT
 *
 * Questions to another scheduler: a function runs there and replies, the process waits. */
#ifndef PR_LUA_ASK_H
#define PR_LUA_ASK_H

#include "lua/state.h"

/* What is asked embeds this first. `run` must free it and answer `from` by pr_reply. */
struct pr_ask {
    struct pr_visit visit;
    pierrot_from from;
};

/* Sends the question (visit.run and, for a process, visit.signal.u.to are set) and waits: use as
 * return value, of one result. Takes: ask, but not where it returns PIERROT_ENOMEM. */
int pr_ask(struct pr_lua *lua, lua_State *L, struct pr_owner *home, struct pr_ask *ask);

/* Waits for the answer to a call that was begun, whose value is the result: use as return value. */
int pr_ask_wait(struct pr_lua *lua, lua_State *L, struct pr_call *call);

#endif
