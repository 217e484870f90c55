/* SPDX-License-Identifier: MIT
 *
 * A prepare handle runs the processes; it is also what keeps the loop alive, the other handles never
 * do. It is referenced again by whatever may have given the scheduler work (pr_scheduler_run, wake)
 * and gives that up when it finds that nothing lives. The idle handle is active while something is
 * left to run, so that the loop does not sleep.
 *
 * Falling asleep is announced as in doze.c; the flag stays up while callbacks of the host's run, which
 * costs those who wake it a write to a descriptor and loses nothing. */
#include "sched/hosted.h"

#include <limits.h>

#include "sched/alarm.h"
#include "sched/doze.h"
#include "sched/scheduler.h"
#include "sched/watchdog.h"

/* How long processes run before the host's own handles have their turn. */
#define TURN_NS UINT64_C(1000000)

static void on_idle(uv_idle_t *idle)
{
    (void)idle; /* it is there so that the loop does not sleep */
}

/* Whether something is left to run. */
static int run_some(struct pr_scheduler *scheduler)
{
    uint64_t end = pr_clock_real_ns() + TURN_NS, now;
    int is_busy;
    scheduler->n_since_clock = UINT_MAX / 2; /* the first step looks at the clock */
    do {
        is_busy = pr_scheduler_step(scheduler);
        now = pr_clock_real_ns();
    } while (is_busy && now < end);
    return is_busy || pr_alarm_fire_due(scheduler, pr_clock_at(scheduler->clock, now));
}

static void rest(struct pr_scheduler *scheduler, int is_busy)
{
    atomic_store_explicit(&scheduler->asleep, 1, memory_order_seq_cst);
    if (is_busy || !pr_queue_is_empty(&scheduler->owner.inbox)) {
        atomic_store_explicit(&scheduler->asleep, 0, memory_order_seq_cst);
        uv_idle_start(&scheduler->idle, on_idle);
        return;
    }
    uv_idle_stop(&scheduler->idle);
    pr_doze_arm(scheduler);
    if (atomic_load_explicit(&scheduler->owner.n_processes, memory_order_relaxed) == 0)
        uv_unref((uv_handle_t *)&scheduler->prepare);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct pr_scheduler *scheduler = prepare->data;
    struct pr_owner *outer = pr_owner_here();
    if (scheduler->n_runs > 0)
        return; /* pr_scheduler_run polls the loop itself */
    pr_owner_set_here(&scheduler->owner);
    pr_watchdog_enter(scheduler);
    atomic_store_explicit(&scheduler->asleep, 0, memory_order_seq_cst);
    rest(scheduler, run_some(scheduler));
    pr_watchdog_leave(scheduler);
    pr_owner_set_here(outer);
}

void pr_hosted_open(struct pr_scheduler *scheduler)
{
    uv_prepare_init(scheduler->loop, &scheduler->prepare); /* none of these can fail */
    uv_idle_init(scheduler->loop, &scheduler->idle);
    scheduler->prepare.data = scheduler->idle.data = scheduler;
    uv_prepare_start(&scheduler->prepare, on_prepare);
    uv_unref((uv_handle_t *)&scheduler->async);
    uv_unref((uv_handle_t *)&scheduler->timer);
    if (scheduler->precise_fd >= 0)
        uv_unref((uv_handle_t *)&scheduler->precise);
    scheduler->n_handles += 2;
    scheduler->is_hosted = 1;
}

static void on_close(uv_handle_t *handle)
{
    struct pr_scheduler *scheduler = handle->data;
    scheduler->n_handles--;
}

void pr_hosted_close(struct pr_scheduler *scheduler)
{
    if (!scheduler->is_hosted)
        return;
    uv_close((uv_handle_t *)&scheduler->prepare, on_close);
    uv_close((uv_handle_t *)&scheduler->idle, on_close);
    scheduler->is_hosted = 0;
}
