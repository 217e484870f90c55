/* SPDX-License-Identifier: MIT
 *
 * Timers of users: send_after and start_timer. The signal to send is made when the timer is armed,
 * so firing cannot fail. A timer to a process of this scheduler goes with that process. */
#ifndef PR_USER_TIMER_H
#define PR_USER_TIMER_H

#include "proc/signal.h"
#include "sched/types.h"

/* Arms a timer. To `to`, or, when name is not NULL, to whoever has that name, or via, when it fires.
 * is_wrapped: the message is {"timeout", ref, value}. Takes: value, name. 0 or PIERROT_ENOMEM.
 * Thread: owner. */
int pr_user_timer_start(struct pr_owner *owner, uint64_t deadline_ns, pierrot_pid to,
                        pierrot_term *name, int is_wrapped, struct pierrot_term value,
                        pierrot_ref *ref);

/* erlang:cancel_timer, read_timer of a ref made here: nanoseconds left, or -1: no such timer (any
 * more). Thread: owner. */
int64_t pr_user_timer_cancel(struct pr_owner *owner, pierrot_ref ref);
int64_t pr_user_timer_read(struct pr_owner *owner, pierrot_ref ref);

/* The ops of an owner for PR_TIMER relations. */
void pr_user_timer_release(struct pr_owner *owner, struct pr_relation *relation);

/* All timers that belong to nobody, at the end. */
void pr_user_timer_release_all(struct pr_owner *owner);

#endif
