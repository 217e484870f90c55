/* SPDX-License-Identifier: MIT */
#include "sched/host_call.h"

#include "base/assert.h"
#include "proc/exit.h"
#include "proc/monitor.h"
#include "proc/ptable.h"
#include "proc/signal.h"
#include "sched/alarm.h"
#include "sched/call.h"
#include "sched/message.h"
#include "sched/scheduler.h"
#include "term/term.h"

int pr_host_check(const pierrot *rt, const pierrot_term *term)
{
    if (!rt)
        return PIERROT_EINVAL;
    if (!term)
        return PIERROT_ENOMEM;
    return term->flags & PR_CELL_ROOT ? 0 : PIERROT_EINVAL;
}

int pr_host_check_arg(const pierrot *rt, const pierrot_term *arg)
{
    return pr_host_check(rt, arg ? arg : PR_TERM(nil));
}

pierrot_term *pr_host_import(pierrot *rt, pierrot_term *term)
{
    struct pr_owner *here = pr_owner_here();
    struct pr_heap *heap = here && here->system == &rt->system ? &here->heap : &rt->system.heap;
    if (pr_term_is_of(term, heap))
        return term;
    pierrot_term *copy = pr_term_copy(heap, term);
    pierrot_term_free(term);
    return copy;
}

pierrot_term *pr_host_export(pierrot_term *term)
{
    struct pr_heap *heap = pr_heap_malloc();
    if (!term || pr_term_is_of(term, heap))
        return term;
    pierrot_term *copy = pr_term_copy(heap, term);
    if (!copy)
        return term;
    pierrot_term_free(term);
    return copy;
}

static uint64_t deadline_of(struct pr_owner *owner, int timeout_ms)
{
    uint64_t now = pr_scheduler_now(pr_scheduler_of(owner));
    return timeout_ms < 0 ? UINT64_MAX : pr_clock_deadline(now, timeout_ms);
}

/* --------------------------------------------------------------- stand-ins */

/* A process in a host thread's place: it waits for an answer, or for the end of another process. */
struct stand_in {
    struct pr_process process;   /* first */
    struct pr_host_visit *visit; /* NULL: completed, or not begun */
    struct pr_call *call;
    pierrot_term **reply;
    struct pr_host_wait wait;
    struct pr_alarm alarm;
};

static void conclude(struct pr_owner *owner, struct stand_in *self, int result)
{
    struct pr_host_visit *visit = self->visit;
    self->visit = NULL;
    pr_host_complete(owner, visit, result);
    pr_process_exit(owner, &self->process, PR_TERM(normal));
}

static void finish(struct pr_owner *owner, struct pr_process *process, pierrot_term *reason)
{
    struct stand_in *self = (struct stand_in *)process;
    (void)reason;
    pr_alarm_cancel(owner, &self->alarm);
    if (self->visit)
        pr_host_complete(owner, self->visit, PIERROT_ESTOPPED);
}

static void destroy(struct pr_owner *owner, struct pr_process *process)
{
    pr_free(&owner->heap, process, sizeof(struct stand_in));
}

static struct stand_in *make(struct pr_owner *owner, const struct pr_kind *kind)
{
    struct stand_in *self = pr_zalloc(&owner->heap, sizeof *self);
    if (self)
        pr_timer_init(&self->alarm.timer);
    if (self && pr_process_init(owner, &self->process, kind, NULL) != 0) {
        pr_free(&owner->heap, self, sizeof *self);
        return NULL;
    }
    return self;
}

/* ------------------------------------------------------------------- calls */

static int error_of(enum pr_outcome outcome, const pierrot_term *why)
{
    if (outcome == PR_TIMED_OUT)
        return PIERROT_ETIMEOUT;
    if (pr_cell_is_bytes(why, "noproc", 6))
        return PIERROT_ENOPROC;
    if (pr_cell_is_bytes(why, "overload", 8))
        return PIERROT_EOVERLOAD;
    if (pr_cell_is_bytes(why, "enomem", 6))
        return PIERROT_ENOMEM;
    return PIERROT_EEXITED;
}

