/* SPDX-License-Identifier: MIT
 *
 * It lies behind the last item of the root's table, where there is room that nobody reads. */
#include "term/note.h"

void pr_note_set(pierrot_term *root, const char *text, size_t len)
{
    struct pierrot_term note = pr_cell_nil();
    if (root->flags & (PR_CELL_STATIC | PR_CELL_NOTED) || root->tag != PIERROT_TABLE)
        return;
    struct pr_table *table = root->as.table;
    struct pr_arena *arena = pr_arena_of(root);
    if (pr_arena_string(arena, text, len, &note) != 0 || pr_arena_append(arena, table, &note) != 0)
        return;
    table->n_array--;
    root->flags |= PR_CELL_NOTED;
}

const pierrot_term *pr_note_get(const pierrot_term *root)
{
    if (!(root->flags & PR_CELL_NOTED) || root->tag != PIERROT_TABLE)
        return NULL;
    return &root->as.table->array[root->as.table->n_array];
}
