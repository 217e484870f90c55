/* SPDX-License-Identifier: MIT */
#include "proc/link.h"

#include "proc/ptable.h"
#include "proc/relation.h"

static const pierrot_ref no_ref = {0};

static int enter(struct pr_owner *owner, struct pr_process *process, pierrot_pid peer)
{
    return pr_relation_add(owner, process, PR_LINK, peer, no_ref) ? 0 : PIERROT_ENOMEM;
}

/* The half of a link with a peer elsewhere. A LINK of the peer's that crosses our UNLINK makes none.
 */
static int add(struct pr_owner *owner, struct pr_process *process, pierrot_pid peer)
{
    if (pr_relation_find_link(owner, process, peer) ||
        pr_relation_find_unlinking(owner, process, peer))
        return 0;
    return enter(owner, process, peer);
}

/* What is left of a link is one again, made now. Whether there was something left. */
static int revive(struct pr_owner *owner, struct pr_process *process, pierrot_pid peer)
{
    struct pr_relation *half = pr_relation_find_unlinking(owner, process, peer);
    if (!half)
        return 0;
    half->kind = PR_LINK;
    half->ref = no_ref;
    pr_list_remove(&process->relations, &half->node);
    pr_list_append(&process->relations, &half->node);
    return 1;
}

static void forget(struct pr_owner *owner, struct pr_process *process, pierrot_pid peer)
{
    struct pr_relation *link = pr_relation_find_link(owner, process, peer);
    if (link)
        pr_relation_remove(owner, link);
}

/* Both halves are here, made and removed together: where one is missing the other is as well. */
int pr_link_new(struct pr_owner *owner, struct pr_process *process, struct pr_process *child)
{
    if (enter(owner, process, child->pid) != 0)
        return PIERROT_ENOMEM;
    if (enter(owner, child, process->pid) != 0) {
        forget(owner, process, child->pid);
        return PIERROT_ENOMEM;
    }
    return 0;
}

int pr_link(struct pr_owner *owner, struct pr_process *process, pierrot_pid peer)
{
    if (peer.id == process->pid.id || pr_relation_find_link(owner, process, peer))
        return 0;
    pr_signal_poll(owner);
    struct pr_owner *target = pr_ptable_owner(owner->system, peer);
    if (target == owner) {
        struct pr_process *other = pr_ptable_find(owner, peer);
        return other ? pr_link_new(owner, process, other) : PIERROT_ENOPROC;
    }
    if (!target || !pr_ptable_is_alive(owner->system, peer))
        return PIERROT_ENOPROC;
    struct pr_signal *signal = pr_signal_new(owner, PR_SIGNAL_LINK, peer);
    if (!signal)
        return PIERROT_ENOMEM;
    signal->from = process->pid;
    if (!revive(owner, process, peer) && add(owner, process, peer) != 0) {
        pr_signal_free(owner, signal);
        return PIERROT_ENOMEM;
    }
    pr_signal_push(target, signal);
    return 0;
}

int pr_unlink(struct pr_owner *owner, struct pr_process *process, pierrot_pid peer)
{
    pr_signal_poll(owner);
    struct pr_relation *link = pr_relation_find_link(owner, process, peer);
    if (!link)
        return 0;
    if (pr_ptable_owner(owner->system, peer) == owner) {
        struct pr_process *other = pr_ptable_find(owner, peer);
        pr_relation_remove(owner, link);
        if (other)
            forget(owner, other, process->pid);
        return 0;
    }
    struct pr_signal *signal = pr_signal_new(owner, PR_SIGNAL_UNLINK, peer);
    if (!signal)
        return PIERROT_ENOMEM;
    link->kind = PR_UNLINKING;
    link->ref = pr_owner_make_ref(owner);
    signal->from = process->pid;
    signal->ref = link->ref;
    pr_signal_send(owner, signal);
    return 0;
}

/* The dead answer a link with an EXIT; the signal turns round. */
void pr_link_take(struct pr_owner *owner, struct pr_process *process, struct pr_signal *signal)
{
    if (process && add(owner, process, signal->from) == 0) {
        pr_signal_free(owner, signal);
        return;
    }
    pierrot_pid peer = signal->from;
    signal->kind = PR_SIGNAL_EXIT;
    signal->flags = PR_FLAG_LINK;
    signal->from = signal->u.to;
    signal->u.to = peer;
    signal->value = pr_value_of_term(process ? PR_TERM(enomem) : PR_TERM(noproc));
    pr_signal_send(owner, signal);
}

void pr_link_take_unlink(struct pr_owner *owner, struct pr_process *process,
                         struct pr_signal *signal)
{
    pierrot_pid peer = signal->from;
    if (process)
        forget(owner, process, peer);
    signal->kind = PR_SIGNAL_UNLINKED;
    signal->from = signal->u.to;
    signal->u.to = peer;
    pr_signal_send(owner, signal);
}

void pr_link_take_unlinked(struct pr_owner *owner, struct pr_process *process,
                           struct pr_signal *signal)
{
    struct pr_relation *half =
        process ? pr_relation_find_unlinking(owner, process, signal->from) : NULL;
    if (half && half->ref.id == signal->ref.id)
        pr_relation_remove(owner, half);
    pr_signal_free(owner, signal);
}
