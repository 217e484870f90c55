/* SPDX-License-Identifier: MIT
 *
 * Small pieces for one thread: free lists by size, cut from slabs. Lua's tables and strings come
 * and go at every message; a general allocator takes a quarter of a call's time for them, these
 * lists some nanoseconds, and they waste no header.
 *
 * A pool gives its slabs back only when it ends, so what a burst took stays for the next one.
 * Pieces may only be freed into the pool that they came from: not for what travels between threads.
 */
#ifndef PR_POOL_H
#define PR_POOL_H

#include "base/alloc.h"

#define PR_POOL_GRAIN    16
#define PR_POOL_CLASSES  32 /* up to 512 bytes */
#define PR_POOL_MAX_SIZE (PR_POOL_GRAIN * PR_POOL_CLASSES)

/* Sanitizers and the debug build want to see every piece. */
#if defined(PR_DEBUG) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PR_POOL_IS_OFF 1
#else
#define PR_POOL_IS_OFF 0
#endif

struct pr_pool_piece {
    struct pr_pool_piece *next;
};

struct pr_pool_slab;

struct pr_pool {
    struct pr_heap *heap; /* of the slabs; not shared */
    size_t max_size;      /* 0: every piece from the heap itself, so that tests see each allocation */
    struct pr_pool_piece *free[PR_POOL_CLASSES + 1];
    char *at, *end; /* what is left of the newest slab */
    struct pr_pool_slab *slabs;
};

void pr_pool_init(struct pr_pool *pool, struct pr_heap *heap, int is_off);

/* All pieces are gone then. */
void pr_pool_fini(struct pr_pool *pool);

/* As pr_alloc, pr_realloc, pr_free. */
void *pr_pool_realloc(struct pr_pool *pool, void *ptr, size_t old_size, size_t new_size);

/* Where no piece of that size is at hand. */
void *pr_pool_cut(struct pr_pool *pool, size_t size);

static inline size_t pr_pool_class(size_t size)
{
    return (size + PR_POOL_GRAIN - 1) / PR_POOL_GRAIN;
}

/* These two are in the path of every table and string. */
static inline void *pr_pool_alloc(struct pr_pool *pool, size_t size)
{
    struct pr_pool_piece *piece;
    if (size > pool->max_size || !(piece = pool->free[pr_pool_class(size)]))
        return pr_pool_cut(pool, size);
    pool->free[pr_pool_class(size)] = piece->next;
    /* The next one was freed by the sweep of a whole heap ago: calls and casts gain 3 %. */
    __builtin_prefetch(piece->next, 1);
    pr_heap_count_own(pool->heap, (long long)size);
    return piece;
}

static inline void pr_pool_free(struct pr_pool *pool, void *ptr, size_t size)
{
    if (size > pool->max_size) {
        pr_free(pool->heap, ptr, size);
    } else if (ptr) {
        struct pr_pool_piece *piece = ptr;
        piece->next = pool->free[pr_pool_class(size)];
        pool->free[pr_pool_class(size)] = piece;
        pr_heap_count_own(pool->heap, -(long long)size);
    }
}

#endif
