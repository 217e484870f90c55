/* SPDX-License-Identifier: MIT
 *
 * Memory. Everything in pierrot allocates from a heap: an allocation function of the embedder's and
 * a count of live bytes. Each scheduler has a heap that only its thread counts in, so that counting
 * costs no atomic read-modify-write; what one thread allocates another may free, in its own heap,
 * as long as both belong to one runtime: single counts may then be negative, the sum is right.
 *
 * All sizes are given back on free, as Lua's allocator does. */
#ifndef PR_ALLOC_H
#define PR_ALLOC_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "pierrot.h"

struct pr_shelf;

struct pr_heap {
    pierrot_alloc_fn fn;     /* (I) */
    void *ud;                /* (I) */
    atomic_llong live_bytes; /* (A) relaxed; written by the owner, or by all of a shared one */
    struct pr_heap *shared;  /* (I) for other threads; itself: counted with read-modify-writes */
    struct pr_shelf *shelf;  /* (I) of spare pieces, see spare.h; NULL: none. Thread: the owner's */
};

/* A heap for all threads; fn NULL: malloc's family. */
void pr_heap_init(struct pr_heap *heap, pierrot_alloc_fn fn, void *ud);

/* One thread's own part of it. What another thread frees of it goes back through `shared`: the sum
 * of both is what counts. */
void pr_heap_init_own(struct pr_heap *heap, struct pr_heap *shared);

static inline int pr_heap_is_shared(const struct pr_heap *heap)
{
    return heap->shared == heap;
}

/* The one of the process over malloc, see pr_heap_current: what lies there is for every runtime, and
 * outlives them. Thread: any. */
struct pr_heap *pr_heap_malloc(void);

/* NULL when out of memory; size is not 0. Thread: the heap's owner (any when shared). */
void *pr_alloc(struct pr_heap *heap, size_t size);
void *pr_zalloc(struct pr_heap *heap, size_t size);

/* As realloc; NULL leaves ptr as it was. */
void *pr_realloc(struct pr_heap *heap, void *ptr, size_t old_size, size_t new_size);

/* ptr may be NULL. */
void pr_free(struct pr_heap *heap, void *ptr, size_t size);

/* Counts bytes as live or (negative) as free: for pools, whose spare pieces count as free. */
void pr_heap_count(struct pr_heap *heap, long long bytes);

/* The same for a heap that is not shared. */
static inline void pr_heap_count_own(struct pr_heap *heap, long long bytes)
{
    /* One writer: a load and a store are enough, and readers only want a snapshot. */
    long long live = atomic_load_explicit(&heap->live_bytes, memory_order_relaxed);
    atomic_store_explicit(&heap->live_bytes, live + bytes, memory_order_relaxed);
}

/* Bytes; a snapshot. Thread: any. */
int64_t pr_heap_live(const struct pr_heap *heap);

/* The heap that code without one at hand uses: the scheduler's on its thread, else a shared one of
 * the process over malloc. */
struct pr_heap *pr_heap_current(void);
void pr_heap_set_current(struct pr_heap *heap); /* NULL: the shared one */

#endif
