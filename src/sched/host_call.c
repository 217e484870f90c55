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

/* ------------------------------------------------------ waiting of host threads */

static int is_done(struct pr_host_visit *visit)
{
    uv_mutex_lock(&visit->mutex);
    int done = visit->is_done;
    uv_mutex_unlock(&visit->mutex);
    return done;
}

/* Whether nobody waits for it any more; else `visit` may be gone now. */
static int complete(struct pr_host_visit *visit, int result)
{
    struct pr_owner *first = visit->runtime->system.owners[0];
    uv_mutex_lock(&visit->mutex);
    int is_abandoned = visit->is_abandoned;
    visit->result = result;
    visit->is_done = 1;
    uv_cond_signal(&visit->condition);
    uv_mutex_unlock(&visit->mutex);
    /* The creator may be waiting in the loop of scheduler 0. */
    if (!is_abandoned)
        first->ops->wake(first);
    return is_abandoned;
}

void pr_host_complete(struct pr_host_visit *visit, int result)
{
    (void)complete(visit, result);
}

/* The creator waits by running scheduler 0, until the visit is done or the time is up. */
struct patience {
    struct pr_alarm alarm; /* first */
    struct pr_host_visit *visit;
    int is_over;
};

static int has_waited(void *ud)
{
    struct patience *patience = ud;
    return patience->is_over || is_done(patience->visit);
}

static void end_patience(struct pr_owner *owner, struct pr_alarm *alarm)
{
    (void)owner;
    ((struct patience *)alarm)->is_over = 1;
}

static uint64_t deadline_of(struct pr_owner *owner, int timeout_ms)
{
    uint64_t now = pr_scheduler_now(pr_scheduler_of(owner));
    return timeout_ms < 0 ? UINT64_MAX : pr_clock_deadline(now, timeout_ms);
}

static void run_meanwhile(struct pr_host_visit *visit, int timeout_ms)
{
    struct pr_scheduler *first = visit->runtime->schedulers[0];
    struct pr_owner *outer = pr_owner_here();
    struct patience patience = {.visit = visit};
    pr_owner_set_here(&first->owner);
    pr_timer_init(&patience.alarm.timer);
    if (timeout_ms >= 0)
        pr_alarm_set(&first->owner, &patience.alarm, deadline_of(&first->owner, timeout_ms),
                     end_patience);
    pr_scheduler_run(first, has_waited, &patience);
    pr_alarm_cancel(&first->owner, &patience.alarm);
    pr_owner_set_here(outer);
}

/* Under the mutex. */
static void sleep_until_done(struct pr_host_visit *visit, int timeout_ms)
{
    uint64_t end = uv_hrtime() + (uint64_t)(timeout_ms < 0 ? 0 : timeout_ms) * 1000000;
    while (!visit->is_done && timeout_ms < 0)
        uv_cond_wait(&visit->condition, &visit->mutex);
    for (uint64_t now = uv_hrtime(); !visit->is_done && now < end; now = uv_hrtime())
        (void)uv_cond_timedwait(&visit->condition, &visit->mutex, end - now);
}

/* Whether the visit is done; else it is abandoned, and not to be touched any more. */
static int wait(struct pr_host_visit *visit, int timeout_ms)
{
    uv_thread_t self = uv_thread_self();
    struct pierrot *runtime = visit->runtime;
    int runs = uv_thread_equal(&self, &runtime->creator) && !runtime->schedulers[0]->has_thread;
    if (runs)
        run_meanwhile(visit, timeout_ms);
    uv_mutex_lock(&visit->mutex);
    if (!runs)
        sleep_until_done(visit, timeout_ms);
    int done = visit->is_done;
    visit->is_abandoned = !done;
    uv_mutex_unlock(&visit->mutex);
    return done;
}

int pr_host_would_deadlock(struct pierrot *runtime)
{
    struct pr_owner *here = pr_owner_here();
    return here && here->system == &runtime->system &&
           (pr_scheduler_of(here)->has_thread || here->current);
}

struct visit_signal {
    struct pr_visit visit;
    struct pr_host_visit *host;
    char padding[PR_PIECE_SIZE]; /* a piece is freed by its size */
};

static void close_visit(struct pr_host_visit *visit)
{
    uv_cond_destroy(&visit->condition);
    uv_mutex_destroy(&visit->mutex);
}

