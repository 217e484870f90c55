/* SPDX-License-Identifier: MIT
 *
 * Tables through the public API: building them and reading them.
 *
 * A value that is set into a table becomes part of it. What is large gives its blocks to the
 * table's arena; small strings, and what others hold too, are copied. Everything that can fail is
 * done before the table changes. */
#include "term/table.h"

#include <math.h>
#include <string.h>

#include "base/assert.h"

enum { LONG_STRING = 256, TABLE_HINT = 160 };

pierrot_term *pierrot_table(void)
{
    struct pr_heap *heap = pr_heap_current();
    struct pr_arena *arena = pr_arena_new(heap, TABLE_HINT);
    if (!arena)
        return NULL;
    (void)pr_arena_table(arena, 0, 0, &arena->root); /* there is room */
    return &arena->root;
}

/* ---- taking what is given ---- */

static int is_root(const pierrot_term *term)
{
    return (term->flags & PR_CELL_ROOT) != 0;
}

/* Whether nobody else holds it. */
static int is_sole(pierrot_term *root)
{
    /* acquire: pairs with the drop of those that held it. */
    return is_root(root) && !(root->flags & PR_CELL_STATIC) &&
           atomic_load_explicit(&pr_arena_of(root)->n_holds, memory_order_acquire) == 1;
}

/* Whether `term` is the root that `table` has become a part of, or is itself. */
static int is_around(const pierrot_term *table, pierrot_term *term)
{
    struct pr_table *inner = pr_table_of(table);
    return inner && is_root(term) && pr_arena_owner(inner->arena) == pr_arena_of(term);
}

/* Frees what was given in vain, but for a term that holds the table itself. */
static void discard(const pierrot_term *table, pierrot_term *term)
{
    if (term && !is_around(table, term))
        pierrot_term_free(term);
}

/* Makes `cell` the value of `root`, in this arena. Takes: root. */
static int absorb(struct pr_arena *arena, pierrot_term *root, struct pierrot_term *cell)
{
    int is_large =
        root->tag == PIERROT_TABLE || (root->tag == PIERROT_STRING && root->len >= LONG_STRING);
    if (is_large && is_sole(root) && pr_arena_can_merge(arena, pr_arena_of(root))) {
        pr_arena_merge(arena, pr_arena_of(root));
        *cell = *root;
        return 0;
    }
    int error = pr_term_copy_into(arena, root, cell);
    pierrot_term_free(root);
    return error;
}

static int check_table(pierrot_term *table)
{
    if (!table)
        return PIERROT_ENOMEM;
    return pr_table_of(table) && is_sole(table) ? 0 : PIERROT_EINVAL;
}

static int check_key(const pierrot_term *key)
{
    if (!key)
        return PIERROT_ENOMEM;
    if (!is_root(key) || key->tag == PIERROT_NIL || key->tag == PIERROT_TABLE)
        return PIERROT_EINVAL;
    return key->tag == PIERROT_NUMBER && isnan(key->as.number) ? PIERROT_EINVAL : 0;
}

static int check_value(const pierrot_term *table, pierrot_term *value)
{
    if (!value)
        return PIERROT_ENOMEM;
    return is_root(value) && !is_around(table, value) ? 0 : PIERROT_EINVAL;
}

/* ---- setting ---- */

/* A key that the table does not have. Takes: key (NULL: an integer, `normal`), value. */
static int add(struct pr_arena *arena, struct pr_table *table, struct pierrot_term normal,
               pierrot_term *key, pierrot_term *value)
{
    struct pierrot_term cell;
    int is_next = normal.tag == PIERROT_INT && normal.as.integer == (int64_t)table->n_array + 1;
    int error =
        is_next ? pr_table_reserve_array(arena, table) : pr_table_reserve_pair(arena, table);
    if (error)
        goto drop_both;
    if (normal.tag == PIERROT_STRING)
        error = absorb(arena, key, &normal);
    else
        pierrot_term_free(key);
    if (error)
        goto drop_value;
    error = absorb(arena, value, &cell);
    if (error)
        return error;
    error = is_next ? pr_arena_append(arena, table, &cell)
                    : pr_arena_add_pair(arena, table, &normal, &cell);
    PR_ASSERT(error == 0);
    if (is_next)
        pr_table_extend_array(arena, table);
    return 0;

drop_both:
    pierrot_term_free(key);
drop_value:
    pierrot_term_free(value);
    return error;
}

