/* SPDX-License-Identifier: MIT
 *
 * Messages that a receive passes over, again and again where they are not wanted. To look at one in
 * Lua takes 30 to 80 ns. So who has looked at a message in vain notes its digest in it (digest.h),
 * and the next pattern is compared with that first.
 *
 * Messages that nobody wants are often alike. The first of a run of them with one digest knows the
 * last: so a run is passed over in one step, however many they are. A note that goes, with its
 * message or since that was shown to Lua code, puts an end to all runs of the mailbox; the next
 * walk over the messages makes them again.
 *
 * Invariants
 *   - A message with PR_FLAG_NOTED and a digest that is not 0 matches no pattern of another digest.
 *   - Where `alike_at` is the mailbox's n_notes_gone, all messages up to `alike` are noted and have
 * the same digest. */
#ifndef PR_LUA_PASSING_H
#define PR_LUA_PASSING_H

#include "lua/process.h"

/* The message, which is on top of L, is passed over. */
void pr_pass(lua_State *L, struct pr_signal *message);

/* The message is shown to Lua code that may change it, now or later: it is always looked at. */
void pr_pass_shown(struct pr_mailbox *mailbox, struct pr_signal *message);

/* The first message from `message` on that may match a pattern with this digest; or NULL. Moves the
 * save point behind those before it. */
struct pr_signal *pr_pass_over(struct pr_lua_process *self, struct pr_signal *message,
                               uint64_t digest);

#endif
