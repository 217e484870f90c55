/* SPDX-License-Identifier: MIT
 *
 * Messages as the receiver reads them: a DOWN is {"DOWN", ref, "process", pid, reason}, and so on.
 */
#ifndef PR_MESSAGE_H
#define PR_MESSAGE_H

#include "proc/signal.h"

/* The message as a cell that an actor may read. Scalars and terms are lent from the signal; what
 * has to be built is given in *built (pr_term_drop), else that is NULL. 0 or PIERROT_ENOMEM.
 * Thread: owner. */
int pr_message_read(struct pr_owner *owner, const struct pr_signal *message,
                    const pierrot_term **cell, pierrot_term **built);

/* The same as a cell in an arena. 0 or PIERROT_ENOMEM. */
int pr_message_build(struct pr_owner *owner, struct pr_arena *arena,
                     const struct pr_signal *message, struct pierrot_term *cell);

/* A root as the value of a signal: scalars stand in the value itself. Takes: root. */
struct pierrot_term pr_value_from_root(struct pr_owner *owner, pierrot_term *root);

/* A value as a root. Takes: value. Gives; NULL: out of memory. Thread: owner. */
pierrot_term *pr_value_to_root(struct pr_owner *owner, struct pierrot_term value);

/* {first, second, …} as a root, deep copies of the items. Gives; NULL: out of memory. */
pierrot_term *pr_term_tuple(struct pr_heap *heap, const pierrot_term *const *items, int n_items);

#endif
