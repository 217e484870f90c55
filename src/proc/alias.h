/* SPDX-License-Identifier: MIT
 *
 * Aliases: refs that are addresses. send(ref, …) finds the process in the system's table; whether the
 * alias still counts is decided where the process lives, when the message arrives. */
#ifndef PR_ALIAS_H
#define PR_ALIAS_H

#include "proc/process.h"
#include "proc/relation.h"
#include "proc/signal.h"

/* Gives; NULL: out of memory. */
struct pr_aliases *pr_aliases_new(struct pr_heap *heap);
void pr_aliases_free(struct pr_aliases *aliases, struct pr_heap *heap);

/* erlang:alias. flags: PR_ALIAS_EXPLICIT or PR_ALIAS_REPLY. 0 or PIERROT_ENOMEM. Thread: owner. */
int pr_alias(struct pr_owner *owner, struct pr_process *process, uint8_t flags, pierrot_ref *ref);

/* erlang:unalias: whether it was an active alias of this process's. Thread: owner. */
int pr_unalias(struct pr_owner *owner, struct pr_process *process, pierrot_ref ref);

/* Whose alias that is; id 0: nobody's. Thread: any. */
pierrot_pid pr_alias_process(struct pr_system *system, pierrot_ref ref);

/* Enters a relation's ref into the system's table (sets PR_ALIAS_GLOBAL), takes it out.
 * 0 or PIERROT_ENOMEM. */
int pr_alias_publish(struct pr_owner *owner, struct pr_relation *relation);
void pr_alias_withdraw(struct pr_owner *owner, struct pr_relation *relation);

/* The signal of a message by alias. Takes: signal. */
void pr_alias_take(struct pr_owner *owner, struct pr_process *process, struct pr_signal *signal);

#endif