static void run_visit(struct pr_owner *owner, struct pr_process *process, struct pr_visit *visit)
{
    struct pr_host_visit *host = ((struct visit_signal *)visit)->host;
    (void)process;
    pr_free(&owner->heap, visit, sizeof(struct visit_signal));
    int result = host->run(owner, host);
    if (result == PR_HOST_LATER || !complete(host, result))
        return;
    close_visit(host);
    host->abandoned(owner, host, result);
}

int pr_host_visit_within(struct pierrot *runtime, struct pr_owner *target,
                         struct pr_host_visit *visit, int timeout_ms)
{
    if (pr_host_would_deadlock(runtime))
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
    visit->is_done = visit->is_abandoned = 0;
    visit->runtime = runtime;
    signal->host = visit;
    signal->visit.run = run_visit;
    signal->visit.signal.kind = PR_SIGNAL_VISIT;
    pr_signal_push(target, &signal->visit.signal);
    if (!wait(visit, timeout_ms))
        return PR_HOST_LATER;
    close_visit(visit);
    return visit->result;
}

int pr_host_visit(struct pierrot *runtime, struct pr_owner *target, struct pr_host_visit *visit)
{
    return pr_host_visit_within(runtime, target, visit, -1);
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
    pr_host_complete(visit, result);
    pr_process_exit(owner, &self->process, PR_TERM(normal));
}

static void finish(struct pr_owner *owner, struct pr_process *process, pierrot_term *reason)
{
    struct stand_in *self = (struct stand_in *)process;
    (void)reason;
    pr_alarm_cancel(owner, &self->alarm);
    if (self->visit)
        pr_host_complete(self->visit, PIERROT_ESTOPPED);
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

struct call_request {
    struct pr_host_visit visit; /* first */
    pierrot_pid to;
    pierrot_term *request;
    int timeout_ms;
    pierrot_term **reply;
};

static int begin_call(struct pr_owner *owner, struct pr_host_visit *visit)
{
    struct call_request *request = (struct call_request *)visit;
    struct stand_in *self = make(owner, &caller_kind);
    if (!self)
        return PIERROT_ENOMEM;
    pierrot_term *term = request->request;
    self->reply = request->reply;
    request->request = NULL;
    int error = pr_host_begin_call(owner, &self->process, request->to, term, request->timeout_ms,
                                   &self->call);
    if (error) {
        pr_process_exit(owner, &self->process, PR_TERM(normal));
        return error;
    }
    self->visit = visit;
    return PR_HOST_LATER;
}

int pierrot_call(pierrot *rt, pierrot_pid to, pierrot_term *request, int timeout_ms,
                 pierrot_term **reply)
{
    struct call_request asked = {.visit.run = begin_call,
                                 .to = to,
                                 .request = request,
                                 .timeout_ms = timeout_ms,
                                 .reply = reply};
    struct pr_owner *target = pr_ptable_owner(&rt->system, to);
    int error = !request ? PIERROT_ENOMEM
                : target ? pr_host_visit(rt, target, &asked.visit)
                         : PIERROT_ENOPROC;
    pierrot_term_free(asked.request);
    return error;
}

/* ---------------------------------------------------- the end of a process */

static enum pr_slice_end run_watcher(struct pr_owner *owner, struct pr_process *process)
{
    struct stand_in *self = (struct stand_in *)process;
    struct pr_signal *down = pr_mailbox_first(&process->mailbox);
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
    struct pr_host_wait wait;
    pierrot_term **reason;
};

static int note_reason(struct pr_host_visit *visit, const pierrot_term *reason)
{
    struct await_end *await = (struct await_end *)visit;
    pierrot_term *copy = await->reason ? pierrot_term_copy(reason) : NULL;
    if (!await->reason)
        return 0;
    if (!copy)
        return PIERROT_ENOMEM;
    *await->reason = copy;
    return 0;
}

static int begin_await(struct pr_owner *owner, struct pr_host_visit *visit)
{
    return pr_host_await_end(owner, visit, &((struct await_end *)visit)->wait);
}

int pierrot_await_end(pierrot *rt, pierrot_pid pid, int timeout_ms, pierrot_term **reason)
{
    struct await_end await = {.visit.run = begin_await,
                              .wait = {pid, note_reason, timeout_ms, 0},
                              .reason = reason};
    struct pr_owner *target = pr_ptable_owner(&rt->system, pid);
    return pr_host_visit(rt, target ? target : rt->system.owners[0], &await.visit);
}
