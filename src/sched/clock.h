/* SPDX-License-Identifier: MIT
 *
 * The time of a runtime. It is real, or it stands until somebody sets it: so that a test decides
 * when alarms fire. It never goes backwards: when it becomes real again it goes on from where it
 * stood, so real time has an offset from the system's clock. */
#ifndef PR_CLOCK_H
#define PR_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>

/* Shared by the schedulers of a runtime; zeroed, it is real. Real time is the system's monotonic
 * clock plus offset_ns, modulo 2^64. */
struct pr_clock {
    _Atomic(uint64_t) standing_ns; /* (A) what it shows while it stands; 0: it is real */
    _Atomic(uint64_t) offset_ns;   /* (A) */
};

/* The system's monotonic clock. Thread: any. */
uint64_t pr_clock_real_ns(void);

/* The same in steps, where that is cheaper, of PR_CLOCK_STEP_NS at most; never ahead. Thread: any. */
uint64_t pr_clock_coarse_ns(void);

#define PR_CLOCK_STEP_NS UINT64_C(10000000)

/* What the clock shows, given what the system's shows. Thread: any. */
static inline uint64_t pr_clock_at(const struct pr_clock *clock, uint64_t real_ns)
{
    /* acquire: pairs with pr_clock_go, whose offset belongs to the 0. */
    uint64_t standing_ns = atomic_load_explicit(&clock->standing_ns, memory_order_acquire);
    if (standing_ns)
        return standing_ns;
    return real_ns + atomic_load_explicit(&clock->offset_ns, memory_order_relaxed);
}

uint64_t pr_clock_now(const struct pr_clock *clock);

/* When the system's clock will show what this one shows at time_ns; UINT64_MAX: never, while it
 * stands. */
uint64_t pr_clock_real_of(const struct pr_clock *clock, uint64_t time_ns);

/* seq_cst, as the stores of the three below: a scheduler that falls asleep says so and then looks here;
 * who changes the clock does so and then wakes those that sleep (doze.c). */
static inline int pr_clock_stands(const struct pr_clock *clock)
{
    return atomic_load_explicit(&clock->standing_ns, memory_order_seq_cst) != 0;
}

/* Whether it stands, at time_ns or later. */
static inline int pr_clock_stands_at(const struct pr_clock *clock, uint64_t time_ns)
{
    uint64_t standing_ns = atomic_load_explicit(&clock->standing_ns, memory_order_seq_cst);
    return standing_ns && standing_ns >= time_ns;
}

/* From the next full millisecond on it stands; it is real again; it shows a later time, if it stands. Thread: any, one at
 * a time. */
void pr_clock_stand(struct pr_clock *clock);
void pr_clock_go(struct pr_clock *clock);
void pr_clock_set(struct pr_clock *clock, uint64_t time_ns);

/* now + ms, rounded up to nanoseconds; UINT64_MAX for a time that never comes. ms >= 0. */
uint64_t pr_clock_deadline(uint64_t now_ns, double ms);

#endif
