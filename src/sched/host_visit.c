/* SPDX-License-Identifier: MIT */
#include "sched/host_visit.h"

#include "proc/signal.h"
#include "sched/alarm.h"
#include "sched/scheduler.h"

/* So much longer than its limit a host waits: where the scheduler is not held up, its own alarm decides,
 * and leaves nothing behind. */
enum { GRACE_MS = 5 };

/* ----------------------------------------------------------------- completing */

static int is_done(struct pr_host_visit *visit)
{
    uv_mutex_lock(&visit->mutex);
    int done = visit->is_done;
    uv_mutex_unlock(&visit->mutex);
    return done;
}

int pr_host_is_abandoned(struct pr_host_visit *visit)
{
    uv_mutex_lock(&visit->mutex);
    int is_abandoned = visit->is_abandoned;
    uv_mutex_unlock(&visit->mutex);
    return is_abandoned;
}

static void close_visit(struct pr_host_visit *visit)
{
    uv_cond_destroy(&visit->condition);
    uv_mutex_destroy(&visit->mutex);
}

void pr_host_complete(struct pr_owner *owner, struct pr_host_visit *visit, int result)
{
    struct pr_owner *first = visit->runtime->system.owners[0];
    uv_mutex_lock(&visit->mutex);
    int is_abandoned = visit->is_abandoned;
    visit->result = result;
    visit->is_done = 1;
    uv_cond_signal(&visit->condition);
    uv_mutex_unlock(&visit->mutex);
    /* From here on a host that still waits may free the visit; else it is for us alone. */
    if (is_abandoned) {
        close_visit(visit);
        visit->abandoned(owner, visit, result);
    } else {
        first->ops->wake(first); /* the creator may be waiting in the loop of scheduler 0 */
    }
}

/* -------------------------------------------------------------------- waiting */

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

static void run_meanwhile(struct pr_host_visit *visit, int timeout_ms)
{
    struct pr_scheduler *first = visit->runtime->schedulers[0];
    struct pr_owner *outer = pr_owner_here();
    struct patience patience = {.visit = visit};
    pr_owner_set_here(&first->owner);
    pr_timer_init(&patience.alarm.timer);
    if (timeout_ms >= 0)
        pr_alarm_set(&first->owner, &patience.alarm,
                     pr_clock_deadline(pr_scheduler_now(first), (double)timeout_ms + GRACE_MS),
                     end_patience);
    pr_scheduler_run(first, has_waited, &patience);
    pr_alarm_cancel(&first->owner, &patience.alarm);
    pr_owner_set_here(outer);
}

/* Under the mutex. */
static void sleep_until_done(struct pr_host_visit *visit)
{
    while (!visit->is_done && visit->end_ns == UINT64_MAX)
        uv_cond_wait(&visit->condition, &visit->mutex);
    uint64_t end = visit->end_ns + (uint64_t)GRACE_MS * 1000000;
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
        sleep_until_done(visit);
    int done = visit->is_done;
    visit->is_abandoned = !done;
    uv_mutex_unlock(&visit->mutex);
    return done;
}

int pr_host_remaining_ms(const struct pr_host_visit *visit)
{
    if (visit->end_ns == UINT64_MAX)
        return -1;
    uint64_t now = uv_hrtime();
    return now < visit->end_ns ? (int)((visit->end_ns - now + 999999) / 1000000) : 0;
}

/* --------------------------------------------------------------------- visits */

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

static void run_visit(struct pr_owner *owner, struct pr_process *process, struct pr_visit *visit)
{
    struct pr_host_visit *host = ((struct visit_signal *)visit)->host;
    (void)process;
    pr_free(&owner->heap, visit, sizeof(struct visit_signal));
    /* An answer that nobody waits for is not asked for: what timed out was not begun. */
    int result = pr_host_is_abandoned(host) ? PIERROT_ETIMEOUT : host->run(owner, host);
    if (result != PR_HOST_LATER)
        pr_host_complete(owner, host, result);
}

static int open_visit(struct pr_host_visit *visit)
{
    int error = uv_mutex_init(&visit->mutex);
    if (!error && (error = uv_cond_init(&visit->condition)) != 0)
        uv_mutex_destroy(&visit->mutex);
    return error;
}

int pr_host_visit_within(struct pierrot *runtime, struct pr_owner *target,
                         struct pr_host_visit *visit, int timeout_ms)
{
    if (pr_host_would_deadlock(runtime))
        return PIERROT_EDEADLK;
    struct visit_signal *signal = pr_zalloc(&runtime->system.heap, sizeof *signal);
    int error = signal ? open_visit(visit) : PIERROT_ENOMEM;
    if (error) {
        pr_free(&runtime->system.heap, signal, sizeof *signal);
        return error;
    }
    visit->is_done = visit->is_abandoned = 0;
    visit->runtime = runtime;
    visit->end_ns = timeout_ms < 0 ? UINT64_MAX : uv_hrtime() + (uint64_t)timeout_ms * 1000000;
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
