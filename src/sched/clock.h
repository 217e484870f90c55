/* SPDX-License-Identifier: MIT
 *
 * Time and chance of a scheduler, behind one small interface: so that a test can run schedulers
 * step by step on a clock of its own, with choices drawn from a seed. */
#ifndef PR_CLOCK_H
#define PR_CLOCK_H

#include <stdint.h>

struct pr_clock {
    uint64_t (*now)(struct pr_clock *clock); /* monotonic nanoseconds */
    uint64_t virtual_ns;                     /* of a virtual clock */
};

/* The system's monotonic clock. Thread: any. */
void pr_clock_init_real(struct pr_clock *clock);

/* A clock that stands until virtual_ns is changed. */
void pr_clock_init_virtual(struct pr_clock *clock, uint64_t start_ns);

uint64_t pr_clock_real_ns(void);

/* now + ms, rounded up to nanoseconds; UINT64_MAX for a time that never comes. ms >= 0. */
uint64_t pr_clock_deadline(uint64_t now_ns, double ms);

#endif
