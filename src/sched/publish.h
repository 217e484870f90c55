/* SPDX-License-Identifier: MIT
 *
 * Direct reads: what C actors offer to readers without a message. The table leads from pid to the
 * shared object; a reader holds it while it reads, so the actor may end meanwhile. */
#ifndef PR_PUBLISH_H
#define PR_PUBLISH_H

#include "sched/types.h"

int pr_published_init(struct pr_published_table *table);
void pr_published_fini(struct pr_published_table *table, struct pr_heap *heap);

/* Enters the object; *entered stays until pr_published_remove, and is for the actor's extra, where
 * readers on its own scheduler find it. 0, PIERROT_ENOMEM, PIERROT_EEXIST. Thread: any. */
int pr_published_add(struct pr_published_table *table, struct pr_heap *heap, pierrot_pid pid,
                     void *shared, pierrot_read_fn read, void (*release)(void *shared),
                     struct pr_published **entered);

/* The actor ended. Thread: any. */
void pr_published_remove(struct pr_published_table *table, struct pr_heap *heap, pierrot_pid pid);

#endif
