/* SPDX-License-Identifier: MIT */
#include "term/key.h"

#include "base/map.h"

/* Its address is the seed of the hashes: random where the system loads programs at random places.
 */
static const char seed_anchor;

struct pierrot_term pr_cell_as_key(const struct pierrot_term *cell)
{
    struct pierrot_term key = *cell;
    key.flags &= PR_CELL_BORROWED;
    if (cell->tag != PIERROT_NUMBER)
        return key;
    double number = cell->as.number;
    /* -2^63 is an integer, 2^63 is the first that is none; NaN fails the comparison. */
    if (number >= -0x1p63 && number < 0x1p63 && number == (double)(int64_t)number)
        return pr_cell_int((int64_t)number);
    return key;
}

uint64_t pr_key_hash(const struct pierrot_term *key)
{
    uint64_t seed = (uint64_t)(uintptr_t)&seed_anchor;
    if (key->tag == PIERROT_STRING)
        return pr_hash_bytes(key->as.bytes, key->len, seed);
    if (key->tag == PIERROT_NIL || key->tag == PIERROT_TABLE)
        return key->tag;
    /* The numbers, ids and booleans all fill the same 64 bits. */
    return pr_hash_mix(key->as.id ^ seed ^ (uint64_t)key->tag << 56);
}

uint64_t pierrot_term_hash(const pierrot_term *key)
{
    if (!key)
        return pr_key_hash(PR_TERM(nil));
    struct pierrot_term normal = pr_cell_as_key(key);
    return pr_key_hash(&normal);
}
