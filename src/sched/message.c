/* SPDX-License-Identifier: MIT */
#include "sched/message.h"

#include <string.h>

#include "base/assert.h"
#include "proc/relation.h"

static struct pierrot_term text(const char *bytes)
{
    return pr_cell_borrow(bytes, (uint32_t)strlen(bytes));
}

/* A value as a cell in the arena. */
static int build_value(struct pr_owner *owner, struct pr_arena *arena,
                       const struct pierrot_term *value, struct pierrot_term *cell)
{
    if (value->tag == PR_VALUE_LOCAL) {
        pierrot_term *term = owner->ops->local_to_term(owner, value->as.integer);
        if (!term)
            return PIERROT_ENOMEM;
        int error = pr_term_copy_into(arena, term, cell);
        pr_term_drop(term, &owner->heap);
        return error;
    }
    return pr_term_copy_into(arena, pr_value_cell(value), cell);
}

static int append(struct pr_arena *arena, struct pr_table *table, struct pierrot_term cell)
{
    struct pierrot_term copy;
    int error = pr_term_copy_into(arena, &cell, &copy);
    return error ? error : pr_arena_append(arena, table, &copy);
}

static int append_value(struct pr_owner *owner, struct pr_arena *arena, struct pr_table *table,
                        const struct pierrot_term *value)
{
    struct pierrot_term copy;
    int error = build_value(owner, arena, value, &copy);
    return error ? error : pr_arena_append(arena, table, &copy);
}

static int build_down(struct pr_owner *owner, struct pr_arena *arena, struct pr_table *table,
                      const struct pr_signal *message)
{
    const struct pr_monitor_extra *extra = message->flags & PR_FLAG_NAMED ? message->u.extra : NULL;
    struct pierrot_term object = extra && extra->name ? *extra->name : pr_cell_pid(message->from);
    int error = append(arena, table, extra && extra->tag ? *extra->tag : text("DOWN"));
    if (!error)
        error = append(arena, table, pr_cell_ref(message->ref));
    if (!error)
        error = append(arena, table, text("process"));
    if (!error)
        error = append(arena, table, object);
    return error ? error : append_value(owner, arena, table, &message->value);
}

static int build_call(struct pr_owner *owner, struct pr_arena *arena, struct pr_table *table,
                      const struct pr_signal *message)
{
    struct pierrot_term from;
    int error =
        append(arena, table, text(message->flags & PR_FLAG_SYSTEM ? "system" : "$gen_call"));
    if (!error)
        error = pr_arena_table(arena, 2, 0, &from);
    if (!error)
        error = append(arena, from.as.table, pr_cell_pid(message->from));
    if (!error)
        error = append(arena, from.as.table, pr_cell_ref(message->ref));
    if (!error)
        error = pr_arena_append(arena, table, &from);
    return error ? error : append_value(owner, arena, table, &message->value);
}

/* {tag, id, value}, for kinds that are no more than that. */
static int build_triple(struct pr_owner *owner, struct pr_arena *arena, struct pr_table *table,
                        const char *tag, struct pierrot_term id, const struct pr_signal *message)
{
    int error = append(arena, table, text(tag));
    if (!error)
        error = append(arena, table, id);
    return error ? error : append_value(owner, arena, table, &message->value);
}

static int build_table(struct pr_owner *owner, struct pr_arena *arena, struct pr_table *table,
                       const struct pr_signal *message)
{
    int error;
    switch ((enum pr_signal_kind)message->kind) {
    case PR_SIGNAL_CALL:
        return build_call(owner, arena, table, message);
    case PR_SIGNAL_DOWN:
        return build_down(owner, arena, table, message);
    case PR_SIGNAL_EXITED:
        return build_triple(owner, arena, table, "EXIT", pr_cell_pid(pr_signal_exit_from(message)),
                            message);
    case PR_SIGNAL_TIMEOUT:
        return build_triple(owner, arena, table, "timeout", pr_cell_ref(message->ref), message);
    case PR_SIGNAL_CANCELLED:
        return build_triple(owner, arena, table, "cancel_timer", pr_cell_ref(message->ref),
                            message);
    case PR_SIGNAL_CAST:
        error = append(arena, table, text("$gen_cast"));
        return error ? error : append_value(owner, arena, table, &message->value);
    case PR_SIGNAL_ANSWER:
        error = append(arena, table, pr_cell_ref(message->ref));
        return error ? error : append_value(owner, arena, table, &message->value);
    case PR_SIGNAL_MESSAGE:
    case PR_SIGNAL_REPLY:
    case PR_SIGNAL_ALIAS:
    case PR_SIGNAL_EXIT:
    case PR_SIGNAL_LINK:
    case PR_SIGNAL_UNLINK:
    case PR_SIGNAL_UNLINKED:
    case PR_SIGNAL_MONITOR:
    case PR_SIGNAL_DEMONITOR:
    case PR_SIGNAL_VISIT:
        break;
    }
    PR_ASSERT(0);
    return PIERROT_EINVAL;
}

int pr_message_build(struct pr_owner *owner, struct pr_arena *arena,
                     const struct pr_signal *message, struct pierrot_term *cell)
{
    if (message->kind == PR_SIGNAL_MESSAGE)
        return build_value(owner, arena, &message->value, cell);
    int error = pr_arena_table(arena, 5, 0, cell);
    return error ? error : build_table(owner, arena, cell->as.table, message);
}

int pr_message_read(struct pr_owner *owner, const struct pr_signal *message,
                    const pierrot_term **cell, pierrot_term **built)
{
    *built = NULL;
    if (message->kind == PR_SIGNAL_MESSAGE && message->value.tag != PR_VALUE_LOCAL) {
        *cell = pr_value_cell(&message->value);
        return 0;
    }
    struct pr_arena *arena = pr_arena_new(&owner->heap, 256);
    if (!arena)
        return PIERROT_ENOMEM;
    struct pierrot_term made;
    int error = pr_message_build(owner, arena, message, &made);
    if (error) {
        pr_arena_free(arena, &owner->heap);
        return error;
    }
    made.flags |= PR_CELL_ROOT;
    arena->root = made;
    *cell = *built = &arena->root;
    return 0;
}

struct pierrot_term pr_value_from_root(struct pr_owner *owner, pierrot_term *root)
{
    if (!pr_value_is_scalar(root))
        return pr_value_of_term(root);
    struct pierrot_term value = *root;
    value.flags = 0;
    pr_term_drop(root, &owner->heap);
    return value;
}

pierrot_term *pr_value_to_root(struct pr_owner *owner, struct pierrot_term value)
{
    if (value.tag == PR_VALUE_TERM)
        return value.as.pointer;
    if (value.tag != PR_VALUE_LOCAL)
        return pr_term_new_scalar(&owner->heap, &value);
    pierrot_term *root = owner->ops->local_to_term(owner, value.as.integer);
    pr_value_drop(owner, &value);
    return root;
}

pierrot_term *pr_term_tuple(struct pr_heap *heap, const pierrot_term *const *items, int n_items)
{
    struct pr_arena *arena = pr_arena_new(heap, 192);
    if (!arena)
        return NULL;
    struct pierrot_term table;
    int error = pr_arena_table(arena, (uint32_t)n_items, 0, &table);
    for (int i = 0; i < n_items && !error; i++) {
        struct pierrot_term copy;
        error = pr_term_copy_into(arena, items[i], &copy);
        if (!error)
            error = pr_arena_append(arena, table.as.table, &copy);
    }
    if (error) {
        pr_arena_free(arena, heap);
        return NULL;
    }
    table.flags |= PR_CELL_ROOT;
    arena->root = table;
    return &arena->root;
}
