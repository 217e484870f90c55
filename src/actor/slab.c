/* SPDX-License-Identifier: MIT */
#include "actor/slab.h"

enum { CHUNK_RECORDS = 32 };

struct pr_slab_chunk {
    struct pr_slab_chunk *next, *previous; /* in the slab's list */
    uint32_t n_used;
    uint32_t free; /* bits of the free records */
    uint64_t reserved;
};

_Static_assert(sizeof(struct pr_slab_chunk) % 16 == 0, "records are aligned as by malloc");

static struct pr_slab_record *record_at(struct pr_slab *slab, struct pr_slab_chunk *chunk,
                                        uint32_t number)
{
    return (struct pr_slab_record *)((char *)(chunk + 1) + number * slab->record_size);
}

static struct pr_slab_chunk *chunk_of(struct pr_slab *slab, struct pr_slab_record *record)
{
    return (struct pr_slab_chunk *)((char *)record - record->number * slab->record_size) - 1;
}

static size_t chunk_size(const struct pr_slab *slab)
{
    return sizeof(struct pr_slab_chunk) + CHUNK_RECORDS * slab->record_size;
}

static void list(struct pr_slab *slab, struct pr_slab_chunk *chunk)
{
    chunk->previous = NULL;
    chunk->next = slab->first;
    if (chunk->next)
        chunk->next->previous = chunk;
    slab->first = chunk;
}

static void unlist(struct pr_slab *slab, struct pr_slab_chunk *chunk)
{
    *(chunk->previous ? &chunk->previous->next : &slab->first) = chunk->next;
    if (chunk->next)
        chunk->next->previous = chunk->previous;
}

static uint32_t lowest_bit(uint32_t bits)
{
    uint32_t number = 0;
    while (!(bits >> number & 1))
        number++;
    return number;
}

void *pr_slab_alloc(pierrot *rt, struct pr_slab *slab)
{
    struct pr_slab_chunk *chunk = slab->first;
    if (!chunk) {
        chunk = pierrot_shared_alloc(rt, chunk_size(slab));
        if (!chunk)
            return NULL;
        *chunk = (struct pr_slab_chunk){.free = UINT32_MAX};
        list(slab, chunk);
    }
    uint32_t number = lowest_bit(chunk->free);
    struct pr_slab_record *record = record_at(slab, chunk, number);
    record->number = number;
    chunk->free &= ~(UINT32_C(1) << number);
    chunk->n_used++;
    if (!chunk->free)
        unlist(slab, chunk);
    return record;
}

void pr_slab_free(pierrot *rt, struct pr_slab *slab, void *memory)
{
    struct pr_slab_record *record = memory;
    struct pr_slab_chunk *chunk = chunk_of(slab, record);
    if (!chunk->free)
        list(slab, chunk);
    chunk->free |= UINT32_C(1) << record->number;
    /* The last chunk with room stays, for whoever makes and frees one record all the time. */
    if (--chunk->n_used > 0 || (slab->first == chunk && !chunk->next))
        return;
    unlist(slab, chunk);
    pierrot_shared_free(rt, chunk, chunk_size(slab));
}

void pr_slab_fini(pierrot *rt, struct pr_slab *slab)
{
    while (slab->first) {
        struct pr_slab_chunk *chunk = slab->first;
        unlist(slab, chunk);
        pierrot_shared_free(rt, chunk, chunk_size(slab));
    }
}
