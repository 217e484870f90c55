/* SPDX-License-Identifier: MIT
 *
 * What a host gives its scripts. */
#ifndef PR_LUA_HOST_H
#define PR_LUA_HOST_H

#include "lua/state.h"

/* Offers options->functions as "pierrot.host". Raises a memory error. */
void pr_open_host(struct pr_lua *lua, lua_State *L);

/* Calls options->open, whose result is given. May raise. */
int pr_host_prepare(struct pr_lua *lua, lua_State *L);

#endif
