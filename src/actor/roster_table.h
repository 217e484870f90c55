/* SPDX-License-Identifier: MIT
 *
 * The table of a registry: keys -> (process, value) and processes -> their keys. The registry alone
 * writes; everybody reads, on any thread, without a message: see roster_read.h.
 *
 * With unique keys a name is what its key leads to; with duplicate ones the key leads to the oldest
 * name, and the others hang on that one: so a key that very many have costs no more than theirs.
 *
 * The table is divided by hash into shards with a lock each. A name lies in the shard of its key
 * and in the list of its holder, which lies in the shard of its pid; one lock is held at a time,
 * and nothing is allocated under one. Readers pass over holders that are dead.
 *
 * Invariants: each name is in the list of its holder, and found by its key; what is in a list is
 * also found, but not always the other way round; a holder is freed only when it has no name; the
 * peers of the first name of a key are all names of that key. */
#ifndef PR_ROSTER_TABLE_H
#define PR_ROSTER_TABLE_H

#include <pthread.h>
#include <stdatomic.h>

#include "actor/index.h"
#include "actor/slab.h"
#include "actor/slot.h"

enum { PR_ROSTER_TEXT = 28 };

/* Letters: (I) fixed, (W) the writer's alone, (K) under the lock of the key's shard, (P) under the
 * lock of the pid's shard, (A) atomic; the writer reads all of them without. */
struct pr_roster_name {
    struct pr_slab_record record;
    struct pr_holder *holder; /* (W) */
    struct pr_roster_name *next,
        *previous;       /* (P) of the holder's, oldest first; then of the returned */
    uint64_t serial;     /* (I) the order in which names were made */
    atomic_uint n_holds; /* (A) the table's, and readers' that list keys */
    /* What a lookup needs lies together. */
    uint32_t text[PR_ROSTER_TEXT / 4]; /* (I) a struct pr_key_text, of keys that are short */
    struct pr_slot key;                /* (I) owned, when its text lies elsewhere */
    pierrot_pid pid;                   /* (I) of the holder */
    struct pr_slot value;              /* (K) owned */
};

/* Behind each name of a roster with duplicate keys. */
struct pr_roster_peers {
    struct pr_roster_name *next;     /* (K) of the same key, oldest first */
    struct pr_roster_name *previous; /* (W) the first one has the last one there */
};

struct pr_holder {
    pierrot_pid pid;                     /* (I) */
    struct pr_roster_name *first, *last; /* (P) */
    pierrot_ref ref;                     /* (W) of the registry's monitor */
    int is_created;                      /* (W) the registry made it, and keeps its link for ever */
    int was_linked;                      /* (W) linked before it had a name: it stays so */
    int is_adopted;                      /* (W) a start has given it: it may trap exits */
};

struct pr_shard_lock {
    pthread_mutex_t mutex;
};

static inline int pr_shard_lock_init(struct pr_shard_lock *lock)
{
    return pthread_mutex_init(&lock->mutex, NULL) == 0 ? 0 : PIERROT_ENOMEM;
}

static inline void pr_shard_lock_fini(struct pr_shard_lock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
}

static inline void pr_shard_lock_take(struct pr_shard_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
}

static inline void pr_shard_lock_give(struct pr_shard_lock *lock)
{
    pthread_mutex_unlock(&lock->mutex);
}

enum { PR_SHARD_BITS = 4, PR_N_SHARDS = 1 << PR_SHARD_BITS };

/* (M) under the lock for readers; the writer, which is one thread at a time, changes them under the
 * lock and reads them without. */
struct pr_shard {
    struct pr_shard_lock lock;
    struct pr_index *names;   /* (M) struct pr_roster_name, by key */
    struct pr_index *holders; /* (M) struct pr_holder, by pid */
    char padding[8];          /* two locks in one cache line would be fought over */
};

enum pr_roster_kind { PR_UNIQUE, PR_DUPLICATE };

struct pr_roster {
    pierrot *rt;                               /* (I) */
    enum pr_roster_kind kind;                  /* (I) */
    uint64_t n_serial;                         /* (W) names ever made */
    struct pr_slab slab;                       /* (W) of names */
    _Atomic(struct pr_roster_name *) returned; /* (A) names that a reader was the last to hold */
    struct pr_shard shards[PR_N_SHARDS];
};

/* By the high bits: the dicts use the low ones. */
static inline struct pr_shard *pr_shard_for(struct pr_roster *roster, const struct pr_key *key)
{
    return &roster->shards[key->slot.hash >> (32 - PR_SHARD_BITS)];
}

static inline struct pr_roster_peers *pr_roster_peers(struct pr_roster_name *name)
{
    return (struct pr_roster_peers *)(name + 1);
}

/* The next name of the same key; NULL: there is none. Thread: as pr_shard_find. */
static inline struct pr_roster_name *pr_roster_next(const struct pr_roster *roster,
                                                    struct pr_roster_name *name)
{
    return roster->kind == PR_UNIQUE ? NULL : pr_roster_peers(name)->next;
}

/* The first of a key; NULL where there is none. Thread: any, under the lock; the writer without. */
struct pr_roster_name *pr_shard_find(const struct pr_shard *shard, const struct pr_key *key);
struct pr_holder *pr_shard_find_holder(const struct pr_shard *shard, const struct pr_key *pid);

/* A reader has done with the name. Thread: any. */
void pr_roster_return(struct pr_roster *roster, struct pr_roster_name *name);

#endif
