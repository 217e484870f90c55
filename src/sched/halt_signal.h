/* SPDX-License-Identifier: MIT
 *
 * The program's signals that ask for its end. */
#ifndef PR_HALT_SIGNAL_H
#define PR_HALT_SIGNAL_H

#include "sched/types.h"

/* SIGTERM, SIGINT request a halt with status 128 + number; one that comes while the program ends
 * already ends the waiting for others. For programs; a handle on the loop of scheduler 0. 0 or a
 * libuv error. Thread: the creator. */
int pr_halt_on_terminate(struct pierrot *runtime);
int pr_halt_on_interrupt(struct pierrot *runtime);
void pr_halt_ignore_signals(struct pierrot *runtime);

/* At a tick in a slice of the scheduler's: if that is the slice in which such a signal came, and
 * what it runs may wait for the system still, it comes again, for no more than that to be ended.
 * Whether it does. Thread: the watchdog. */
int pr_halt_repeat_signal(struct pr_scheduler *scheduler);

#endif
