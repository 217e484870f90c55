/* SPDX-License-Identifier: MIT
 *
 * A hash table from slots to slots in one piece of memory. The entries lie in the order in which
 * they came, but that the last one takes the place of one that is removed: so what programs see in
 * order does not depend on hashes. Many are small or empty: an empty one is NULL, few entries are
 * searched one by one, more have an index.
 *
 * Growing makes another dict and leaves the old one to the caller, who may have readers to care
 * for. What the slots own is the caller's affair.
 *
 * Invariants: n <= capacity; n_slots is 0 or twice the capacity, a power of two; each entry stands
 * in the index once, reachable by linear probing from its hash. */
#ifndef PR_DICT_H
#define PR_DICT_H

#include "actor/slot.h"

struct pr_dict_entry {
    struct pr_slot key, value;
};

struct pr_dict {
    uint32_t n;
    uint32_t capacity;
    uint32_t n_slots;
    uint32_t reserved;
    struct pr_dict_entry entries[]; /* [capacity]; the index follows */
};

static inline uint32_t pr_dict_count(const struct pr_dict *dict)
{
    return dict ? dict->n : 0;
}

/* NULL where there is none. */
struct pr_dict_entry *pr_dict_find(struct pr_dict *dict, const struct pr_key *key);

/* *grown has room for one more: the dict itself or a new one with the same entries, and then the
 * caller frees the old one. 0 or PIERROT_ENOMEM. */
int pr_dict_grow(pierrot *rt, struct pr_dict *dict, struct pr_dict **grown);

/* The dict, or a smaller one with the same entries when it became sparse (NULL when it is empty),
 * and then the caller frees the old one. */
struct pr_dict *pr_dict_shrink(pierrot *rt, struct pr_dict *dict);

/* Adds a slot that was made from a key that is new; there is room. Returns the entry, valid until
 * the next change. */
struct pr_dict_entry *pr_dict_add(struct pr_dict *dict, const struct pr_slot *key,
                                  const struct pr_slot *value);

void pr_dict_remove(struct pr_dict *dict, struct pr_dict_entry *entry);

/* NULL is fine. */
void pr_dict_free(pierrot *rt, struct pr_dict *dict);

/* The same for a dict that nobody else reads: in place. */
int pr_dict_reserve(pierrot *rt, struct pr_dict **dict);
void pr_dict_drop(pierrot *rt, struct pr_dict **dict, struct pr_dict_entry *entry);

#endif
