/* SPDX-License-Identifier: MIT
 *
 * Names as the registry writes them; what they are stands in names_table.h. */
#ifndef PR_NAMES_H
#define PR_NAMES_H

#include "actor/names_table.h"

/* Gives: the table (pr_names_free). NULL: out of memory. */
struct pr_names *pr_names_new(pierrot *rt);
void pr_names_free(void *names);

/* NULL where there is none. The holder may be dead. */
struct pr_name *pr_names_find(struct pr_names *names, const struct pr_slot *key);
struct pr_holder *pr_names_find_holder(struct pr_names *names, pierrot_pid pid);

/* A holder without names, of a pid that is none yet. NULL: out of memory. */
struct pr_holder *pr_names_add_holder(struct pr_names *names, pierrot_pid pid);

/* Enters a key that is free. Takes: value. Lends: key. 0 or PIERROT_ENOMEM. */
int pr_names_add(struct pr_names *names, struct pr_holder *holder, struct pr_slot key,
                 const struct pr_slot *value);

/* Takes: value. */
void pr_names_set_value(struct pr_names *names, struct pr_name *name, const struct pr_slot *value);

/* The holder stays, perhaps without a name. */
void pr_names_remove(struct pr_names *names, struct pr_name *name);

/* Removes the holder with all its names. */
void pr_names_remove_holder(struct pr_names *names, struct pr_holder *holder);

/* Goes over all holders: start with *cursor = 0; NULL at the end. No change meanwhile. */
struct pr_holder *pr_names_next_holder(struct pr_names *names, uint64_t *cursor);

#endif
