/* SPDX-License-Identifier: MIT
 *
 * Values at rest, as the actors keep them: scalars in place, strings and tables as terms; the
 * strings of keys as their bytes alone, which are fewer and nearer than a term's. An integer so
 * costs 16 bytes and not a term of its own. */
#ifndef PR_SLOT_H
#define PR_SLOT_H

#include "pierrot.h"

/* Beside the types of terms. */
enum {
    PR_SLOT_TEXT = 100,   /* a key that is a string */
    PR_SLOT_POINTER = 101 /* what a table of the actor's own leads to */
};

struct pr_key_text {
    uint32_t len;
    char bytes[]; /* [len] */
};

struct pr_slot {
    uint32_t hash; /* of keys; 0 in others */
    uint8_t type;  /* pierrot_type or one of the above */
    union {
        int64_t integer; /* also of a bool: 0 or 1 */
        double number;
        uint64_t id;        /* pid, ref */
        pierrot_term *term; /* string, table */
        struct pr_key_text *text;
        void *pointer;
    } as;
};

/* A key as it is asked for, on the stack: `bytes` are lent by the term that it was made from. */
struct pr_key {
    struct pr_slot slot; /* of type PIERROT_STRING without a term for strings */
    const char *bytes;
    uint32_t len;
};

/* The term as a key: floats with an integer value are that integer. Fails: EINVAL for nil, NaN and
 * tables. */
int pr_key_of_term(const pierrot_term *term, struct pr_key *key);

/* A pid as a key, of tables whose keys are all made so. */
struct pr_key pr_key_of_pid(pierrot_pid pid);

/* The key that a slot was made from; it lends the bytes. */
struct pr_key pr_key_of_slot(const struct pr_slot *slot);

/* Whether a slot that was made from a key is this key. */
int pr_key_is(const struct pr_key *key, const struct pr_slot *slot);

/* A slot for the key. Gives: *slot (pr_slot_free_key). 0 or PIERROT_ENOMEM. */
int pr_key_store(pierrot *rt, const struct pr_key *key, struct pr_slot *slot);

/* The same in memory of the caller's, of so many bytes and aligned for uint32_t: it cannot fail. */
size_t pr_key_text_size(const struct pr_key *key);
struct pr_slot pr_key_place(const struct pr_key *key, void *memory);

void pr_slot_free_key(pierrot *rt, const struct pr_slot *slot);

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

/* Takes: what the slot owns. Not for keys. */
void pr_slot_free(const struct pr_slot *slot);

#endif
