/* SPDX-License-Identifier: MIT
 *
 * The records of who holds what of luv's. */
#ifndef PR_LUA_LUV_OWNER_H
#define PR_LUA_LUV_OWNER_H

#include "lua/luv_state.h"

/* NULL: the process holds nothing. */
struct pr_luv_owner *pr_luv_owner_find(struct pr_luv *luv, pierrot_pid pid);

/* The record of the running process, made when missing. Raises where no process runs, and memory
 * errors. */
struct pr_luv_owner *pr_luv_owner_here(struct pr_luv *luv, lua_State *L);

/* Forgets the record, whose lists are empty. */
void pr_luv_owner_remove(struct pr_luv *luv, struct pr_luv_owner *owner);

#endif
