/* SPDX-License-Identifier: MIT
 *
 * Host threads that wait for the runtime: for a function run on a scheduler's thread, for the answer
 * of a server. The thread that made the runtime runs scheduler 0 while it waits. */
#ifndef PR_HOST_CALL_H
#define PR_HOST_CALL_H

#include "sched/types.h"

/* A function to run on the thread of an owner while the host thread waits; embedded in what it needs. */
struct pr_host_visit {
    int (*run)(struct pr_owner *owner, struct pr_host_visit *visit);
    int result;
    int is_done; /* (M) under the lock of pr_host_visit */
    uv_mutex_t mutex;
    uv_cond_t condition;
    struct pierrot *runtime;
};

/* What run returned; PIERROT_EDEADLK on a scheduler's own thread. Thread: any. */
int pr_host_visit(struct pierrot *runtime, struct pr_owner *target, struct pr_host_visit *visit);

#endif
