/* SPDX-License-Identifier: MIT
 *
 * A value at rest, as the actors keep it: scalars in place, strings and tables as terms. An integer
 * so costs 16 bytes and not a term of its own. */
#ifndef PR_SLOT_H
#define PR_SLOT_H

#include "pierrot.h"

/* Beside the types of terms: what a table of the actor's own leads to. */
enum { PR_SLOT_POINTER = 100 };

struct pr_slot {
    uint32_t hash; /* of keys; 0 in others */
    uint8_t type;  /* pierrot_type or PR_SLOT_POINTER */
    union {
        int64_t integer; /* also of a bool: 0 or 1 */
        double number;
        uint64_t id;        /* pid, ref */
        pierrot_term *term; /* string, table; its owner frees it (pr_slot_free) */
        void *pointer;
    } as;
};

/* The term as a key: floats with an integer value are that integer. Lends: the slot borrows the
 * term until pr_slot_own. Fails: EINVAL for nil, NaN and tables. */
int pr_slot_of_key(const pierrot_term *term, struct pr_slot *slot);

/* A pid as a key, of tables whose keys are all made so. */
struct pr_slot pr_slot_of_pid(pierrot_pid pid);

/* Turns a borrowed slot into one that owns a copy. 0 or PIERROT_ENOMEM. */
int pr_slot_own(struct pr_slot *slot);

/* A copy of the term; NULL is nil. 0 or PIERROT_ENOMEM. Gives: *slot (pr_slot_free). */
int pr_slot_of_value(const pierrot_term *term, struct pr_slot *slot);

static inline struct pr_slot pr_slot_of_pointer(void *pointer)
{
    return (struct pr_slot){.type = PR_SLOT_POINTER, .as.pointer = pointer};
}

static inline int pr_slot_is_number(const struct pr_slot *slot)
{
    return slot->type == PIERROT_INT || slot->type == PIERROT_NUMBER;
}

/* The value as a term, strings and tables shared. Gives: the term; NULL when out of memory. */
pierrot_term *pr_slot_term(const struct pr_slot *slot);

/* Equality of keys. */
int pr_slot_equal(const struct pr_slot *a, const struct pr_slot *b);

/* Takes: what the slot owns. */
void pr_slot_free(const struct pr_slot *slot);

#endif
