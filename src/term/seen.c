/* SPDX-License-Identifier: MIT */
#include "term/seen.h"

#include <string.h>

#include "base/map.h"

void pr_seen_init(struct pr_seen *seen, struct pr_heap *heap)
{
    seen->heap = heap;
    seen->entries = seen->few;
    seen->slots = NULL;
    seen->n = seen->n_slots = 0;
    seen->capacity = PR_SEEN_FEW;
}

void pr_seen_fini(struct pr_seen *seen)
{
    if (seen->entries != seen->few)
        pr_free(seen->heap, seen->entries, seen->capacity * sizeof *seen->entries);
    pr_free(seen->heap, seen->slots, seen->n_slots * sizeof *seen->slots);
}

/* Where the key's number is, or should be. */
static uint32_t *slot_for(const struct pr_seen *seen, const void *key)
{
    uint32_t mask = seen->n_slots - 1;
    uint32_t at = (uint32_t)pr_hash_mix((uint64_t)(uintptr_t)key) & mask;
    while (seen->slots[at] != 0 && seen->entries[seen->slots[at] - 1].key != key)
        at = (at + 1) & mask;
    return &seen->slots[at];
}

struct pr_seen_entry *pr_seen_find(const struct pr_seen *seen, const void *key)
{
    if (seen->slots) {
        uint32_t number = *slot_for(seen, key);
        return number ? &seen->entries[number - 1] : NULL;
    }
    for (uint32_t i = 0; i < seen->n; i++) {
        if (seen->entries[i].key == key)
            return &seen->entries[i];
    }
    return NULL;
}

static int grow_entries(struct pr_seen *seen)
{
    if (seen->capacity >= UINT32_C(1) << 30)
        return PIERROT_ENOMEM;
    size_t old_size = seen->capacity * sizeof *seen->entries;
    int is_few = seen->entries == seen->few;
    struct pr_seen_entry *entries =
        pr_realloc(seen->heap, is_few ? NULL : seen->entries, old_size, old_size * 2);
    if (!entries)
        return PIERROT_ENOMEM;
    if (is_few)
        memcpy(entries, seen->few, sizeof seen->few);
    seen->entries = entries;
    seen->capacity *= 2;
    return 0;
}

/* Slots for twice the capacity of the entries, so at most half full. */
static int grow_slots(struct pr_seen *seen)
{
    uint32_t n_slots = seen->capacity * 2;
    uint32_t *slots = pr_zalloc(seen->heap, n_slots * sizeof *slots);
    if (!slots)
        return PIERROT_ENOMEM;
    pr_free(seen->heap, seen->slots, seen->n_slots * sizeof *slots);
    seen->slots = slots;
    seen->n_slots = n_slots;
    for (uint32_t i = 0; i < seen->n; i++)
        *slot_for(seen, seen->entries[i].key) = i + 1;
    return 0;
}

int pr_seen_add(struct pr_seen *seen, const void *key, void *value)
{
    if (seen->n == seen->capacity && (grow_entries(seen) != 0 || grow_slots(seen) != 0))
        return PIERROT_ENOMEM;
    if (seen->slots)
        *slot_for(seen, key) = seen->n + 1;
    seen->entries[seen->n++] = (struct pr_seen_entry){key, value};
    return 0;
}
