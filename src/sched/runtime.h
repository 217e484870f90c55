/* SPDX-License-Identifier: MIT
 *
 * A runtime: its schedulers and what they share. Scheduler 0 is run by the thread that made the
 * runtime, whenever that waits in it; the others have threads of their own. */
#ifndef PR_RUNTIME_H
#define PR_RUNTIME_H

#include "proc/owner.h"
#include "sched/publish.h"
#include "sched/scheduler.h"

struct pr_watchdog;

struct pierrot {
    struct pr_system system;               /* first */
    pierrot_options options;               /* (I) strings copied */
    const struct pr_language *language;    /* (I) */
    struct pr_scheduler **schedulers;      /* (I) [n_schedulers] */
    uint32_t n_schedulers;                 /* (I) */
    int may_spin;                          /* (I) there is a core for each scheduler */
    struct pr_watchdog *watchdog;          /* (I) NULL: none */
    struct pr_published_table published;   /* (M) */
    atomic_int n_ready;                    /* (A) threads that have come up, or failed */
    atomic_int start_error;                /* (A) of a thread */
    atomic_int n_left;                     /* (A) threads that have left their loops */
    atomic_int halt_requested;             /* (A) 1 + exit status; 0: no */
    uv_thread_t creator;                   /* (I) */
    uv_signal_t on_interrupt;              /* (O of scheduler 0) see stop.h */
    uv_signal_t on_terminate;
    int n_signal_handles;
};

static inline struct pierrot *pr_runtime_of(struct pr_owner *owner)
{
    return pr_scheduler_of(owner)->runtime;
}

/* Gives: *runtime. host_state is given to language->open of scheduler 0. 0 or an error. */
int pr_runtime_new(const pierrot_options *options, const struct pr_language *language,
                   void *host_state, struct pierrot **runtime);

/* Kills what runs, joins the threads, frees all. Takes: runtime. Thread: the creator. */
void pr_runtime_free(struct pierrot *runtime);

/* Schedulers have a core each, so one that waits for another may spin. */
int pr_runtime_may_spin(const struct pierrot *runtime);

/* pthread_kill to the thread of a scheduler that is in a slice. Thread: any. */
void pr_runtime_signal(struct pr_scheduler *scheduler, int number);

/* The scheduler with the fewest living processes; ties go to the one after `from`. Thread: any. */
struct pr_scheduler *pr_runtime_least_busy(struct pierrot *runtime, uint32_t from);

/* Before first use, while scheduler 0 is the only one: more schedulers, another preemption.
 * 0 or an error. Thread: the creator. */
int pr_runtime_configure(struct pierrot *runtime, int schedulers, pierrot_preempt preempt);

#endif
