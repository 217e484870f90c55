/* SPDX-License-Identifier: MIT
 *
 * What is found is held (counted) under the lock and turned into a reply without it. */
#include "actor/roster_read.h"

#include "actor/behaviour.h"
#include "actor/roster_table.h"

static int is_alive(const struct pr_roster *roster, const struct pr_roster_name *name)
{
    return pierrot_is_alive(roster->rt, name->pid);
}

/* A slot that holds on to its term after the lock is given. */
static struct pr_slot hold(const struct pr_slot *slot)
{
    struct pr_slot held = *slot;
    if (slot->type == PIERROT_STRING || slot->type == PIERROT_TABLE)
        held.as.term = pierrot_term_share(slot->as.term); /* counts, allocates nothing */
    return held;
}

static int lookup_one(struct pr_roster *roster, const struct pr_key *key, pierrot_term **reply)
{
    struct pr_slot value = {.type = PIERROT_NIL};
    pierrot_pid pid = {0};
    struct pr_shard *shard = pr_shard_for(roster, key);
    pr_shard_lock_take(&shard->lock);
    const struct pr_roster_name *name = pr_shard_find(shard, key);
    if (name && is_alive(roster, name)) {
        pid = name->pid;
        value = hold(&name->value);
    }
    pr_shard_lock_give(&shard->lock);
    if (!pid.id) {
        *reply = NULL;
        return 0;
    }
    pierrot_term *found = pierrot_pid_term(pid);
    if (value.type != PIERROT_NIL)
        found = pr_tuple(2, found, pr_slot_term(&value));
    pr_slot_free(&value);
    if (!found)
        return PIERROT_ENOMEM;
    *reply = found;
    return 0;
}

/* Names as they were at one moment, for each shard or holder. */
struct found {
    uint64_t serial;
    struct pr_roster_name *name; /* one hold */
    struct pr_slot value;        /* owned; of names of one key, else nil */
};

struct snapshot {
    struct found *items;
    size_t n, capacity;
    int is_short; /* there was more than room */
};

/* Under a lock that keeps the name in the table. */
static void note(struct snapshot *snapshot, struct pr_roster_name *name)
{
    if (snapshot->n == snapshot->capacity) {
        snapshot->is_short = 1;
        return;
    }
    /* relaxed: the table's hold cannot go meanwhile. */
    atomic_fetch_add_explicit(&name->n_holds, 1, memory_order_relaxed);
    snapshot->items[snapshot->n++] = (struct found){.serial = name->serial, .name = name};
}

static void note_all(struct pr_roster *roster, struct snapshot *snapshot)
{
    for (int i = 0; i < PR_N_SHARDS && !snapshot->is_short; i++) {
        struct pr_shard *shard = &roster->shards[i];
        struct pr_roster_name *name;
        uint32_t cursor = 0;
        pr_shard_lock_take(&shard->lock);
        while ((name = pr_index_each(shard->names, &cursor))) {
            for (; name; name = pr_roster_next(roster, name)) {
                if (is_alive(roster, name))
                    note(snapshot, name);
            }
        }
        pr_shard_lock_give(&shard->lock);
    }
}

/* With their values, which only the lock keeps as they are. */
static void note_key(struct pr_roster *roster, const struct pr_key *key, struct snapshot *snapshot)
{
    struct pr_shard *shard = pr_shard_for(roster, key);
    pr_shard_lock_take(&shard->lock);
    struct pr_roster_name *name = pr_shard_find(shard, key);
    for (; name && !snapshot->is_short; name = pr_roster_next(roster, name)) {
        if (!is_alive(roster, name))
            continue;
        note(snapshot, name);
        if (!snapshot->is_short)
            snapshot->items[snapshot->n - 1].value = hold(&name->value);
    }
    pr_shard_lock_give(&shard->lock);
}

static void note_holders(struct pr_roster *roster, pierrot_pid pid, struct snapshot *snapshot)
{
    struct pr_key key = pr_key_of_pid(pid);
    struct pr_shard *shard = pr_shard_for(roster, &key);
    if (!pierrot_is_alive(roster->rt, pid))
        return;
    pr_shard_lock_take(&shard->lock);
    const struct pr_holder *holder = pr_shard_find_holder(shard, &key);
    for (struct pr_roster_name *name = holder ? holder->first : NULL; name; name = name->next)
        note(snapshot, name);
    pr_shard_lock_give(&shard->lock);
}

static void drop_items(struct pr_roster *roster, struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->n; i++) {
        pr_slot_free(&snapshot->items[i].value);
        pr_roster_return(roster, snapshot->items[i].name);
    }
    if (snapshot->items)
        pierrot_shared_free(roster->rt, snapshot->items,
                            snapshot->capacity * sizeof *snapshot->items);
}

/* Which names: those of a key, of a process, or (both NULL) all. */
struct selection {
    const struct pr_key *key;
    const pierrot_term *pid;
};

/* Fills the snapshot, with as much room as that takes. 0 or PIERROT_ENOMEM. */
static int take_snapshot(struct pr_roster *roster, const struct selection *wanted,
                         struct snapshot *snapshot)
{
    size_t capacity = 16;
    do {
        *snapshot = (struct snapshot){.capacity = capacity};
        snapshot->items = pierrot_shared_alloc(roster->rt, capacity * sizeof *snapshot->items);
        if (!snapshot->items)
            return PIERROT_ENOMEM;
        if (wanted->key)
            note_key(roster, wanted->key, snapshot);
        else if (wanted->pid)
            note_holders(roster, pierrot_as_pid(wanted->pid), snapshot);
        else
            note_all(roster, snapshot);
        if (!snapshot->is_short)
            return 0;
        drop_items(roster, snapshot);
        capacity *= 4;
    } while (1);
}

