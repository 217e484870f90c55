/* SPDX-License-Identifier: MIT */
#include "proc/process.h"

#include "proc/ptable.h"

int pr_process_init(struct pr_owner *owner, struct pr_process *process, const struct pr_kind *kind,
                    struct pr_lineage *lineage)
{
    pierrot_pid pid;
    if (owner->is_closing)
        return PIERROT_ESTOPPED;
    int error = pr_ptable_enter(owner, process, &pid);
    if (error)
        return error;
    *process = (struct pr_process){.kind = kind, .pid = pid, .lineage = lineage};
    pr_mailbox_init(&process->mailbox);
    pr_list_init(&process->relations);
    process->state = PR_WAITING;
    return 0;
}

int pr_process_is_child_of(const struct pr_process *process, pierrot_pid pid)
{
    if (!process->lineage)
        return pid.id == 0;
    return process->has_parent && process->lineage->pid.id == pid.id;
}

struct pr_process_extra *pr_process_extra(struct pr_owner *owner, struct pr_process *process)
{
    if (!process->extra)
        process->extra = pr_zalloc(&owner->heap, sizeof *process->extra);
    return process->extra;
}

/* A chain that has come to the first length is cut to the second: so a start copies little. */
enum { LINEAGE_MAX = 256, LINEAGE_KEPT = 128 };

static struct pr_lineage *lineage_new(struct pr_owner *owner, pierrot_pid pid, uint32_t n_known)
{
    struct pr_lineage *lineage = pr_alloc(&owner->heap, sizeof *lineage);
    if (!lineage)
        return NULL;
    atomic_init(&lineage->n_holds, 1);
    lineage->n_known = n_known;
    lineage->pid = pid;
    lineage->up = NULL;
    return lineage;
}

/* Gives: one hold; NULL: out of memory. */
static struct pr_lineage *lineage_cut(struct pr_owner *owner, const struct pr_lineage *lineage)
{
    struct pr_lineage *first = NULL, **end = &first;
    for (uint32_t n = LINEAGE_KEPT; n > 0; n--, lineage = lineage->up) {
        *end = lineage_new(owner, lineage->pid, n);
        if (!*end) {
            pr_lineage_drop(owner, first);
            return NULL;
        }
        end = &(*end)->up;
    }
    return first;
}

/* The process itself, then its ancestors. Gives: one hold; NULL: out of memory. */
static struct pr_lineage *lineage_of(struct pr_owner *owner, const struct pr_process *process)
{
    struct pr_lineage *up = process->lineage, *cut = NULL;
    if (up && up->n_known >= LINEAGE_MAX) {
        up = cut = lineage_cut(owner, up);
        if (!cut)
            return NULL;
    }
    struct pr_lineage *own = lineage_new(owner, process->pid, up ? up->n_known + 1 : 1);
    if (!own) {
        pr_lineage_drop(owner, cut);
        return NULL;
    }
    if (up && !cut)
        atomic_fetch_add_explicit(&up->n_holds, 1, memory_order_relaxed);
    own->up = up;
    return own;
}

struct pr_lineage *pr_process_lineage(struct pr_owner *owner, struct pr_process *process)
{
    struct pr_process_extra *extra = pr_process_extra(owner, process);
    if (!extra)
        return NULL;
    struct pr_lineage *own = extra->own_lineage;
    if (!own && !(own = extra->own_lineage = lineage_of(owner, process)))
        return NULL;
    atomic_fetch_add_explicit(&own->n_holds, 1, memory_order_relaxed);
    return own;
}

void pr_lineage_drop(struct pr_owner *owner, struct pr_lineage *lineage)
{
    /* acq_rel: whoever frees has seen all that the other holders did. A loop, since a chain may be
     * as long as spawns were nested. */
    while (lineage && atomic_fetch_sub_explicit(&lineage->n_holds, 1, memory_order_acq_rel) == 1) {
        struct pr_lineage *up = lineage->up;
        pr_free(&owner->heap, lineage, sizeof *lineage);
        lineage = up;
    }
}

void pr_process_deliver(struct pr_owner *owner, struct pr_process *process,
                        struct pr_signal *message)
{
    pr_mailbox_push(owner, &process->mailbox, message);
    if (process->flags & PR_WAKE_ON_MESSAGE)
        pr_process_wake(owner, process);
}

int pr_process_is_full(const struct pr_process *process)
{
    const struct pr_process_extra *extra = process->extra;
    return extra && extra->max_queue > 0 && process->mailbox.n_messages >= extra->max_queue;
}

int pr_process_refuses(struct pr_process *process)
{
    if (!pr_process_is_full(process))
        return 0;
    process->extra->n_dropped++;
    return 1;
}
