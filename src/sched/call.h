/* SPDX-License-Identifier: MIT
 *
 * Waiting for an answer: a call to a server, the start of one, a question to another scheduler. The
 * relation stands under a fresh ref that the answer carries, so an answer that comes too late finds
 * nothing and never reaches the mailbox. */
#ifndef PR_CALL_H
#define PR_CALL_H

#include "proc/relation.h"
#include "proc/signal.h"
#include "sched/types.h"

enum pr_outcome {
    PR_PENDING,
    PR_ANSWERED,
    PR_FAILED, /* value: why */
    PR_TIMED_OUT
};

struct pr_call {
    struct pr_relation relation;
    struct pr_alarm alarm;
    struct pierrot_term value; /* of the answer */
    uint8_t outcome;
    uint8_t is_monitored;
};

/* Begins to wait: `process` will be woken when the answer to `ref` is there, when the time is up,
 * or (is_monitored) when `peer` ends. NULL: out of memory. Thread: owner. */
struct pr_call *pr_call_begin(struct pr_owner *owner, struct pr_process *process, pierrot_pid peer,
                              pierrot_ref ref, int is_monitored, uint64_t deadline_ns);

/* Waits for the answer of a server here that has taken the request already, nested in the caller;
 * it may be EXITING by now. NULL: out of memory. */
struct pr_call *pr_call_attach(struct pr_owner *owner, struct pr_process *process,
                               struct pr_process *server, pierrot_ref ref, uint64_t deadline_ns);

/* Sends the request of a call. Takes: value. 0 or PIERROT_ENOMEM (the call then must be ended). */
int pr_call_send(struct pr_owner *owner, struct pr_call *call, struct pierrot_term value,
                 uint8_t flags);

/* Ends it, whatever its state: the ref is forgotten. *value is the answer, and the caller's to
 * drop; NULL drops it. */
enum pr_outcome pr_call_end(struct pr_owner *owner, struct pr_call *call,
                            struct pierrot_term *value);

/* The ops of an owner for PR_CALL relations. */
void pr_call_answer(struct pr_owner *owner, struct pr_relation *relation, int failed,
                    struct pierrot_term value);

#endif
