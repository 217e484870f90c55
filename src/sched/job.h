/* SPDX-License-Identifier: MIT
 *
 * Work for scheduler 0 that runs outside of its slices, and may run the scheduler itself: the main
 * process of a script, the orderly stop. Where a thread of the runtime's own runs scheduler 0 the
 * work is handed to it; else the calling thread does it, which must be the creator. */
#ifndef PR_JOB_H
#define PR_JOB_H

#include "sched/host_call.h"

struct pr_job {
    struct pr_host_visit visit; /* first */
    int (*run)(struct pierrot *runtime, struct pr_job *job);
    /* Whether a script that runs meanwhile is to be given up. */
    int is_stop;
    struct pr_job *next;
};

/* What `run` returned; PIERROT_EDEADLK on a scheduler's own thread, PIERROT_EINVAL on a thread that
 * may not. Lends: job, with `run` set. Thread: any, or the creator (see above). */
int pr_job_do(struct pierrot *runtime, struct pr_job *job);

/* Does what was handed over. Thread: the owner of scheduler 0, outside of slices. */
void pr_job_run_all(struct pierrot *runtime);

#endif
