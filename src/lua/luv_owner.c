/* SPDX-License-Identifier: MIT */
#include "lua/luv_owner.h"

struct pr_luv_owner *pr_luv_owner_find(struct pr_luv *luv, pierrot_pid pid)
{
    uint64_t hash = pr_hash_mix(pid.id);
    struct pr_map_node *node = pr_map_first(&luv->owners, hash);
    for (; node; node = node->next) {
        struct pr_luv_owner *owner = PR_CONTAINER_OF(node, struct pr_luv_owner, node);
        if (owner->pid.id == pid.id)
            return owner;
    }
    return NULL;
}

static struct pr_luv_owner *make(struct pr_luv *luv, pierrot_pid pid)
{
    struct pr_heap *heap = &luv->lua->owner->heap;
    struct pr_luv_owner *owner = pr_pool_alloc(&luv->lua->scheduler->pool, sizeof *owner);
    if (!owner)
        return NULL;
    if (pr_map_reserve(&luv->owners, heap) != 0) {
        pr_pool_free(&luv->lua->scheduler->pool, owner, sizeof *owner);
        return NULL;
    }
    *owner = (struct pr_luv_owner){.node.hash = pr_hash_mix(pid.id), .pid = pid};
    pr_map_insert(&luv->owners, &owner->node);
    return owner;
}

struct pr_luv_owner *pr_luv_owner_here(struct pr_luv *luv, lua_State *L)
{
    struct pr_process *process = luv->lua->owner->current;
    if (!process)
        luaL_error(L, "no process runs: a finalizer cannot use luv");
    struct pr_luv_owner *owner = pr_luv_owner_find(luv, process->pid);
    if (!owner)
        owner = make(luv, process->pid);
    if (!owner)
        luaL_error(L, "not enough memory");
    return owner;
}

void pr_luv_owner_remove(struct pr_luv *luv, struct pr_luv_owner *owner)
{
    PR_ASSERT(pr_list_is_empty(&owner->handles) && pr_list_is_empty(&owner->requests) &&
              pr_list_is_empty(&owner->files) && pr_list_is_empty(&owner->calls));
    pr_map_remove(&luv->owners, &luv->lua->owner->heap, &owner->node);
    pr_pool_free(&luv->lua->scheduler->pool, owner, sizeof *owner);
}
