/* SPDX-License-Identifier: MIT
 *
 * An intrusive hash table from 64-bit hashes: elements embed a pr_map_node and are compared by the
 * caller, so the map knows nothing of keys. Not for several threads at once.
 *
 * Invariant: each node is in the bucket hash & (n_buckets - 1); n_buckets is 0 or a power of two.
 */
#ifndef PR_MAP_H
#define PR_MAP_H

#include "base/alloc.h"

struct pr_map_node {
    struct pr_map_node *next;
    uint64_t hash;
};

struct pr_map {
    struct pr_map_node **buckets; /* (O) freed by pr_map_fini */
    uint32_t n_buckets;
    uint32_t n_nodes;
};

void pr_map_init(struct pr_map *map);

/* Frees the buckets; the nodes are the caller's. */
void pr_map_fini(struct pr_map *map, struct pr_heap *heap);

/* Makes room so that the next pr_map_insert cannot fail; 0 or PIERROT_ENOMEM. */
int pr_map_reserve(struct pr_map *map, struct pr_heap *heap);

/* Inserts; there must be a bucket (pr_map_reserve has succeeded once). Never fails. */
void pr_map_insert(struct pr_map *map, struct pr_map_node *node);

/* Takes the node out, and gives memory back when the map became sparse. */
void pr_map_remove(struct pr_map *map, struct pr_heap *heap, struct pr_map_node *node);

/* The first node of the bucket where `hash` lives: go on by ->next and compare ->hash and the key.
 */
static inline struct pr_map_node *pr_map_first(const struct pr_map *map, uint64_t hash)
{
    return map->n_buckets ? map->buckets[hash & (map->n_buckets - 1)] : NULL;
}

/* A 64-bit mix for integers that are not spread yet. */
static inline uint64_t pr_hash_mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    return x;
}

/* Bytes, with a seed against chosen collisions. */
uint64_t pr_hash_bytes(const void *bytes, size_t len, uint64_t seed);

#endif
