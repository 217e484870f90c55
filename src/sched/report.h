/* SPDX-License-Identifier: MIT
 *
 * Crash reports: one text for one crash, at most PR_LOG_MAX bytes whatever it tells of. */
#ifndef PR_REPORT_H
#define PR_REPORT_H

#include "proc/process.h"

struct pr_report {
    const char *what;         /* "process", "gen_server", "bucket": what kind ended */
    const char *initial_call; /* where its function stands; NULL: unknown */
    const pierrot_term *reason;
    const pierrot_term *last_message; /* NULL: none */
    const pierrot_term *state;        /* NULL: none */
};

/* Writes the report of a crash to the log, for reasons that are not clean. Thread: owner. */
void pr_report_crash(struct pr_owner *owner, const struct pr_process *process,
                     const struct pr_report *report);

#endif
