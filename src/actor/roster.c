/* SPDX-License-Identifier: MIT */
#include "actor/roster.h"

_Static_assert(sizeof(struct pr_roster_name) % 16 == 0, "names are records of a slab");
_Static_assert(sizeof(struct pr_roster_peers) % 16 == 0, "names are records of a slab");

static size_t name_size(enum pr_roster_kind kind)
{
    return sizeof(struct pr_roster_name) +
           (kind == PR_DUPLICATE ? sizeof(struct pr_roster_peers) : 0);
}

struct pr_roster *pr_roster_new(pierrot *rt, enum pr_roster_kind kind)
{
    struct pr_roster *roster = pierrot_shared_alloc(rt, sizeof *roster);
    if (!roster)
        return NULL;
    roster->rt = rt;
    roster->kind = kind;
    roster->n_serial = 0;
    roster->slab = (struct pr_slab){.record_size = name_size(kind)};
    atomic_init(&roster->returned, NULL);
    for (int i = 0; i < PR_N_SHARDS; i++) {
        struct pr_shard *shard = &roster->shards[i];
        shard->names = shard->holders = NULL;
        if (pr_shard_lock_init(&shard->lock) == 0)
            continue;
        while (i > 0)
            pr_shard_lock_fini(&roster->shards[--i].lock);
        pierrot_shared_free(rt, roster, sizeof *roster);
        return NULL;
    }
    return roster;
}

/* Nobody holds it. */
static void free_name(struct pr_roster *roster, struct pr_roster_name *name)
{
    pr_slot_free(&name->value);
    if (name->key.as.text != (struct pr_key_text *)name->text)
        pr_slot_free_key(roster->rt, &name->key);
    pr_slab_free(roster->rt, &roster->slab, name);
}

/* Whether that was the last hold. */
static int release(struct pr_roster_name *name)
{
    /* acq_rel: the last has seen all that the others did with it. */
    return atomic_fetch_sub_explicit(&name->n_holds, 1, memory_order_acq_rel) == 1;
}

void pr_roster_return(struct pr_roster *roster, struct pr_roster_name *name)
{
    if (!release(name))
        return;
    struct pr_roster_name *next = atomic_load_explicit(&roster->returned, memory_order_relaxed);
    do
        name->next = next;
    /* release: pairs with the acquire in free_returned. */
    while (!atomic_compare_exchange_weak_explicit(&roster->returned, &next, name,
                                                  memory_order_release, memory_order_relaxed));
}

static void free_returned(struct pr_roster *roster)
{
    if (!atomic_load_explicit(&roster->returned, memory_order_relaxed))
        return;
    struct pr_roster_name *name =
        atomic_exchange_explicit(&roster->returned, NULL, memory_order_acquire);
    while (name) {
        struct pr_roster_name *next = name->next;
        free_name(roster, name);
        name = next;
    }
}

static void drop_name(struct pr_roster *roster, struct pr_roster_name *name)
{
    free_returned(roster);
    if (release(name))
        free_name(roster, name);
}

/* Takes: nothing on failure. A short text lies in the name. */
static int set_key(struct pr_roster *roster, struct pr_roster_name *name, const struct pr_key *key)
{
    if (pr_key_text_size(key) > sizeof name->text)
        return pr_key_store(roster->rt, key, &name->key);
    name->key = pr_key_place(key, name->text);
    return 0;
}

static void free_shard(struct pr_roster *roster, struct pr_shard *shard)
{
    struct pr_roster_name *name;
    struct pr_holder *holder;
    uint32_t cursor = 0;
    while ((name = pr_index_each(shard->names, &cursor))) {
        while (name) {
            struct pr_roster_name *next = pr_roster_next(roster, name);
            drop_name(roster, name);
            name = next;
        }
    }
    cursor = 0;
    while ((holder = pr_index_each(shard->holders, &cursor)))
        pierrot_shared_free(roster->rt, holder, sizeof *holder);
    pr_index_free(roster->rt, shard->names);
    pr_index_free(roster->rt, shard->holders);
    pr_shard_lock_fini(&shard->lock);
}

void pr_roster_free(void *shared)
{
    struct pr_roster *roster = shared;
    for (int i = 0; i < PR_N_SHARDS; i++)
        free_shard(roster, &roster->shards[i]);
    free_returned(roster);
    pr_slab_fini(roster->rt, &roster->slab);
    pierrot_shared_free(roster->rt, roster, sizeof *roster);
}

/* ------------------------------------------------------------------------------ writing */

/* Room for one more in an index of the shard; readers see the old one or the new. */
static int reserve(struct pr_roster *roster, struct pr_shard *shard, struct pr_index **index)
{
    struct pr_index *old = *index, *grown;
    int error = pr_index_grow(roster->rt, old, &grown);
    if (error || grown == old)
        return error;
    pr_shard_lock_take(&shard->lock);
    *index = grown;
    pr_shard_lock_give(&shard->lock);
    pr_index_free(roster->rt, old);
    return 0;
}

