/* SPDX-License-Identifier: MIT */
#include "actor/index.h"

#include <string.h>

enum { FIRST_SLOTS = 4, SPARSE = 16 };

#define MAX_SLOTS (UINT32_C(1) << 30)

void *pr_index_next(const struct pr_index *index, uint32_t hash, uint32_t *cursor)
{
    if (!index)
        return NULL;
    uint32_t mask = index->n_slots - 1;
    const struct pr_index_slot *slot;
    while ((slot = &index->slots[(hash + *cursor) & mask])->pointer) {
        ++*cursor;
        if (slot->hash == hash)
            return slot->pointer;
    }
    return NULL;
}

void *pr_index_each(const struct pr_index *index, uint32_t *cursor)
{
    while (index && *cursor < index->n_slots) {
        void *pointer = index->slots[(*cursor)++].pointer;
        if (pointer)
            return pointer;
    }
    return NULL;
}

void pr_index_add(struct pr_index *index, uint32_t hash, void *pointer)
{
    uint32_t mask = index->n_slots - 1, at = hash & mask;
    while (index->slots[at].pointer)
        at = (at + 1) & mask;
    index->slots[at] = (struct pr_index_slot){.pointer = pointer, .hash = hash};
    index->n++;
}

/* Frees a slot and closes the gap: what probed past it moves up. */
static void free_slot(struct pr_index *index, uint32_t hole)
{
    uint32_t mask = index->n_slots - 1;
    for (uint32_t at = (hole + 1) & mask; index->slots[at].pointer; at = (at + 1) & mask) {
        uint32_t home = index->slots[at].hash & mask;
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        index->slots[hole] = index->slots[at];
        hole = at;
    }
    index->slots[hole].pointer = NULL;
}

static uint32_t slot_of(const struct pr_index *index, uint32_t hash, const void *pointer)
{
    uint32_t mask = index->n_slots - 1, at = hash & mask;
    while (index->slots[at].pointer != pointer)
        at = (at + 1) & mask;
    return at;
}

void pr_index_remove(struct pr_index *index, uint32_t hash, const void *pointer)
{
    free_slot(index, slot_of(index, hash, pointer));
    index->n--;
}

void pr_index_replace(struct pr_index *index, uint32_t hash, const void *pointer, void *other)
{
    index->slots[slot_of(index, hash, pointer)].pointer = other;
}

/* ------------------------------------------------------------------------------ sizes */

static size_t size_for(uint32_t n_slots)
{
    return sizeof(struct pr_index) + n_slots * sizeof(struct pr_index_slot);
}

/* An index of this size with the same pointers. NULL: out of memory. */
static struct pr_index *remake(pierrot *rt, const struct pr_index *index, uint32_t n_slots)
{
    struct pr_index *made = pierrot_shared_alloc(rt, size_for(n_slots));
    if (!made)
        return NULL;
    memset(made, 0, size_for(n_slots));
    made->n_slots = n_slots;
    for (uint32_t i = 0; index && i < index->n_slots; i++) {
        if (index->slots[i].pointer)
            pr_index_add(made, index->slots[i].hash, index->slots[i].pointer);
    }
    return made;
}

int pr_index_grow(pierrot *rt, struct pr_index *index, struct pr_index **grown)
{
    struct pr_index *made = index;
    if (!index)
        made = remake(rt, NULL, FIRST_SLOTS);
    else if (index->n + 1 > (uint64_t)index->n_slots * 13 / 16)
        made = index->n_slots < MAX_SLOTS ? remake(rt, index, index->n_slots * 2) : NULL;
    if (!made)
        return PIERROT_ENOMEM;
    *grown = made;
    return 0;
}

struct pr_index *pr_index_shrink(pierrot *rt, struct pr_index *index)
{
    if (!index || index->n == 0)
        return NULL;
    if (index->n_slots <= FIRST_SLOTS || index->n > index->n_slots / SPARSE)
        return index;
    struct pr_index *made = remake(rt, index, index->n_slots / 4);
    return made ? made : index;
}

void pr_index_free(pierrot *rt, struct pr_index *index)
{
    if (index)
        pierrot_shared_free(rt, index, size_for(index->n_slots));
}
