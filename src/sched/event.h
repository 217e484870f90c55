/* SPDX-License-Identifier: MIT
 *
 * What is logged on its way to the process that has handlers for it (pierrot.logger): the cast
 * {"event", {level =, text =, time =, pid =, report =}}. */
#ifndef PR_EVENT_H
#define PR_EVENT_H

#include "base/log.h"

/* A pr_log_forward_fn; ud: the struct pr_system. Thread: any. */
enum pr_log_forwarded pr_event_forward(void *ud, pierrot_pid to,
                                       const struct pr_log_event *event);

/* table[field] = value. Takes: value. As pierrot_table_set. Thread: any. */
int pr_event_set(pierrot_term *table, const char *field, pierrot_term *value);

#endif