static void add_pointer(struct pr_shard *shard, struct pr_index *index, uint32_t hash,
                        void *pointer)
{
    pr_shard_lock_take(&shard->lock);
    pr_index_add(index, hash, pointer);
    pr_shard_lock_give(&shard->lock);
}

static void remove_pointer(struct pr_roster *roster, struct pr_shard *shard,
                           struct pr_index **index, uint32_t hash, const void *pointer)
{
    struct pr_index *old = *index;
    pr_shard_lock_take(&shard->lock);
    pr_index_remove(old, hash, pointer);
    pr_shard_lock_give(&shard->lock);
    struct pr_index *shrunk = pr_index_shrink(roster->rt, old);
    if (shrunk == old)
        return;
    pr_shard_lock_take(&shard->lock);
    *index = shrunk;
    pr_shard_lock_give(&shard->lock);
    pr_index_free(roster->rt, old);
}

struct pr_roster_name *pr_shard_find(const struct pr_shard *shard, const struct pr_key *key)
{
    struct pr_roster_name *name;
    uint32_t cursor = 0;
    do
        name = pr_index_next(shard->names, key->slot.hash, &cursor);
    while (name && !pr_key_is(key, &name->key));
    return name;
}

struct pr_holder *pr_shard_find_holder(const struct pr_shard *shard, const struct pr_key *pid)
{
    struct pr_holder *holder;
    uint32_t cursor = 0;
    do
        holder = pr_index_next(shard->holders, pid->slot.hash, &cursor);
    while (holder && holder->pid.id != pid->slot.as.id);
    return holder;
}

struct pr_roster_name *pr_roster_find(struct pr_roster *roster, const struct pr_key *key)
{
    return pr_shard_find(pr_shard_for(roster, key), key);
}

static int is_named(const struct pr_roster_name *name, const struct pr_key *key, pierrot_pid pid)
{
    return name->pid.id == pid.id && pr_key_is(key, &name->key);
}

struct pr_roster_name *pr_roster_find_own(struct pr_roster *roster, const struct pr_key *key,
                                          pierrot_pid pid)
{
    const struct pr_holder *holder = pr_roster_find_holder(roster, pid);
    struct pr_roster_name *by_key = pr_roster_find(roster, key);
    struct pr_roster_name *by_holder = holder ? holder->first : NULL;
    /* Both lists have it or neither: one step in each until one of them has ended. */
    while (by_key && by_holder) {
        if (by_key->pid.id == pid.id)
            return by_key;
        if (is_named(by_holder, key, pid))
            return by_holder;
        by_key = pr_roster_next(roster, by_key);
        by_holder = by_holder->next;
    }
    return NULL;
}

struct pr_holder *pr_roster_find_holder(struct pr_roster *roster, pierrot_pid pid)
{
    struct pr_key key = pr_key_of_pid(pid);
    return pr_shard_find_holder(pr_shard_for(roster, &key), &key);
}

struct pr_holder *pr_roster_add_holder(struct pr_roster *roster, pierrot_pid pid)
{
    struct pr_key key = pr_key_of_pid(pid);
    struct pr_shard *shard = pr_shard_for(roster, &key);
    struct pr_holder *holder = pierrot_shared_alloc(roster->rt, sizeof *holder);
    if (!holder)
        return NULL;
    *holder = (struct pr_holder){.pid = pid};
    if (reserve(roster, shard, &shard->holders) != 0) {
        pierrot_shared_free(roster->rt, holder, sizeof *holder);
        return NULL;
    }
    add_pointer(shard, shard->holders, key.slot.hash, holder);
    return holder;
}

static struct pr_shard *shard_of_holder(struct pr_roster *roster, const struct pr_holder *holder)
{
    struct pr_key key = pr_key_of_pid(holder->pid);
    return pr_shard_for(roster, &key);
}

static void list(struct pr_roster *roster, struct pr_roster_name *name)
{
    struct pr_holder *holder = name->holder;
    struct pr_shard_lock *lock = &shard_of_holder(roster, holder)->lock;
    pr_shard_lock_take(lock);
    name->next = NULL;
    name->previous = holder->last;
    *(holder->last ? &holder->last->next : &holder->first) = name;
    holder->last = name;
    pr_shard_lock_give(lock);
}

static void unlist(struct pr_roster *roster, struct pr_roster_name *name)
{
    struct pr_holder *holder = name->holder;
    struct pr_shard_lock *lock = &shard_of_holder(roster, holder)->lock;
    pr_shard_lock_take(lock);
    *(name->previous ? &name->previous->next : &holder->first) = name->next;
    *(name->next ? &name->next->previous : &holder->last) = name->previous;
    pr_shard_lock_give(lock);
}

