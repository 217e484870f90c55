/* SPDX-License-Identifier: MIT */
#include "proc/exit.h"

#include "base/assert.h"
#include "proc/monitor.h"
#include "proc/name.h"
#include "proc/ptable.h"
#include "proc/relation.h"

int pr_exit_is_normal(const pierrot_term *reason)
{
    return pr_cell_is_bytes(reason, "normal", 6);
}

int pr_exit_is_clean(const pierrot_term *reason)
{
    if (pr_exit_is_normal(reason) || pr_cell_is_bytes(reason, "shutdown", 8))
        return 1;
    return reason->tag == PIERROT_TABLE &&
           pierrot_is_string(pierrot_table_at(reason, 1), "shutdown");
}

/* The name goes with the process; the report of its crash still tells it. */
static void keep_name(struct pr_owner *owner, struct pr_process *process)
{
    pierrot_term *name = pr_name_of(owner->system, process->pid, &owner->heap);
    struct pr_process_extra *extra = name ? pr_process_extra(owner, process) : NULL;
    if (extra)
        extra->last_name = name;
    else
        pr_term_drop(name, &owner->heap);
}

void pr_process_exit(struct pr_owner *owner, struct pr_process *process, pierrot_term *reason)
{
    if (process->flags & PR_EXITING || (process->flags & PR_UNKILLABLE && process->exit_reason)) {
        pr_term_drop(reason, &owner->heap);
        return;
    }
    process->exit_reason = reason;
    if (process->flags & PR_UNKILLABLE) {
        pr_process_wake(owner, process);
        return;
    }
    process->flags |= PR_EXITING;
    if (pr_ptable_mark_dead(owner, process->pid)) {
        if (!pr_exit_is_clean(reason))
            keep_name(owner, process);
        pr_name_release(owner->system, process->pid);
    }
    pr_process_wake(owner, process);
}

/* A relation that becomes a signal to the peer, in the same piece of memory. */
static void turn_into(struct pr_owner *owner, struct pr_relation *relation,
                      enum pr_signal_kind kind, uint8_t flags)
{
    pierrot_pid self = relation->process->pid, peer = relation->peer;
    pierrot_ref ref = relation->ref;
    int is_late = kind == PR_SIGNAL_DOWN && relation->flags & PR_WATCHED_LATE;
    pierrot_term *reason = is_late ? PR_TERM(noproc) : relation->process->exit_reason;
    pr_relation_remove(owner, relation);
    struct pr_signal *signal = pr_signal_new(owner, kind, peer);
    PR_ASSERT(signal);
    signal->from = self;
    signal->ref = ref;
    signal->flags = flags;
    if (kind != PR_SIGNAL_DEMONITOR)
        signal->value = pr_value_of_term(pr_term_hold(reason));
    pr_signal_send(owner, signal);
}

static void forget_watch(struct pr_owner *owner, struct pr_relation *watch)
{
    pierrot_pid target = watch->peer;
    pierrot_ref ref = watch->ref;
    int is_watch = watch->kind == PR_WATCH;
    pr_monitor_forget(owner, watch);
    if (is_watch)
        pr_monitor_release_target(owner, target, ref);
}

static void end_relation(struct pr_owner *owner, struct pr_relation *relation)
{
    switch ((enum pr_relation_kind)relation->kind) {
    case PR_LINK:
        turn_into(owner, relation, PR_SIGNAL_EXIT, PR_FLAG_LINK);
        return;
    case PR_UNLINKING:
        pr_relation_remove(owner, relation);
        return;
    case PR_WATCHED:
        turn_into(owner, relation, PR_SIGNAL_DOWN, 0);
        return;
    case PR_WATCH:
    case PR_ALIAS:
        forget_watch(owner, relation);
        return;
    case PR_CALL:
    case PR_TIMER:
        owner->ops->release(owner, relation);
        return;
    }
    PR_ASSERT(0);
}

void pr_process_end(struct pr_owner *owner, struct pr_process *process)
{
    PR_ASSERT(process->flags & PR_EXITING);
    process->kind->finish(owner, process, process->exit_reason);
    process->state = PR_ENDED;
    /* Oldest first. A local peer's half of a link goes when the EXIT takes effect. */
    while (!pr_list_is_empty(&process->relations))
        end_relation(owner, PR_CONTAINER_OF(process->relations.head, struct pr_relation, node));
    pr_mailbox_clear(owner, &process->mailbox);
    pr_term_drop(process->exit_reason, &owner->heap);
    pr_lineage_drop(owner, process->lineage);
    if (process->extra) {
        pr_lineage_drop(owner, process->extra->own_lineage);
        pr_term_drop(process->extra->last_name, &owner->heap);
        pr_term_drop(process->extra->last_message, &owner->heap);
        pr_free(&owner->heap, process->extra, sizeof *process->extra);
    }
    pr_ptable_leave(owner, process->pid);
    process->kind->destroy(owner, process);
}

int pr_exit_send(struct pr_owner *owner, pierrot_pid from, pierrot_pid to, pierrot_term *reason)
{
    struct pr_signal *signal = pr_signal_new(owner, PR_SIGNAL_EXIT, to);
    if (!signal) {
        pr_term_drop(reason, &owner->heap);
        return PIERROT_ENOMEM;
    }
    signal->from = from;
    signal->value = pr_value_of_term(reason);
    pr_signal_send(owner, signal);
    return 0;
}

/* What OTP does with an exit signal, by its reason and how it came. */
static int is_fatal(const struct pr_process *process, const struct pr_signal *signal,
                    const pierrot_term *reason)
{
    if (!(signal->flags & PR_FLAG_LINK) && pr_cell_is_bytes(reason, "kill", 4))
        return 1;
    if (process->flags & PR_TRAP_EXIT)
        return 0;
    if (!pr_exit_is_normal(reason))
        return 1;
    return !(signal->flags & PR_FLAG_LINK) && signal->from.id == process->pid.id;
}

void pr_exit_take(struct pr_owner *owner, struct pr_process *process, struct pr_signal *signal)
{
    if (process && signal->flags & PR_FLAG_LINK) {
        struct pr_relation *link = pr_relation_find_link(owner, process, signal->from);
        if (link)
            pr_relation_remove(owner, link);
        else
            process = NULL; /* unlinked meanwhile */
    }
    if (!process) {
        pr_signal_free(owner, signal);
        return;
    }
    pierrot_term *reason = signal->value.as.pointer;
    if (is_fatal(process, signal, reason)) {
        if (signal->from.id != process->pid.id && !process->exit_reason)
            process->was_signalled = PR_BY_ANOTHER;
        int is_kill = !(signal->flags & PR_FLAG_LINK) && pr_cell_is_bytes(reason, "kill", 4);
        pr_process_exit(owner, process, is_kill ? PR_TERM(killed) : pr_term_hold(reason));
        pr_signal_free(owner, signal);
    } else if (process->flags & PR_TRAP_EXIT) {
        signal->kind = PR_SIGNAL_EXITED;
        signal->flags = 0;
        pr_process_deliver(owner, process, signal);
    } else {
        pr_signal_free(owner, signal);
    }
}
