/* SPDX-License-Identifier: MIT
 */
#include "proc/signal.h"

#include "base/assert.h"
#include "proc/ptable.h"

/* Messages to other owners, between two looks at whether they keep up. */
enum { PUSHES_PER_LOOK = 64 };

/* So many in an inbox, and taking them in would hold up the receiver's scheduler for milliseconds. */
enum { MAX_UNDRAINED = 32768 };

void pr_monitor_extra_free(struct pr_owner *owner, struct pr_monitor_extra *extra)
{
    if (!extra)
        return;
    pr_term_drop(extra->name, &owner->heap);
    pr_term_drop(extra->tag, &owner->heap);
    pr_free(&owner->heap, extra, sizeof *extra);
}

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

void pr_signal_push(struct pr_owner *target, struct pr_signal *signal)
{
    pr_queue_push(&target->inbox, &signal->node);
    target->ops->wake(target);
}

/* Whether the target has not looked at its inbox for very many messages: it is in a long C function,
 * or the system does not let its thread run. */
static int is_stuck(struct pr_owner *owner, struct pr_owner *target)
{
    unsigned n_drains = atomic_load_explicit(&target->n_drains, memory_order_relaxed);
    if (owner->far != target || owner->far_drains != n_drains) {
        owner->far = target;
        owner->far_drains = n_drains;
        owner->n_undrained = 0;
        return 0;
    }
    owner->n_undrained += PUSHES_PER_LOOK;
    return owner->n_undrained >= MAX_UNDRAINED;
}

/* Messages may come from elsewhere faster than they are taken. Nobody waits for that for good, as in
 * a system where a send never does; but a sender that pauses for a moment now and then lets the
 * receiver find its messages in the cache, and uses their memory again. */
static void push_far(struct pr_owner *owner, struct pr_owner *target, struct pr_signal *signal)
{
    int is_message = signal->kind == PR_SIGNAL_MESSAGE || signal->kind == PR_SIGNAL_CAST;
    pr_signal_push(target, signal);
    if (!is_message || ++owner->n_pushed % PUSHES_PER_LOOK != 0)
        return;
    int stuck = is_stuck(owner, target);
    if (stuck || atomic_load_explicit(&target->is_flooded, memory_order_relaxed))
        owner->ops->hold_back(owner, target, stuck);
}

void pr_signal_send(struct pr_owner *owner, struct pr_signal *signal)
{
    struct pr_owner *target = pr_ptable_owner(owner->system, signal->u.to);
    if (target == owner) {
        pr_signal_poll(owner);
        owner->ops->take_signal(owner, signal);
    } else if (target) {
        push_far(owner, target, signal);
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
    owner->has_long_mailbox = 0;
    unsigned n_drains = atomic_load_explicit(&owner->n_drains, memory_order_relaxed);
    atomic_store_explicit(&owner->n_drains, n_drains + 1, memory_order_relaxed);
    struct pr_node *node = pr_queue_take(&owner->inbox);
    while (node) {
        struct pr_node *next = node->next;
        owner->ops->take_signal(owner, PR_CONTAINER_OF(node, struct pr_signal, node));
        node = next;
    }
    owner->is_draining = 0;
    /* relaxed: a hint, and what senders read need not be fresh. */
    if (owner->has_long_mailbox != atomic_load_explicit(&owner->is_flooded, memory_order_relaxed))
        atomic_store_explicit(&owner->is_flooded, owner->has_long_mailbox, memory_order_relaxed);
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
