/* SPDX-License-Identifier: MIT
 *
 * A runtime: its schedulers and what they share. Scheduler 0 is run by the thread that made the
 * runtime, whenever that waits in it; the others have threads of their own. */
#ifndef PR_RUNTIME_H
#define PR_RUNTIME_H

#include "sched/types.h"

/* Gives: *runtime. host_state is given to language->open of scheduler 0. 0 or an error. */
int pr_runtime_new(const pierrot_options *options, const struct pr_language *language,
                   void *host_state, struct pierrot **runtime);

/* Kills what runs, joins the threads, frees all. Takes: runtime. Thread: the creator. */
void pr_runtime_free(struct pierrot *runtime);

/* The scheduler on which the fewest processes run or could; of these the one with the fewest processes
 * at all, then the one after `from`. What runs on `from` now, the caller, does not count. Thread: any. */
struct pr_scheduler *pr_runtime_least_busy(struct pierrot *runtime, uint32_t from);

/* Before first use, while scheduler 0 is the only one: more schedulers, another preemption.
 * 0 or an error: then all is as before. Thread: the creator. */
int pr_runtime_configure(struct pierrot *runtime, int schedulers, pierrot_preempt preempt);

#endif