static int replace(struct pr_arena *arena, struct pierrot_term *at, pierrot_term *value)
{
    struct pierrot_term cell;
    int error = absorb(arena, value, &cell);
    if (!error)
        *at = cell;
    return error;
}

/* Takes: key (NULL: an integer, `normal`), value. */
static int assign(pierrot_term *root, struct pierrot_term normal, pierrot_term *key,
                  pierrot_term *value)
{
    struct pr_arena *arena = pr_arena_of(root);
    struct pr_table *table = root->as.table;
    struct pierrot_term *at = pr_table_get(table, &normal);
    int error = 0;
    if (!at && value->tag != PIERROT_NIL)
        return add(arena, table, normal, key, value);
    if (value->tag != PIERROT_NIL) {
        error = replace(arena, at, value);
    } else {
        error = at ? pr_table_remove(arena, table, &normal) : 0;
        pierrot_term_free(value);
    }
    pierrot_term_free(key);
    return error;
}

int pierrot_table_set(pierrot_term *table, pierrot_term *key, pierrot_term *value)
{
    int error = check_table(table);
    if (!error)
        error = check_key(key);
    if (!error)
        error = check_value(table, value);
    if (error) {
        discard(table, key);
        if (key != value)
            discard(table, value);
        return error;
    }
    /* One term given as both is taken twice. */
    if (key == value)
        (void)pr_term_hold(value);
    return assign(table, pr_cell_as_key(key), key, value);
}

int pierrot_table_append(pierrot_term *table, pierrot_term *value)
{
    int error = check_table(table);
    if (!error)
        error = check_value(table, value);
    if (error) {
        discard(table, value);
        return error;
    }
    int64_t index = (int64_t)pr_table_len(table->as.table) + 1;
    return assign(table, pr_cell_int(index), NULL, value);
}

/* ---- reading ---- */

const pierrot_term *pierrot_table_get(const pierrot_term *table, const pierrot_term *key)
{
    if (!pr_table_of(table) || !key)
        return NULL;
    struct pierrot_term normal = pr_cell_as_key(key);
    return pr_table_get(table->as.table, &normal);
}

const pierrot_term *pierrot_table_field(const pierrot_term *table, const char *field)
{
    size_t len = field ? strlen(field) : 0;
    if (!field || !pr_table_of(table) || len > UINT32_MAX)
        return NULL;
    struct pierrot_term key = pr_cell_borrow(field, (uint32_t)len);
    return pr_table_get(table->as.table, &key);
}

const pierrot_term *pierrot_table_at(const pierrot_term *table, int64_t index)
{
    return pr_table_of(table) ? pr_table_at(table->as.table, index) : NULL;
}

size_t pierrot_table_len(const pierrot_term *table)
{
    return pr_table_of(table) ? (size_t)pr_table_len(table->as.table) : 0;
}

int pierrot_table_next(const pierrot_term *table, size_t *cursor, const pierrot_term **key,
                       const pierrot_term **value)
{
    /* Indexes of a sequence lie nowhere; this is what the caller sees of them. */
    static _Thread_local struct pierrot_term index_key;
    const struct pr_table *inner = pr_table_of(table);
    size_t at = cursor ? *cursor : 0;
    const pierrot_term *unused_key, *unused_value;
    key = key ? key : &unused_key;
    value = value ? value : &unused_value;
    if (!inner || !cursor || at >= (size_t)inner->n_array + inner->n_pairs)
        return 0;
    if (at < inner->n_array) {
        index_key = pr_cell_int((int64_t)at + 1);
        *key = &index_key;
        *value = &inner->array[at];
    } else {
        *key = &inner->pairs[(at - inner->n_array) * 2];
        *value = *key + 1;
    }
    *cursor = at + 1;
    return 1;
}
