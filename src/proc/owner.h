/* SPDX-License-Identifier: MIT
 *
 * The owner of processes: a scheduler, as the layer of processes sees it. One thread runs an owner,
 * and only that thread touches the processes of it, their mailboxes and relations; everybody else
 * pushes signals on the inbox. What the owners of a runtime share is the system: the process table
 * (whose words any thread may read), names, aliases, the log.
 *
 * Field letters: (I) fixed after init, (O) owner thread, (A) atomic, (M) under the lock of its
 * struct. */
#ifndef PR_OWNER_H
#define PR_OWNER_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/queue.h"
#include "base/spare.h"
#include "proc/value.h"

#define PR_MAX_OWNERS 64

/* What other threads write lies so far from what the owner writes: else each message that comes in
 * takes away the line that the owner counts and allocates in, and the other way round. */
#define PR_CACHE_LINE 64

struct pr_process;
struct pr_ptable;
struct pr_names;
struct pr_aliases;
struct pr_relation;
struct pr_signal;

/* What processes need of the layers above; set once, before any process. */
struct pr_owner_ops {
    /* The process has something to do: run it some time. Thread: owner. */
    void (*make_ready)(struct pr_owner *owner, struct pr_process *process);
    /* A signal takes effect (pr_dispatch). Takes: signal. Thread: owner. */
    void (*take_signal)(struct pr_owner *owner, struct pr_signal *signal);
    /* Wake the thread of this owner if it sleeps. Thread: any. */
    void (*wake)(struct pr_owner *owner);
    /* A PR_CALL relation has its answer, or (failed) why there is none. Takes: value. Thread:
     * owner. */
    void (*answer)(struct pr_owner *owner, struct pr_relation *call, int failed,
                   struct pierrot_term value);
    /* The process of a PR_CALL or PR_TIMER relation ended: undo and free it. Thread: owner. */
    void (*release)(struct pr_owner *owner, struct pr_relation *relation);
    /* Forget a value in the store of the Lua state. Thread: owner. */
    void (*drop_local)(struct pr_owner *owner, int64_t place);
    /* It has sent much to an owner that is flooded, or (is_stuck) has not looked at its inbox for
     * very many messages: give that one a little time. Thread: owner. */
    void (*hold_back)(struct pr_owner *owner, struct pr_owner *target, int is_stuck);
    /* A value of that store as a term. Gives; NULL: out of memory. Thread: owner. */
    pierrot_term *(*local_to_term)(struct pr_owner *owner, int64_t place);
};

/* Shared by the owners of a runtime. */
struct pr_system {
    struct pr_heap heap; /* (A) shared heap: names, the table */
    struct pr_depot depot; /* (M) spare pieces between the owners */
    int has_depot;         /* (I) */
    struct pr_log log;
    struct pr_owner **owners;   /* (I) [n_owners] */
    uint32_t n_owners;          /* (I) */
    struct pr_ptable *ptable;   /* (I) */
    struct pr_names *names;     /* (I) */
    struct pr_aliases *aliases; /* (I) */
};

struct pr_owner {
    struct pr_heap heap;            /* (O) */
    struct pr_system *system;       /* (I) */
    uint32_t index;                 /* (I) 0 … n_owners - 1 */
    const struct pr_owner_ops *ops; /* (I) */
    char before_inbox[PR_CACHE_LINE];
    struct pr_queue inbox;  /* (A) signals from other threads */
    atomic_int is_flooded;  /* (A) they come faster than their receiver takes them; by the owner */
    atomic_uint n_drains;   /* (A) how often the inbox was taken; by the owner */
    char behind_inbox[PR_CACHE_LINE];
    uint64_t last_ref;              /* (O) number of the newest ref made here */
    struct pr_map refs;             /* (O) relations by ref, see relation.h */
    struct pr_map links;            /* (O) links by both ends */
    int is_draining;                /* (O) in pr_signal_drain */
    int has_long_mailbox;           /* (O) one that got something, or was too full to */
    unsigned n_pushed;              /* (O) messages to other owners */
    struct pr_owner *far;           /* (O) whom the last of them went to, as seen now and then */
    unsigned far_drains;            /* (O) its n_drains at that time */
    unsigned n_undrained;           /* (O) about so many went there since it took its inbox */
    struct pr_shelf shelf;          /* (O) pieces: signals, relations, small terms */
    uint32_t free_head, free_tail;  /* (O) free slots of the process table, oldest first */
    struct pr_process *current;     /* (O) whose code runs now; NULL: none */
    int is_closing;                 /* (O) what lives here is being ended for good: none is made */
    _Atomic(uint32_t) n_processes;  /* (A) alive here, written by the owner */
};

/* Sets up the fields of this layer; `owner` is zeroed memory. */
void pr_owner_init(struct pr_owner *owner, struct pr_system *system, uint32_t index,
                   const struct pr_owner_ops *ops);

/* Frees pools and maps; no process may be left. Thread: owner, or after it ended. */
void pr_owner_fini(struct pr_owner *owner);

/* A fresh ref. Thread: owner. */
pierrot_ref pr_owner_make_ref(struct pr_owner *owner);

/* The owner that this thread runs; NULL on other threads. */
struct pr_owner *pr_owner_here(void);
void pr_owner_set_here(struct pr_owner *owner);

/* Pieces for signals and relations. An allocation that follows a free never fails: so a relation
 * can always be turned into the signal that ends it. Thread: owner. */
#define PR_PIECE_SIZE PR_SPARE_MIN

static inline void *pr_piece_alloc(struct pr_owner *owner)
{
    return pr_spare_alloc(&owner->shelf, PR_PIECE_SIZE);
}

static inline void pr_piece_free(struct pr_owner *owner, void *piece)
{
    pr_spare_free(&owner->shelf, piece, PR_PIECE_SIZE);
}

#endif
