/* SPDX-License-Identifier: MIT */
#include "proc/reply.h"

#include "proc/monitor.h"
#include "proc/relation.h"

/* There is no memory for a signal: a caller on this scheduler needs none, and must not wait for
 * ever. */
static int answer_here(struct pr_owner *owner, pierrot_from from, int failed,
                       struct pierrot_term value)
{
    pr_signal_poll(owner);
    struct pr_relation *holder = pr_relation_find(owner, from.ref, PR_SIDE_HOLDER);
    if (!holder || holder->kind != PR_CALL || holder->process->pid.id != from.pid.id) {
        pr_value_drop(owner, &value);
        return PIERROT_ENOMEM;
    }
    pr_monitor_release_target(owner, holder->peer, from.ref);
    owner->ops->answer(owner, holder, failed, value);
    return 0;
}

int pr_reply(struct pr_owner *owner, struct pr_process *process, pierrot_from from, int failed,
             struct pierrot_term value)
{
    struct pr_signal *signal = pr_signal_new(owner, PR_SIGNAL_REPLY, from.pid);
    if (!signal)
        return answer_here(owner, from, failed, value);
    signal->ref = from.ref;
    signal->value = value;
    signal->flags = failed ? PR_FLAG_FAILED : 0;
    /* Whoever answers its own caller ends the caller's monitor itself and saves it a signal. */
    if (process) {
        struct pr_relation *watched = pr_relation_find(owner, from.ref, PR_SIDE_TARGET);
        if (watched && watched->process == process) {
            pr_relation_remove(owner, watched);
            signal->flags |= PR_FLAG_DEMONITORED;
        }
    }
    pr_signal_send(owner, signal);
    return 0;
}

void pr_reply_refuse(struct pr_owner *owner, struct pr_signal *call, pierrot_term *why)
{
    pr_value_drop(owner, &call->value);
    call->kind = PR_SIGNAL_REPLY;
    call->flags = PR_FLAG_FAILED | PR_FLAG_DEMONITORED;
    call->u.to = call->from;
    call->value = pr_value_of_term(why);
    pr_signal_send(owner, call);
}

/* An asynchronous request: the reply becomes a message {ref, value}, a refusal the DOWN. */
static void take_answer(struct pr_owner *owner, struct pr_process *process,
                        struct pr_relation *watch, struct pr_signal *signal)
{
    pierrot_pid server = watch->peer;
    int demonitored = signal->flags & PR_FLAG_DEMONITORED;
    int failed = signal->flags & PR_FLAG_FAILED;
    struct pr_monitor_extra *extra = failed ? watch->extra : NULL;
    if (extra)
        watch->extra = NULL;
    pr_monitor_forget(owner, watch);
    if (!demonitored)
        pr_monitor_release_target(owner, server, signal->ref);
    signal->kind = failed ? PR_SIGNAL_DOWN : PR_SIGNAL_ANSWER;
    signal->flags = extra ? PR_FLAG_NAMED : 0;
    signal->from = server;
    if (extra)
        signal->u.extra = extra;
    pr_process_deliver(owner, process, signal);
}

void pr_reply_take(struct pr_owner *owner, struct pr_process *process, struct pr_signal *signal)
{
    struct pr_relation *holder =
        process ? pr_relation_find(owner, signal->ref, PR_SIDE_HOLDER) : NULL;
    if (holder && holder->process == process && holder->kind == PR_CALL) {
        struct pierrot_term value = signal->value;
        int failed = (signal->flags & PR_FLAG_FAILED) != 0;
        if (!(signal->flags & PR_FLAG_DEMONITORED))
            pr_monitor_release_target(owner, holder->peer, signal->ref);
        signal->value = pr_cell_nil();
        pr_signal_free(owner, signal);
        owner->ops->answer(owner, holder, failed, value);
    } else if (holder && holder->process == process && holder->flags & PR_WATCH_REPLIES) {
        take_answer(owner, process, holder, signal);
    } else {
        pr_signal_free(owner, signal);
    }
}
