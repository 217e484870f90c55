/* SPDX-License-Identifier: MIT */
#include "term/table.h"

#include <string.h>

#include "base/assert.h"
#include "term/key.h"

enum { MIN_CELLS = 4 };
#define MAX_CAPACITY (UINT32_C(1) << 30)

#define NO_PAIR UINT32_MAX

/* ---- the index ---- */

static struct pr_table_index *index_of(const struct pr_table *table)
{
    /* acquire: pairs with the publishing in make_shared_index. */
    return atomic_load_explicit(&table->index, memory_order_acquire);
}

static struct pierrot_term *key_at(const struct pr_table *table, uint32_t pair)
{
    return &table->pairs[(size_t)pair * 2];
}

/* The slot of a pair's number, or the free one where it belongs. */
static uint32_t *slot_for(const struct pr_table *table, struct pr_table_index *index,
                          const struct pierrot_term *key)
{
    uint32_t mask = index->n_slots - 1;
    uint32_t at = (uint32_t)pr_key_hash(key) & mask;
    while (index->slots[at] != 0 && !pr_key_equal(key_at(table, index->slots[at] - 1), key))
        at = (at + 1) & mask;
    return &index->slots[at];
}

/* The pair is known to be in no slot: no key needs to be compared. */
static void add_to_index(const struct pr_table *table, struct pr_table_index *index, uint32_t pair)
{
    uint32_t mask = index->n_slots - 1;
    uint32_t at = (uint32_t)pr_key_hash(key_at(table, pair)) & mask;
    while (index->slots[at] != 0)
        at = (at + 1) & mask;
    index->slots[at] = pair + 1;
}

static uint32_t slots_for_pairs(uint32_t n_pairs)
{
    uint32_t n_slots = 32;
    while (n_slots / 2 < n_pairs && n_slots < UINT32_C(1) << 31)
        n_slots *= 2;
    return n_slots;
}

static void fill_index(const struct pr_table *table, struct pr_table_index *index, uint32_t n_slots)
{
    index->n_slots = n_slots;
    memset(index->slots, 0, n_slots * sizeof *index->slots);
    for (uint32_t pair = 0; pair < table->n_pairs; pair++)
        add_to_index(table, index, pair);
}

/* For readers: several may do this at once, one of them wins. */
static struct pr_table_index *make_shared_index(const struct pr_table *reader_table)
{
    struct pr_table *table = (struct pr_table *)reader_table;
    struct pr_arena *arena = pr_arena_owner(table->arena);
    uint32_t n_slots = slots_for_pairs(table->n_pairs);
    struct pr_block *block = pr_arena_new_shared(arena, pr_table_index_size(n_slots));
    if (!block)
        return NULL;
    struct pr_table_index *index = (struct pr_table_index *)(block + 1);
    struct pr_table_index *winner = NULL;
    fill_index(table, index, n_slots);
    /* release: readers that find it see it filled; acquire: so do we the other's. */
    if (!atomic_compare_exchange_strong_explicit(&table->index, &winner, index,
                                                 memory_order_acq_rel, memory_order_acquire)) {
        pr_arena_free_shared(arena, block);
        return winner;
    }
    pr_arena_add_shared(arena, block);
    return index;
}

/* For the builder, when the index is full; without memory a reader may try again. */
static void regrow_index(struct pr_arena *arena, struct pr_table *table)
{
    uint32_t n_slots = slots_for_pairs(table->n_pairs);
    struct pr_table_index *index = pr_arena_alloc(arena, pr_table_index_size(n_slots));
    if (index)
        fill_index(table, index, n_slots);
    atomic_store_explicit(&table->index, index, memory_order_release);
}

static void index_new_pair(struct pr_arena *arena, struct pr_table *table)
{
    struct pr_table_index *index = index_of(table);
    if (!index)
        return;
    if (table->n_pairs > index->n_slots / 2)
        regrow_index(arena, table);
    else
        add_to_index(table, index, table->n_pairs - 1);
}

