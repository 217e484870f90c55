/* SPDX-License-Identifier: MIT */
#include "proc/owner.h"

#include "base/assert.h"

/* Spare pieces that a pool keeps: enough for bursts, little enough to forget. */
enum { MAX_SPARE = 16384 };

static _Thread_local struct pr_owner *here;

void pr_owner_init(struct pr_owner *owner, struct pr_system *system, uint32_t index,
                   const struct pr_owner_ops *ops)
{
    pr_heap_init(&owner->heap, system->heap.fn, system->heap.ud, 0);
    owner->system = system;
    owner->index = index;
    owner->ops = ops;
    pr_queue_init(&owner->inbox);
    pr_map_init(&owner->refs);
    pr_map_init(&owner->links);
    owner->free_head = owner->free_tail = UINT32_MAX;
}

void pr_owner_fini(struct pr_owner *owner)
{
    while (owner->spare) {
        struct pr_node *piece = owner->spare;
        owner->spare = piece->next;
        pr_heap_count(&owner->heap, PR_PIECE_SIZE);
        pr_free(&owner->heap, piece, PR_PIECE_SIZE);
    }
    owner->n_spare = 0;
    pr_map_fini(&owner->refs, &owner->heap);
    pr_map_fini(&owner->links, &owner->heap);
}

pierrot_ref pr_owner_make_ref(struct pr_owner *owner)
{
    return pr_ref_make(owner->index, ++owner->last_ref);
}

struct pr_owner *pr_owner_here(void)
{
    return here;
}

void pr_owner_set_here(struct pr_owner *owner)
{
    here = owner;
    pr_heap_set_current(owner ? &owner->heap : NULL);
}

/* Spare pieces count as free memory: what a runtime holds is then what its processes hold. */
void *pr_piece_alloc(struct pr_owner *owner)
{
    struct pr_node *piece = owner->spare;
    if (!piece)
        return pr_alloc(&owner->heap, PR_PIECE_SIZE);
    owner->spare = piece->next;
    owner->n_spare--;
    pr_heap_count(&owner->heap, PR_PIECE_SIZE);
    return piece;
}

void pr_piece_free(struct pr_owner *owner, void *piece)
{
    if (owner->n_spare >= MAX_SPARE) {
        pr_free(&owner->heap, piece, PR_PIECE_SIZE);
        return;
    }
    struct pr_node *node = piece;
    node->next = owner->spare;
    owner->spare = node;
    owner->n_spare++;
    pr_heap_count(&owner->heap, -PR_PIECE_SIZE);
}

void pr_value_drop(struct pr_owner *owner, const struct pierrot_term *value)
{
    if (value->tag == PR_VALUE_TERM)
        pr_term_drop(value->as.pointer, &owner->heap);
    else if (value->tag == PR_VALUE_LOCAL)
        owner->ops->drop_local(owner, value->as.integer);
    else
        PR_ASSERT(pr_value_is_scalar(value));
}
