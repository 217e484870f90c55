/* SPDX-License-Identifier: MIT
 *
 * Spare pieces: small blocks of a few sizes that one thread allocates and another frees, again and
 * again, as messages between schedulers are. A general allocator gives each block back to where it
 * came from, one by one and under that place's lock, while the sender is allocating there; here
 * blocks come back by the magazine.
 *
 * Each thread has its own shelf: for each size a magazine that it takes from and puts into, and
 * perhaps a full one behind that. Between the shelves lies a depot of full magazines, under a lock
 * that is taken once in PR_MAGAZINE pieces. A sender whose shelf is empty takes the magazine that
 * its receiver has filled; what is too much for the depot goes back to the heap.
 *
 * Guarantees: an allocation that follows a free of the same size on the same thread never fails.
 * Spare pieces count as free memory. */
#ifndef PR_SPARE_H
#define PR_SPARE_H

#include "base/alloc.h"
#include "base/lock.h"

/* The sizes are those that malloc gives without waste: 8 above a multiple of 16. */
#define PR_SPARE_MIN     72
#define PR_SPARE_MAX     264
#define PR_SPARE_CLASSES ((PR_SPARE_MAX - PR_SPARE_MIN) / 16 + 1)

#define PR_MAGAZINE 128

struct pr_spare_piece {
    struct pr_spare_piece *next;
    struct pr_spare_piece *next_magazine; /* of the first of a full one, in the depot */
};

/* Shared by the threads of a runtime. */
struct pr_depot {
    struct pr_lock lock;
    struct pr_spare_piece *magazines[PR_SPARE_CLASSES]; /* (M) */
    atomic_uint n_magazines[PR_SPARE_CLASSES];          /* (A) written under the lock */
};

struct pr_shelf_class {
    struct pr_spare_piece *loaded; /* (O) [n_loaded] */
    struct pr_spare_piece *full;   /* (O) [PR_MAGAZINE], or NULL */
    uint32_t n_loaded;             /* (O) */
};

struct pr_shelf {
    struct pr_depot *depot; /* (I) */
    struct pr_heap *heap;   /* (I) the thread's own */
    struct pr_shelf_class classes[PR_SPARE_CLASSES];
};

/* 0 or a libuv error. */
int pr_depot_init(struct pr_depot *depot);

/* All shelves are gone by then. */
void pr_depot_fini(struct pr_depot *depot, struct pr_heap *heap);

void pr_shelf_init(struct pr_shelf *shelf, struct pr_depot *depot, struct pr_heap *heap);
void pr_shelf_fini(struct pr_shelf *shelf);

/* Where the loaded magazine is empty, or full. Thread: the shelf's. */
void *pr_spare_refill(struct pr_shelf *shelf, unsigned number);
void pr_spare_put_away(struct pr_shelf *shelf, unsigned number);

/* The size at which a block of `size` bytes is a piece; sizes above PR_SPARE_MAX stay. */
static inline size_t pr_spare_size(size_t size)
{
    if (size > PR_SPARE_MAX)
        return size;
    return size <= PR_SPARE_MIN ? PR_SPARE_MIN : ((size + 7) & ~(size_t)15) + 8;
}

static inline int pr_spare_is_size(size_t size)
{
    return size >= PR_SPARE_MIN && size <= PR_SPARE_MAX && size % 16 == 8;
}

static inline unsigned pr_spare_class(size_t size)
{
    return (unsigned)(size - PR_SPARE_MIN) / 16;
}

/* As pr_alloc and pr_free, for a size that is one. Thread: the shelf's. */
static inline void *pr_spare_alloc(struct pr_shelf *shelf, size_t size)
{
    struct pr_shelf_class *class = &shelf->classes[pr_spare_class(size)];
    struct pr_spare_piece *piece = class->loaded;
    if (!piece)
        return pr_spare_refill(shelf, pr_spare_class(size));
    class->loaded = piece->next;
    class->n_loaded--;
    pr_heap_count_own(shelf->heap, (long long)size);
    return piece;
}

static inline void pr_spare_free(struct pr_shelf *shelf, void *block, size_t size)
{
    struct pr_shelf_class *class = &shelf->classes[pr_spare_class(size)];
    struct pr_spare_piece *piece = block;
    if (class->n_loaded == PR_MAGAZINE)
        pr_spare_put_away(shelf, pr_spare_class(size));
    piece->next = class->loaded;
    class->loaded = piece;
    class->n_loaded++;
    pr_heap_count_own(shelf->heap, -(long long)size);
}

#endif
