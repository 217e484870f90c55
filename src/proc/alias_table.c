/* SPDX-License-Identifier: MIT */
#include "proc/alias_table.h"

#include "base/assert.h"
#include "base/lock.h"

struct entry {
    struct pr_map_node node;
    pierrot_pid pid;
};

struct pr_aliases {
    struct pr_lock lock;
    struct pr_map map; /* (M) entries by ref */
};

struct pr_aliases *pr_aliases_new(struct pr_heap *heap)
{
    struct pr_aliases *aliases = pr_zalloc(heap, sizeof *aliases);
    if (aliases && pr_lock_init(&aliases->lock) != 0) {
        pr_free(heap, aliases, sizeof *aliases);
        return NULL;
    }
    return aliases;
}

void pr_aliases_free(struct pr_aliases *aliases, struct pr_heap *heap)
{
    PR_ASSERT(aliases->map.n_nodes == 0);
    pr_map_fini(&aliases->map, heap);
    pr_lock_fini(&aliases->lock);
    pr_free(heap, aliases, sizeof *aliases);
}

/* Refs are unique and the mix is one-to-one, so equal hashes are equal refs. */
static struct entry *find(const struct pr_aliases *aliases, pierrot_ref ref)
{
    uint64_t hash = pr_hash_mix(ref.id);
    struct pr_map_node *node = pr_map_first(&aliases->map, hash);
    while (node && node->hash != hash)
        node = node->next;
    return node ? PR_CONTAINER_OF(node, struct entry, node) : NULL;
}

int pr_alias_publish(struct pr_owner *owner, struct pr_relation *relation)
{
    struct pr_aliases *aliases = owner->system->aliases;
    struct pr_heap *heap = &owner->system->heap;
    struct entry *entry = pr_alloc(heap, sizeof *entry);
    if (!entry)
        return PIERROT_ENOMEM;
    entry->node.hash = pr_hash_mix(relation->ref.id);
    entry->pid = relation->process->pid;
    pr_lock_take(&aliases->lock);
    int error = pr_map_reserve(&aliases->map, heap);
    if (!error)
        pr_map_insert(&aliases->map, &entry->node);
    pr_lock_give(&aliases->lock);
    if (error)
        pr_free(heap, entry, sizeof *entry);
    else
        relation->flags |= PR_ALIAS_GLOBAL;
    return error;
}

void pr_alias_withdraw(struct pr_owner *owner, struct pr_relation *relation)
{
    struct pr_aliases *aliases = owner->system->aliases;
    struct pr_heap *heap = &owner->system->heap;
    pr_lock_take(&aliases->lock);
    struct entry *entry = find(aliases, relation->ref);
    if (entry)
        pr_map_remove(&aliases->map, heap, &entry->node);
    pr_lock_give(&aliases->lock);
    pr_free(heap, entry, sizeof *entry);
    relation->flags &= (uint8_t)~PR_ALIAS_GLOBAL;
}

pierrot_pid pr_alias_process(struct pr_system *system, pierrot_ref ref)
{
    pr_lock_take(&system->aliases->lock);
    struct entry *entry = find(system->aliases, ref);
    pierrot_pid pid = entry ? entry->pid : (pierrot_pid){0};
    pr_lock_give(&system->aliases->lock);
    return pid;
}
