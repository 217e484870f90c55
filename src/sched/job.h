/* SPDX-License-Identifier: MIT
 *
 * Work for scheduler 0 that runs outside of its slices, and may run the scheduler itself: the main
 * process of a script, the orderly stop. Where a thread of the runtime's own runs scheduler 0 the
 * work is handed to it; else the calling thread does it, which must be the creator. */
#ifndef PR_JOB_H
#define PR_JOB_H

#include "sched/host_visit.h"

struct pr_job {
    struct pr_host_visit visit; /* first */
    int (*run)(struct pierrot *runtime, struct pr_job *job);
    /* Whether a script that runs meanwhile is to be given up. */
    int is_stop;
    struct pr_job *next;
};

/* What `run` returned; PIERROT_EDEADLK on a scheduler's own thread, PIERROT_EINVAL on a thread that
 * may not; PR_HOST_LATER after timeout_ms (negative: never), as pr_host_visit_within. Lends: job, with
 * `run` set, and with a limit `visit.abandoned`. Thread: any, or the creator (see above). */
int pr_job_do(struct pierrot *runtime, struct pr_job *job, int timeout_ms);

/* Does what was handed over. Thread: the owner of scheduler 0, outside of slices. */
void pr_job_run_all(struct pierrot *runtime);

/* They will not be done: nobody waits for them any more. Thread: the one that frees the runtime. */
void pr_job_drop_all(struct pierrot *runtime);

#endif
