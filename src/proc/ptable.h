/* SPDX-License-Identifier: MIT
 *
 * The process table: from pid to owner and, for the owner, to the process. Slots lie in chunks that
 * belong to one owner each and stay until the runtime ends, so any thread may read the word of a
 * slot at any time; the pointer beside it is the owner's alone.
 *
 * Invariants
 *   - word = generation << 3 | ending << 2 | named << 1 | alive. A pid names a living process if the
 *     generations agree and `alive` is set.
 *   - `alive` goes from 1 to 0 exactly once a generation, by the owner, and `ending` from 0 to 1 with
 * it; the generation grows when the slot is freed. A free slot is in its owner's list, oldest first.
 *   - `named` is set by whoever registers a name, with one read-modify-write that also tells
 * whether the process was alive then; so either the dying process sees `named` and frees the name,
 * or the registrar sees that it is dead. */
#ifndef PR_PTABLE_H
#define PR_PTABLE_H

#include "proc/owner.h"

struct pr_ptable;

/* Gives; NULL: out of memory. */
struct pr_ptable *pr_ptable_new(struct pr_heap *heap);
void pr_ptable_free(struct pr_ptable *table, struct pr_heap *heap);

/* Takes a slot for `process`: alive from now on. 0; PIERROT_ENOMEM; PIERROT_ELIMIT when 2^26
 * processes are alive. Thread: owner. */
int pr_ptable_enter(struct pr_owner *owner, struct pr_process *process, pierrot_pid *pid);

/* From now on dead to everybody. Tells whether a name may be registered for it. Thread: owner. */
int pr_ptable_mark_dead(struct pr_owner *owner, pierrot_pid pid);

/* Gives the slot back; the process is dead. Thread: owner. */
void pr_ptable_leave(struct pr_owner *owner, pierrot_pid pid);

/* Sets `named`; false when the process is dead. Thread: any. */
int pr_ptable_mark_named(struct pr_system *system, pierrot_pid pid);

/* Thread: any. */
int pr_ptable_is_alive(struct pr_system *system, pierrot_pid pid);

/* Whose process that is, or was; NULL for an id that never was a pid here. Thread: any. */
struct pr_owner *pr_ptable_owner(struct pr_system *system, pierrot_pid pid);

/* The process, if it lives and is this owner's; else NULL. Thread: owner. */
struct pr_process *pr_ptable_find(struct pr_owner *owner, pierrot_pid pid);

/* The same for one that is dead to everybody and has not told of its end yet. Thread: owner. */
struct pr_process *pr_ptable_find_ending(struct pr_owner *owner, pierrot_pid pid);

/* Calls fn for each living process, in the order of slots; stops when fn says non-zero and returns
 * that. Processes that come or go meanwhile may be missed. Thread: any. */
int pr_ptable_each(struct pr_system *system, int (*fn)(void *ud, pierrot_pid pid), void *ud);

#endif
