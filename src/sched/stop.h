/* SPDX-License-Identifier: MIT
 *
 * The orderly end of a runtime, and the program's signals that ask for it. */
#ifndef PR_STOP_H
#define PR_STOP_H

#include "sched/types.h"

/* Ends all processes: those without a living parent are told first (exit `shutdown` from the
 * parent), and what their end leaves orphaned next; after timeout_ms nothing more is waited for. 0
 * or PIERROT_ETIMEOUT. Thread: the creator, outside of slices. */
int pr_stop_processes(struct pierrot *runtime, int timeout_ms);

/* Runs scheduler 0 until the process has ended or the time is up; the milliseconds that are left of
 * it (negative: no limit). Thread: the creator, outside of slices. */
int pr_stop_await(struct pierrot *runtime, pierrot_pid pid, int timeout_ms);

/* SIGTERM, SIGINT request a halt with status 128 + number; one that comes while the program ends
 * already ends the waiting for others. For programs; a handle on the loop of scheduler 0. 0 or a
 * libuv error. Thread: the creator. */
int pr_stop_on_terminate(struct pierrot *runtime);
int pr_stop_on_interrupt(struct pierrot *runtime);
void pr_stop_ignore_signals(struct pierrot *runtime);

/* At a tick in a slice of the scheduler's: if that is the slice in which such a signal came, and what
 * it runs may wait for the system still, it comes again, for no more than that to be ended. Whether it
 * does. Thread: the watchdog. */
int pr_stop_repeat_signal(struct pr_scheduler *scheduler);

#endif
