/* SPDX-License-Identifier: MIT
 *
 * Timers of one scheduler: a hierarchical wheel with O(1) arm and cancel. A timer never fires
 * before its deadline (nanoseconds of the scheduler's clock), and timers that are due fire in the
 * order of their deadlines, equal ones in the order in which they were armed.
 *
 * Not for several threads at once; embeds no clock: the time is passed in. Nothing is allocated. */
#ifndef PR_TIMER_H
#define PR_TIMER_H

#include <stdint.h>

#include "base/list.h"

/* Slots per level are 64; a slot of level 0 is 2^PR_WHEEL_TICK_BITS ns wide (65.5 us), one of level
 * n + 1 as wide as the whole of level n: eight levels hold any 64-bit time. */
#define PR_WHEEL_TICK_BITS 16
#define PR_WHEEL_LEVELS    8
#define PR_WHEEL_DUE       PR_WHEEL_LEVELS /* the `level` of a timer in the due list */

struct pr_timer {
    struct pr_node node; /* in its slot, or in the due list */
    uint64_t deadline_ns;
    uint64_t sequence; /* order of arming */
    int16_t level;     /* -1: not armed */
    int16_t slot;
};

/* Invariants
 *   - now_tick and the tick of a timer on level n agree in all their 6-bit digits above n, and on
 *     level n > 0 the timer's digit, which is its slot, is the greater one. (A deadline that has
 *     passed counts as one in now_tick.)
 *   - The due list holds what was in slots up to now_tick, sorted by (deadline, sequence); so
 * nothing in a slot after now_tick comes before anything in it.
 *   - A bit of `occupied` is set where the slot is not empty. */
struct pr_wheel {
    uint64_t now_tick;
    uint64_t sequence;
    uint64_t n_armed;
    uint64_t occupied[PR_WHEEL_LEVELS]; /* a bit per slot that is not empty */
    struct pr_list slots[PR_WHEEL_LEVELS][64];
    struct pr_list due; /* armed still; may hold deadlines after now */
};

void pr_wheel_init(struct pr_wheel *wheel, uint64_t now_ns);

/* A timer that is not armed. */
static inline void pr_timer_init(struct pr_timer *timer)
{
    timer->level = -1;
}

static inline int pr_timer_is_armed(const struct pr_timer *timer)
{
    return timer->level >= 0;
}

/* Arms a timer that is not armed. deadline_ns UINT64_MAX is `never`: it is not armed at all. */
void pr_wheel_arm(struct pr_wheel *wheel, struct pr_timer *timer, uint64_t deadline_ns);

/* Disarms; nothing happens when it is not armed. */
void pr_wheel_cancel(struct pr_wheel *wheel, struct pr_timer *timer);

/* The next timer with deadline_ns <= now_ns, disarmed; NULL when there is none. Call it until it
 * says NULL. now_ns never goes backwards. */
struct pr_timer *pr_wheel_expire(struct pr_wheel *wheel, uint64_t now_ns);

/* A time at which to look again: not after the earliest deadline, and later than now_ns unless
 * something is due; UINT64_MAX when nothing is armed. For a timer on the lowest level that is
 * exactly the earliest deadline. */
uint64_t pr_wheel_next(const struct pr_wheel *wheel, uint64_t now_ns);

/* Whether the invariants hold; looks at every timer. */
int pr_wheel_check(const struct pr_wheel *wheel);

#endif
