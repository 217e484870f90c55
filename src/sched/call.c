/* SPDX-License-Identifier: MIT */
#include "sched/call.h"

#include "base/assert.h"
#include "proc/monitor.h"
#include "sched/alarm.h"

static struct pr_call *call_of(struct pr_relation *relation)
{
    return PR_CONTAINER_OF(relation, struct pr_call, relation);
}

/* The server's half of the monitor, when the server itself has not ended it. */
static void demonitor(struct pr_owner *owner, struct pr_call *call)
{
    if (call->is_monitored)
        pr_monitor_release_target(owner, call->relation.peer, call->relation.ref);
}

static void time_out(struct pr_owner *owner, struct pr_alarm *alarm)
{
    struct pr_call *call = PR_CONTAINER_OF(alarm, struct pr_call, alarm);
    call->outcome = PR_TIMED_OUT;
    demonitor(owner, call);
    pr_process_wake(owner, call->relation.process);
}

struct pr_call *pr_call_begin(struct pr_owner *owner, struct pr_process *process, pierrot_pid peer,
                              pierrot_ref ref, int is_monitored, uint64_t deadline_ns)
{
    struct pr_call *call = pr_pool_alloc(&pr_scheduler_of(owner)->pool, sizeof *call);
    if (!call)
        return NULL;
    if (pr_relation_enter(owner, &call->relation, process, PR_CALL, peer, ref) != 0) {
        pr_pool_free(&pr_scheduler_of(owner)->pool, call, sizeof *call);
        return NULL;
    }
    call->outcome = PR_PENDING;
    call->is_monitored = is_monitored != 0;
    call->value = pr_cell_nil();
    pr_timer_init(&call->alarm.timer);
    if (deadline_ns != UINT64_MAX)
        pr_alarm_set(owner, &call->alarm, deadline_ns, time_out);
    return call;
}

struct pr_call *pr_call_attach(struct pr_owner *owner, struct pr_process *process,
                               struct pr_process *server, pierrot_ref ref, uint64_t deadline_ns)
{
    struct pr_call *call = pr_call_begin(owner, process, server->pid, ref, 1, deadline_ns);
    if (call && !pr_relation_add(owner, server, PR_WATCHED, process->pid, ref)) {
        (void)pr_call_end(owner, call, NULL);
        return NULL;
    }
    return call;
}

int pr_call_send(struct pr_owner *owner, struct pr_call *call, struct pierrot_term value,
                 uint8_t flags)
{
    struct pr_signal *signal = pr_signal_new(owner, PR_SIGNAL_CALL, call->relation.peer);
    if (!signal) {
        pr_value_drop(owner, &value);
        return PIERROT_ENOMEM;
    }
    signal->from = call->relation.process->pid;
    signal->ref = call->relation.ref;
    signal->value = value;
    signal->flags = flags | (call->is_monitored ? PR_FLAG_MONITOR : 0);
    pr_signal_send(owner, signal);
    return 0;
}

void pr_call_answer(struct pr_owner *owner, struct pr_relation *relation, int failed,
                    struct pierrot_term value)
{
    struct pr_call *call = call_of(relation);
    if (call->outcome != PR_PENDING) {
        pr_value_drop(owner, &value);
        return;
    }
    pr_alarm_cancel(owner, &call->alarm);
    call->outcome = failed ? PR_FAILED : PR_ANSWERED;
    call->value = value;
    pr_process_wake(owner, relation->process);
}

enum pr_outcome pr_call_end(struct pr_owner *owner, struct pr_call *call,
                            struct pierrot_term *value)
{
    enum pr_outcome outcome = call->outcome;
    pierrot_pid peer = call->relation.peer;
    pierrot_ref ref = call->relation.ref;
    int must_demonitor = outcome == PR_PENDING && call->is_monitored;
    pr_alarm_cancel(owner, &call->alarm);
    if (value)
        *value = call->value;
    else
        pr_value_drop(owner, &call->value);
    pr_relation_leave(owner, &call->relation);
    pr_pool_free(&pr_scheduler_of(owner)->pool, call, sizeof *call);
    if (must_demonitor)
        pr_monitor_release_target(owner, peer, ref);
    return outcome;
}
