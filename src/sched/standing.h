/* SPDX-License-Identifier: MIT
 *
 * Standing time: while the clock of a runtime stands (clock.h), somebody, the observer, waits until
 * all schedulers are idle, hears of the next alarm, and sets the clock to it.
 *
 * All are idle when each of them sleeps, or is the observer's own and has nothing to run. They are
 * looked at one after another, so twice: none has woken up between two looks at it, thus there was
 * a moment, between the first round and the second, at which all slept. Whoever sends wakes up the
 * receiver before it falls asleep itself, so then nothing is on its way either. Events of the loops
 * (sockets) are not waited for. */
#ifndef PR_STANDING_H
#define PR_STANDING_H

#include "sched/types.h"

/* The clock stands from now on; after limit_ms of real time (UINT64_MAX: never) `to` gets the ref as
 * a message. The limit goes when the clock is real again. Thread: owner. */
void pr_standing_begin(struct pr_scheduler *scheduler, uint64_t limit_ms, pierrot_pid to,
                       pierrot_ref ref);
void pr_standing_end(struct pr_scheduler *scheduler);

/* Sets the clock; alarms that are due then fire. Thread: owner. */
void pr_standing_set(struct pr_scheduler *scheduler, uint64_t time_ns);

/* From now on `to`, a process of this scheduler, waits for a reply: when all is idle it gets the time
 * of the next alarm, or false. 0 or PIERROT_EEXIST: somebody waits already. Thread: owner. */
int pr_standing_observe(struct pr_scheduler *scheduler, pierrot_from to);

/* For a scheduler without anything to run. Whether it has the observer, and all others are idle; that
 * is told by the second. Thread: owner. */
int pr_standing_is_idle(struct pr_scheduler *scheduler);
void pr_standing_answer(struct pr_scheduler *scheduler);

/* For one that falls asleep: before it says so, with its next alarm, and after. Thread: owner. */
void pr_standing_before_sleep(struct pr_scheduler *scheduler, uint64_t next_ns);
void pr_standing_tell_observer(struct pr_scheduler *scheduler);

#endif
