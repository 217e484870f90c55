/* SPDX-License-Identifier: MIT */
#include "proc/monitor.h"

#include "base/assert.h"
#include "proc/alias_table.h"
#include "proc/ptable.h"

/* 0 or PIERROT_ENOMEM; *extra stays NULL when the options ask for nothing rare. */
static int make_extra(struct pr_owner *owner, const struct pr_monitor_options *options,
                      struct pr_monitor_extra **extra)
{
    *extra = NULL;
    if (!options || (!options->name && !options->tag))
        return 0;
    struct pr_monitor_extra *made = pr_zalloc(&owner->heap, sizeof *made);
    if (!made)
        return PIERROT_ENOMEM;
    made->name = options->name ? pr_term_hold(options->name) : NULL;
    made->tag = options->tag ? pr_term_hold(options->tag) : NULL;
    *extra = made;
    return 0;
}

void pr_monitor_forget(struct pr_owner *owner, struct pr_relation *watch)
{
    if (watch->flags & PR_ALIAS_GLOBAL)
        pr_alias_withdraw(owner, watch);
    pr_monitor_extra_free(owner, watch->extra);
    pr_relation_remove(owner, watch);
}

/* The watcher's half stands; now the target's, or the DOWN. */
static void tell_target(struct pr_owner *owner, struct pr_process *process, pierrot_pid target,
                        struct pr_signal *signal)
{
    signal->from = process->pid;
    signal->u.to = target;
    if (target.id == 0 || !pr_ptable_owner(owner->system, target)) {
        signal->kind = PR_SIGNAL_DOWN;
        signal->u.to = process->pid;
        signal->from = target;
        signal->value = pr_value_of_term(PR_TERM(noproc));
    }
    pr_signal_send(owner, signal);
}

int pr_monitor(struct pr_owner *owner, struct pr_process *process, pierrot_pid target,
               const struct pr_monitor_options *options, pierrot_ref *ref)
{
    struct pr_monitor_extra *extra;
    if (target.id == process->pid.id) {
        *ref = pr_owner_make_ref(owner);
        return 0;
    }
    struct pr_signal *signal = pr_signal_new(owner, PR_SIGNAL_MONITOR, target);
    if (!signal)
        return PIERROT_ENOMEM;
    if (make_extra(owner, options, &extra) != 0)
        goto fail;
    signal->ref = pr_owner_make_ref(owner);
    struct pr_relation *watch = pr_relation_add(owner, process, PR_WATCH, target, signal->ref);
    if (!watch)
        goto fail_extra;
    watch->extra = extra;
    if (options) {
        watch->flags = options->alias_flags;
        if (options->alias_flags & PR_ALIAS_ANY && pr_alias_publish(owner, watch) != 0) {
            watch->flags = 0;
            pr_monitor_forget(owner, watch);
            goto fail;
        }
    }
    *ref = signal->ref;
    tell_target(owner, process, target, signal);
    return 0;

fail_extra:
    pr_monitor_extra_free(owner, extra);
fail:
    pr_signal_free(owner, signal);
    return PIERROT_ENOMEM;
}

void pr_monitor_release_target(struct pr_owner *owner, pierrot_pid target, pierrot_ref ref)
{
    if (pr_ptable_owner(owner->system, target) == owner) {
        struct pr_relation *watched = pr_relation_find(owner, ref, PR_SIDE_TARGET);
        if (watched)
            pr_relation_remove(owner, watched);
        return;
    }
    /* Without memory for the signal the target keeps its half until it ends; its DOWN then finds
     * nothing here. */
    struct pr_signal *signal = pr_signal_new(owner, PR_SIGNAL_DEMONITOR, target);
    if (!signal)
        return;
    signal->ref = ref;
    pr_signal_send(owner, signal);
}

int pr_demonitor(struct pr_owner *owner, struct pr_process *process, pierrot_ref ref)
{
    pr_signal_poll(owner);
    struct pr_relation *watch = pr_relation_find(owner, ref, PR_SIDE_HOLDER);
    if (!watch || watch->process != process || watch->kind != PR_WATCH)
        return 0;
    pierrot_pid target = watch->peer;
    if (watch->flags & PR_ALIAS_EXPLICIT) {
        watch->kind = PR_ALIAS;
        pr_monitor_extra_free(owner, watch->extra);
        watch->extra = NULL;
    } else {
        pr_monitor_forget(owner, watch);
    }
    pr_monitor_release_target(owner, target, ref);
    return 1;
}

