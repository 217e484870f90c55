/* SPDX-License-Identifier: MIT
 *
 * An allocator that counts what is held: for hosts that want to see all of it come back. */
#ifndef TALLY_H
#define TALLY_H

#include <stdatomic.h>
#include <stdlib.h>

struct tally {
    atomic_llong n_bytes;
};

static inline void *tally_alloc(void *ud, void *ptr, size_t old_size, size_t new_size)
{
    struct tally *tally = ud;
    atomic_fetch_add(&tally->n_bytes, (long long)new_size - (long long)(ptr ? old_size : 0));
    if (new_size > 0)
        return realloc(ptr, new_size);
    free(ptr);
    return NULL;
}

#endif
