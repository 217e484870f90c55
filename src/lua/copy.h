/* SPDX-License-Identifier: MIT
 *
 * Values on their way: straight from one Lua value to another inside a state, to terms and back.
 * Copies keep sharing and cycles, and need no recursion at any depth. Metatables are not carried.
 */
#ifndef PR_LUA_COPY_H
#define PR_LUA_COPY_H

#include "lua/state.h"

/* Pushes on `to` a copy of the value at `index` of `from` (the same state's threads, or one
 * thread). 0; or the value cannot be sent: nothing is pushed, PIERROT_EINVAL. May raise a memory
 * error in `from`. */
int pr_copy(lua_State *from, int index, lua_State *to);

/* The same for a table, in one state. `index` is positive; needs five free stack slots. */
int pr_copy_table(lua_State *L, int index);

/* The value at `index`, of that type, as a cell, when it needs no storage: a pid, a ref, a number,
 * a boolean, nil. Whether it is one. */
int pr_read_word(lua_State *L, int index, int type, struct pierrot_term *cell);

/* The value as a root. Gives. NULL with *error: EINVAL (it cannot be sent), ENOMEM, ELIMIT. May
 * raise a memory error in L. */
pierrot_term *pr_copy_to_term(struct pr_lua *lua, lua_State *L, int index, int *error);

/* The table as a root, when it is a list of a few scalars without long strings, whose bytes a Lua
 * value would share. Gives. NULL: it is not that, or there is no memory. Needs three free stack
 * slots. */
pierrot_term *pr_copy_short(struct pr_lua *lua, lua_State *L, int index);

/* The n values from `first` on as a root {value, …}. Gives. Raises what cannot be sent. */
pierrot_term *pr_copy_tuple(struct pr_lua *lua, lua_State *L, int first, int n);

/* The same, but what a term cannot hold becomes its inspect text: for exit reasons. Never fails:
 * without memory it is "enomem". */
pierrot_term *pr_copy_to_reason(struct pr_lua *lua, lua_State *L, int index);

/* The same of a beginning of the value that is more than is printed of it: costs no more than that,
 * whatever its size. */
pierrot_term *pr_copy_for_report(struct pr_lua *lua, lua_State *L, int index);

/* Pushes a term as a Lua value. Raises a memory error in L. */
void pr_push_term(lua_State *L, const pierrot_term *term);

/* The same of one that is no table. Needs a free stack slot. */
void pr_push_scalar(lua_State *L, const pierrot_term *cell);

/* Pushes a root, which is freed also when pushing raises; NULL is nil. Takes: root. Returns 1. */
int pr_push_root(struct pr_lua *lua, lua_State *L, pierrot_term *root);

/* The value at `index` as what a signal carries to `target` (NULL: to another scheduler, or to keep
 * for long): local or term. Needs a free stack slot. Raises, in L, an error that names what cannot
 * be sent. */
struct pierrot_term pr_encode(struct pr_lua *lua, lua_State *L, int index,
                              struct pr_process *target);

/* The same for what answers a call of that process's. */
struct pierrot_term pr_encode_reply(struct pr_lua *lua, lua_State *L, int index,
                                    struct pr_process *caller);

/* Pushes what a signal carries; the value stays the signal's. Needs a free stack slot. Raises a
 * memory error in L. */
void pr_push_value(struct pr_lua *lua, lua_State *L, const struct pierrot_term *value);

/* Raises the error of a copy that failed: EINVAL names what cannot be sent. */
int pr_copy_raise(struct pr_lua *lua, lua_State *L, int index, int error);

/* Raises the error for a value that cannot be sent. */
int pr_copy_error(struct pr_lua *lua, lua_State *L, int index);

#endif
