/* SPDX-License-Identifier: MIT
 *
 * Replies to calls and requests. Who called waits under a PR_CALL (the layer above), who sent a
 * request has a PR_WATCH that takes replies; a reply that finds neither is late and is dropped. */
#ifndef PR_REPLY_H
#define PR_REPLY_H

#include "proc/process.h"
#include "proc/signal.h"

/* gen_server:reply. `process` replies, or NULL: nobody in particular. Takes: value. With failed,
 * value is why there is no answer. 0 or PIERROT_ENOMEM. Thread: owner. */
int pr_reply(struct pr_owner *owner, struct pr_process *process, pierrot_from from, int failed,
             struct pierrot_term value);

/* Turns a call round: it was not taken, for that reason. Takes: call, why. Never fails. */
void pr_reply_refuse(struct pr_owner *owner, struct pr_signal *call, pierrot_term *why);

/* The signal of a reply. Takes: signal. */
void pr_reply_take(struct pr_owner *owner, struct pr_process *process, struct pr_signal *signal);

#endif
