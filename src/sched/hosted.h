/* SPDX-License-Identifier: MIT
 *
 * Scheduler 0 on a loop of the host's: whenever the host runs its loop, processes have a turn before
 * the loop sleeps, for a millisecond at most, and the loop wakes for messages and alarms. While a
 * process lives here it keeps the loop alive, as an active handle of the host's does. */
#ifndef PR_HOSTED_H
#define PR_HOSTED_H

#include "sched/types.h"

/* Thread: the loop's. Fails: never (the handles it adds need no memory). */
void pr_hosted_open(struct pr_scheduler *scheduler);
void pr_hosted_close(struct pr_scheduler *scheduler);

#endif