int pr_host_begin_call(struct pr_owner *owner, struct pr_process *process, pierrot_pid to,
                       pierrot_term *request, int timeout_ms, struct pr_call **call)
{
    *call = pr_call_begin(owner, process, to, pr_owner_make_ref(owner), 1,
                          deadline_of(owner, timeout_ms));
    if (*call)
        return pr_call_send(owner, *call, pr_value_from_root(owner, request), 0);
    pierrot_term_free(request);
    return PIERROT_ENOMEM;
}

int pr_host_end_call(struct pr_owner *owner, struct pr_call *call, pierrot_term **reply)
{
    struct pierrot_term value;
    enum pr_outcome outcome = pr_call_end(owner, call, &value);
    if (outcome == PR_ANSWERED) {
        pierrot_term *root = pr_value_to_root(owner, value);
        if (!root)
            return PIERROT_ENOMEM;
        *reply = root;
        return 0;
    }
    int error = error_of(outcome, pr_value_cell(&value));
    pr_value_drop(owner, &value);
    return error;
}

static enum pr_slice_end run_caller(struct pr_owner *owner, struct pr_process *process)
{
    struct stand_in *self = (struct stand_in *)process;
    if (self->call->outcome == PR_PENDING)
        return PR_SLICE_WAITS;
    conclude(owner, self, pr_host_end_call(owner, self->call, self->reply));
    return PR_SLICE_ENDED;
}

static const struct pr_kind caller_kind = {
    .name = "host call", .run = run_caller, .finish = finish, .destroy = destroy};

/* The host's thread may give up before the answer is there: so it owns all. */
struct call_request {
    struct pr_host_visit visit; /* first */
    pierrot_pid to;
    pierrot_term *request; /* NULL: on its way */
    pierrot_term *reply;
};

static void free_call(struct pr_heap *heap, struct call_request *call)
{
    pierrot_term_free(call->request);
    pierrot_term_free(call->reply);
    pr_free(heap, call, sizeof *call);
}

static void call_abandoned(struct pr_owner *owner, struct pr_host_visit *visit, int result)
{
    (void)result;
    free_call(&owner->heap, (struct call_request *)visit);
}

static int begin_call(struct pr_owner *owner, struct pr_host_visit *visit)
{
    struct call_request *request = (struct call_request *)visit;
    struct stand_in *self = make(owner, &caller_kind);
    if (!self)
        return PIERROT_ENOMEM;
    pierrot_term *term = request->request;
    self->reply = &request->reply;
    request->request = NULL;
    int error = pr_host_begin_call(owner, &self->process, request->to, term,
                                   pr_host_remaining_ms(visit), &self->call);
    if (error) {
        pr_process_exit(owner, &self->process, PR_TERM(normal));
        return error;
    }
    self->visit = visit;
    return PR_HOST_LATER;
}

/* Takes: request. */
static int call_server(pierrot *rt, struct pr_owner *target, pierrot_pid to, pierrot_term *request,
                       int timeout_ms, pierrot_term **reply)
{
    struct call_request *call = pr_zalloc(&rt->system.heap, sizeof *call);
    if (!call) {
        pierrot_term_free(request);
        return PIERROT_ENOMEM;
    }
    call->visit.run = begin_call;
    call->visit.abandoned = call_abandoned;
    call->to = to;
    call->request = request;
    int error = pr_host_visit_within(rt, target, &call->visit, timeout_ms);
    if (error == PR_HOST_LATER)
        return PIERROT_ETIMEOUT;
    if (!error && reply) {
        *reply = pr_host_export(call->reply);
        call->reply = NULL;
    }
    free_call(&rt->system.heap, call);
    return error;
}

int pierrot_call(pierrot *rt, pierrot_pid to, pierrot_term *request, int timeout_ms,
                 pierrot_term **reply)
{
    int error = pr_host_check(rt, request);
    if (!error && !(request = pr_host_import(rt, request)))
        return PIERROT_ENOMEM;
    struct pr_owner *target = error ? NULL : pr_ptable_owner(&rt->system, to);
    if (target)
        return call_server(rt, target, to, request, timeout_ms, reply);
    pierrot_term_free(request);
    return error ? error : PIERROT_ENOPROC;
}

