/* SPDX-License-Identifier: MIT
 *
 * A map from addresses, for walks over graphs: numbers what it is given in the order of its coming.
 * The first few need no memory. */
#ifndef PR_SEEN_H
#define PR_SEEN_H

#include <stdint.h>

#include "base/alloc.h"

#define PR_SEEN_FEW 16

struct pr_seen_entry {
    const void *key;
    void *value;
};

struct pr_seen {
    struct pr_heap *heap;
    struct pr_seen_entry *entries; /* [n]; `few` at first, then freed by pr_seen_fini */
    uint32_t *slots;               /* [n_slots]: number + 1; NULL while there are few */
    uint32_t n, capacity, n_slots;
    struct pr_seen_entry few[PR_SEEN_FEW];
};

void pr_seen_init(struct pr_seen *seen, struct pr_heap *heap);
void pr_seen_fini(struct pr_seen *seen);

/* The entry of a key, NULL when it was not added; valid until the next pr_seen_add. */
struct pr_seen_entry *pr_seen_find(const struct pr_seen *seen, const void *key);

/* Adds a key that is not there yet. 0 or PIERROT_ENOMEM. */
int pr_seen_add(struct pr_seen *seen, const void *key, void *value);

#endif
