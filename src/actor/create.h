/* SPDX-License-Identifier: MIT
 *
 * Processes that the registry starts. A bucket it makes in its own turn; what a `start` says runs
 * in a helper process, so that nobody else waits:
 *
 *   registry                              helper (registry.run_start)
 *     spawn, monitored            ---->     runs what start says
 *     links, adopts, enters       <----     call {"started", pid}: true, or false when it is
 *                                           not wanted any more (the helper ends it again)
 *                                           unlinks the pid, returns
 *     answers all who wait        <----     its DOWN
 *
 * or the helper calls {"failed", reason} in place of started. Callers of the same key wait in the
 * order in which they came. The end of a helper that has said nothing is the failure.
 *
 * Until it is handed over, what the helper has started is the helper's: linked with it, its child.
 */
#ifndef PR_CREATE_H
#define PR_CREATE_H

#include "actor/turn.h"

/* {"create", key [, start]}, and the helper's {"started", pid} and {"failed", reason}: what the
 * callback returns. */
int pr_create(struct pr_turn *turn);
int pr_create_take_started(struct pr_turn *turn);
int pr_create_take_failed(struct pr_turn *turn);

/* The same as a cast. */
int pr_create_unasked(struct pr_turn *turn);

/* The DOWN of this monitor of a process: it may be a helper's. What the callback returns. */
int pr_create_take_down(struct pr_turn *turn, pierrot_pid pid, pierrot_ref ref,
                        const pierrot_term *reason);

/* The registry ends: so do the helpers, and what they are starting. */
void pr_create_fini(pierrot *rt, struct pr_registry *registry);

#endif
