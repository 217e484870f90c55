/* SPDX-License-Identifier: MIT */
#include "base/spare.h"

#include <string.h>

/* Full magazines of a size that the depot keeps: enough for bursts, little enough to forget. */
enum { MAX_MAGAZINES = 128 };

int pr_depot_init(struct pr_depot *depot)
{
    memset(depot, 0, sizeof *depot);
    return pr_lock_init(&depot->lock);
}

static size_t size_of(unsigned number)
{
    return PR_SPARE_MIN + 16 * (size_t)number;
}

/* The pieces count as free already. */
static void free_all(struct pr_heap *heap, struct pr_spare_piece *piece, size_t size)
{
    while (piece) {
        struct pr_spare_piece *next = piece->next;
        pr_heap_count(heap, (long long)size);
        pr_free(heap, piece, size);
        piece = next;
    }
}

void pr_depot_fini(struct pr_depot *depot, struct pr_heap *heap)
{
    for (unsigned i = 0; i < PR_SPARE_CLASSES; i++) {
        while (depot->magazines[i]) {
            struct pr_spare_piece *magazine = depot->magazines[i];
            depot->magazines[i] = magazine->next_magazine;
            free_all(heap, magazine, size_of(i));
        }
    }
    pr_lock_fini(&depot->lock);
}

void pr_shelf_init(struct pr_shelf *shelf, struct pr_depot *depot, struct pr_heap *heap)
{
    memset(shelf, 0, sizeof *shelf);
    shelf->depot = depot;
    shelf->heap = heap;
}

void pr_shelf_fini(struct pr_shelf *shelf)
{
    for (unsigned i = 0; i < PR_SPARE_CLASSES; i++) {
        free_all(shelf->heap, shelf->classes[i].loaded, size_of(i));
        free_all(shelf->heap, shelf->classes[i].full, size_of(i));
        shelf->classes[i] = (struct pr_shelf_class){0};
    }
}

static unsigned count_of(struct pr_depot *depot, unsigned number)
{
    return atomic_load_explicit(&depot->n_magazines[number], memory_order_relaxed);
}

static void set_count(struct pr_depot *depot, unsigned number, unsigned count)
{
    atomic_store_explicit(&depot->n_magazines[number], count, memory_order_relaxed);
}

/* A full magazine, or NULL. */
static struct pr_spare_piece *fetch(struct pr_depot *depot, unsigned number)
{
    /* Outside of the lock, relaxed: who finds it empty, or late, only asks the heap once more. */
    if (count_of(depot, number) == 0)
        return NULL;
    pr_lock_take(&depot->lock);
    struct pr_spare_piece *magazine = depot->magazines[number];
    if (magazine) {
        depot->magazines[number] = magazine->next_magazine;
        set_count(depot, number, count_of(depot, number) - 1);
    }
    pr_lock_give(&depot->lock);
    return magazine;
}

/* Whether there was room for it. */
static int store(struct pr_depot *depot, unsigned number, struct pr_spare_piece *magazine)
{
    pr_lock_take(&depot->lock);
    int has_room = count_of(depot, number) < MAX_MAGAZINES;
    if (has_room) {
        magazine->next_magazine = depot->magazines[number];
        depot->magazines[number] = magazine;
        set_count(depot, number, count_of(depot, number) + 1);
    }
    pr_lock_give(&depot->lock);
    return has_room;
}

void *pr_spare_refill(struct pr_shelf *shelf, unsigned number)
{
    struct pr_shelf_class *class = &shelf->classes[number];
    struct pr_spare_piece *magazine = class->full;
    class->full = NULL;
    if (!magazine)
        magazine = fetch(shelf->depot, number);
    if (!magazine)
        return pr_alloc(shelf->heap, size_of(number));
    class->loaded = magazine->next;
    class->n_loaded = PR_MAGAZINE - 1;
    pr_heap_count_own(shelf->heap, (long long)size_of(number));
    return magazine;
}

/* One of the two full magazines goes, so that neither a free nor an allocation is next to need the
 * depot again. */
void pr_spare_put_away(struct pr_shelf *shelf, unsigned number)
{
    struct pr_shelf_class *class = &shelf->classes[number];
    struct pr_spare_piece *surplus = class->full;
    class->full = class->loaded;
    class->loaded = NULL;
    class->n_loaded = 0;
    if (surplus && !store(shelf->depot, number, surplus))
        free_all(shelf->heap, surplus, size_of(number));
}
