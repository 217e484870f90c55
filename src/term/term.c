/* SPDX-License-Identifier: MIT
 *
 * Roots and scalars: counting holders, immortal constants, making and reading single values. */
#include "term/term.h"

#include <string.h>

#include "base/assert.h"

#define STATIC_ROOT .flags = PR_CELL_ROOT | PR_CELL_STATIC

#define DEFINE_CONSTANT(name, text)                                                                \
    struct pr_arena pr_constant_##name = {                                                         \
        .root = {.tag = PIERROT_STRING, STATIC_ROOT, .len = sizeof(text) - 1, .as.bytes = text}};
PR_CONSTANTS(DEFINE_CONSTANT)
#undef DEFINE_CONSTANT

struct pr_arena pr_constant_nil = {.root = {.tag = PIERROT_NIL, STATIC_ROOT}};
struct pr_arena pr_constant_true = {.root = {.tag = PIERROT_BOOL, STATIC_ROOT, .as.integer = 1}};
struct pr_arena pr_constant_false = {.root = {.tag = PIERROT_BOOL, STATIC_ROOT, .as.integer = 0}};

/* ---- holders ---- */

pierrot_term *pr_term_hold(pierrot_term *root)
{
    PR_ASSERT(root->flags & PR_CELL_ROOT);
    /* relaxed: the caller holds it already, so it cannot be freed meanwhile. */
    if (!(root->flags & PR_CELL_STATIC))
        atomic_fetch_add_explicit(&pr_arena_of(root)->n_holds, 1, memory_order_relaxed);
    return root;
}

/* Whether that was the last holder. */
static int release(struct pr_arena *arena)
{
    /* acquire: pairs with the release of those that dropped theirs before. The sole holder needs no
     * read-modify-write, since nobody else can add one. */
    if (atomic_load_explicit(&arena->n_holds, memory_order_acquire) == 1)
        return 1;
    return atomic_fetch_sub_explicit(&arena->n_holds, 1, memory_order_acq_rel) == 1;
}

void pr_term_drop(pierrot_term *root, struct pr_heap *heap)
{
    if (!root || root->flags & PR_CELL_STATIC)
        return;
    PR_ASSERT(root->flags & PR_CELL_ROOT);
    struct pr_arena *arena = pr_arena_of(root);
    if (release(arena))
        pr_arena_free(arena, pr_heap_is_shared(arena->heap) ? arena->heap : heap);
}

void pierrot_term_free(pierrot_term *term)
{
    /* What is no root is lent, so it is not the caller's to free. */
    if (term && term->flags & PR_CELL_ROOT && !(term->flags & PR_CELL_STATIC))
        pr_term_drop(term, pr_arena_heap(pr_arena_of(term)));
}

pierrot_term *pierrot_term_share(pierrot_term *term)
{
    if (!term)
        return PR_TERM(nil);
    return term->flags & PR_CELL_ROOT ? pr_term_hold(term) : pierrot_term_copy(term);
}

/* ---- making ---- */

pierrot_term *pr_term_new_scalar(struct pr_heap *heap, const struct pierrot_term *cell)
{
    PR_ASSERT(cell->tag != PIERROT_TABLE);
    if (cell->tag == PIERROT_STRING)
        return pr_term_new_string(heap, cell->as.bytes, cell->len);
    if (cell->tag == PIERROT_NIL)
        return PR_TERM(nil);
    if (cell->tag == PIERROT_BOOL)
        return cell->as.integer ? PR_TERM(true) : PR_TERM(false);
    struct pr_arena *arena = pr_arena_new_exact(heap, 0);
    if (!arena)
        return NULL;
    arena->root.tag = cell->tag;
    arena->root.as = cell->as;
    return &arena->root;
}

pierrot_term *pr_term_new_string(struct pr_heap *heap, const char *bytes, size_t len)
{
    if (len > UINT32_MAX)
        return NULL;
    struct pr_arena *arena = pr_arena_new_exact(heap, (len + 8) & ~(size_t)7);
    if (!arena)
        return NULL;
    (void)pr_arena_string(arena, bytes, len, &arena->root); /* there is room */
    return &arena->root;
}

pierrot_term *pierrot_nil(void)
{
    return PR_TERM(nil);
}

pierrot_term *pierrot_bool(int value)
{
    return value ? PR_TERM(true) : PR_TERM(false);
}

static pierrot_term *new_scalar(struct pierrot_term cell)
{
    return pr_term_new_scalar(pr_heap_current(), &cell);
}

pierrot_term *pierrot_int(int64_t value)
{
    return new_scalar(pr_cell_int(value));
}

pierrot_term *pierrot_num(double value)
{
    return new_scalar(pr_cell_num(value));
}

pierrot_term *pierrot_pid_term(pierrot_pid pid)
{
    return new_scalar(pr_cell_pid(pid));
}

pierrot_term *pierrot_socket_term(pierrot_pid actor)
{
    return new_scalar(pr_cell_socket(actor));
}

pierrot_term *pierrot_ref_term(pierrot_ref ref)
{
    return new_scalar(pr_cell_ref(ref));
}

pierrot_term *pierrot_string(const char *bytes, size_t len)
{
    return bytes || len == 0 ? pr_term_new_string(pr_heap_current(), bytes, len) : NULL;
}

/* ---- reading; NULL reads as nil ---- */

static int has_tag(const pierrot_term *term, pierrot_type type)
{
    return term && term->tag == type;
}

pierrot_type pierrot_term_type(const pierrot_term *term)
{
    return term ? (pierrot_type)term->tag : PIERROT_NIL;
}

int pierrot_as_bool(const pierrot_term *term)
{
    if (has_tag(term, PIERROT_BOOL))
        return term->as.integer != 0;
    return pierrot_term_type(term) != PIERROT_NIL;
}

int64_t pierrot_as_int(const pierrot_term *term)
{
    return has_tag(term, PIERROT_INT) ? term->as.integer : 0;
}

double pierrot_as_number(const pierrot_term *term)
{
    if (has_tag(term, PIERROT_INT))
        return (double)term->as.integer;
    return has_tag(term, PIERROT_NUMBER) ? term->as.number : 0.0;
}

const char *pierrot_as_string(const pierrot_term *term, size_t *len)
{
    int is_string = has_tag(term, PIERROT_STRING);
    if (len)
        *len = is_string ? term->len : 0;
    return is_string ? term->as.bytes : "";
}

pierrot_pid pierrot_as_pid(const pierrot_term *term)
{
    return (pierrot_pid){has_tag(term, PIERROT_PID) ? term->as.id : 0};
}

pierrot_ref pierrot_as_ref(const pierrot_term *term)
{
    return (pierrot_ref){has_tag(term, PIERROT_REF) ? term->as.id : 0};
}

pierrot_pid pierrot_as_socket(const pierrot_term *term)
{
    return (pierrot_pid){has_tag(term, PIERROT_SOCKET) ? term->as.id & ~PR_SOCKET_BIT : 0};
}

int pr_cell_is_bytes(const struct pierrot_term *cell, const char *bytes, size_t len)
{
    return cell->tag == PIERROT_STRING && cell->len == len &&
           (len == 0 || memcmp(cell->as.bytes, bytes, len) == 0);
}

int pierrot_is_string(const pierrot_term *term, const char *text)
{
    return term && text && pr_cell_is_bytes(term, text, strlen(text));
}
