/* SPDX-License-Identifier: MIT
 *
 * The way of a signal: pr_signal_send (here) or pr_signal_push and pr_signal_drain (from elsewhere),
 * then `dispatch`, which hands each kind to the file of its subject. A signal whose target is dead
 * is dropped, answered with noproc, or turned round, by kind. */
#include "proc/signal.h"

#include "base/assert.h"
#include "proc/alias.h"
#include "proc/exit.h"
#include "proc/link.h"
#include "proc/monitor.h"
#include "proc/process.h"
#include "proc/ptable.h"
#include "proc/relation.h"
#include "proc/reply.h"

struct pr_signal *pr_signal_new(struct pr_owner *owner, enum pr_signal_kind kind, pierrot_pid to)
{
    struct pr_signal *signal = pr_piece_alloc(owner);
    if (!signal)
        return NULL;
    signal->kind = (uint8_t)kind;
    signal->flags = 0;
    signal->u.to = to;
    signal->from = (pierrot_pid){0};
    signal->ref = (pierrot_ref){0};
    signal->value = pr_cell_nil();
    return signal;
}

void pr_signal_free(struct pr_owner *owner, struct pr_signal *signal)
{
    pr_value_drop(owner, &signal->value);
    if (signal->flags & PR_FLAG_NAMED)
        pr_monitor_extra_free(owner, signal->u.extra);
    pr_piece_free(owner, signal);
}

void pr_signal_deliver(struct pr_owner *owner, struct pr_process *process, struct pr_signal *message)
{
    pr_mailbox_push(owner, &process->mailbox, message);
    if (process->flags & PR_WAKE_ON_MESSAGE)
        pr_process_wake(owner, process);
}

static void take_message(struct pr_owner *owner, struct pr_process *process,
                         struct pr_signal *message)
{
    if (!process || pr_process_refuses(process))
        pr_signal_free(owner, message);
    else
        pr_signal_deliver(owner, process, message);
}

static void take_call(struct pr_owner *owner, struct pr_process *process, struct pr_signal *call)
{
    pierrot_term *why = NULL;
    if (!process)
        why = PR_TERM(noproc);
    else if (pr_process_refuses(process))
        why = PR_TERM(overload);
    else if (call->flags & PR_FLAG_MONITOR &&
             !pr_relation_add(owner, process, PR_WATCHED, call->from, call->ref))
        why = PR_TERM(enomem);
    if (why)
        pr_reply_refuse(owner, call, why);
    else
        pr_signal_deliver(owner, process, call);
}

static void visit(struct pr_owner *owner, struct pr_process *process, struct pr_signal *signal)
{
    struct pr_visit *visit = PR_CONTAINER_OF(signal, struct pr_visit, signal);
    visit->run(owner, process, visit);
}

static void dispatch(struct pr_owner *owner, struct pr_signal *signal)
{
    struct pr_process *process = pr_ptable_find(owner, signal->u.to);
    switch ((enum pr_signal_kind)signal->kind) {
    case PR_SIGNAL_MESSAGE:
    case PR_SIGNAL_CAST:
    case PR_SIGNAL_TIMEOUT:
    case PR_SIGNAL_CANCELLED:
    case PR_SIGNAL_ANSWER:
    case PR_SIGNAL_EXITED:
        take_message(owner, process, signal);
        return;
    case PR_SIGNAL_CALL:
        take_call(owner, process, signal);
        return;
    case PR_SIGNAL_DOWN:
        pr_monitor_take_down(owner, process, signal);
        return;
    case PR_SIGNAL_REPLY:
        pr_reply_take(owner, process, signal);
        return;
    case PR_SIGNAL_ALIAS:
        pr_alias_take(owner, process, signal);
        return;
    case PR_SIGNAL_EXIT:
        pr_exit_take(owner, process, signal);
        return;
    case PR_SIGNAL_LINK:
        pr_link_take(owner, process, signal);
        return;
    case PR_SIGNAL_UNLINK:
        pr_link_take_unlink(owner, process, signal);
        return;
    case PR_SIGNAL_MONITOR:
        pr_monitor_take(owner, process, signal);
        return;
    case PR_SIGNAL_DEMONITOR:
        pr_monitor_take_demonitor(owner, process, signal);
        return;
    case PR_SIGNAL_VISIT:
        visit(owner, process, signal);
        return;
    }
    PR_ASSERT(0);
}

void pr_signal_push(struct pr_owner *target, struct pr_signal *signal)
{
    pr_queue_push(&target->inbox, &signal->node);
    target->ops->wake(target);
}

void pr_signal_send(struct pr_owner *owner, struct pr_signal *signal)
{
    struct pr_owner *target = pr_ptable_owner(owner->system, signal->u.to);
    if (target == owner) {
        pr_signal_poll(owner);
        dispatch(owner, signal);
    } else if (target) {
        pr_signal_push(target, signal);
    } else {
        pr_signal_free(owner, signal);
    }
}

void pr_signal_drain(struct pr_owner *owner)
{
    /* What a signal causes may send in its turn; the rest of what was taken out stays ahead of what
     * comes in meanwhile. */
    if (owner->is_draining)
        return;
    owner->is_draining = 1;
    struct pr_node *node = pr_queue_take(&owner->inbox);
    while (node) {
        struct pr_node *next = node->next;
        dispatch(owner, PR_CONTAINER_OF(node, struct pr_signal, node));
        node = next;
    }
    owner->is_draining = 0;
}

int pr_send_value(struct pr_owner *owner, enum pr_signal_kind kind, pierrot_pid to,
                  struct pierrot_term value)
{
    struct pr_signal *signal = pr_signal_new(owner, kind, to);
    if (!signal) {
        pr_value_drop(owner, &value);
        return PIERROT_ENOMEM;
    }
    signal->value = value;
    pr_signal_send(owner, signal);
    return 0;
}
