/* SPDX-License-Identifier: MIT
 *
 * A scheduler: one thread, one uv loop, one run queue, one Lua state. It is an owner of processes;
 * it lets them run in slices, and between slices lets signals from elsewhere, timers and the loop
 * have their turn. When nothing can run it sleeps in its loop, at no cost.
 *
 * Fairness: a process whose last slice was used up goes into the second queue, behind those that
 * only answered something; the second queue gets a turn at least each PR_STARVATION_NS. So a
 * request and its answer pass between two spinning neighbours without waiting for either. */
#ifndef PR_SCHEDULER_H
#define PR_SCHEDULER_H

#include "sched/types.h"

/* The second queue waits at most so long while the first has work. */
#define PR_STARVATION_NS UINT64_C(5000000)
/* How often the loop is polled while there is work. */
#define PR_POLL_NS UINT64_C(1000000)

/* Initialises everything but the language. `loop` NULL: one of its own.
 * 0, PIERROT_ENOMEM or a libuv error. */
int pr_scheduler_init(struct pr_scheduler *scheduler, struct pierrot *runtime, uint32_t index,
                      uv_loop_t *loop);

/* Kills every process here, lets them end; from then on none can be made. Closes the loop's handles,
 * frees all. Thread: owner. */
void pr_scheduler_kill_all(struct pr_scheduler *scheduler);
void pr_scheduler_fini(struct pr_scheduler *scheduler);

/* Runs processes until `until` says non-zero; it is asked before each slice and after each sleep.
 * May be nested: a host's main process waits in it. Thread: owner. */
void pr_scheduler_run(struct pr_scheduler *scheduler, int (*until)(void *ud), void *ud);

/* Whether its thread is to leave: the runtime is being freed. Thread: any. */
static inline int pr_scheduler_must_stop(struct pr_scheduler *scheduler)
{
    /* acquire: pairs with the store of those who stop it. */
    return atomic_load_explicit(&scheduler->must_stop, memory_order_acquire);
}

/* One process, one slice, or one step of the garbage collector, if there is something to do; whether
 * there was. Thread: owner. */
int pr_scheduler_step(struct pr_scheduler *scheduler);

/* From a callback of the loop that may have made a process ready: the loop does not wait for more. It
 * would, where its timers, which it runs before it polls, were all that there was. */
static inline void pr_scheduler_stay_awake(struct pr_scheduler *scheduler)
{
    if (scheduler->n_runs > 0)
        uv_stop(scheduler->loop);
}

/* From a callback of the loop: `run` at once as a slice of a process that waits, or would go on from a
 * wait, ahead of the queues. What it waits for is looked at again afterwards. Thread: owner. */
void pr_scheduler_run_now(struct pr_scheduler *scheduler, struct pr_process *process,
                          enum pr_slice_end (*run)(struct pr_owner *, struct pr_process *));

/* A process that came back from a slice or from a frame nested in one: back to its place. */
void pr_scheduler_settle(struct pr_owner *owner, struct pr_process *process, enum pr_slice_end end);

/* The current process is about to wait. When one other is ready, and nothing else is due, that one has
 * its slice now, on top of the C stack of the first: whom it answers need not be left and entered again
 * for that. Who runs now, its kind's `run` for the caller to call; NULL: nobody. */
struct pr_process *pr_scheduler_begin_lent(struct pr_scheduler *scheduler);

/* The slice of `process` has come to `end`. Whether the lender has been woken by that and goes on. If not
 * it may lend again while it is RUNNING still, for it waits; or else it is in the queue already, and leaves
 * its slice as if this had not been. */
int pr_scheduler_end_lent(struct pr_scheduler *scheduler, struct pr_process *lender,
                          struct pr_process *process, enum pr_slice_end end);

extern const struct pr_owner_ops pr_scheduler_ops;

#endif