int pr_monitor_flush(struct pr_owner *owner, struct pr_process *process, pierrot_ref ref)
{
    struct pr_signal *message = pr_mailbox_first_since(owner, &process->mailbox, ref);
    while (message && !(message->kind == PR_SIGNAL_DOWN && message->ref.id == ref.id))
        message = pr_mailbox_next(message);
    if (!message)
        return 0;
    pr_mailbox_take(&process->mailbox, message);
    pr_signal_free(owner, message);
    return 1;
}

/* A process that is dead but has not told of its end yet tells these last: who has seen a DOWN has
 * seen all that is older. */
void pr_monitor_take(struct pr_owner *owner, struct pr_process *process, struct pr_signal *signal)
{
    uint8_t flags = signal->flags & PR_FLAG_TIMER ? PR_WATCHED_BY_TIMER : 0;
    struct pr_process *ending = process ? NULL : pr_ptable_find_ending(owner, signal->u.to);
    struct pr_process *watched_one = process ? process : ending;
    struct pr_relation *watched =
        watched_one ? pr_relation_add(owner, watched_one, PR_WATCHED, signal->from, signal->ref)
                    : NULL;
    if (watched) {
        watched->flags = flags | (ending ? PR_WATCHED_LATE : 0);
        pr_signal_free(owner, signal);
        return;
    }
    pierrot_pid watcher = signal->from;
    signal->kind = PR_SIGNAL_DOWN;
    signal->flags = 0;
    signal->from = signal->u.to;
    signal->u.to = watcher;
    signal->value = pr_value_of_term(process ? PR_TERM(enomem) : PR_TERM(noproc));
    pr_signal_send(owner, signal);
}

void pr_monitor_take_demonitor(struct pr_owner *owner, struct pr_process *process,
                               struct pr_signal *signal)
{
    struct pr_relation *watched = pr_relation_find(owner, signal->ref, PR_SIDE_TARGET);
    if (watched && watched->process == process)
        pr_relation_remove(owner, watched);
    pr_signal_free(owner, signal);
}

/* The DOWN becomes a message; the watch ends, but for an alias that outlives it. */
void pr_monitor_take_down(struct pr_owner *owner, struct pr_process *process,
                          struct pr_signal *signal)
{
    struct pr_relation *watch = pr_relation_find(owner, signal->ref, PR_SIDE_HOLDER);
    if (watch && watch->kind == PR_TIMER) {
        /* Whoever started it may be dead: the ref alone says which timer. */
        owner->ops->release(owner, watch);
        watch = NULL;
    }
    if (!process || !watch || watch->process != process) {
        pr_signal_free(owner, signal);
        return;
    }
    if (watch->kind == PR_CALL) {
        struct pierrot_term reason = signal->value;
        signal->value = pr_cell_nil();
        pr_signal_free(owner, signal);
        owner->ops->answer(owner, watch, 1, reason);
        return;
    }
    if (watch->kind != PR_WATCH) {
        pr_signal_free(owner, signal);
        return;
    }
    if (watch->extra) {
        signal->u.extra = watch->extra;
        signal->flags |= PR_FLAG_NAMED;
        watch->extra = NULL;
    }
    if (watch->flags & PR_ALIAS_EXPLICIT)
        watch->kind = PR_ALIAS;
    else
        pr_monitor_forget(owner, watch);
    pr_process_deliver(owner, process, signal);
}

struct pr_signal *pr_monitor_first_down(struct pr_owner *owner, struct pr_process *process)
{
    struct pr_signal *message = pr_mailbox_first(&process->mailbox);
    while (message && message->kind != PR_SIGNAL_DOWN) {
        pr_mailbox_take(&process->mailbox, message);
        pr_signal_free(owner, message);
        message = pr_mailbox_first(&process->mailbox);
    }
    return message;
}
