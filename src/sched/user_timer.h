/* SPDX-License-Identifier: MIT
 *
 * Timers of users: send_after and start_timer. The signal to send is made when the timer is armed,
 * so firing cannot fail. A timer to a process of this scheduler goes with that process. */
#ifndef PR_USER_TIMER_H
#define PR_USER_TIMER_H

#include "proc/signal.h"
#include "sched/types.h"

/* Whom a timer is for: a process; with an alias as well, if that is active when it fires; or, when
 * name is not NULL, whoever has that name, or via, when it fires. */
struct pr_timer_target {
    pierrot_pid pid;
    pierrot_ref alias; /* id 0: none */
    pierrot_term *name;
};

/* Arms a timer. is_wrapped: the message is {"timeout", ref, value}. Takes: value (for an alias or a
 * name none that only this Lua state can read), target.name. 0 or PIERROT_ENOMEM. Thread: owner. */
int pr_user_timer_start(struct pr_owner *owner, uint64_t deadline_ns, struct pr_timer_target target,
                        int is_wrapped, struct pierrot_term value, pierrot_ref *ref);

/* erlang:cancel_timer, read_timer of a ref made here: nanoseconds left (INT64_MAX: it never fires), or
 * -1: no such timer (any more). Thread: owner. */
int64_t pr_user_timer_cancel(struct pr_owner *owner, pierrot_ref ref);
int64_t pr_user_timer_read(struct pr_owner *owner, pierrot_ref ref);

/* The ops of an owner for PR_TIMER relations. */
void pr_user_timer_release(struct pr_owner *owner, struct pr_relation *relation);

/* All timers that belong to nobody, at the end. */
void pr_user_timer_release_all(struct pr_owner *owner);

#endif
