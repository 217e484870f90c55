/* SPDX-License-Identifier: MIT
 *
 * The system's table of aliases: from a ref that is an address to the process it belongs to.
 * Whether the alias still counts is decided where that process lives (alias.h). */
#ifndef PR_ALIAS_TABLE_H
#define PR_ALIAS_TABLE_H

#include "proc/relation.h"

/* Gives; NULL: out of memory. */
struct pr_aliases *pr_aliases_new(struct pr_heap *heap);
void pr_aliases_free(struct pr_aliases *aliases, struct pr_heap *heap);

/* Whose alias that is; id 0: nobody's. Thread: any. */
pierrot_pid pr_alias_process(struct pr_system *system, pierrot_ref ref);

/* Enters a relation's ref into the system's table (sets PR_ALIAS_GLOBAL), takes it out.
 * 0 or PIERROT_ENOMEM. */
int pr_alias_publish(struct pr_owner *owner, struct pr_relation *relation);
void pr_alias_withdraw(struct pr_owner *owner, struct pr_relation *relation);

#endif
