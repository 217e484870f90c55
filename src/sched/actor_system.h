/* SPDX-License-Identifier: MIT
 *
 * What pierrot.sys asks of actors in C. */
#ifndef PR_ACTOR_SYSTEM_H
#define PR_ACTOR_SYSTEM_H

#include "proc/signal.h"
#include "sched/context.h"

/* Takes a system message, which stays the caller's, and answers it. Thread: owner. */
void pr_actor_take_system(struct pr_owner *owner, struct pr_actor *actor,
                          const struct pr_signal *message);

/* The state of an actor as a term. Gives; NULL: none, or out of memory. */
pierrot_term *pr_actor_state(struct pr_owner *owner, struct pr_actor *actor);

#endif
