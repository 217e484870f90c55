/* SPDX-License-Identifier: MIT */
#include "sched/standing.h"

#include "proc/ptable.h"
#include "proc/reply.h"
#include "proc/signal.h"

enum { RETRY_MS = 100 };

/* ------------------------------------------------------------------- the limit */

static void on_limit(uv_timer_t *timer)
{
    struct pr_scheduler *scheduler = timer->data;
    struct pr_owner *owner = &scheduler->owner;
    struct pr_signal *signal = pr_signal_new(owner, PR_SIGNAL_MESSAGE, scheduler->limit_to);
    if (!signal) {
        uv_timer_start(timer, on_limit, RETRY_MS, 0);
        return;
    }
    signal->value = pr_cell_ref(scheduler->limit_ref);
    pr_signal_send(owner, signal);
}

void pr_standing_begin(struct pr_scheduler *scheduler, uint64_t limit_ms, pierrot_pid to,
                       pierrot_ref ref)
{
    pr_clock_stand(scheduler->clock);
    if (limit_ms == UINT64_MAX)
        return;
    scheduler->limit_to = to;
    scheduler->limit_ref = ref;
    uv_update_time(scheduler->loop);
    uv_timer_start(&scheduler->limit, on_limit, limit_ms, 0);
}

static void wake(struct pr_scheduler *scheduler)
{
    scheduler->owner.ops->wake(&scheduler->owner);
}

/* All look at the clock anew. */
static void wake_all(struct pierrot *runtime)
{
    for (uint32_t i = 0; i < runtime->n_schedulers; i++)
        wake(runtime->schedulers[i]);
}

void pr_standing_end(struct pr_scheduler *scheduler)
{
    uv_timer_stop(&scheduler->limit);
    /* Whoever waits still belongs to what is over. */
    atomic_store_explicit(&scheduler->runtime->observer, NULL, memory_order_seq_cst);
    pr_clock_go(scheduler->clock);
    wake_all(scheduler->runtime);
}

void pr_standing_set(struct pr_scheduler *scheduler, uint64_t time_ns)
{
    pr_clock_set(scheduler->clock, time_ns);
    wake_all(scheduler->runtime);
}

/* ------------------------------------------------------------------ the observer */

int pr_standing_observe(struct pr_scheduler *scheduler, pierrot_from to)
{
    struct pr_scheduler *nobody = NULL;
    if (!atomic_compare_exchange_strong_explicit(&scheduler->runtime->observer, &nobody, scheduler,
                                                 memory_order_seq_cst, memory_order_relaxed))
        return PIERROT_EEXIST;
    scheduler->idle_to = to;
    return 0;
}

static struct pr_scheduler *observer_of(struct pr_scheduler *scheduler)
{
    return atomic_load_explicit(&scheduler->runtime->observer, memory_order_seq_cst);
}

/* Whether all others sleep; counts[i]: which sleep that is. In this order: a sleeper that has not looked
 * at its inbox yet may find what nobody woke it for; nothing is taken out while it sleeps; and as the
 * count grows before it falls asleep, the same count twice is one sleep from here on. */
static int all_sleep(struct pr_scheduler *observer, unsigned *counts)
{
    struct pierrot *runtime = observer->runtime;
    for (uint32_t i = 0; i < runtime->n_schedulers; i++) {
        struct pr_scheduler *other = runtime->schedulers[i];
        if (other == observer)
            continue;
        if (!pr_queue_is_empty(&other->owner.inbox) ||
            !atomic_load_explicit(&other->asleep, memory_order_seq_cst))
            return 0;
        counts[i] = atomic_load_explicit(&other->n_dozes, memory_order_seq_cst);
    }
    return 1;
}

int pr_standing_is_idle(struct pr_scheduler *scheduler)
{
    unsigned first[PR_MAX_OWNERS], second[PR_MAX_OWNERS];
    if (observer_of(scheduler) != scheduler)
        return 0;
    if (!all_sleep(scheduler, first) || !all_sleep(scheduler, second))
        return 0;
    for (uint32_t i = 0; i < scheduler->runtime->n_schedulers; i++) {
        if (scheduler->runtime->schedulers[i] != scheduler && first[i] != second[i])
            return 0;
    }
    /* What the others sent before they fell asleep. */
    return pr_queue_is_empty(&scheduler->owner.inbox);
}

static uint64_t next_alarm(struct pr_scheduler *scheduler)
{
    struct pierrot *runtime = scheduler->runtime;
    uint64_t next = pr_wheel_next(&scheduler->wheel, pr_clock_now(scheduler->clock));
    for (uint32_t i = 0; i < runtime->n_schedulers; i++) {
        struct pr_scheduler *other = runtime->schedulers[i];
        uint64_t its = atomic_load_explicit(&other->next_alarm_ns, memory_order_relaxed);
        if (other != scheduler && its < next)
            next = its;
    }
    return next;
}

void pr_standing_answer(struct pr_scheduler *scheduler)
{
    uint64_t next = next_alarm(scheduler);
    struct pierrot_term value =
        next > INT64_MAX ? pr_cell_bool(0) : pr_cell_int((int64_t)next);
    atomic_store_explicit(&scheduler->runtime->observer, NULL, memory_order_seq_cst);
    (void)pr_reply(&scheduler->owner, NULL, scheduler->idle_to, 0, value);
}

/* ----------------------------------------------------------------------- sleepers */

void pr_standing_before_sleep(struct pr_scheduler *scheduler, uint64_t next_ns)
{
    atomic_store_explicit(&scheduler->next_alarm_ns, next_ns, memory_order_relaxed);
    atomic_fetch_add_explicit(&scheduler->n_dozes, 1, memory_order_relaxed);
}

void pr_standing_tell_observer(struct pr_scheduler *scheduler)
{
    /* seq_cst: either this one sees the observer asleep, or that one sees this asleep. */
    struct pr_scheduler *observer = observer_of(scheduler);
    if (observer && observer != scheduler)
        wake(observer);
}
