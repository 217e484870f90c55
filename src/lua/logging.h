/* SPDX-License-Identifier: MIT
 *
 * The log, for pierrot.logger: writing, the level, the sink, and the process that gets events. */
#ifndef PR_LUA_LOGGING_H
#define PR_LUA_LOGGING_H

#include "lua/state.h"

void pr_open_logging(struct pr_lua *lua, lua_State *L);

#endif