/* Behind the others of its key. */
static void add_peer(struct pr_shard *shard, struct pr_roster_name *first,
                     struct pr_roster_name *name)
{
    struct pr_roster_peers *head = pr_roster_peers(first);
    pr_shard_lock_take(&shard->lock);
    *pr_roster_peers(name) = (struct pr_roster_peers){.previous = head->previous};
    pr_roster_peers(head->previous)->next = name;
    head->previous = name;
    pr_shard_lock_give(&shard->lock);
}

/* `first` leads to the others of its key, and has some. */
static void remove_peer(struct pr_shard *shard, struct pr_roster_name *first,
                        struct pr_roster_name *name)
{
    struct pr_roster_peers *head = pr_roster_peers(first), *gone = pr_roster_peers(name);
    pr_shard_lock_take(&shard->lock);
    if (name == first) {
        pr_index_replace(shard->names, name->key.hash, name, gone->next);
        pr_roster_peers(gone->next)->previous = gone->previous;
    } else {
        pr_roster_peers(gone->previous)->next = gone->next;
        (gone->next ? pr_roster_peers(gone->next) : head)->previous = gone->previous;
    }
    pr_shard_lock_give(&shard->lock);
}

/* Makes the name one that is found by its key, which is there with `first` or not at all (NULL). */
static void enter_name(struct pr_roster *roster, struct pr_shard *shard,
                       struct pr_roster_name *first, struct pr_roster_name *name)
{
    if (first) {
        add_peer(shard, first, name);
        return;
    }
    if (roster->kind == PR_DUPLICATE)
        *pr_roster_peers(name) = (struct pr_roster_peers){.previous = name};
    add_pointer(shard, shard->names, name->key.hash, name);
}

static void leave_key(struct pr_roster *roster, struct pr_shard *shard, const struct pr_key *key,
                      struct pr_roster_name *name)
{
    struct pr_roster_name *first = roster->kind == PR_UNIQUE ? name : pr_shard_find(shard, key);
    if (first == name && !pr_roster_next(roster, name))
        remove_pointer(roster, shard, &shard->names, key->slot.hash, name);
    else
        remove_peer(shard, first, name);
}

int pr_roster_add(struct pr_roster *roster, struct pr_holder *holder, const struct pr_key *key,
                  const struct pr_slot *value)
{
    struct pr_shard *shard = pr_shard_for(roster, key);
    struct pr_roster_name *first = roster->kind == PR_UNIQUE ? NULL : pr_shard_find(shard, key);
    free_returned(roster);
    struct pr_roster_name *name = pr_slab_alloc(roster->rt, &roster->slab);
    if (!name)
        goto free_value;
    if (reserve(roster, shard, &shard->names) != 0 || set_key(roster, name, key) != 0)
        goto free_name;
    name->pid = holder->pid;
    name->value = *value;
    name->holder = holder;
    name->serial = roster->n_serial++;
    atomic_init(&name->n_holds, 1);
    enter_name(roster, shard, first, name);
    list(roster, name);
    return 0;

free_name:
    pr_slab_free(roster->rt, &roster->slab, name);
free_value:
    pr_slot_free(value);
    return PIERROT_ENOMEM;
}

void pr_roster_set_value(struct pr_roster *roster, struct pr_roster_name *name,
                         const struct pr_slot *value)
{
    struct pr_key key = pr_key_of_slot(&name->key);
    struct pr_shard_lock *lock = &pr_shard_for(roster, &key)->lock;
    pr_shard_lock_take(lock);
    struct pr_slot old = name->value;
    name->value = *value;
    pr_shard_lock_give(lock);
    pr_slot_free(&old);
}

void pr_roster_remove(struct pr_roster *roster, struct pr_roster_name *name)
{
    struct pr_key key = pr_key_of_slot(&name->key);
    struct pr_shard *shard = pr_shard_for(roster, &key);
    unlist(roster, name);
    leave_key(roster, shard, &key, name);
    drop_name(roster, name);
}

void pr_roster_remove_holder(struct pr_roster *roster, struct pr_holder *holder)
{
    struct pr_key key = pr_key_of_pid(holder->pid);
    struct pr_shard *shard = pr_shard_for(roster, &key);
    while (holder->first)
        pr_roster_remove(roster, holder->first);
    remove_pointer(roster, shard, &shard->holders, key.slot.hash, holder);
    pierrot_shared_free(roster->rt, holder, sizeof *holder);
}

struct pr_holder *pr_roster_next_holder(struct pr_roster *roster, uint64_t *cursor)
{
    /* Number of the shard above, cursor in its index below. */
    uint32_t shard = (uint32_t)(*cursor >> 32), inner = (uint32_t)*cursor;
    struct pr_holder *holder = NULL;
    while (shard < PR_N_SHARDS &&
           !(holder = pr_index_each(roster->shards[shard].holders, &inner))) {
        shard++;
        inner = 0;
    }
    *cursor = (uint64_t)shard << 32 | inner;
    return holder;
}
