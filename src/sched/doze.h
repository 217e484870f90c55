/* SPDX-License-Identifier: MIT
 *
 * How a scheduler with nothing to do waits: it spins for a few microseconds where that pays, then
 * sleeps in its loop until a signal comes from elsewhere, an alarm is due, or the loop has an
 * event. */
#ifndef PR_DOZE_H
#define PR_DOZE_H

#include "sched/types.h"

/* Opens the handles on the loop, closes them (the loop is run until they are gone).
 * 0 or a libuv error. Thread: owner. */
int pr_doze_open(struct pr_scheduler *scheduler);
void pr_doze_close(struct pr_scheduler *scheduler);

/* For a loop of the host's, see hosted.h: wakes it at the next alarm, or not at all; and keeps it alive
 * until its next turn, where this thread is the loop's. Thread: owner; any. */
void pr_doze_arm(struct pr_scheduler *scheduler);
void pr_doze_stay_alive(struct pr_scheduler *scheduler);

/* A pause in favour of a scheduler that cannot keep up with what is sent to it, of some microseconds,
 * or, when nobody else could run here meanwhile, up to one millisecond (is_stuck). Thread: owner. */
void pr_doze_hold_back(struct pr_owner *owner, struct pr_owner *target, int is_stuck);

/* Waits, unless `until` says that the run is over. Thread: owner. */
void pr_doze(struct pr_scheduler *scheduler, uint64_t now, int (*until)(void *ud), void *ud);

#endif