/* Frees a slot and closes the gap: what probed past it moves up. */
static void free_slot(const struct pr_table *table, struct pr_table_index *index, uint32_t hole)
{
    uint32_t mask = index->n_slots - 1;
    index->slots[hole] = 0;
    for (uint32_t at = (hole + 1) & mask; index->slots[at] != 0; at = (at + 1) & mask) {
        uint32_t home = (uint32_t)pr_key_hash(key_at(table, index->slots[at] - 1)) & mask;
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        index->slots[hole] = index->slots[at];
        index->slots[at] = 0;
        hole = at;
    }
}

/* ---- lookup ---- */

static uint32_t search(const struct pr_table *table, const struct pierrot_term *key)
{
    for (uint32_t pair = 0; pair < table->n_pairs; pair++) {
        if (pr_key_equal(key_at(table, pair), key))
            return pair;
    }
    return NO_PAIR;
}

static uint32_t find_pair(const struct pr_table *table, const struct pierrot_term *key)
{
    if (table->n_pairs <= PR_TABLE_FEW)
        return search(table, key);
    struct pr_table_index *index = index_of(table);
    if (!index)
        index = make_shared_index(table);
    if (!index)
        return search(table, key);
    return *slot_for(table, index, key) - 1; /* a free slot gives NO_PAIR */
}

struct pierrot_term *pr_table_get(const struct pr_table *table, const struct pierrot_term *key)
{
    if (key->tag == PIERROT_INT && key->as.integer >= 1 &&
        (uint64_t)key->as.integer <= table->n_array)
        return &table->array[key->as.integer - 1];
    uint32_t pair = find_pair(table, key);
    return pair == NO_PAIR ? NULL : key_at(table, pair) + 1;
}

struct pierrot_term *pr_table_at(const struct pr_table *table, int64_t index)
{
    struct pierrot_term key = pr_cell_int(index);
    return pr_table_get(table, &key);
}

uint64_t pr_table_len(const struct pr_table *table)
{
    uint64_t len = table->n_array;
    while (table->n_pairs > 0 && pr_table_at(table, (int64_t)len + 1))
        len++;
    return len;
}

/* ---- growing ---- */

int pr_arena_table(struct pr_arena *arena, uint32_t n_array, uint32_t n_pairs,
                   struct pierrot_term *cell)
{
    size_t n_cells = (size_t)n_array + (size_t)n_pairs * 2;
    struct pr_table *table = pr_arena_alloc(arena, sizeof *table + n_cells * sizeof *cell);
    if (!table)
        return PIERROT_ENOMEM;
    struct pierrot_term *cells = (struct pierrot_term *)(table + 1);
    table->n_array = table->n_pairs = 0;
    table->cap_array = n_array;
    table->cap_pairs = n_pairs;
    table->array = cells;
    table->pairs = cells + n_array;
    atomic_init(&table->index, NULL);
    table->arena = arena;
    cell->tag = PIERROT_TABLE;
    cell->flags = cell == &arena->root ? PR_CELL_ROOT : 0;
    cell->as.table = table;
    return 0;
}

/* Room for twice as many things of `width` cells; what was there before is lost to the arena,
 * unless it was its newest allocation. */
static int grow(struct pr_arena *arena, struct pierrot_term **cells, uint32_t *capacity,
                uint32_t width)
{
    if (*capacity >= MAX_CAPACITY)
        return PIERROT_ENOMEM;
    uint32_t new_capacity = *capacity < MIN_CELLS / width ? MIN_CELLS / width : *capacity * 2;
    size_t unit = sizeof **cells * width;
    size_t old_size = *capacity * unit, new_size = new_capacity * unit;
    if (*capacity == 0 || !pr_arena_extend(arena, *cells, old_size, new_size)) {
        struct pierrot_term *moved = pr_arena_alloc(arena, new_size);
        if (!moved)
            return PIERROT_ENOMEM;
        memcpy(moved, *cells, old_size);
        *cells = moved;
    }
    *capacity = new_capacity;
    return 0;
}

int pr_table_reserve_array(struct pr_arena *arena, struct pr_table *table)
{
    if (table->n_array < table->cap_array)
        return 0;
    return grow(arena, &table->array, &table->cap_array, 1);
}

int pr_table_reserve_pair(struct pr_arena *arena, struct pr_table *table)
{
    if (table->n_pairs < table->cap_pairs)
        return 0;
    return grow(arena, &table->pairs, &table->cap_pairs, 2);
}

