/* SPDX-License-Identifier: MIT */
#include "sched/clock.h"

#include <uv.h>

uint64_t pr_clock_real_ns(void)
{
    return uv_hrtime();
}

static uint64_t real_now(struct pr_clock *clock)
{
    (void)clock;
    return uv_hrtime();
}

static uint64_t virtual_now(struct pr_clock *clock)
{
    return clock->virtual_ns;
}

void pr_clock_init_real(struct pr_clock *clock)
{
    clock->now = real_now;
    clock->virtual_ns = 0;
}

void pr_clock_init_virtual(struct pr_clock *clock, uint64_t start_ns)
{
    clock->now = virtual_now;
    clock->virtual_ns = start_ns;
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
