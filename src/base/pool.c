/* SPDX-License-Identifier: MIT */
#include "base/pool.h"

#include <string.h>

enum { SLAB_SIZE = 64 * 1024 };

struct pr_pool_slab {
    struct pr_pool_slab *next;
    _Alignas(PR_POOL_GRAIN) char bytes[];
};

void pr_pool_init(struct pr_pool *pool, struct pr_heap *heap, int is_off)
{
    memset(pool, 0, sizeof *pool);
    pool->heap = heap;
    pool->max_size = is_off ? 0 : PR_POOL_MAX_SIZE;
}

void pr_pool_fini(struct pr_pool *pool)
{
    while (pool->slabs) {
        struct pr_pool_slab *slab = pool->slabs;
        pool->slabs = slab->next;
        /* The heap counts pieces, not slabs. */
        pr_heap_count(pool->heap, SLAB_SIZE);
        pr_free(pool->heap, slab, SLAB_SIZE);
    }
}

/* What is left of the old slab is given to the free lists, so nothing is lost. */
static int add_slab(struct pr_pool *pool)
{
    struct pr_pool_slab *slab = pr_alloc(pool->heap, SLAB_SIZE);
    if (!slab)
        return PIERROT_ENOMEM;
    pr_heap_count(pool->heap, -SLAB_SIZE);
    size_t left = (size_t)(pool->end - pool->at) / PR_POOL_GRAIN;
    if (left > 0 && left <= PR_POOL_CLASSES) {
        struct pr_pool_piece *piece = (struct pr_pool_piece *)pool->at;
        piece->next = pool->free[left];
        pool->free[left] = piece;
    }
    slab->next = pool->slabs;
    pool->slabs = slab;
    pool->at = slab->bytes;
    pool->end = (char *)slab + SLAB_SIZE;
    return 0;
}

void *pr_pool_cut(struct pr_pool *pool, size_t size)
{
    if (size > pool->max_size)
        return pr_alloc(pool->heap, size);
    size_t n_bytes = pr_pool_class(size) * PR_POOL_GRAIN;
    if ((size_t)(pool->end - pool->at) < n_bytes && add_slab(pool) != 0)
        return NULL;
    void *piece = pool->at;
    pool->at += n_bytes;
    pr_heap_count_own(pool->heap, (long long)size);
    return piece;
}

void *pr_pool_realloc(struct pr_pool *pool, void *ptr, size_t old_size, size_t new_size)
{
    if (!ptr)
        return pr_pool_alloc(pool, new_size);
    if (old_size > pool->max_size && new_size > pool->max_size)
        return pr_realloc(pool->heap, ptr, old_size, new_size);
    if (new_size <= pool->max_size && pr_pool_class(old_size) == pr_pool_class(new_size)) {
        pr_heap_count_own(pool->heap, (long long)new_size - (long long)old_size);
        return ptr;
    }
    void *moved = pr_pool_alloc(pool, new_size);
    if (!moved)
        return NULL;
    memcpy(moved, ptr, old_size < new_size ? old_size : new_size);
    pr_pool_free(pool, ptr, old_size);
    return moved;
}
