/* SPDX-License-Identifier: MIT
 *
 * Tables from inside: lookup, removal and the index over the pairs.
 *
 * Few pairs are searched one by one. From PR_TABLE_FEW on a hash index is made by the first lookup,
 * not by the builder: most messages are read as a whole. Readers on several threads may look up in
 * one term at the same time, so the index is published with a compare-and-swap; without memory for
 * it the search goes on one by one. */
#ifndef PR_TABLE_H
#define PR_TABLE_H

#include "term/term.h"

#define PR_TABLE_FEW 8

/* Open addressing with linear probing, at most half full. Never changes but under its builder. */
struct pr_table_index {
    uint32_t n_slots; /* a power of two */
    uint32_t slots[]; /* number of a pair + 1; 0: free */
};

static inline struct pr_table *pr_table_of(const pierrot_term *term)
{
    return term && term->tag == PIERROT_TABLE ? term->as.table : NULL;
}

/* table[key], NULL where there is none; the key is normalised. Thread: any holder. */
struct pierrot_term *pr_table_get(const struct pr_table *table, const struct pierrot_term *key);
struct pierrot_term *pr_table_at(const struct pr_table *table, int64_t index);

/* The border that pierrot_table_len returns. */
uint64_t pr_table_len(const struct pr_table *table);

/* Room for one more, so that pr_arena_append / pr_arena_add_pair will not fail. 0 or ENOMEM. */
int pr_table_reserve_array(struct pr_arena *arena, struct pr_table *table);
int pr_table_reserve_pair(struct pr_arena *arena, struct pr_table *table);

/* Removes table[key] if it is there; the key is normalised. 0 or ENOMEM (for a hole in the
 * sequence, whose rest becomes pairs). */
int pr_table_remove(struct pr_arena *arena, struct pr_table *table, const struct pierrot_term *key);

/* Moves the pairs n_array + 1, n_array + 2, … into the sequence, as far as there is memory. */
void pr_table_extend_array(struct pr_arena *arena, struct pr_table *table);

/* Whether the invariants of this one table hold (term.h). */
int pr_table_check(const struct pr_table *table);

/* The bytes of an index. */
static inline size_t pr_table_index_size(uint32_t n_slots)
{
    return sizeof(struct pr_table_index) + n_slots * sizeof(uint32_t);
}

#endif
