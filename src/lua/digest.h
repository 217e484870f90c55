/* SPDX-License-Identifier: MIT
 *
 * A word that stands for a message when a receive asks whether its pattern can match it.
 *
 * The digest of a table is made of what stands at 1, which is what tells most messages apart; that
 * of another value, of the value. What Lua's raw equality takes for equal has the same digest: 1
 * and 1.0, strings of the same bytes. So no message is passed over that matches; different ones may
 * have the same digest, and are looked at. */
#ifndef PR_LUA_DIGEST_H
#define PR_LUA_DIGEST_H

#include "lua/state.h"

/* Of the message on top. Never 0. Needs a slot of the stack. */
uint64_t pr_digest_message(lua_State *L);

/* The same of a term; 0 where that is not known at once. */
uint64_t pr_digest_term(const pierrot_term *message);

/* What the messages that match the pattern at `index` have for a digest; 0: any. */
uint64_t pr_digest_pattern(lua_State *L, int index);

#endif
