/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static void *default_alloc(void *ud, void *ptr, size_t old_size, size_t new_size)
{
    (void)ud;
    (void)old_size;
    if (new_size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, new_size);
}

/* For terms that a host thread builds before any runtime sees them. */
static struct pr_heap host_heap = {.fn = default_alloc, .shared = &host_heap};

static _Thread_local struct pr_heap *current_heap;

static void init(struct pr_heap *heap, pierrot_alloc_fn fn, void *ud, struct pr_heap *shared)
{
    heap->fn = fn;
    heap->ud = ud;
    heap->shared = shared;
    heap->shelf = NULL;
    atomic_init(&heap->live_bytes, 0);
}

void pr_heap_init(struct pr_heap *heap, pierrot_alloc_fn fn, void *ud)
{
    init(heap, fn ? fn : default_alloc, ud, heap);
}

void pr_heap_init_own(struct pr_heap *heap, struct pr_heap *shared)
{
    init(heap, shared->fn, shared->ud, shared);
}

void pr_heap_count(struct pr_heap *heap, long long bytes)
{
    if (pr_heap_is_shared(heap))
        atomic_fetch_add_explicit(&heap->live_bytes, bytes, memory_order_relaxed);
    else
        pr_heap_count_own(heap, bytes);
}

void *pr_alloc(struct pr_heap *heap, size_t size)
{
    void *ptr = heap->fn(heap->ud, NULL, 0, size);
    if (ptr)
        pr_heap_count(heap, (long long)size);
    return ptr;
}

void *pr_zalloc(struct pr_heap *heap, size_t size)
{
    void *ptr = pr_alloc(heap, size);
    if (ptr)
        memset(ptr, 0, size);
    return ptr;
}

void *pr_realloc(struct pr_heap *heap, void *ptr, size_t old_size, size_t new_size)
{
    void *moved = heap->fn(heap->ud, ptr, ptr ? old_size : 0, new_size);
    if (moved)
        pr_heap_count(heap, (long long)new_size - (long long)(ptr ? old_size : 0));
    return moved;
}

void pr_free(struct pr_heap *heap, void *ptr, size_t size)
{
    if (!ptr)
        return;
    heap->fn(heap->ud, ptr, size, 0);
    pr_heap_count(heap, -(long long)size);
}

int64_t pr_heap_live(const struct pr_heap *heap)
{
    return atomic_load_explicit(&heap->live_bytes, memory_order_relaxed);
}

struct pr_heap *pr_heap_malloc(void)
{
    return &host_heap;
}

struct pr_heap *pr_heap_current(void)
{
    return current_heap ? current_heap : &host_heap;
}

void pr_heap_set_current(struct pr_heap *heap)
{
    current_heap = heap;
}
