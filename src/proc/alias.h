/* SPDX-License-Identifier: MIT
 *
 * Aliases: refs that are addresses. send(ref, …) finds the process in the system's table; whether
 * the alias still counts is decided where the process lives, when the message arrives. */
#ifndef PR_ALIAS_H
#define PR_ALIAS_H

#include "proc/process.h"
#include "proc/relation.h"
#include "proc/signal.h"

/* erlang:alias. flags: PR_ALIAS_EXPLICIT or PR_ALIAS_REPLY. 0 or PIERROT_ENOMEM. Thread: owner. */
int pr_alias(struct pr_owner *owner, struct pr_process *process, uint8_t flags, pierrot_ref *ref);

/* erlang:unalias: whether it was an active alias of this process's. Thread: owner. */
int pr_unalias(struct pr_owner *owner, struct pr_process *process, pierrot_ref ref);

/* The signal of a message by alias. Takes: signal. */
void pr_alias_take(struct pr_owner *owner, struct pr_process *process, struct pr_signal *signal);

#endif
