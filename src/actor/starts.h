/* SPDX-License-Identifier: MIT
 *
 * Starts that a registry has under way: which key, which helper process, and who waits for the
 * outcome. */
#ifndef PR_STARTS_H
#define PR_STARTS_H

#include "actor/dict.h"

struct pr_waiter {
    struct pr_waiter *next;
    pierrot_from from;
};

struct pr_start {
    struct pr_slot key; /* owned */
    pierrot_pid helper;
    pierrot_ref ref;                /* of the registry's monitor of the helper */
    pierrot_pid created;            /* id 0: nothing yet */
    pierrot_term *reason;           /* owned: of the failure; NULL: the helper's exit reason */
    struct pr_waiter *first, *last; /* owned, oldest first */
};

/* Zeroed is empty. */
struct pr_starts {
    struct pr_dict *by_key;    /* key -> struct pr_start; the key is the start's */
    struct pr_dict *by_helper; /* pid -> the same */
};

/* NULL where there is none. */
struct pr_start *pr_starts_find(const struct pr_starts *starts, const struct pr_key *key);
struct pr_start *pr_starts_find_helper(const struct pr_starts *starts, pierrot_pid helper);

/* A start, and room for it, but not yet among them. Lends: key. Gives: *start, to pr_starts_add or
 * pr_start_free. 0 or PIERROT_ENOMEM. */
int pr_starts_prepare(pierrot *rt, struct pr_starts *starts, const struct pr_key *key,
                      struct pr_start **start);

/* Takes: start, whose helper is known now. */
void pr_starts_add(struct pr_starts *starts, struct pr_start *start);

/* Out, and freed. */
void pr_starts_remove(pierrot *rt, struct pr_starts *starts, struct pr_start *start);

/* One more waits. 0 or PIERROT_ENOMEM. */
int pr_start_wait(pierrot *rt, struct pr_start *start, pierrot_from from);

void pr_start_free(pierrot *rt, struct pr_start *start);

/* Frees all of them. */
void pr_starts_fini(pierrot *rt, struct pr_starts *starts);

#endif
