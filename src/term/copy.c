/* SPDX-License-Identifier: MIT
 *
 * Deep copies, in the manner of Cheney: a table is first copied as it is, pointing into the
 * original; the list of tables seen is also the list of those still to be scanned, in which each
 * pointer is exchanged for the copy of what it points to. So there is no recursion, and shared
 * tables stay shared. Long strings are shared as well; short ones cost less to copy than to look
 * up. */
#include "term/table.h"

#include <string.h>

#include "base/assert.h"
#include "term/seen.h"

enum { LONG_STRING = 256, MEASURED_CELLS = 64 };

struct copy {
    struct pr_arena *arena;
    struct pr_seen tables, strings;
};

static size_t measure_cells(const struct pierrot_term *cells, size_t n)
{
    size_t size = 0;
    for (size_t i = 0; i < n && i < MEASURED_CELLS; i++) {
        if (cells[i].tag == PIERROT_STRING && cells[i].len < LONG_STRING)
            size += (cells[i].len + (size_t)8) & ~(size_t)7;
        else if (cells[i].tag == PIERROT_TABLE)
            size += sizeof(struct pr_table) + sizeof *cells * cells[i].as.table->n_array;
    }
    return size;
}

/* About what a table takes, without what lies deeper. */
static size_t measure(const struct pr_table *table)
{
    size_t n_pair_cells = (size_t)table->n_pairs * 2;
    return sizeof *table + (table->n_array + n_pair_cells) * sizeof *table->array +
           measure_cells(table->array, table->n_array) + measure_cells(table->pairs, n_pair_cells);
}

/* The index holds numbers of pairs, so it is right for the copy too. Without memory the copy goes
 * without. */
static void copy_index(struct pr_arena *arena, const struct pr_table *from, struct pr_table *to)
{
    struct pr_table_index *index = atomic_load_explicit(&from->index, memory_order_acquire);
    if (!index)
        return;
    size_t size = pr_table_index_size(index->n_slots);
    struct pr_table_index *own = pr_arena_alloc(arena, size);
    if (own)
        memcpy(own, index, size);
    atomic_init(&to->index, own);
}

static int copy_table(struct copy *copy, struct pierrot_term *cell)
{
    const struct pr_table *from = cell->as.table;
    struct pr_seen_entry *entry = pr_seen_find(&copy->tables, from);
    if (entry) {
        cell->as.table = entry->value;
        return 0;
    }
    if (pr_arena_table(copy->arena, from->n_array, from->n_pairs, cell) != 0)
        return PIERROT_ENOMEM;
    struct pr_table *to = cell->as.table;
    to->n_array = from->n_array;
    to->n_pairs = from->n_pairs;
    /* A table that is lent may have no memory for what it does not hold. */
    if (from->n_array > 0)
        memcpy(to->array, from->array, from->n_array * sizeof *to->array);
    if (from->n_pairs > 0)
        memcpy(to->pairs, from->pairs, from->n_pairs * 2 * sizeof *to->pairs);
    copy_index(copy->arena, from, to);
    return pr_seen_add(&copy->tables, from, to);
}

static int copy_string(struct copy *copy, struct pierrot_term *cell)
{
    const char *from = cell->as.bytes;
    cell->flags = 0;
    if (cell->len < LONG_STRING)
        return pr_arena_string(copy->arena, from, cell->len, cell);
    struct pr_seen_entry *entry = pr_seen_find(&copy->strings, from);
    if (entry && ((struct pierrot_term *)entry->value)->len == cell->len) {
        cell->as.bytes = ((struct pierrot_term *)entry->value)->as.bytes;
        return 0;
    }
    if (pr_arena_string(copy->arena, from, cell->len, cell) != 0)
        return PIERROT_ENOMEM;
    /* The copied cell lies in the arena (or is the caller's), so it outlives the walk. */
    return entry ? 0 : pr_seen_add(&copy->strings, from, cell);
}

static int copy_cells(struct copy *copy, struct pierrot_term *cells, size_t n)
{
    int error = 0;
    for (size_t i = 0; i < n && !error; i++) {
        if (cells[i].tag == PIERROT_STRING)
            error = copy_string(copy, &cells[i]);
        else if (cells[i].tag == PIERROT_TABLE)
            error = copy_table(copy, &cells[i]);
    }
    return error;
}

static int copy_graph(struct copy *copy, struct pierrot_term *root)
{
    int error = copy_cells(copy, root, 1);
    for (uint32_t i = 0; i < copy->tables.n && !error; i++) {
        struct pr_table *table = copy->tables.entries[i].value;
        error = copy_cells(copy, table->array, table->n_array);
        if (!error)
            error = copy_cells(copy, table->pairs, (size_t)table->n_pairs * 2);
    }
    return error;
}

int pr_term_copy_into(struct pr_arena *arena, const pierrot_term *term, struct pierrot_term *cell)
{
    struct pierrot_term root = *term;
    int error = 0;
    root.flags = 0;
    if (root.tag == PIERROT_STRING) {
        error = pr_arena_string(arena, term->as.bytes, term->len, &root);
    } else if (root.tag == PIERROT_TABLE) {
        struct copy copy; /* not cleared as a whole */
        struct pr_heap *heap = pr_arena_heap(arena);
        copy.arena = arena;
        pr_seen_init(&copy.tables, heap);
        pr_seen_init(&copy.strings, heap);
        error = copy_graph(&copy, &root);
        pr_seen_fini(&copy.tables);
        pr_seen_fini(&copy.strings);
    }
    if (!error)
        *cell = root;
    return error;
}

pierrot_term *pr_term_copy(struct pr_heap *heap, const pierrot_term *term)
{
    if (term->tag != PIERROT_TABLE)
        return pr_term_new_scalar(heap, term);
    struct pr_arena *arena = pr_arena_new(heap, measure(term->as.table));
    if (!arena)
        return NULL;
    if (pr_term_copy_into(arena, term, &arena->root) != 0) {
        pr_arena_free(arena, heap);
        return NULL;
    }
    arena->root.flags = PR_CELL_ROOT;
    return &arena->root;
}

pierrot_term *pierrot_term_copy(const pierrot_term *term)
{
    return term ? pr_term_copy(pr_heap_current(), term) : PR_TERM(nil);
}
