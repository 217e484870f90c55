/* SPDX-License-Identifier: MIT
 *
 * Arenas: bump allocation in a chain of blocks. The first block holds the head, so that a small
 * term is one allocation; later blocks double up to MAX_BLOCK, and what is large gets a block of
 * its own without giving up the free space before it.
 *
 * The hard part is who counts the memory. A block is freed by whoever drops the term last, perhaps
 * on another scheduler: heaps of one runtime may stand in for each other (see alloc.h), a shared
 * heap and anything else may not. */
#include "term/term.h"

#include <string.h>

#include "base/assert.h"
#include "base/spare.h"

enum { SMALL_TOTAL = 136, MEDIUM_TOTAL = 264, MIN_BLOCK = 512, MAX_BLOCK = 32 * 1024 };

/* The owner of an arena is alone with it: readers that add blocks come only later, after the
 * message that handed the term to them, so relaxed orders do. */
static struct pr_block *next_of(struct pr_block *block)
{
    return atomic_load_explicit(&block->next, memory_order_relaxed);
}

static void set_next(struct pr_block *block, struct pr_block *next)
{
    atomic_store_explicit(&block->next, next, memory_order_relaxed);
}

static uint32_t clamp_block(size_t size)
{
    if (size < MIN_BLOCK)
        return MIN_BLOCK;
    return size > MAX_BLOCK ? MAX_BLOCK : (uint32_t)size;
}

struct pr_arena *pr_arena_new_exact(struct pr_heap *heap, size_t room)
{
    PR_ASSERT(room % 8 == 0);
    size_t total = pr_spare_size(sizeof(struct pr_arena) + room);
    struct pr_arena *arena = heap->shelf && total <= PR_SPARE_MAX
                                 ? pr_spare_alloc(heap->shelf, total)
                                 : pr_alloc(heap, total);
    if (!arena)
        return NULL;
    atomic_init(&arena->first.next, NULL);
    arena->first.size = total;
    arena->last = &arena->first;
    arena->heap = heap;
    arena->merged = NULL;
    arena->at = (char *)(arena + 1);
    arena->end = (char *)arena + total;
    atomic_init(&arena->n_holds, 1);
    arena->next_size = clamp_block(total * 2);
    arena->root = (struct pierrot_term){.tag = PIERROT_NIL, .flags = PR_CELL_ROOT};
    return arena;
}

struct pr_arena *pr_arena_new(struct pr_heap *heap, size_t hint)
{
    size_t total = (sizeof(struct pr_arena) + hint + 7) & ~(size_t)7;
    if (total < SMALL_TOTAL)
        total = SMALL_TOTAL;
    else if (total < MEDIUM_TOTAL)
        total = MEDIUM_TOTAL;
    return pr_arena_new_exact(heap, total - sizeof(struct pr_arena));
}

static void push_block(struct pr_arena *arena, struct pr_block *block)
{
    set_next(block, next_of(&arena->first));
    set_next(&arena->first, block);
    if (arena->last == &arena->first)
        arena->last = block;
}

void *pr_arena_alloc_block(struct pr_arena *arena, size_t size)
{
    int is_large = size > arena->next_size / 4;
    size_t total = sizeof(struct pr_block) + (is_large ? size : arena->next_size);
    struct pr_block *block = pr_alloc(pr_arena_heap(arena), total);
    if (!block)
        return NULL;
    block->size = total;
    push_block(arena, block);
    /* Grows with large pieces too, else an arena of middling ones would never get ordinary blocks.
     */
    arena->next_size = clamp_block((size_t)arena->next_size * 2);
    char *room = (char *)(block + 1);
    if (!is_large) {
        arena->at = room + size;
        arena->end = (char *)block + total;
    }
    return room;
}

int pr_arena_extend(struct pr_arena *arena, void *ptr, size_t old_size, size_t new_size)
{
    PR_ASSERT(old_size % 8 == 0 && new_size % 8 == 0);
    if (!ptr || (char *)ptr + old_size != arena->at ||
        new_size - old_size > (size_t)(arena->end - arena->at))
        return 0;
    arena->at += new_size - old_size;
    return 1;
}

int pr_arena_string(struct pr_arena *arena, const char *bytes, size_t len,
                    struct pierrot_term *cell)
{
    if (len > UINT32_MAX)
        return PIERROT_ELIMIT;
    char *copy = pr_arena_alloc(arena, len + 1);
    if (!copy)
        return PIERROT_ENOMEM;
    if (len > 0)
        memcpy(copy, bytes, len);
    copy[len] = '\0';
    cell->tag = PIERROT_STRING;
    cell->flags = cell == &arena->root ? PR_CELL_ROOT : 0;
    cell->len = (uint32_t)len;
    cell->as.bytes = copy;
    return 0;
}

static int is_one_runtime(const struct pr_heap *a, const struct pr_heap *b)
{
    return a == b ||
           (!pr_heap_is_shared(a) && !pr_heap_is_shared(b) && a->shared == b->shared);
}

int pr_term_is_of(pierrot_term *root, const struct pr_heap *heap)
{
    if (root->flags & PR_CELL_STATIC)
        return 1;
    const struct pr_heap *its = pr_arena_of(root)->heap;
    return its->shared == heap->shared || its == pr_heap_malloc();
}

struct pr_heap *pr_arena_heap(const struct pr_arena *arena)
{
    struct pr_heap *current = pr_heap_current();
    return is_one_runtime(current, arena->heap) ? current : arena->heap->shared;
}

int pr_arena_can_merge(const struct pr_arena *into, const struct pr_arena *from)
{
    return is_one_runtime(into->heap, from->heap);
}

void pr_arena_merge(struct pr_arena *into, struct pr_arena *from)
{
    PR_ASSERT(into != from && !into->merged && !from->merged);
    set_next(from->last, next_of(&into->first));
    set_next(&into->first, &from->first);
    if (into->last == &into->first)
        into->last = from->last;
    if (from->end - from->at > into->end - into->at) {
        into->at = from->at;
        into->end = from->end;
    }
    from->merged = into;
    from->root.flags = 0;
}

struct pr_arena *pr_arena_owner(struct pr_arena *arena)
{
    while (arena->merged)
        arena = arena->merged;
    return arena;
}

struct pr_block *pr_arena_new_shared(struct pr_arena *arena, size_t size)
{
    struct pr_block *block = pr_alloc(pr_arena_heap(arena), sizeof *block + size);
    if (block)
        block->size = sizeof *block + size;
    return block;
}

void pr_arena_add_shared(struct pr_arena *arena, struct pr_block *block)
{
    struct pr_block *next = next_of(&arena->first);
    do {
        set_next(block, next);
        /* relaxed: nobody follows the list before the last holder drops the term, and that drop
         * acquires what the others released. */
    } while (!atomic_compare_exchange_weak_explicit(&arena->first.next, &next, block,
                                                    memory_order_relaxed, memory_order_relaxed));
    /* Only one thread can have found the list empty. */
    if (!next)
        arena->last = block;
}

void pr_arena_free_shared(struct pr_arena *arena, struct pr_block *block)
{
    pr_free(pr_arena_heap(arena), block, block->size);
}

void pr_arena_free(struct pr_arena *arena, struct pr_heap *heap)
{
    struct pr_block *block = &arena->first;
    while (block) {
        struct pr_block *next = next_of(block);
        if (heap->shelf && pr_spare_is_size(block->size))
            pr_spare_free(heap->shelf, block, block->size);
        else
            pr_free(heap, block, block->size);
        block = next;
    }
}