/* Lets the item sink to its place in a heap whose root is the newest. */
static void sink(struct found *items, size_t n, size_t at)
{
    for (size_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
        if (child + 1 < n && items[child + 1].serial > items[child].serial)
            child++;
        if (items[at].serial >= items[child].serial)
            return;
        struct found item = items[at];
        items[at] = items[child];
        items[child] = item;
        at = child;
    }
}

/* Oldest first, so the order does not depend on hashes. In place, which qsort is not. */
static void sort(struct found *items, size_t n)
{
    for (size_t at = n / 2; at > 0; at--)
        sink(items, n, at - 1);
    for (size_t left = n; left > 1; left--) {
        struct found newest = items[0];
        items[0] = items[left - 1];
        items[left - 1] = newest;
        sink(items, left - 1, 0);
    }
}

static int list_keys(struct pr_roster *roster, const pierrot_term *request, pierrot_term **reply)
{
    struct snapshot snapshot;
    struct selection wanted = {.pid = pierrot_table_at(request, 2)};
    int error = take_snapshot(roster, &wanted, &snapshot);
    if (error)
        return error;
    sort(snapshot.items, snapshot.n);
    pierrot_term *keys = pierrot_table();
    error = keys ? 0 : PIERROT_ENOMEM;
    for (size_t i = 0; i < snapshot.n && !error; i++)
        error = pierrot_table_append(keys, pr_slot_term(&snapshot.items[i].name->key));
    drop_items(roster, &snapshot);
    if (error) {
        pierrot_term_free(keys);
        return error;
    }
    *reply = keys;
    return 0;
}

/* A list of {pid, value}. */
static int lookup_all(struct pr_roster *roster, const struct pr_key *key, pierrot_term **reply)
{
    struct snapshot snapshot;
    struct selection wanted = {.key = key};
    int error = take_snapshot(roster, &wanted, &snapshot);
    if (error)
        return error;
    pierrot_term *entries = pierrot_table();
    error = entries ? 0 : PIERROT_ENOMEM;
    for (size_t i = 0; i < snapshot.n && !error; i++) {
        const struct found *found = &snapshot.items[i];
        error = pierrot_table_append(
            entries, pr_tuple(2, pierrot_pid_term(found->name->pid), pr_slot_term(&found->value)));
    }
    drop_items(roster, &snapshot);
    if (error) {
        pierrot_term_free(entries);
        return error;
    }
    *reply = entries;
    return 0;
}

static int lookup(struct pr_roster *roster, const pierrot_term *request, pierrot_term **reply)
{
    struct pr_key key;
    if (pr_key_of_term(pierrot_table_at(request, 2), &key) != 0)
        return PIERROT_EINVAL;
    return roster->kind == PR_UNIQUE ? lookup_one(roster, &key, reply)
                                     : lookup_all(roster, &key, reply);
}

static int tell_kind(const struct pr_roster *roster, pierrot_term **reply)
{
    *reply = pr_string(roster->kind == PR_UNIQUE ? "unique" : "duplicate");
    return *reply ? 0 : PIERROT_ENOMEM;
}

/* The name and the others of its key; under the lock. */
static int64_t count_living(const struct pr_roster *roster, struct pr_roster_name *name)
{
    int64_t n = 0;
    for (; name; name = pr_roster_next(roster, name))
        n += is_alive(roster, name);
    return n;
}

static int64_t count_all(struct pr_roster *roster)
{
    int64_t n = 0;
    for (int i = 0; i < PR_N_SHARDS; i++) {
        struct pr_shard *shard = &roster->shards[i];
        struct pr_roster_name *name;
        uint32_t cursor = 0;
        pr_shard_lock_take(&shard->lock);
        while ((name = pr_index_each(shard->names, &cursor)))
            n += count_living(roster, name);
        pr_shard_lock_give(&shard->lock);
    }
    return n;
}

static int64_t count_key(struct pr_roster *roster, const struct pr_key *key)
{
    struct pr_shard *shard = pr_shard_for(roster, key);
    pr_shard_lock_take(&shard->lock);
    int64_t n = count_living(roster, pr_shard_find(shard, key));
    pr_shard_lock_give(&shard->lock);
    return n;
}

static int count(struct pr_roster *roster, const pierrot_term *request, pierrot_term **reply)
{
    struct pr_key key;
    const pierrot_term *given = pierrot_table_at(request, 2);
    if (given && pr_key_of_term(given, &key) != 0)
        return PIERROT_EINVAL;
    *reply = pierrot_int(given ? count_key(roster, &key) : count_all(roster));
    return *reply ? 0 : PIERROT_ENOMEM;
}

int pr_roster_read(pierrot *rt, void *shared, const pierrot_term *request, pierrot_term **reply)
{
    const pierrot_term *tag = pierrot_table_at(request, 1);
    (void)rt;
    if (pierrot_is_string(tag, "lookup"))
        return lookup(shared, request, reply);
    if (pierrot_is_string(tag, "keys"))
        return list_keys(shared, request, reply);
    if (pierrot_is_string(tag, "count"))
        return count(shared, request, reply);
    if (pierrot_is_string(tag, "kind"))
        return tell_kind(shared, reply);
    return PIERROT_EINVAL;
}
