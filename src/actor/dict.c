/* SPDX-License-Identifier: MIT */
#include "actor/dict.h"

#include <string.h>

enum { FIRST_CAPACITY = 4, FEW = 8, SPARSE = 8 };

#define MAX_CAPACITY (UINT32_C(1) << 30)

/* ----------------------------------------------------------------------- the index */

/* Numbers of entries + 1; 0: free. */
static uint32_t *index_of(struct pr_dict *dict)
{
    return (uint32_t *)(dict->entries + dict->capacity);
}

static uint32_t number_of(const struct pr_dict *dict, const struct pr_dict_entry *entry)
{
    return (uint32_t)(entry - dict->entries);
}

static void add_to_index(struct pr_dict *dict, uint32_t number)
{
    uint32_t *index = index_of(dict), mask = dict->n_slots - 1;
    uint32_t at = dict->entries[number].key.hash & mask;
    while (index[at] != 0)
        at = (at + 1) & mask;
    index[at] = number + 1;
}

/* Where the index names this entry. */
static uint32_t *place_of(struct pr_dict *dict, uint32_t number)
{
    uint32_t *index = index_of(dict), mask = dict->n_slots - 1;
    uint32_t at = dict->entries[number].key.hash & mask;
    while (index[at] != number + 1)
        at = (at + 1) & mask;
    return &index[at];
}

/* Frees a place and closes the gap: what probed past it moves up. */
static void free_place(struct pr_dict *dict, uint32_t hole)
{
    uint32_t *index = index_of(dict), mask = dict->n_slots - 1;
    index[hole] = 0;
    for (uint32_t at = (hole + 1) & mask; index[at] != 0; at = (at + 1) & mask) {
        uint32_t home = dict->entries[index[at] - 1].key.hash & mask;
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        index[hole] = index[at];
        index[at] = 0;
        hole = at;
    }
}

/* -------------------------------------------------------------------- single entries */

static struct pr_dict_entry *search(struct pr_dict *dict, const struct pr_key *key)
{
    for (uint32_t i = 0; i < dict->n; i++) {
        if (pr_key_is(key, &dict->entries[i].key))
            return &dict->entries[i];
    }
    return NULL;
}

struct pr_dict_entry *pr_dict_find(struct pr_dict *dict, const struct pr_key *key)
{
    if (!dict)
        return NULL;
    if (dict->n_slots == 0)
        return search(dict, key);
    const uint32_t *index = index_of(dict);
    uint32_t mask = dict->n_slots - 1;
    for (uint32_t at = key->slot.hash & mask; index[at] != 0; at = (at + 1) & mask) {
        struct pr_dict_entry *entry = &dict->entries[index[at] - 1];
        if (pr_key_is(key, &entry->key))
            return entry;
    }
    return NULL;
}

struct pr_dict_entry *pr_dict_add(struct pr_dict *dict, const struct pr_slot *key,
                                  const struct pr_slot *value)
{
    struct pr_dict_entry *entry = &dict->entries[dict->n];
    entry->key = *key;
    entry->value = *value;
    if (dict->n_slots > 0)
        add_to_index(dict, dict->n);
    dict->n++;
    return entry;
}

void pr_dict_remove(struct pr_dict *dict, struct pr_dict_entry *entry)
{
    uint32_t number = number_of(dict, entry), last = dict->n - 1;
    if (dict->n_slots > 0) {
        free_place(dict, (uint32_t)(place_of(dict, number) - index_of(dict)));
        if (number != last)
            *place_of(dict, last) = number + 1;
    }
    *entry = dict->entries[last];
    dict->n = last;
}

/* -------------------------------------------------------------------------- sizes */

static uint32_t slots_for(uint32_t capacity)
{
    return capacity <= FEW ? 0 : capacity * 2;
}

static size_t size_for(uint32_t capacity)
{
    return sizeof(struct pr_dict) + capacity * sizeof(struct pr_dict_entry) +
           slots_for(capacity) * sizeof(uint32_t);
}

/* A dict of this capacity with the same entries. NULL: out of memory. */
static struct pr_dict *remake(pierrot *rt, const struct pr_dict *dict, uint32_t capacity)
{
    struct pr_dict *made = pierrot_shared_alloc(rt, size_for(capacity));
    if (!made)
        return NULL;
    made->n = pr_dict_count(dict);
    made->capacity = capacity;
    made->n_slots = slots_for(capacity);
    made->reserved = 0;
    if (made->n > 0)
        memcpy(made->entries, dict->entries, made->n * sizeof *made->entries);
    if (made->n_slots > 0) {
        memset(index_of(made), 0, made->n_slots * sizeof(uint32_t));
        for (uint32_t i = 0; i < made->n; i++)
            add_to_index(made, i);
    }
    return made;
}

int pr_dict_grow(pierrot *rt, struct pr_dict *dict, struct pr_dict **grown)
{
    struct pr_dict *made = dict;
    if (!dict)
        made = remake(rt, NULL, FIRST_CAPACITY);
    else if (dict->n == dict->capacity)
        made = dict->capacity < MAX_CAPACITY ? remake(rt, dict, dict->capacity * 2) : NULL;
    if (!made)
        return PIERROT_ENOMEM;
    *grown = made;
    return 0;
}

struct pr_dict *pr_dict_shrink(pierrot *rt, struct pr_dict *dict)
{
    if (!dict || dict->n == 0)
        return NULL;
    if (dict->capacity <= FEW || dict->n > dict->capacity / SPARSE)
        return dict;
    struct pr_dict *made = remake(rt, dict, dict->capacity / 4);
    return made ? made : dict;
}

void pr_dict_free(pierrot *rt, struct pr_dict *dict)
{
    if (dict)
        pierrot_shared_free(rt, dict, size_for(dict->capacity));
}

int pr_dict_reserve(pierrot *rt, struct pr_dict **dict)
{
    struct pr_dict *grown;
    int error = pr_dict_grow(rt, *dict, &grown);
    if (error || grown == *dict)
        return error;
    pr_dict_free(rt, *dict);
    *dict = grown;
    return 0;
}

void pr_dict_drop(pierrot *rt, struct pr_dict **dict, struct pr_dict_entry *entry)
{
    pr_dict_remove(*dict, entry);
    struct pr_dict *shrunk = pr_dict_shrink(rt, *dict);
    if (shrunk == *dict)
        return;
    pr_dict_free(rt, *dict);
    *dict = shrunk;
}
