/* SPDX-License-Identifier: MIT
 *
 * Host threads that wait for the runtime: for a function run on a scheduler's thread, for the
 * answer of a server. The thread that made the runtime runs scheduler 0 while it waits. */
#ifndef PR_HOST_CALL_H
#define PR_HOST_CALL_H

#include "sched/call.h"
#include "sched/types.h"

/* What no result is: neither 0 nor an error. */
#define PR_HOST_LATER 1

/* A function to run on the thread of an owner while the host thread waits; embedded in what it
 * needs. */
struct pr_host_visit {
    /* The result for the host thread; or PR_HOST_LATER: pr_host_complete follows. */
    int (*run)(struct pr_owner *owner, struct pr_host_visit *visit);
    /* For pr_host_visit_within: nobody waits for the result any more; frees the visit. */
    void (*abandoned)(struct pr_owner *owner, struct pr_host_visit *visit, int result);
    int result;
    int is_done, is_abandoned; /* (M) under the mutex */
    uv_mutex_t mutex;
    uv_cond_t condition;
    struct pierrot *runtime;
};

/* The result of the visit; PIERROT_EDEADLK on a scheduler's own thread. Thread: any. */
int pr_host_visit(struct pierrot *runtime, struct pr_owner *target, struct pr_host_visit *visit);

/* The same for at most timeout_ms (-1: for ever): then it is PR_HOST_LATER, and the visit is its run's,
 * which ends in `abandoned` and not in a pr_host_complete of later. Thread: any. */
int pr_host_visit_within(struct pierrot *runtime, struct pr_owner *target,
                         struct pr_host_visit *visit, int timeout_ms);

/* Whether a blocking call would wait for itself: on a thread of the runtime's own, or inside of a
 * slice. Thread: any. */
int pr_host_would_deadlock(struct pierrot *runtime);

/* Ends the wait of a visit whose run said PR_HOST_LATER; `visit` is gone then. Thread: any
 * scheduler's. */
void pr_host_complete(struct pr_host_visit *visit, int result);

/* Begins a call in place of a host, by a process that has nothing else to do, and ends one that has its
 * outcome: *reply is given. timeout_ms -1: for ever. Takes: request. Thread: owner. */
int pr_host_begin_call(struct pr_owner *owner, struct pr_process *process, pierrot_pid to,
                       pierrot_term *request, int timeout_ms, struct pr_call **call);
int pr_host_end_call(struct pr_owner *owner, struct pr_call *call, pierrot_term **reply);

/* For use as `return pr_host_await_end(…)` in a visit's run: when that process has ended, the
 * result is what `ended` says of the reason, which it is lent. After timeout_ms (-1: never) it is
 * PIERROT_ETIMEOUT, and with `kills` the process, which
 * lives here, is ended first. Thread: owner. */
typedef int (*pr_host_ended_fn)(struct pr_host_visit *visit, const pierrot_term *reason);
struct pr_host_wait {
    pierrot_pid pid;
    pr_host_ended_fn ended;
    int timeout_ms;
    int kills;
};
int pr_host_await_end(struct pr_owner *owner, struct pr_host_visit *visit,
                      const struct pr_host_wait *wait);

#endif
