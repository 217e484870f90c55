/* SPDX-License-Identifier: MIT
 *
 * The orderly end of a runtime. */
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

#endif