int pr_arena_append(struct pr_arena *arena, struct pr_table *table,
                    const struct pierrot_term *value)
{
    int error = pr_table_reserve_array(arena, table);
    if (error)
        return error;
    table->array[table->n_array++] = *value;
    return 0;
}

int pr_arena_add_pair(struct pr_arena *arena, struct pr_table *table,
                      const struct pierrot_term *key, const struct pierrot_term *value)
{
    int error = pr_table_reserve_pair(arena, table);
    if (error)
        return error;
    struct pierrot_term *pair = key_at(table, table->n_pairs++);
    pair[0] = *key;
    pair[1] = *value;
    index_new_pair(arena, table);
    return 0;
}

/* ---- removing ---- */

/* The last pair takes the place of the one removed. */
static void remove_pair(struct pr_table *table, uint32_t pair)
{
    struct pr_table_index *index = index_of(table);
    uint32_t last = table->n_pairs - 1;
    if (index) {
        uint32_t *slot = slot_for(table, index, key_at(table, pair));
        free_slot(table, index, (uint32_t)(slot - index->slots));
        if (pair != last)
            *slot_for(table, index, key_at(table, last)) = pair + 1;
    }
    memcpy(key_at(table, pair), key_at(table, last), 2 * sizeof *table->pairs);
    table->n_pairs = last;
}

/* Ends the sequence before `index`: what comes after it becomes pairs. */
static int cut_array(struct pr_arena *arena, struct pr_table *table, uint32_t index)
{
    uint32_t n_pairs = table->n_pairs;
    for (uint32_t i = index + 1; i <= table->n_array; i++) {
        struct pierrot_term key = pr_cell_int(i);
        if (pr_arena_add_pair(arena, table, &key, &table->array[i - 1]) == 0)
            continue;
        while (table->n_pairs > n_pairs)
            remove_pair(table, table->n_pairs - 1);
        return PIERROT_ENOMEM;
    }
    table->n_array = index - 1;
    return 0;
}

int pr_table_remove(struct pr_arena *arena, struct pr_table *table, const struct pierrot_term *key)
{
    if (key->tag == PIERROT_INT && key->as.integer >= 1 &&
        (uint64_t)key->as.integer <= table->n_array)
        return cut_array(arena, table, (uint32_t)key->as.integer);
    uint32_t pair = find_pair(table, key);
    if (pair != NO_PAIR)
        remove_pair(table, pair);
    return 0;
}

void pr_table_extend_array(struct pr_arena *arena, struct pr_table *table)
{
    while (table->n_pairs > 0) {
        struct pierrot_term key = pr_cell_int((int64_t)table->n_array + 1);
        uint32_t pair = find_pair(table, &key);
        if (pair == NO_PAIR || pr_arena_append(arena, table, key_at(table, pair) + 1) != 0)
            return;
        remove_pair(table, pair);
    }
}

/* ---- invariants ---- */

static int is_valid_key(const struct pr_table *table, const struct pierrot_term *key)
{
    if (key->tag == PIERROT_NIL)
        return 0;
    if (key->tag == PIERROT_NUMBER)
        return key->as.number == key->as.number && pr_cell_as_key(key).tag == PIERROT_NUMBER;
    return key->tag != PIERROT_INT || key->as.integer < 1 ||
           (uint64_t)key->as.integer > table->n_array;
}

int pr_table_check(const struct pr_table *table)
{
    if (table->n_array > table->cap_array || table->n_pairs > table->cap_pairs)
        return 0;
    for (uint32_t i = 0; i < table->n_array; i++) {
        if (table->array[i].tag == PIERROT_NIL || table->array[i].flags & PR_CELL_ROOT)
            return 0;
    }
    for (uint32_t pair = 0; pair < table->n_pairs; pair++) {
        const struct pierrot_term *key = key_at(table, pair);
        /* Found where it is: so it is the only one, and the index is right. */
        if (!is_valid_key(table, key) || key[1].tag == PIERROT_NIL || find_pair(table, key) != pair)
            return 0;
    }
    return 1;
}
