/* SPDX-License-Identifier: MIT */
#include "proc/relation.h"

#include "base/assert.h"

/* A group of refs, with their home and a side: 48 + 8 + 1 bits. */
#define GROUP_MASK ((UINT64_C(1) << 57) - 1)

/* Refs are made in a row and mostly end in one: 64 neighbours lie side by side in the map, in lines of
 * memory that are used together, and each such group lies anywhere. One-to-one: the two top bits of a
 * ref are always set, so the side fits in one of them; number, home and side are 63 bits, and each
 * step below can be undone. */
static uint64_t hash_ref(pierrot_ref ref, enum pr_side side)
{
    uint64_t number = pr_ref_number(ref);
    uint64_t group = number >> 6 << (PR_REF_HOME_BITS + 1) |
                     (uint64_t)pr_ref_home(ref) << 1 | (uint64_t)side;
    group ^= group >> 29;
    group = group * 0xd6e8feb86659fd93u & GROUP_MASK;
    group ^= group >> 29;
    return group << 6 | (number & 63);
}

static uint64_t hash_link(pierrot_pid a, pierrot_pid b)
{
    return pr_hash_mix(a.id ^ pr_hash_mix(b.id));
}

static enum pr_side side_of(enum pr_relation_kind kind)
{
    return kind == PR_WATCHED ? PR_SIDE_TARGET : PR_SIDE_HOLDER;
}

static struct pr_map *map_of(struct pr_owner *owner, const struct pr_relation *relation)
{
    return relation->kind == PR_LINK || relation->kind == PR_UNLINKING ? &owner->links : &owner->refs;
}

int pr_relation_enter(struct pr_owner *owner, struct pr_relation *relation,
                      struct pr_process *process, enum pr_relation_kind kind, pierrot_pid peer,
                      pierrot_ref ref)
{
    relation->process = process;
    relation->kind = (uint8_t)kind;
    relation->flags = 0;
    relation->peer = peer;
    relation->ref = ref;
    relation->extra = NULL;
    relation->entry.hash =
        kind == PR_LINK ? hash_link(process->pid, peer) : hash_ref(ref, side_of(kind));
    struct pr_map *map = map_of(owner, relation);
    if (pr_map_reserve(map, &owner->heap) != 0)
        return PIERROT_ENOMEM;
    pr_map_insert(map, &relation->entry);
    if (process)
        pr_list_append(&process->relations, &relation->node);
    return 0;
}

struct pr_relation *pr_relation_add(struct pr_owner *owner, struct pr_process *process,
                                    enum pr_relation_kind kind, pierrot_pid peer, pierrot_ref ref)
{
    struct pr_relation *relation = pr_piece_alloc(owner);
    if (!relation)
        return NULL;
    if (pr_relation_enter(owner, relation, process, kind, peer, ref) != 0) {
        pr_piece_free(owner, relation);
        return NULL;
    }
    return relation;
}

void pr_relation_leave(struct pr_owner *owner, struct pr_relation *relation)
{
    pr_map_remove(map_of(owner, relation), &owner->heap, &relation->entry);
    if (relation->process)
        pr_list_remove(&relation->process->relations, &relation->node);
}

void pr_relation_remove(struct pr_owner *owner, struct pr_relation *relation)
{
    pr_relation_leave(owner, relation);
    pr_piece_free(owner, relation);
}

struct pr_relation *pr_relation_find(struct pr_owner *owner, pierrot_ref ref, enum pr_side side)
{
    uint64_t hash = hash_ref(ref, side);
    struct pr_map_node *entry = pr_map_first(&owner->refs, hash);
    while (entry && entry->hash != hash)
        entry = entry->next;
    if (!entry)
        return NULL;
    struct pr_relation *relation = PR_CONTAINER_OF(entry, struct pr_relation, entry);
    PR_ASSERT(relation->ref.id == ref.id);
    return relation;
}

static struct pr_relation *find_half(struct pr_owner *owner, struct pr_process *process,
                                     pierrot_pid peer, enum pr_relation_kind kind)
{
    uint64_t hash = hash_link(process->pid, peer);
    for (struct pr_map_node *entry = pr_map_first(&owner->links, hash); entry;
         entry = entry->next) {
        struct pr_relation *relation = PR_CONTAINER_OF(entry, struct pr_relation, entry);
        if (entry->hash == hash && relation->process == process && relation->peer.id == peer.id)
            return relation->kind == kind ? relation : NULL;
    }
    return NULL;
}

struct pr_relation *pr_relation_find_link(struct pr_owner *owner, struct pr_process *process,
                                          pierrot_pid peer)
{
    return find_half(owner, process, peer, PR_LINK);
}

struct pr_relation *pr_relation_find_unlinking(struct pr_owner *owner, struct pr_process *process,
                                               pierrot_pid peer)
{
    return find_half(owner, process, peer, PR_UNLINKING);
}
