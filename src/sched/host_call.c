/* SPDX-License-Identifier: MIT */
#include "sched/host_call.h"

#include "base/assert.h"
#include "proc/exit.h"
#include "proc/ptable.h"
#include "proc/signal.h"
#include "sched/alarm.h"
#include "sched/call.h"
#include "sched/message.h"
#include "sched/scheduler.h"

/* ------------------------------------------------------ waiting of host threads */

static int is_done(void *ud)
{
    struct pr_host_visit *visit = ud;
    uv_mutex_lock(&visit->mutex);
    int done = visit->is_done;
    uv_mutex_unlock(&visit->mutex);
    return done;
}

static void complete(struct pr_host_visit *visit, int result)
{
    struct pr_owner *first = visit->runtime->system.owners[0];
    uv_mutex_lock(&visit->mutex);
    visit->result = result;
    visit->is_done = 1;
    uv_cond_signal(&visit->condition);
    uv_mutex_unlock(&visit->mutex);
    /* `visit` may be gone now. The creator may be waiting in the loop of scheduler 0. */
    first->ops->wake(first);
}

static void wait(struct pr_host_visit *visit)
{
    uv_thread_t self = uv_thread_self();
    struct pierrot *runtime = visit->runtime;
    if (uv_thread_equal(&self, &runtime->creator)) {
        struct pr_owner *outer = pr_owner_here();
        pr_owner_set_here(&runtime->schedulers[0]->owner);
        pr_scheduler_run(runtime->schedulers[0], is_done, visit);
        pr_owner_set_here(outer);
        return;
    }
    uv_mutex_lock(&visit->mutex);
    while (!visit->is_done)
        uv_cond_wait(&visit->condition, &visit->mutex);
    uv_mutex_unlock(&visit->mutex);
}

/* A scheduler's thread inside of a slice, or any of a runtime's own threads. */
static int would_deadlock(struct pierrot *runtime)
{
    struct pr_owner *here = pr_owner_here();
    return here && here->system == &runtime->system && (here->index > 0 || here->current);
}

struct visit_signal {
    struct pr_visit visit;
    struct pr_host_visit *host;
    char padding[PR_PIECE_SIZE]; /* a piece is freed by its size */
};

static void run_visit(struct pr_owner *owner, struct pr_process *process, struct pr_visit *visit)
{
    struct pr_host_visit *host = ((struct visit_signal *)visit)->host;
    (void)process;
    pr_free(&owner->heap, visit, sizeof(struct visit_signal));
    complete(host, host->run(owner, host));
}

int pr_host_visit(struct pierrot *runtime, struct pr_owner *target, struct pr_host_visit *visit)
{
    if (would_deadlock(runtime))
        return PIERROT_EDEADLK;
    struct visit_signal *signal = pr_zalloc(&runtime->system.heap, sizeof *signal);
    if (!signal)
        return PIERROT_ENOMEM;
    int error = uv_mutex_init(&visit->mutex);
    if (!error && (error = uv_cond_init(&visit->condition)) != 0)
        uv_mutex_destroy(&visit->mutex);
    if (error) {
        pr_free(&runtime->system.heap, signal, sizeof *signal);
        return error;
    }
    visit->is_done = 0;
    visit->runtime = runtime;
    signal->host = visit;
    signal->visit.run = run_visit;
    signal->visit.signal.kind = PR_SIGNAL_VISIT;
    pr_signal_push(target, &signal->visit.signal);
    wait(visit);
    uv_cond_destroy(&visit->condition);
    uv_mutex_destroy(&visit->mutex);
    return visit->result;
}

/* ------------------------------------------------------------------- calls */

/* The process that calls in a host thread's place, beside the server. */
struct caller {
    struct pr_process process; /* first */
    struct pr_call *call;
    struct pr_host_visit *host;
    pierrot_term **reply;
};

struct call_request {
    struct pr_host_visit visit;
    pierrot_pid to;
    pierrot_term *request;
    int timeout_ms;
    pierrot_term **reply;
};

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

