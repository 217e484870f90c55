/* SPDX-License-Identifier: MIT */
#include "base/map.h"

#include <string.h>

#include "base/assert.h"

enum { MIN_BUCKETS = 8 };

void pr_map_init(struct pr_map *map)
{
    *map = (struct pr_map){0};
}

void pr_map_fini(struct pr_map *map, struct pr_heap *heap)
{
    pr_free(heap, map->buckets, map->n_buckets * sizeof *map->buckets);
    pr_map_init(map);
}

/* On failure the map is as it was: a map too full or too sparse is only slower. */
static int resize(struct pr_map *map, struct pr_heap *heap, uint32_t n_buckets)
{
    struct pr_map_node **buckets = pr_zalloc(heap, n_buckets * sizeof *buckets);
    if (!buckets)
        return PIERROT_ENOMEM;
    for (uint32_t i = 0; i < map->n_buckets; i++) {
        struct pr_map_node *node = map->buckets[i];
        while (node) {
            struct pr_map_node *next = node->next;
            struct pr_map_node **bucket = &buckets[node->hash & (n_buckets - 1)];
            node->next = *bucket;
            *bucket = node;
            node = next;
        }
    }
    pr_free(heap, map->buckets, map->n_buckets * sizeof *buckets);
    map->buckets = buckets;
    map->n_buckets = n_buckets;
    return 0;
}

int pr_map_reserve(struct pr_map *map, struct pr_heap *heap)
{
    if (map->n_buckets == 0)
        return resize(map, heap, MIN_BUCKETS);
    if (map->n_nodes >= map->n_buckets && map->n_buckets < (UINT32_C(1) << 31))
        (void)resize(map, heap, map->n_buckets * 2);
    return 0;
}

void pr_map_insert(struct pr_map *map, struct pr_map_node *node)
{
    PR_ASSERT(map->n_buckets > 0);
    struct pr_map_node **bucket = &map->buckets[node->hash & (map->n_buckets - 1)];
    node->next = *bucket;
    *bucket = node;
    map->n_nodes++;
}

void pr_map_remove(struct pr_map *map, struct pr_heap *heap, struct pr_map_node *node)
{
    struct pr_map_node **link = &map->buckets[node->hash & (map->n_buckets - 1)];
    while (*link != node) {
        PR_ASSERT(*link);
        link = &(*link)->next;
    }
    *link = node->next;
    map->n_nodes--;
    /* A shrink that finds no memory is left for a later one. */
    if (map->n_buckets > MIN_BUCKETS && map->n_nodes < map->n_buckets / 8)
        (void)resize(map, heap, map->n_buckets / 2);
}

uint64_t pr_hash_bytes(const void *bytes, size_t len, uint64_t seed)
{
    const unsigned char *at = bytes;
    uint64_t hash = seed ^ (len * 0x9e3779b97f4a7c15u);
    while (len >= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        hash = (hash ^ word) * 0xd6e8feb86659fd93u;
        hash ^= hash >> 32;
        at += 8;
        len -= 8;
    }
    if (len > 0) {
        uint64_t word = 0;
        memcpy(&word, at, len);
        hash = (hash ^ word) * 0xd6e8feb86659fd93u;
        hash ^= hash >> 32;
    }
    return pr_hash_mix(hash);
}
