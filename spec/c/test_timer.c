/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "sched/timer.h"
#include "sched/watchdog.h"
#include "test.h"

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

/* Large, so not on the stack; each test begins anew. */
static struct pr_wheel wheel;

static void arm(struct pr_timer *timer, uint64_t deadline_ns)
{
    pr_timer_init(timer);
    pr_wheel_arm(&wheel, timer, deadline_ns);
}

TEST(timers_fire_in_the_order_of_their_deadlines)
{
    static const uint64_t deadlines[] = {3 * S, 1, 70 * MS, 71 * MS, 2, 3600 * S, 500 * 86400 * S};
    static const int order[] = {1, 4, 2, 3, 0, 5, 6};
    struct pr_timer timers[7];
    pr_wheel_init(&wheel, 0);
    for (int i = 0; i < 7; i++)
        arm(&timers[i], deadlines[i]);

    for (int i = 0; i < 7; i++)
        CHECK(pr_wheel_expire(&wheel, 1000 * 86400 * S) == &timers[order[i]]);

    CHECK(pr_wheel_expire(&wheel, 1000 * 86400 * S) == NULL);
}

TEST(equal_deadlines_fire_in_the_order_of_arming)
{
    struct pr_timer timers[20];
    pr_wheel_init(&wheel, 0);
    for (int i = 0; i < 20; i++)
        arm(&timers[i], 5 * S);

    for (int i = 0; i < 20; i++)
        CHECK(pr_wheel_expire(&wheel, 5 * S) == &timers[i]);
}

TEST(a_timer_never_fires_early_and_then_exactly)
{
    static const uint64_t deadlines[] = {1, 65535, 65536, 65537, 4 * MS, 5 * MS + 1, 90000 * S};
    for (int i = 0; i < 7; i++) {
        struct pr_timer timer;
        pr_wheel_init(&wheel, 0);
        arm(&timer, deadlines[i]);

        CHECK(pr_wheel_expire(&wheel, deadlines[i] / 2) == NULL);
        CHECK(pr_wheel_expire(&wheel, deadlines[i] - 1) == NULL);
        CHECK(pr_timer_is_armed(&timer));
        CHECK(pr_wheel_expire(&wheel, deadlines[i]) == &timer);
        CHECK(!pr_timer_is_armed(&timer));
    }
}

TEST(a_cancelled_timer_does_not_fire_wherever_it_was)
{
    struct pr_timer low, high, due, first;
    pr_wheel_init(&wheel, 0);
    arm(&low, 10);
    pr_wheel_cancel(&wheel, &low);
    arm(&high, 10000 * S);
    pr_wheel_cancel(&wheel, &high);
    arm(&first, 20 * S);
    arm(&due, 20 * S + 1);
    CHECK(pr_wheel_expire(&wheel, 20 * S) == &first);
    CHECK_INT(due.level, PR_WHEEL_DUE);

    pr_wheel_cancel(&wheel, &due);
    pr_wheel_cancel(&wheel, &due);

    CHECK(pr_wheel_expire(&wheel, 20000 * S) == NULL);
    CHECK_INT(wheel.n_armed, 0);
    CHECK(pr_wheel_next(&wheel, 20000 * S) == UINT64_MAX);
}

TEST(a_cancelled_timer_can_be_armed_again)
{
    struct pr_timer timer;
    pr_wheel_init(&wheel, 0);
    arm(&timer, 10 * S);
    pr_wheel_cancel(&wheel, &timer);

    pr_wheel_arm(&wheel, &timer, 1 * S);

    CHECK(pr_wheel_expire(&wheel, 1 * S) == &timer);
}

TEST(a_deadline_that_has_passed_fires_at_once_in_its_order)
{
    struct pr_timer a, b, c, d;
    pr_wheel_init(&wheel, 100 * S);
    arm(&a, 100 * S + 5);
    arm(&b, 100 * S + 7);
    CHECK(pr_wheel_expire(&wheel, 100 * S + 6) == &a);

    arm(&c, 3 * S);
    arm(&d, 2 * S);

    CHECK(pr_wheel_expire(&wheel, 100 * S + 7) == &d);
    CHECK(pr_wheel_expire(&wheel, 100 * S + 7) == &c);
    CHECK(pr_wheel_expire(&wheel, 100 * S + 7) == &b);
}

