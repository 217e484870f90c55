/* SPDX-License-Identifier: MIT
 *
 * Keys of tables: scalars and strings, normalised by pr_cell_as_key. */
#ifndef PR_KEY_H
#define PR_KEY_H

#include "term/term.h"

/* Equal keys have equal hashes. Differs between runs of a program, so that nobody can choose
 * collisions; nothing that a program sees in order may depend on it. */
uint64_t pr_key_hash(const struct pierrot_term *key);

static inline int pr_key_equal(const struct pierrot_term *a, const struct pierrot_term *b)
{
    if (a->tag != b->tag)
        return 0;
    if (a->tag == PIERROT_STRING)
        return pr_cell_is_bytes(a, b->as.bytes, b->len);
    if (a->tag == PIERROT_NUMBER)
        return a->as.number == b->as.number;
    return a->as.integer == b->as.integer;
}

#endif
