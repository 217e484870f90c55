/* SPDX-License-Identifier: MIT
 *
 * Crash reports: one for one crash, at most PR_LOG_MAX bytes of text whatever it tells of. */
#ifndef PR_REPORT_H
#define PR_REPORT_H

#include "proc/process.h"

struct pr_report {
    const char *what;         /* "process", "gen_server", "bucket": what kind ended */
    const char *initial_call; /* where its function stands; NULL: unknown */
    const pierrot_term *reason;       /* its note: how the value of an error shows itself */
    const pierrot_term *shown_reason; /* what is told in its place; NULL: that itself */
    const pierrot_term *arguments;    /* of that function; NULL: not told */
    const pierrot_term *last_message; /* NULL: none */
    pierrot_pid client;               /* whose call was handled; id 0: it was none */
    const pierrot_term *state;        /* NULL: none */
    const pierrot_term *callers;      /* who asked for it, nearest first: pids; NULL: unknown */
};

/* Whether the end of this process is to be reported: it crashed, and somebody listens. An exit
 * signal that ends a process is no crash of its own, unless nobody else would tell: it has no
 * ancestors, as the main process. Thread: owner. */
int pr_report_is_due(struct pr_owner *owner, const struct pr_process *process,
                     const pierrot_term *reason);

/* Writes the report of a crash to the log. Thread: owner. */
void pr_report_crash(struct pr_owner *owner, const struct pr_process *process,
                     const struct pr_report *report);

#endif
