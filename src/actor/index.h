/* SPDX-License-Identifier: MIT
 *
 * A hash table of pointers, of which it knows the hashes alone: the caller compares. A lookup
 * touches one place of it, and then what it leads to.
 *
 * Growing makes another index and leaves the old one to the caller, who may have readers to care
 * for. An empty one is NULL.
 *
 * Invariants: n_slots is a power of two; n is at most three quarters of it; each pointer is
 * reachable by linear probing from its hash. */
#ifndef PR_INDEX_H
#define PR_INDEX_H

#include "pierrot.h"

struct pr_index_slot {
    void *pointer; /* NULL: free */
    uint32_t hash;
    uint32_t reserved;
};

struct pr_index {
    uint32_t n, n_slots;
    struct pr_index_slot slots[];
};

/* The pointers with this hash, one after the other: start with *cursor = 0; NULL at the end. */
void *pr_index_next(const struct pr_index *index, uint32_t hash, uint32_t *cursor);

/* All pointers, in no order: start with *cursor = 0; NULL at the end. */
void *pr_index_each(const struct pr_index *index, uint32_t *cursor);

/* *grown has room for one more: the index itself or a new one with the same pointers, and then the
 * caller frees the old one. 0 or PIERROT_ENOMEM. */
int pr_index_grow(pierrot *rt, struct pr_index *index, struct pr_index **grown);

/* The index, or a smaller one when it became sparse (NULL when it is empty), and then the caller
 * frees the old one. */
struct pr_index *pr_index_shrink(pierrot *rt, struct pr_index *index);

/* There is room; the pointer is not among them yet, or it is. */
void pr_index_add(struct pr_index *index, uint32_t hash, void *pointer);
void pr_index_remove(struct pr_index *index, uint32_t hash, const void *pointer);

/* Another pointer in the place of one that is there. */
void pr_index_replace(struct pr_index *index, uint32_t hash, const void *pointer, void *other);

/* NULL is fine. */
void pr_index_free(pierrot *rt, struct pr_index *index);

#endif
