/* SPDX-License-Identifier: MIT */
#include "proc/process.h"

#include "proc/ptable.h"

int pr_process_init(struct pr_owner *owner, struct pr_process *process, const struct pr_kind *kind,
                    struct pr_lineage *lineage)
{
    pierrot_pid pid;
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

struct pr_lineage *pr_process_lineage(struct pr_owner *owner, struct pr_process *process)
{
    struct pr_process_extra *extra = pr_process_extra(owner, process);
    if (!extra)
        return NULL;
    struct pr_lineage *own = extra->own_lineage;
    if (!own) {
        own = pr_alloc(&owner->heap, sizeof *own);
        if (!own)
            return NULL;
        atomic_init(&own->n_holds, 1);
        own->pid = process->pid;
        own->up = process->lineage;
        if (own->up)
            atomic_fetch_add_explicit(&own->up->n_holds, 1, memory_order_relaxed);
        extra->own_lineage = own;
    }
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

int pr_process_refuses(struct pr_process *process)
{
    struct pr_process_extra *extra = process->extra;
    if (!extra || extra->max_queue == 0 || process->mailbox.n_messages < extra->max_queue)
        return 0;
    extra->n_dropped++;
    return 1;
}
