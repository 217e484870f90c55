/* SPDX-License-Identifier: MIT
 *
 * A word that stands for a message when a receive passes over it. To look at a message in Lua takes
 * 30 to 80 ns, and more when it is a term; to compare two words, as long as it takes to get at the
 * next message. So who has looked at a message in vain notes its digest in it, and the next pattern
 * is compared with that first.
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
