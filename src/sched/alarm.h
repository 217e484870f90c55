/* SPDX-License-Identifier: MIT
 *
 * Alarms of a scheduler: timers that call a function on its thread. */
#ifndef PR_ALARM_H
#define PR_ALARM_H

#include "sched/types.h"

uint64_t pr_scheduler_now(struct pr_scheduler *scheduler);

/* deadline_ns UINT64_MAX: never. Thread: owner. */
void pr_alarm_set(struct pr_owner *owner, struct pr_alarm *alarm, uint64_t deadline_ns,
                  void (*fire)(struct pr_owner *owner, struct pr_alarm *alarm));
void pr_alarm_cancel(struct pr_owner *owner, struct pr_alarm *alarm);

/* Fires what is due; whether anything was. Thread: owner, outside of slices. */
int pr_alarm_fire_due(struct pr_scheduler *scheduler, uint64_t now);

#endif
