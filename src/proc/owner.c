/* SPDX-License-Identifier: MIT */
#include "proc/owner.h"

#include "base/assert.h"

static _Thread_local struct pr_owner *here;

void pr_owner_init(struct pr_owner *owner, struct pr_system *system, uint32_t index,
                   const struct pr_owner_ops *ops)
{
    pr_heap_init_own(&owner->heap, &system->heap);
    pr_shelf_init(&owner->shelf, &system->depot, &owner->heap);
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
    pr_shelf_fini(&owner->shelf);
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

void pr_value_drop(struct pr_owner *owner, const struct pierrot_term *value)
{
    if (value->tag == PR_VALUE_TERM)
        pr_term_drop(value->as.pointer, &owner->heap);
    else if (value->tag == PR_VALUE_LOCAL)
        owner->ops->drop_local(owner, value->as.integer);
    else
        PR_ASSERT(pr_value_is_scalar(value));
}
