/* SPDX-License-Identifier: MIT
 *
 * The watchdog: a thread that interrupts slices which last too long while somebody else could run.
 * It sends SIGURG to the scheduler's thread; the handler, on that thread, asks the language to give
 * way at the next chance. No cost to slices that are short: two stores each.
 *
 * Each signal costs 15 to 25 us on some machines, so none is sent unless another process is ready,
 * a signal from elsewhere waits, or an alarm is due. When all schedulers sleep, the watchdog does.
 */
#ifndef PR_WATCHDOG_H
#define PR_WATCHDOG_H

#include "sched/types.h"

struct pr_watchdog;

/* What the handler calls, on the thread whose slice lasts too long; async-signal-safe. One for the
 * whole program; set before any watchdog starts. */
void pr_watchdog_set_interrupt(void (*interrupt)(void));

/* Gives; starts its thread. 0 or an error. */
int pr_watchdog_new(struct pierrot *runtime, struct pr_watchdog **watchdog);
void pr_watchdog_free(struct pr_watchdog *watchdog);

/* Since when the slice that runs has held up others, by the system's clock; 0: it has not, or that
 * has been asked before. Thread: owner. */
uint64_t pr_watchdog_take_hold(struct pr_scheduler *scheduler);

/* The system's coarse clock in ticks. Thread: any. */
unsigned pr_watchdog_n_coarse(void);

/* A measure of time that costs a load: the watchdog's ticks. Beneath one it shows nothing, and without a
 * watchdog nothing at all. Thread: owner. */
static inline unsigned pr_watchdog_n_ticks(const struct pr_scheduler *scheduler)
{
    return atomic_load_explicit(&scheduler->runtime->n_ticks, memory_order_relaxed);
}

/* Whether something may have lasted a tick that began at so many; read the clock then. */
static inline int pr_watchdog_may_have_ticked(const struct pr_scheduler *scheduler, unsigned n_ticks)
{
    return pr_watchdog_n_ticks(scheduler) != n_ticks || !scheduler->runtime->watchdog ||
           atomic_load_explicit(&scheduler->is_away, memory_order_relaxed);
}

/* The same where there may be no watchdog: a clock that is read in 5 ns, a fourth of what the exact one
 * costs, stands in for it there. Thread: owner. */
static inline unsigned pr_watchdog_n_ticks_anyway(const struct pr_scheduler *scheduler)
{
    return scheduler->runtime->watchdog ? pr_watchdog_n_ticks(scheduler) : pr_watchdog_n_coarse();
}

/* What lies at least between then, by pr_watchdog_n_ticks_anyway, and now by the runtime's clock. */
uint64_t pr_watchdog_ticked_ns(const struct pr_scheduler *scheduler, unsigned n_ticks);

/* The scheduler's thread goes to sleep or leaves its loop; it is back, and can be signalled from
 * now on. Nothing without a watchdog. Thread: owner. */
void pr_watchdog_leave(struct pr_scheduler *scheduler);
void pr_watchdog_enter(struct pr_scheduler *scheduler);

#endif