TEST(a_timer_armed_while_others_fire_takes_its_place_among_them)
{
    struct pr_timer a, b, c, late;
    pr_wheel_init(&wheel, 0);
    arm(&a, 10 * MS);
    arm(&b, 20 * MS);
    arm(&c, 30 * MS);
    CHECK(pr_wheel_expire(&wheel, 40 * MS) == &a);

    arm(&late, 25 * MS);

    CHECK(pr_wheel_expire(&wheel, 40 * MS) == &b);
    CHECK(pr_wheel_expire(&wheel, 40 * MS) == &late);
    CHECK(pr_wheel_expire(&wheel, 40 * MS) == &c);
}

TEST(a_deadline_of_never_is_not_armed)
{
    struct pr_timer timer;
    pr_wheel_init(&wheel, 0);

    arm(&timer, UINT64_MAX);

    CHECK(!pr_timer_is_armed(&timer));
    CHECK(pr_wheel_next(&wheel, 0) == UINT64_MAX);
}

TEST(the_whole_range_of_time_is_held)
{
    struct pr_timer soon, last;
    pr_wheel_init(&wheel, 0);
    arm(&last, UINT64_MAX - 1);
    arm(&soon, UINT64_C(1) << 63);

    CHECK(pr_wheel_expire(&wheel, (UINT64_C(1) << 63) - 1) == NULL);
    CHECK(pr_wheel_expire(&wheel, UINT64_MAX - 1) == &soon);
    CHECK(pr_wheel_expire(&wheel, UINT64_MAX - 1) == &last);
}

TEST(next_is_exact_for_what_is_near_and_never_late_for_what_is_far)
{
    struct pr_timer near, far;
    pr_wheel_init(&wheel, 0);
    arm(&far, 10 * S);
    uint64_t far_next = pr_wheel_next(&wheel, 0);

    arm(&near, 1 * MS);

    CHECK(far_next > 0 && far_next <= 10 * S);
    CHECK(pr_wheel_next(&wheel, 0) == 1 * MS);
}

TEST(sleeping_until_next_reaches_a_far_deadline_in_few_steps)
{
    struct pr_timer timer;
    uint64_t deadline = 12345678 * S + 4321, now = 7;
    int n_steps = 0;
    pr_wheel_init(&wheel, now);
    arm(&timer, deadline);

    while (!pr_wheel_expire(&wheel, now)) {
        uint64_t next = pr_wheel_next(&wheel, now);
        REQUIRE(next > now && next <= deadline);
        now = next;
        n_steps++;
    }

    CHECK(now == deadline);
    CHECK(n_steps <= PR_WHEEL_LEVELS + 1);
}

TEST(many_timers_of_one_slot_fire_in_order)
{
    enum { N = 5000 };
    static struct pr_timer timers[N];
    uint64_t last = 0;
    pr_wheel_init(&wheel, 0);
    for (uint64_t i = 0; i < N; i++)
        arm(&timers[i], 1000 + i * 7919 % 60000);

    for (int i = 0; i < N; i++) {
        struct pr_timer *timer = pr_wheel_expire(&wheel, 65000);
        REQUIRE(timer && timer->deadline_ns >= last);
        last = timer->deadline_ns;
    }

    CHECK_INT(wheel.n_armed, 0);
}

/* ---- against a list that is searched from end to end ---- */

enum { N_TIMERS = 200, N_ROUNDS = 3000 };

static uint64_t random_state;

static uint64_t random_below(uint64_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % limit;
}

/* Spans from nanoseconds to centuries. */
static uint64_t random_span(void)
{
    return random_below(UINT64_C(1) << (1 + random_below(58)));
}

static struct pr_timer *naive_first(struct pr_timer *timers)
{
    struct pr_timer *first = NULL;
    for (int i = 0; i < N_TIMERS; i++) {
        struct pr_timer *timer = &timers[i];
        if (!pr_timer_is_armed(timer))
            continue;
        if (!first || timer->deadline_ns < first->deadline_ns ||
            (timer->deadline_ns == first->deadline_ns && timer->sequence < first->sequence))
            first = timer;
    }
    return first;
}

