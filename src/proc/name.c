/* SPDX-License-Identifier: MIT */
#include "proc/name.h"

#include <string.h>

#include "base/assert.h"
#include "base/lock.h"
#include "proc/ptable.h"

struct entry {
    struct pr_map_node by_name;
    struct pr_map_node by_pid;
    pierrot_pid pid;
    size_t len;
    char name[];
};

struct pr_names {
    struct pr_lock lock;
    struct pr_map by_name; /* (M) */
    struct pr_map by_pid;  /* (M) */
    uint64_t seed;         /* (I) against chosen collisions */
};

struct pr_names *pr_names_new(struct pr_heap *heap)
{
    struct pr_names *names = pr_zalloc(heap, sizeof *names);
    if (!names)
        return NULL;
    if (pr_lock_init(&names->lock) != 0) {
        pr_free(heap, names, sizeof *names);
        return NULL;
    }
    if (uv_random(NULL, NULL, &names->seed, sizeof names->seed, 0, NULL) != 0)
        names->seed = (uintptr_t)names; /* less random, never wrong */
    return names;
}

static size_t size_of(const struct entry *entry)
{
    return sizeof *entry + entry->len;
}

void pr_names_free(struct pr_names *names, struct pr_heap *heap)
{
    PR_ASSERT(names->by_name.n_nodes == 0);
    pr_map_fini(&names->by_name, heap);
    pr_map_fini(&names->by_pid, heap);
    pr_lock_fini(&names->lock);
    pr_free(heap, names, sizeof *names);
}

/* The lock is taken in all of these. */

static struct entry *find_name(const struct pr_names *names, uint64_t hash, const char *name,
                               size_t len)
{
    for (struct pr_map_node *node = pr_map_first(&names->by_name, hash); node; node = node->next) {
        struct entry *entry = PR_CONTAINER_OF(node, struct entry, by_name);
        if (node->hash == hash && entry->len == len && memcmp(entry->name, name, len) == 0)
            return entry;
    }
    return NULL;
}

static struct entry *find_pid(const struct pr_names *names, pierrot_pid pid)
{
    uint64_t hash = pr_hash_mix(pid.id);
    struct pr_map_node *node = pr_map_first(&names->by_pid, hash);
    while (node && node->hash != hash)
        node = node->next;
    return node ? PR_CONTAINER_OF(node, struct entry, by_pid) : NULL;
}

static void take_out(struct pr_names *names, struct pr_heap *heap, struct entry *entry)
{
    pr_map_remove(&names->by_name, heap, &entry->by_name);
    pr_map_remove(&names->by_pid, heap, &entry->by_pid);
}

static int put_in(struct pr_system *system, struct entry *entry)
{
    struct pr_names *names = system->names;
    struct pr_heap *heap = &system->heap;
    if (find_name(names, entry->by_name.hash, entry->name, entry->len) ||
        find_pid(names, entry->pid))
        return PIERROT_EEXIST;
    if (pr_map_reserve(&names->by_name, heap) != 0 || pr_map_reserve(&names->by_pid, heap) != 0)
        return PIERROT_ENOMEM;
    /* Under the lock, so that a process that dies after this finds its name to release. */
    if (!pr_ptable_mark_named(system, entry->pid))
        return PIERROT_ENOPROC;
    pr_map_insert(&names->by_name, &entry->by_name);
    pr_map_insert(&names->by_pid, &entry->by_pid);
    return 0;
}

int pr_name_register(struct pr_system *system, const char *name, size_t len, pierrot_pid pid)
{
    struct pr_names *names = system->names;
    /* It is shown as a term: in a list of all names, in a report. */
    if (len > UINT32_MAX)
        return PIERROT_ELIMIT;
    struct entry *entry = pr_alloc(&system->heap, sizeof *entry + len);
    if (!entry)
        return PIERROT_ENOMEM;
    entry->by_name.hash = pr_hash_bytes(name, len, names->seed);
    entry->by_pid.hash = pr_hash_mix(pid.id);
    entry->pid = pid;
    entry->len = len;
    memcpy(entry->name, name, len);
    pr_lock_take(&names->lock);
    int error = put_in(system, entry);
    pr_lock_give(&names->lock);
    if (error)
        pr_free(&system->heap, entry, size_of(entry));
    return error;
}

int pr_name_unregister(struct pr_system *system, const char *name, size_t len)
{
    struct pr_names *names = system->names;
    uint64_t hash = pr_hash_bytes(name, len, names->seed);
    pr_lock_take(&names->lock);
    struct entry *entry = find_name(names, hash, name, len);
    if (entry)
        take_out(names, &system->heap, entry);
    pr_lock_give(&names->lock);
    if (!entry)
        return PIERROT_ENOTFOUND;
    pr_free(&system->heap, entry, size_of(entry));
    return 0;
}

pierrot_pid pr_name_find(struct pr_system *system, const char *name, size_t len)
{
    struct pr_names *names = system->names;
    uint64_t hash = pr_hash_bytes(name, len, names->seed);
    pr_lock_take(&names->lock);
    struct entry *entry = find_name(names, hash, name, len);
    pierrot_pid pid = entry ? entry->pid : (pierrot_pid){0};
    pr_lock_give(&names->lock);
    /* Between the death of a process and the release of its name. */
    if (pid.id && !pr_ptable_is_alive(system, pid))
        pid.id = 0;
    return pid;
}

pierrot_term *pr_name_of(struct pr_system *system, pierrot_pid pid, struct pr_heap *heap)
{
    struct pr_names *names = system->names;
    pierrot_term *name = NULL;
    pr_lock_take(&names->lock);
    struct entry *entry = find_pid(names, pid);
    if (entry)
        name = pr_term_new_string(heap, entry->name, entry->len);
    pr_lock_give(&names->lock);
    return name;
}

void pr_name_release(struct pr_system *system, pierrot_pid pid)
{
    struct pr_names *names = system->names;
    pr_lock_take(&names->lock);
    struct entry *entry = find_pid(names, pid);
    if (entry)
        take_out(names, &system->heap, entry);
    pr_lock_give(&names->lock);
    if (entry)
        pr_free(&system->heap, entry, size_of(entry));
}

pierrot_term *pr_name_list(struct pr_system *system, struct pr_heap *heap)
{
    struct pr_names *names = system->names;
    struct pr_arena *arena = pr_arena_new(heap, 256);
    if (!arena)
        return NULL;
    pr_lock_take(&names->lock);
    int error = pr_arena_table(arena, names->by_name.n_nodes, 0, &arena->root);
    for (uint32_t i = 0; !error && i < names->by_name.n_buckets; i++) {
        for (struct pr_map_node *node = names->by_name.buckets[i]; node && !error;
             node = node->next) {
            struct entry *entry = PR_CONTAINER_OF(node, struct entry, by_name);
            struct pierrot_term cell;
            error = pr_arena_string(arena, entry->name, entry->len, &cell);
            if (!error)
                error = pr_arena_append(arena, arena->root.as.table, &cell);
        }
    }
    pr_lock_give(&names->lock);
    if (error) {
        pr_arena_free(arena, heap);
        return NULL;
    }
    return &arena->root;
}
