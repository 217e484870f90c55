/* SPDX-License-Identifier: MIT
 *
 * What host threads wait for: the answer of a server, the end of a process. A process of the
 * scheduler's stands for the host's thread meanwhile. */
#ifndef PR_HOST_CALL_H
#define PR_HOST_CALL_H

#include "sched/call.h"
#include "sched/host_visit.h"

/* Whether a host may hand that over: PIERROT_EINVAL without a runtime, or for what is lent;
 * PIERROT_ENOMEM for the NULL of a constructor. Thread: any. */
int pr_host_check(const pierrot *rt, const pierrot_term *term);

/* What is handed over to a runtime, as a term of that one: an actor of another, or a host that has it
 * from there, gives a copy, since memory goes back where it came from. Takes: term. Gives; NULL: out of
 * memory. Thread: any. */
pierrot_term *pr_host_import(pierrot *rt, pierrot_term *term);

/* What a runtime gives to a host, which may keep it when the runtime is gone: so a copy that is in none.
 * Without memory for that it is the term itself. Takes: term, NULL is fine. Gives. Thread: any. */
pierrot_term *pr_host_export(pierrot_term *term);

/* The same for an argument, where NULL is nil. */
int pr_host_check_arg(const pierrot *rt, const pierrot_term *arg);

/* Begins a call in place of a host, by a process that has nothing else to do, and ends one that has its
 * outcome: *reply is given. timeout_ms -1: for ever. Takes: request. Thread: owner. */
int pr_host_begin_call(struct pr_owner *owner, struct pr_process *process, pierrot_pid to,
                       pierrot_term *request, int timeout_ms, struct pr_call **call);
int pr_host_end_call(struct pr_owner *owner, struct pr_call *call, pierrot_term **reply);

/* For use as `return pr_host_await_end(…)` in a visit's run: when that process has ended, the
 * result is what `ended` says of the reason, which it is lent. After timeout_ms (-1: never) it is
 * PIERROT_ETIMEOUT, and with `kills` the process, which
 * lives here, is ended first. Thread: owner. */
typedef int (*pr_host_ended_fn)(struct pr_host_visit *visit, const pierrot_term *reason);
struct pr_host_wait {
    pierrot_pid pid;
    pr_host_ended_fn ended;
    int timeout_ms;
    int kills;
};
int pr_host_await_end(struct pr_owner *owner, struct pr_host_visit *visit,
                      const struct pr_host_wait *wait);

#endif
