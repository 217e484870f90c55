/* SPDX-License-Identifier: MIT */
#include "proc/dispatch.h"

#include "base/assert.h"
#include "proc/alias.h"
#include "proc/exit.h"
#include "proc/link.h"
#include "proc/monitor.h"
#include "proc/process.h"
#include "proc/ptable.h"
#include "proc/relation.h"
#include "proc/reply.h"

/* Beyond this, or what the process bounds it by, those who send from elsewhere are held back a
 * little: about what a cache holds. */
enum { LONG_MAILBOX = 4096 };

static void take_message(struct pr_owner *owner, struct pr_process *process,
                         struct pr_signal *message)
{
    if (process && !pr_process_refuses(process)) {
        pr_process_deliver(owner, process, message);
        if (process->mailbox.n_messages > LONG_MAILBOX)
            owner->has_long_mailbox = 1;
        return;
    }
    if (process)
        owner->has_long_mailbox = 1;
    pr_signal_free(owner, message);
}

uint32_t pr_dispatch_message(struct pr_owner *owner, struct pr_process *process,
                             struct pr_signal *message)
{
    if (!process) {
        pr_signal_send(owner, message);
        return 0;
    }
    int was_waiting = process->state == PR_WAITING;
    take_message(owner, process, message);
    if (process->state != PR_RUNNABLE)
        return 0;
    return was_waiting ? 1 : process->mailbox.n_messages;
}

static void take_call(struct pr_owner *owner, struct pr_process *process, struct pr_signal *call)
{
    pierrot_term *why = NULL;
    if (!process)
        why = PR_TERM(noproc);
    /* System messages are for the engine: a full server can still be stopped. Whose call fails
     * knows of it: it is not counted. */
    else if (!(call->flags & PR_FLAG_SYSTEM) && pr_process_is_full(process))
        why = PR_TERM(overload);
    else if (call->flags & PR_FLAG_MONITOR &&
             !pr_relation_add(owner, process, PR_WATCHED, call->from, call->ref))
        why = PR_TERM(enomem);
    if (why)
        pr_reply_refuse(owner, call, why);
    else
        pr_process_deliver(owner, process, call);
}

static void visit(struct pr_owner *owner, struct pr_process *process, struct pr_signal *signal)
{
    struct pr_visit *visit = PR_CONTAINER_OF(signal, struct pr_visit, signal);
    visit->run(owner, process, visit);
}

void pr_dispatch(struct pr_owner *owner, struct pr_signal *signal)
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
    case PR_SIGNAL_UNLINKED:
        pr_link_take_unlinked(owner, process, signal);
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
