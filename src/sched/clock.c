/* SPDX-License-Identifier: MIT */
#include "sched/clock.h"

#include <time.h>
#include <uv.h>

uint64_t pr_clock_real_ns(void)
{
    return uv_hrtime();
}

#ifdef CLOCK_MONOTONIC_COARSE
uint64_t pr_clock_coarse_ns(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}
#else
uint64_t pr_clock_coarse_ns(void)
{
    return uv_hrtime();
}
#endif

uint64_t pr_clock_now(const struct pr_clock *clock)
{
    return pr_clock_at(clock, uv_hrtime());
}

uint64_t pr_clock_real_of(const struct pr_clock *clock, uint64_t time_ns)
{
    if (time_ns == UINT64_MAX || pr_clock_stands(clock))
        return UINT64_MAX;
    uint64_t offset_ns = atomic_load_explicit(&clock->offset_ns, memory_order_relaxed);
    uint64_t real_ns = time_ns - offset_ns;
    /* Beyond either end: due, or not within centuries. */
    if ((int64_t)offset_ns > 0)
        return real_ns <= time_ns ? real_ns : 0;
    return real_ns >= time_ns ? real_ns : UINT64_MAX;
}

void pr_clock_stand(struct pr_clock *clock)
{
    if (pr_clock_stands(clock))
        return;
    /* A whole millisecond: what is computed from it in Lua's floats is exact. */
    uint64_t ms = pr_clock_now(clock) / 1000000 + 1;
    atomic_store_explicit(&clock->standing_ns, ms * 1000000, memory_order_seq_cst);
}

void pr_clock_go(struct pr_clock *clock)
{
    if (!pr_clock_stands(clock))
        return;
    uint64_t shown_ns = pr_clock_now(clock);
    atomic_store_explicit(&clock->offset_ns, shown_ns - uv_hrtime(), memory_order_relaxed);
    /* As a release it pairs with pr_clock_at. */
    atomic_store_explicit(&clock->standing_ns, 0, memory_order_seq_cst);
}

void pr_clock_set(struct pr_clock *clock, uint64_t time_ns)
{
    if (pr_clock_stands(clock) && time_ns > pr_clock_now(clock))
        atomic_store_explicit(&clock->standing_ns, time_ns, memory_order_seq_cst);
}

uint64_t pr_clock_deadline(uint64_t now_ns, double ms)
{
    double ns = ms * 1e6;
    /* Beyond some 290 years it never comes; also catches infinity. */
    if (!(ns < 9.2e18))
        return UINT64_MAX;
    uint64_t whole = (uint64_t)ns;
    if ((double)whole < ns)
        whole++;
    return now_ns + whole;
}
