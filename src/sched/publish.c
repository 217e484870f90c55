/* SPDX-License-Identifier: MIT */
#include "sched/publish.h"

#include <stdatomic.h>

#include "base/assert.h"
#include "proc/ptable.h"
#include "sched/host_call.h"

struct pr_published {
    struct pr_map_node node;
    pierrot_pid pid;
    void *shared;
    pierrot_read_fn read;
    void (*release)(void *shared);
    atomic_uint n_holds; /* (A) the table's, and one a reader */
};

int pr_published_init(struct pr_published_table *table)
{
    pr_map_init(&table->map);
    return pr_lock_init(&table->lock);
}

void pr_published_fini(struct pr_published_table *table, struct pr_heap *heap)
{
    PR_ASSERT(table->map.n_nodes == 0);
    pr_map_fini(&table->map, heap);
    pr_lock_fini(&table->lock);
}

static void drop(struct pr_published *published, struct pr_heap *heap)
{
    /* acq_rel: the releaser has seen all reads. */
    if (atomic_fetch_sub_explicit(&published->n_holds, 1, memory_order_acq_rel) != 1)
        return;
    published->release(published->shared);
    pr_free(heap, published, sizeof *published);
}

/* Under the lock. Pids are unique and the mix is one-to-one: equal hashes are equal pids. */
static struct pr_published *find(const struct pr_published_table *table, pierrot_pid pid)
{
    uint64_t hash = pr_hash_mix(pid.id);
    struct pr_map_node *node = pr_map_first(&table->map, hash);
    while (node && node->hash != hash)
        node = node->next;
    return node ? PR_CONTAINER_OF(node, struct pr_published, node) : NULL;
}

int pr_published_add(struct pr_published_table *table, struct pr_heap *heap, pierrot_pid pid,
                     void *shared, pierrot_read_fn read, void (*release)(void *shared),
                     struct pr_published **entered)
{
    struct pr_published *published = pr_alloc(heap, sizeof *published);
    if (!published)
        return PIERROT_ENOMEM;
    *published =
        (struct pr_published){.pid = pid, .shared = shared, .read = read, .release = release};
    published->node.hash = pr_hash_mix(pid.id);
    atomic_init(&published->n_holds, 1);
    pr_lock_take(&table->lock);
    int error = find(table, pid) ? PIERROT_EEXIST : pr_map_reserve(&table->map, heap);
    if (!error)
        pr_map_insert(&table->map, &published->node);
    pr_lock_give(&table->lock);
    if (error)
        pr_free(heap, published, sizeof *published);
    else
        *entered = published;
    return error;
}

void pr_published_remove(struct pr_published_table *table, struct pr_heap *heap, pierrot_pid pid)
{
    pr_lock_take(&table->lock);
    struct pr_published *published = find(table, pid);
    if (published)
        pr_map_remove(&table->map, heap, &published->node);
    pr_lock_give(&table->lock);
    if (published)
        drop(published, heap);
}

/* The actor lives on the scheduler that this thread runs: it cannot end while it is read, so nothing
 * needs to be held. NULL: it does not, or it has nothing to read. */
static struct pr_published *find_here(pierrot *rt, pierrot_pid pid)
{
    struct pr_owner *owner = pr_owner_here();
    if (!owner || owner->system != &rt->system)
        return NULL;
    const struct pr_process *process = pr_ptable_find(owner, pid);
    return process && process->extra ? process->extra->published : NULL;
}

int pierrot_read(pierrot *rt, pierrot_pid pid, const pierrot_term *request, pierrot_term **reply)
{
    if (!rt || !reply)
        return PIERROT_EINVAL;
    struct pr_published_table *table = &rt->published;
    struct pr_published *here = find_here(rt, pid);
    if (here)
        return here->read(rt, here->shared, request, reply);
    if (!pr_ptable_is_alive(&rt->system, pid))
        return PIERROT_ENOPROC;
    pr_lock_take(&table->lock);
    struct pr_published *published = find(table, pid);
    if (published)
        atomic_fetch_add_explicit(&published->n_holds, 1, memory_order_relaxed);
    pr_lock_give(&table->lock);
    if (!published)
        return PIERROT_ENOPROC;
    int error = published->read(rt, published->shared, request, reply);
    if (!error && !pr_owner_here())
        *reply = pr_host_export(*reply);
    drop(published, &rt->system.heap);
    return error;
}
