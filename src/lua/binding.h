/* SPDX-License-Identifier: MIT
 *
 * The functions of one call each: identifiers, links, monitors, aliases, names, timers, exits. A
 * binding checks arguments, calls one function of the layers below, pushes results. */
#ifndef PR_LUA_BINDING_H
#define PR_LUA_BINDING_H

#include "lua/state.h"

void pr_open_binding(struct pr_lua *lua, lua_State *L); /* relations, exits, names */
void pr_open_timers(struct pr_lua *lua, lua_State *L);
void pr_open_standing(struct pr_lua *lua, lua_State *L);
void pr_open_info(struct pr_lua *lua, lua_State *L);
void pr_open_base(struct pr_lua *lua, lua_State *L); /* print, os.exit, tostring of pids */

#endif
