/* SPDX-License-Identifier: MIT
 *
 * Host threads that wait for a function run on a scheduler's thread. The thread that made the runtime
 * runs scheduler 0 while it waits, where no thread of the runtime's own does.
 *
 * A wait ends at its time-out whatever the scheduler does: a process that never gives way must not hold
 * a host. So a visit with a limit lies on the heap and has one owner at a time, which its mutex decides:
 * the host's thread, until it gives up (is_abandoned); then the scheduler, which drops the result that
 * comes later, or does not even begin. Whoever finds the other gone frees it. */
#ifndef PR_HOST_VISIT_H
#define PR_HOST_VISIT_H

#include "sched/types.h"

/* What no result is: neither 0 nor an error. */
#define PR_HOST_LATER 1

/* A function to run on the thread of an owner while the host thread waits; embedded in what it
 * needs. */
struct pr_host_visit {
    /* The result for the host thread; or PR_HOST_LATER: pr_host_complete follows. */
    int (*run)(struct pr_owner *owner, struct pr_host_visit *visit);
    /* For pr_host_visit_within: nobody waits for the result any more; frees the visit. An error is
     * PIERROT_ETIMEOUT where it has not begun. */
    void (*abandoned)(struct pr_owner *owner, struct pr_host_visit *visit, int result);
    uint64_t end_ns; /* (I) by the system's clock; UINT64_MAX: never */
    int result;
    int is_done, is_abandoned; /* (M) under the mutex */
    uv_mutex_t mutex;
    uv_cond_t condition;
    struct pierrot *runtime;
};

/* The result of the visit; PIERROT_EDEADLK on a scheduler's own thread. Thread: any. */
int pr_host_visit(struct pierrot *runtime, struct pr_owner *target, struct pr_host_visit *visit);

/* The same for at most timeout_ms (negative: for ever): then it is PR_HOST_LATER, and the visit, which
 * lies on the heap, is the scheduler's: it ends in `abandoned`. Thread: any. */
int pr_host_visit_within(struct pierrot *runtime, struct pr_owner *target,
                         struct pr_host_visit *visit, int timeout_ms);

/* What is left of its time; -1: for ever. Thread: any. */
int pr_host_remaining_ms(const struct pr_host_visit *visit);

/* Whether its host has given up: no use to begin. Thread: any scheduler's. */
int pr_host_is_abandoned(struct pr_host_visit *visit);

/* Whether a blocking call would wait for itself: on a thread of the runtime's own, inside of a slice, or
 * in a callback of the loop that runs for such a call. Thread: any. */
int pr_host_would_deadlock(struct pierrot *runtime);

/* Ends the wait of a visit whose run said PR_HOST_LATER; `visit` is gone then. Thread: owner, any. */
void pr_host_complete(struct pr_owner *owner, struct pr_host_visit *visit, int result);

#endif