static enum pr_slice_end run_caller(struct pr_owner *owner, struct pr_process *process)
{
    struct caller *caller = (struct caller *)process;
    if (caller->call->outcome == PR_PENDING)
        return PR_SLICE_WAITS;
    struct pierrot_term value;
    enum pr_outcome outcome = pr_call_end(owner, caller->call, &value);
    caller->call = NULL;
    struct pr_host_visit *host = caller->host;
    int result = 0;
    if (outcome == PR_ANSWERED) {
        pierrot_term *root = pr_value_to_root(owner, value);
        if (root)
            *caller->reply = root;
        else
            result = PIERROT_ENOMEM;
    } else {
        result = error_of(outcome, pr_value_cell(&value));
        pr_value_drop(owner, &value);
    }
    caller->host = NULL;
    complete(host, result);
    pr_process_exit(owner, process, PR_TERM(normal));
    return PR_SLICE_ENDED;
}

static void finish_caller(struct pr_owner *owner, struct pr_process *process, pierrot_term *reason)
{
    struct caller *caller = (struct caller *)process;
    (void)owner;
    (void)reason;
    if (caller->host)
        complete(caller->host, PIERROT_ESTOPPED);
}

static void destroy_caller(struct pr_owner *owner, struct pr_process *process)
{
    pr_free(&owner->heap, process, sizeof(struct caller));
}

static const struct pr_kind caller_kind = {
    .name = "host call", .run = run_caller, .finish = finish_caller, .destroy = destroy_caller};

static int begin_call(struct pr_owner *owner, struct caller *caller, struct call_request *request)
{
    int error = pr_process_init(owner, &caller->process, &caller_kind, NULL);
    if (error)
        return error;
    uint64_t deadline =
        request->timeout_ms < 0
            ? UINT64_MAX
            : pr_clock_deadline(pr_scheduler_now(pr_scheduler_of(owner)), request->timeout_ms);
    caller->call = pr_call_begin(owner, &caller->process, request->to, pr_owner_make_ref(owner), 1,
                                 deadline);
    if (!caller->call) {
        pr_process_exit(owner, &caller->process, PR_TERM(normal));
        return 1;
    }
    struct pierrot_term value = pr_value_from_root(owner, request->request);
    request->request = NULL;
    if (pr_call_send(owner, caller->call, value, 0) != 0)
        pr_process_exit(owner, &caller->process, PR_TERM(normal));
    return 1;
}

/* A visit whose completion comes later, so it is not run through pr_host_visit's own signal. */
static void run_call(struct pr_owner *owner, struct pr_process *process, struct pr_visit *visit)
{
    struct call_request *request = (struct call_request *)((struct visit_signal *)visit)->host;
    (void)process;
    pr_free(&owner->heap, visit, sizeof(struct visit_signal));
    struct caller *caller = pr_zalloc(&owner->heap, sizeof *caller);
    if (!caller) {
        complete(&request->visit, PIERROT_ENOMEM);
        return;
    }
    int error = begin_call(owner, caller, request);
    if (error < 0) {
        pr_free(&owner->heap, caller, sizeof *caller);
        complete(&request->visit, error);
        return;
    }
    caller->host = &request->visit;
    caller->reply = request->reply;
}

static int call(pierrot *rt, struct call_request *request)
{
    struct pr_owner *target = pr_ptable_owner(&rt->system, request->to);
    if (!target)
        return PIERROT_ENOPROC;
    if (would_deadlock(rt))
        return PIERROT_EDEADLK;
    struct visit_signal *signal = pr_zalloc(&rt->system.heap, sizeof *signal);
    if (!signal)
        return PIERROT_ENOMEM;
    if (uv_mutex_init(&request->visit.mutex) != 0 || uv_cond_init(&request->visit.condition) != 0) {
        pr_free(&rt->system.heap, signal, sizeof *signal);
        return PIERROT_ENOMEM;
    }
    request->visit.runtime = rt;
    signal->host = &request->visit;
    signal->visit.run = run_call;
    signal->visit.signal.kind = PR_SIGNAL_VISIT;
    pr_signal_push(target, &signal->visit.signal);
    wait(&request->visit);
    uv_cond_destroy(&request->visit.condition);
    uv_mutex_destroy(&request->visit.mutex);
    return request->visit.result;
}

int pierrot_call(pierrot *rt, pierrot_pid to, pierrot_term *request, int timeout_ms,
                 pierrot_term **reply)
{
    if (!request)
        return PIERROT_ENOMEM;
    struct call_request asked = {
        .to = to, .request = request, .timeout_ms = timeout_ms, .reply = reply};
    int error = call(rt, &asked);
    pierrot_term_free(asked.request);
    return error;
}
