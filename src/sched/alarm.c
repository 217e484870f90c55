/* SPDX-License-Identifier: MIT */
#include "sched/alarm.h"

#include "base/assert.h"

uint64_t pr_scheduler_now(struct pr_scheduler *scheduler)
{
    return pr_clock_now(scheduler->clock);
}

void pr_alarm_set(struct pr_owner *owner, struct pr_alarm *alarm, uint64_t deadline_ns,
                  void (*fire)(struct pr_owner *owner, struct pr_alarm *alarm))
{
    struct pr_scheduler *scheduler = pr_scheduler_of(owner);
    alarm->fire = fire;
    pr_wheel_arm(&scheduler->wheel, &alarm->timer, deadline_ns);
    if (deadline_ns < atomic_load_explicit(&scheduler->next_alarm_ns, memory_order_relaxed))
        atomic_store_explicit(&scheduler->next_alarm_ns, deadline_ns, memory_order_relaxed);
}

void pr_alarm_cancel(struct pr_owner *owner, struct pr_alarm *alarm)
{
    pr_wheel_cancel(&pr_scheduler_of(owner)->wheel, &alarm->timer);
}

int pr_alarm_fire_due(struct pr_scheduler *scheduler, uint64_t now)
{
    if (now < atomic_load_explicit(&scheduler->next_alarm_ns, memory_order_relaxed))
        return 0;
    struct pr_timer *timer;
    int n_fired = 0;
    while ((timer = pr_wheel_expire(&scheduler->wheel, now)) != NULL) {
        struct pr_alarm *alarm = PR_CONTAINER_OF(timer, struct pr_alarm, timer);
        alarm->fire(&scheduler->owner, alarm);
        n_fired++;
    }
    atomic_store_explicit(&scheduler->next_alarm_ns, pr_wheel_next(&scheduler->wheel, now),
                          memory_order_relaxed);
    return n_fired > 0;
}
