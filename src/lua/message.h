/* SPDX-License-Identifier: MIT */
#ifndef PR_LUA_MESSAGE_H
#define PR_LUA_MESSAGE_H

#include "lua/state.h"

/* Pushes a message of the mailbox as its receiver sees it. Raises a memory error in L. */
void pr_push_message(struct pr_lua *lua, lua_State *L, struct pr_signal *message);

#endif
