/* SPDX-License-Identifier: MIT
 *
 * When Lua's collector works: between slices, a step at a time, so that what is due or ready is looked
 * after in between. */
#ifndef PR_LUA_COLLECTOR_H
#define PR_LUA_COLLECTOR_H

#include "lua/state.h"

/* Sets the collector of a state of our own. Raises a memory error. */
void pr_collector_open(struct pr_lua *lua, lua_State *L);

/* `collect` of struct pr_language. */
int pr_collector_turn(struct pr_scheduler *scheduler, int is_free);

#endif
