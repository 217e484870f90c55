/* SPDX-License-Identifier: MIT
 *
 * Items of info that processes in Lua alone have. */
#ifndef PR_LUA_ITEMS_H
#define PR_LUA_ITEMS_H

#include "lua/process.h"

/* An item of a process, as a cell of the arena. 0; PIERROT_ENOMEM; PIERROT_ENOTFOUND: no such item.
 * Thread: owner. */
int pr_lua_info(struct pr_lua *lua, struct pr_lua_process *process, const char *item,
                struct pr_arena *arena, struct pierrot_term *cell);

#endif
