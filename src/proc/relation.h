/* SPDX-License-Identifier: MIT
 *
 * Relations of a process: its half of a link, a monitor it made or stands under, an alias, a call
 * it waits in, a timer that goes to it. They hang in the process, in the order in which they were
 * made, and most are found by their ref in the owner's map; so everything a process holds is given
 * back by walking one list, whatever its code would have done.
 *
 * Refs are unique and the hash function is one-to-one, so two entries of the map with the same hash
 * are the same entry; the two halves of a monitor on one scheduler differ by a side bit. */
#ifndef PR_RELATION_H
#define PR_RELATION_H

#include "base/list.h"
#include "base/map.h"
#include "proc/owner.h"
#include "proc/process.h"
#include "term/ident.h"

enum pr_relation_kind {
    PR_LINK,      /* peer; in owner->links */
    PR_UNLINKING, /* what is left of a link until the peer has heard that it ended; ref */
    PR_WATCHED,   /* peer watches this process; ref */
    PR_WATCH,     /* this process watches peer; ref; maybe also an alias */
    PR_ALIAS,     /* ref is an address of this process */
    PR_CALL,      /* of the layer above: this process waits for an answer to ref */
    PR_TIMER      /* of the layer above: a timer whose message goes to this process */
};

enum pr_relation_flag {
    PR_ALIAS_EXPLICIT = 1,  /* the alias lives until unalias */
    PR_ALIAS_DEMONITOR = 2, /* …or until the monitor goes */
    PR_ALIAS_REPLY = 4,     /* …or until the first message by it */
    PR_ALIAS_GLOBAL = 8,    /* send(ref, …) finds it by the system's table */
    PR_WATCH_REPLIES = 16,  /* replies to this ref become PR_SIGNAL_ANSWER messages */
    PR_WATCHED_BY_TIMER = 32, /* a timer of another scheduler that goes to this process */
    PR_WATCHED_LATE = 64 /* the process was dead already, but had not told of its end yet */
};

#define PR_ALIAS_ANY (PR_ALIAS_EXPLICIT | PR_ALIAS_DEMONITOR | PR_ALIAS_REPLY)

struct pr_relation {
    struct pr_node node;        /* in the process */
    struct pr_map_node entry;   /* in owner->refs or owner->links */
    struct pr_process *process; /* whose it is */
    uint8_t kind;
    uint8_t flags;
    uint16_t reserved;
    uint32_t reserved2;
    pierrot_pid peer;
    pierrot_ref ref;
    struct pr_monitor_extra *extra; /* of a watch made by name or with a tag, else NULL */
};

_Static_assert(sizeof(struct pr_relation) <= PR_PIECE_SIZE, "a relation is a piece");

/* Which half of a monitor an entry of the map is. */
enum pr_side {
    PR_SIDE_HOLDER = 0, /* watch, alias, call, timer: the ref is this process's */
    PR_SIDE_TARGET = 1  /* watched */
};

/* `process` NULL: it belongs to nobody (a timer to a name or to another scheduler).
 * A new relation, in the process's list and (with a ref) in the map. NULL: out of memory. */
struct pr_relation *pr_relation_add(struct pr_owner *owner, struct pr_process *process,
                                    enum pr_relation_kind kind, pierrot_pid peer, pierrot_ref ref);

/* The same with memory of the caller's, for larger ones. 0 or PIERROT_ENOMEM. */
int pr_relation_enter(struct pr_owner *owner, struct pr_relation *relation,
                      struct pr_process *process, enum pr_relation_kind kind, pierrot_pid peer,
                      pierrot_ref ref);

/* Out of list and map; the memory stays. */
void pr_relation_leave(struct pr_owner *owner, struct pr_relation *relation);

/* Out and freed, for those of pr_relation_add. */
void pr_relation_remove(struct pr_owner *owner, struct pr_relation *relation);

/* By ref; NULL when there is none. */
struct pr_relation *pr_relation_find(struct pr_owner *owner, pierrot_ref ref, enum pr_side side);

/* The link of `process` with `peer`, or what is left of one; NULL when there is none. */
struct pr_relation *pr_relation_find_link(struct pr_owner *owner, struct pr_process *process,
                                          pierrot_pid peer);
struct pr_relation *pr_relation_find_unlinking(struct pr_owner *owner, struct pr_process *process,
                                               pierrot_pid peer);

#endif
