/* SPDX-License-Identifier: MIT
 *
 * Records of one size, made near each other: what is made in a row is also found in a row by the
 * processor. A chunk whose records are all free is given back. For one thread at a time.
 *
 * Invariants: a chunk is in the list if and only if it has a free record; at most one chunk in it
 * is wholly free. */
#ifndef PR_SLAB_H
#define PR_SLAB_H

#include "pierrot.h"

struct pr_slab_chunk;

/* A record begins with this. */
struct pr_slab_record {
    uint32_t number; /* in its chunk; the slab's */
    uint32_t user;
};

/* Zeroed, but for the size, is empty. */
struct pr_slab {
    size_t record_size;          /* a multiple of 16 */
    struct pr_slab_chunk *first; /* with a free record */
};

/* Gives: a record, not cleared but for its number. NULL: out of memory. */
void *pr_slab_alloc(pierrot *rt, struct pr_slab *slab);

void pr_slab_free(pierrot *rt, struct pr_slab *slab, void *record);

/* All records are free: gives back what is kept. */
void pr_slab_fini(pierrot *rt, struct pr_slab *slab);

#endif
