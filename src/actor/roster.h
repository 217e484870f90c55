/* SPDX-License-Identifier: MIT
 *
 * Names as the registry writes them; what they are stands in roster_table.h. */
#ifndef PR_ROSTER_H
#define PR_ROSTER_H

#include "actor/roster_table.h"

/* Gives: the table (pr_roster_free). NULL: out of memory. */
struct pr_roster *pr_roster_new(pierrot *rt, enum pr_roster_kind kind);
void pr_roster_free(void *shared);

/* The oldest of the key, NULL where there is none. The holder may be dead. */
struct pr_roster_name *pr_roster_find(struct pr_roster *roster, const struct pr_key *key);

/* One that this process has under the key; NULL: none. In no more steps than the key has names, nor
 * than the process. */
struct pr_roster_name *pr_roster_find_own(struct pr_roster *roster, const struct pr_key *key,
                                          pierrot_pid pid);

struct pr_holder *pr_roster_find_holder(struct pr_roster *roster, pierrot_pid pid);

/* A holder without names, of a pid that is none yet. NULL: out of memory. */
struct pr_holder *pr_roster_add_holder(struct pr_roster *roster, pierrot_pid pid);

/* Enters a key, which is free where keys are unique. Takes: value. 0 or PIERROT_ENOMEM. */
int pr_roster_add(struct pr_roster *roster, struct pr_holder *holder, const struct pr_key *key,
                  const struct pr_slot *value);

/* Takes: value. */
void pr_roster_set_value(struct pr_roster *roster, struct pr_roster_name *name,
                         const struct pr_slot *value);

/* The holder stays, perhaps without a name. */
void pr_roster_remove(struct pr_roster *roster, struct pr_roster_name *name);

/* Removes the holder with all its names. */
void pr_roster_remove_holder(struct pr_roster *roster, struct pr_holder *holder);

/* Goes over all holders: start with *cursor = 0; NULL at the end. No change meanwhile. */
struct pr_holder *pr_roster_next_holder(struct pr_roster *roster, uint64_t *cursor);

#endif