/* Fires what is due, and checks each; whether all was right. */
static int fire_due(struct pr_timer *timers, uint64_t now)
{
    for (;;) {
        struct pr_timer *expected = naive_first(timers);
        if (expected && expected->deadline_ns > now)
            expected = NULL;
        uint64_t next = pr_wheel_next(&wheel, now);
        if (expected ? next > expected->deadline_ns : 0)
            return 0;
        if (pr_wheel_expire(&wheel, now) != expected)
            return 0;
        if (!expected)
            return 1;
        /* Some are armed from within, in the past too. */
        if (random_below(4) == 0) {
            uint64_t back = random_below(2) ? random_below(200000) : 0;
            arm(expected, now - (back < now ? back : 0) + random_below(100000));
        }
    }
}

static void change_some(struct pr_timer *timers, uint64_t now)
{
    for (int i = 0; i < 5; i++) {
        struct pr_timer *timer = &timers[random_below(N_TIMERS)];
        if (pr_timer_is_armed(timer) && random_below(3) == 0)
            pr_wheel_cancel(&wheel, timer);
        else if (!pr_timer_is_armed(timer))
            pr_wheel_arm(&wheel, timer, now + random_span());
    }
}

static void compare_with_naive(uint64_t seed)
{
    static struct pr_timer timers[N_TIMERS];
    random_state = seed;
    uint64_t now = random_span();
    pr_wheel_init(&wheel, now);
    for (int i = 0; i < N_TIMERS; i++)
        pr_timer_init(&timers[i]);
    for (int round = 0; round < N_ROUNDS && now < UINT64_C(1) << 62; round++) {
        change_some(timers, now);
        uint64_t next = pr_wheel_next(&wheel, now);
        struct pr_timer *first = naive_first(timers);
        REQUIRE(first ? next <= first->deadline_ns : next == UINT64_MAX);
        /* To just before, to the time that was named, or anywhere. */
        if (first && random_below(2))
            now = next > now ? next - random_below(2) : now;
        else
            now += random_below(8) ? random_below(1 << 22) : random_span();
        REQUIRE(fire_due(timers, now));
        next = pr_wheel_next(&wheel, now);
        REQUIRE(next > now);
        REQUIRE(round % 8 != 0 || pr_wheel_check(&wheel));
    }
}

TEST(random_use_agrees_with_a_naive_list)
{
    for (uint64_t seed = 1; seed <= 30; seed++)
        compare_with_naive(seed * 0x9e3779b97f4a7c15u);
}

/* ------------------------------------------------------------------------- ticks */

TEST(ticks_tell_what_time_has_passed_at_least)
{
    static struct pierrot runtime;
    static struct pr_scheduler scheduler = {.runtime = &runtime, .clock = &runtime.clock};
    unsigned begun = (unsigned)-2; /* they may wrap around */

    runtime.watchdog = (struct pr_watchdog *)&runtime; /* there is one, and that is all */
    for (unsigned n = 0; n <= 4; n++) {
        atomic_store(&runtime.n_ticks, begun + n);
        CHECK_INT(pr_watchdog_ticked_ns(&scheduler, begun), n <= 1 ? 0 : (n - 1) * MS / 2);
    }
    pr_clock_stand(&runtime.clock);
    CHECK_INT(pr_watchdog_ticked_ns(&scheduler, begun), 0);
}

TEST(without_a_watchdog_they_are_those_of_a_clock_that_is_never_ahead)
{
    static struct pierrot runtime;
    static struct pr_scheduler scheduler = {.runtime = &runtime, .clock = &runtime.clock};
    uint64_t before_ns = pr_clock_real_ns();
    unsigned begun = pr_watchdog_n_ticks_anyway(&scheduler);
    uint64_t passed_ns = 0, ticked_ns = 0;

    while (passed_ns < 40 * MS) {
        ticked_ns = pr_watchdog_ticked_ns(&scheduler, begun);
        passed_ns = pr_clock_real_ns() - before_ns;
        REQUIRE(ticked_ns <= passed_ns);
    }
    CHECK(ticked_ns > 0);
    pr_clock_stand(&runtime.clock);
    CHECK_INT(pr_watchdog_ticked_ns(&scheduler, begun), 0);
}