/* ---------------------------------------------------- the end of a process */

static enum pr_slice_end run_watcher(struct pr_owner *owner, struct pr_process *process)
{
    struct stand_in *self = (struct stand_in *)process;
    struct pr_signal *down = pr_monitor_first_down(owner, process);
    if (!down)
        return PR_SLICE_WAITS;
    conclude(owner, self, self->wait.ended(self->visit, pr_value_cell(&down->value)));
    return PR_SLICE_ENDED;
}

/* What is to be killed lives here: no signal, for which there might be no memory; it ends when its turn
 * comes, which the host does not wait for: there may be a crowd before it. */
static void time_out(struct pr_owner *owner, struct pr_alarm *alarm)
{
    struct stand_in *self = PR_CONTAINER_OF(alarm, struct stand_in, alarm);
    struct pr_process *process =
        self->wait.kills ? pr_ptable_find(owner, self->wait.pid) : NULL;
    if (process)
        pr_process_exit(owner, process, PR_TERM(killed));
    conclude(owner, self, PIERROT_ETIMEOUT);
}

static const struct pr_kind watcher_kind = {
    .name = "host watch", .run = run_watcher, .finish = finish, .destroy = destroy};

int pr_host_await_end(struct pr_owner *owner, struct pr_host_visit *visit,
                      const struct pr_host_wait *wait)
{
    pierrot_ref unused;
    struct stand_in *self = make(owner, &watcher_kind);
    if (!self)
        return PIERROT_ENOMEM;
    self->wait = *wait;
    self->process.flags |= PR_WAKE_ON_MESSAGE;
    if (pr_monitor(owner, &self->process, wait->pid, NULL, &unused) != 0) {
        pr_process_exit(owner, &self->process, PR_TERM(normal));
        return PIERROT_ENOMEM;
    }
    if (wait->timeout_ms >= 0)
        pr_alarm_set(owner, &self->alarm, deadline_of(owner, wait->timeout_ms), time_out);
    self->visit = visit;
    return PR_HOST_LATER;
}

struct await_end {
    struct pr_host_visit visit; /* first */
    pierrot_pid pid;
    int wants_reason;
    pierrot_term *reason;
};

static void free_await(struct pr_heap *heap, struct await_end *await)
{
    pierrot_term_free(await->reason);
    pr_free(heap, await, sizeof *await);
}

static void await_abandoned(struct pr_owner *owner, struct pr_host_visit *visit, int result)
{
    (void)result;
    free_await(&owner->heap, (struct await_end *)visit);
}

static int note_reason(struct pr_host_visit *visit, const pierrot_term *reason)
{
    struct await_end *await = (struct await_end *)visit;
    if (!await->wants_reason)
        return 0;
    await->reason = pierrot_term_copy(reason);
    return await->reason ? 0 : PIERROT_ENOMEM;
}

static int begin_await(struct pr_owner *owner, struct pr_host_visit *visit)
{
    struct pr_host_wait wait = {((struct await_end *)visit)->pid, note_reason,
                                pr_host_remaining_ms(visit), 0};
    return pr_host_await_end(owner, visit, &wait);
}

int pierrot_await_end(pierrot *rt, pierrot_pid pid, int timeout_ms, pierrot_term **reason)
{
    struct await_end *await = rt ? pr_zalloc(&rt->system.heap, sizeof *await) : NULL;
    if (!await)
        return rt ? PIERROT_ENOMEM : PIERROT_EINVAL;
    struct pr_owner *target = pr_ptable_owner(&rt->system, pid);
    await->visit.run = begin_await;
    await->visit.abandoned = await_abandoned;
    await->pid = pid;
    await->wants_reason = reason != NULL;
    int error = pr_host_visit_within(rt, target ? target : rt->system.owners[0], &await->visit,
                                     timeout_ms);
    if (error == PR_HOST_LATER)
        return PIERROT_ETIMEOUT;
    if (!error && reason) {
        *reason = pr_host_export(await->reason);
        await->reason = NULL;
    }
    free_await(&rt->system.heap, await);
    return error;
}
