/* SPDX-License-Identifier: MIT
 *
 * Equality of graphs without recursion. Tables are equal when no path of keys leads to different
 * values; so pairs of tables that were found together are put into one class (union-find), and only
 * a pair not yet in one class is looked into. That ends for cycles of any shape, after at most as
 * many pairs as there are tables. The first pairs are not noted: small terms need no memory. */
#include "term/table.h"

#include <string.h>

#include "term/key.h"
#include "term/seen.h"

enum { FEW_PAIRS = 32, UNNOTED_PAIRS = 32 };

struct table_pair {
    const struct pr_table *a, *b;
};

struct compare {
    struct pr_heap *heap;
    struct pr_seen classes; /* table -> another one of its class; itself: stands for the class */
    struct table_pair *pending; /* [n]; `few` at first, then freed at the end */
    size_t n, capacity;
    uint32_t n_pairs; /* found so far */
    struct table_pair few[FEW_PAIRS];
};

/* ---- classes ---- */

/* The table that stands for the class of `table`; NULL: out of memory. */
static const struct pr_table *class_of(struct compare *compare, const struct pr_table *table)
{
    struct pr_seen_entry *entry = pr_seen_find(&compare->classes, table);
    if (!entry)
        return pr_seen_add(&compare->classes, table, (void *)table) == 0 ? table : NULL;
    while (entry->value != entry->key) {
        struct pr_seen_entry *up = pr_seen_find(&compare->classes, entry->value);
        entry->value = up->value; /* halves the path for the next time */
        entry = pr_seen_find(&compare->classes, entry->value);
    }
    return entry->key;
}

/* 1: they were in different classes and are in one now; 0: they already were; else ENOMEM. */
static int join(struct compare *compare, const struct pr_table *a, const struct pr_table *b)
{
    const struct pr_table *class_a = class_of(compare, a);
    const struct pr_table *class_b = class_of(compare, b);
    if (!class_a || !class_b)
        return PIERROT_ENOMEM;
    if (class_a == class_b)
        return 0;
    pr_seen_find(&compare->classes, class_b)->value = (void *)class_a;
    return 1;
}

/* ---- pairs still to be looked into ---- */

static int grow_pending(struct compare *compare)
{
    size_t old_size = compare->capacity * sizeof *compare->pending;
    int is_few = compare->pending == compare->few;
    struct table_pair *pending =
        pr_realloc(compare->heap, is_few ? NULL : compare->pending, old_size, old_size * 2);
    if (!pending)
        return PIERROT_ENOMEM;
    if (is_few)
        memcpy(pending, compare->few, sizeof compare->few);
    compare->pending = pending;
    compare->capacity *= 2;
    return 0;
}

/* 1, or 0 when there is no memory to go on. */
static int push(struct compare *compare, const struct pr_table *a, const struct pr_table *b)
{
    if (a == b)
        return 1;
    if (compare->n_pairs++ >= UNNOTED_PAIRS) {
        int joined = join(compare, a, b);
        if (joined <= 0)
            return joined == 0;
    }
    if (compare->n == compare->capacity && grow_pending(compare) != 0)
        return 0;
    compare->pending[compare->n++] = (struct table_pair){a, b};
    return 1;
}

/* ---- comparing ---- */

/* Whether the values may be equal: tables are put off. */
static int compare_values(struct compare *compare, const pierrot_term *a, const pierrot_term *b)
{
    if (a->tag == PIERROT_TABLE && b->tag == PIERROT_TABLE)
        return push(compare, a->as.table, b->as.table);
    if (a->tag == PIERROT_NIL || a->tag == PIERROT_TABLE)
        return a->tag == b->tag;
    struct pierrot_term key_a = pr_cell_as_key(a);
    struct pierrot_term key_b = pr_cell_as_key(b);
    return pr_key_equal(&key_a, &key_b);
}

/* Both have as many entries, and keys are distinct: what a has must be in b. */
static int compare_tables(struct compare *compare, const struct pr_table *a,
                          const struct pr_table *b)
{
    if ((uint64_t)a->n_array + a->n_pairs != (uint64_t)b->n_array + b->n_pairs)
        return 0;
    for (uint32_t i = 0; i < a->n_array; i++) {
        const pierrot_term *other = pr_table_at(b, (int64_t)i + 1);
        if (!other || !compare_values(compare, &a->array[i], other))
            return 0;
    }
    for (uint32_t i = 0; i < a->n_pairs; i++) {
        const pierrot_term *pair = &a->pairs[(size_t)i * 2];
        const pierrot_term *other = pr_table_get(b, &pair[0]);
        if (!other || !compare_values(compare, &pair[1], other))
            return 0;
    }
    return 1;
}

static int compare_graphs(const struct pr_table *a, const struct pr_table *b)
{
    struct compare compare; /* not cleared as a whole: it is large, most terms are small */
    compare.heap = pr_heap_current();
    compare.pending = compare.few;
    compare.capacity = FEW_PAIRS;
    compare.n = compare.n_pairs = 0;
    pr_seen_init(&compare.classes, compare.heap);
    int is_equal = push(&compare, a, b);
    while (is_equal && compare.n > 0) {
        struct table_pair pair = compare.pending[--compare.n];
        is_equal = compare_tables(&compare, pair.a, pair.b);
    }
    pr_seen_fini(&compare.classes);
    if (compare.pending != compare.few)
        pr_free(compare.heap, compare.pending, compare.capacity * sizeof *compare.pending);
    return is_equal;
}

int pierrot_term_equal(const pierrot_term *a, const pierrot_term *b)
{
    if (pierrot_term_type(a) == PIERROT_TABLE && pierrot_term_type(b) == PIERROT_TABLE)
        return compare_graphs(a->as.table, b->as.table);
    if (!a || !b)
        return pierrot_term_type(a) == PIERROT_NIL && pierrot_term_type(b) == PIERROT_NIL;
    return compare_values(NULL, a, b);
}
