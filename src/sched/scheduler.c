/* SPDX-License-Identifier: MIT */
#include "sched/scheduler.h"

#include <string.h>

#include "base/assert.h"
#include "proc/dispatch.h"
#include "proc/exit.h"
#include "proc/ptable.h"
#include "proc/signal.h"
#include "sched/alarm.h"
#include "sched/call.h"
#include "sched/doze.h"
#include "sched/pipe_signal.h"
#include "sched/standing.h"
#include "sched/user_timer.h"
#include "sched/watchdog.h"

/* Slices between two looks at the clock, while none is used up. */
enum { SLICES_PER_CLOCK = 16 };

/* Bytes that memory moves at once. */
enum { LINE = 64 };

/* ------------------------------------------------------------- run queues */

static void queue_push(struct pr_run_queue *queue, struct pr_process *process)
{
    process->next = NULL;
    if (queue->tail)
        queue->tail->next = process;
    else
        queue->head = process;
    queue->tail = process;
}

/* Of many that have waited for long none is in the cache any more: the next one comes there while
 * this one runs. Each of 100,000 that are killed takes 14 % less time. */
static void fetch(const struct pr_process *process)
{
    for (size_t at = 0; at < sizeof *process; at += LINE)
        __builtin_prefetch((const char *)process + at, 1);
}

static struct pr_process *queue_shift(struct pr_run_queue *queue)
{
    struct pr_process *process = queue->head;
    if (process) {
        queue->head = process->next;
        if (queue->head)
            fetch(queue->head);
        else
            queue->tail = NULL;
    }
    return process;
}

/* For others to see, relaxed: where to start a process is a guess in any case. One writer. */
static void count_runnable(struct pr_scheduler *scheduler, int change)
{
    unsigned n = atomic_load_explicit(&scheduler->n_runnable, memory_order_relaxed);
    atomic_store_explicit(&scheduler->n_runnable, n + (unsigned)change, memory_order_relaxed);
}

static void make_ready(struct pr_owner *owner, struct pr_process *process)
{
    struct pr_scheduler *scheduler = pr_scheduler_of(owner);
    process->flags &= (uint8_t)~PR_USED_SLICE;
    queue_push(&scheduler->ready, process);
    count_runnable(scheduler, 1);
    atomic_store_explicit(&scheduler->is_wanted, 1, memory_order_relaxed);
}

void pr_scheduler_settle(struct pr_owner *owner, struct pr_process *process, enum pr_slice_end end)
{
    struct pr_scheduler *scheduler = pr_scheduler_of(owner);
    PR_ASSERT(process->state == PR_RUNNING);
    if (process->flags & PR_EXITING) {
        process->state = PR_RUNNABLE;
        queue_push(&scheduler->ready, process);
        count_runnable(scheduler, 1);
    } else if (end == PR_SLICE_USED_UP) {
        process->state = PR_RUNNABLE;
        process->flags |= PR_USED_SLICE;
        if (!scheduler->used_up.head)
            scheduler->used_up_since_ns = 0; /* the time is not known here */
        queue_push(&scheduler->used_up, process);
        count_runnable(scheduler, 1);
    } else {
        process->state = PR_WAITING;
    }
}

/* Who runs next. The second queue has its turn when the first is empty or has gone first for long.
 */
static struct pr_process *pick(struct pr_scheduler *scheduler, uint64_t now)
{
    struct pr_process *process = NULL;
    if (!scheduler->used_up_since_ns)
        scheduler->used_up_since_ns = now;
    int is_starved = scheduler->used_up.head && scheduler->ready.head &&
                     now - scheduler->used_up_since_ns >= PR_STARVATION_NS;
    if (!is_starved)
        process = queue_shift(&scheduler->ready);
    if (!process && (process = queue_shift(&scheduler->used_up)) != NULL)
        scheduler->used_up_since_ns = now;
    int is_wanted = scheduler->ready.head || scheduler->used_up.head;
    atomic_store_explicit(&scheduler->is_wanted, is_wanted, memory_order_relaxed);
    return process;
}

/* ---------------------------------------------------------------- the ops */

static void wake(struct pr_owner *owner)
{
    struct pr_scheduler *scheduler = pr_scheduler_of(owner);
    if (scheduler->is_hosted)
        pr_doze_stay_alive(scheduler);
    /* seq_cst: the push came before this load (pr_queue_push); see pr_doze. */
    if (atomic_load_explicit(&scheduler->asleep, memory_order_seq_cst) &&
        atomic_exchange_explicit(&scheduler->asleep, 0, memory_order_seq_cst))
        uv_async_send(&scheduler->async);
}

static void release(struct pr_owner *owner, struct pr_relation *relation)
{
    if (relation->kind == PR_TIMER)
        pr_user_timer_release(owner, relation);
    else
        (void)pr_call_end(owner, PR_CONTAINER_OF(relation, struct pr_call, relation), NULL);
}

static void drop_local(struct pr_owner *owner, int64_t place)
{
    pr_scheduler_of(owner)->language->drop_local(owner, place);
}

static pierrot_term *local_to_term(struct pr_owner *owner, int64_t place)
{
    return pr_scheduler_of(owner)->language->local_to_term(owner, place);
}

const struct pr_owner_ops pr_scheduler_ops = {
    .make_ready = make_ready,
    .take_signal = pr_dispatch,
    .wake = wake,
    .answer = pr_call_answer,
    .release = release,
    .drop_local = drop_local,
    .hold_back = pr_doze_hold_back,
    .local_to_term = local_to_term,
};

/* ------------------------------------------------------------------- slices */

static void enter(struct pr_owner *owner, struct pr_process *process)
{
    PR_ASSERT(process->state == PR_RUNNABLE);
    process->state = PR_RUNNING;
    process->reductions++;
    owner->current = process;
}

/* What has run goes back to its place, or is dead; `outer` goes on. */
static void leave(struct pr_owner *owner, struct pr_process *process, enum pr_slice_end end,
                  struct pr_process *outer)
{
    int is_queued = process->state == PR_RUNNABLE; /* see pr_scheduler_end_lent */
    if (!is_queued && process->flags & PR_EXITING)
        pr_process_end(owner, process);
    else if (!is_queued)
        pr_scheduler_settle(owner, process, end);
    owner->current = outer;
}

static void run_slice(struct pr_scheduler *scheduler, struct pr_process *process)
{
    struct pr_owner *owner = &scheduler->owner;
    struct pr_process *outer = owner->current;
    enum pr_slice_end end = PR_SLICE_ENDED;
    enter(owner, process);
    if (!(process->flags & PR_EXITING))
        end = process->kind->run(owner, process);
    leave(owner, process, end, outer);
}

static void begin_slice(struct pr_scheduler *scheduler)
{
    unsigned slice = atomic_load_explicit(&scheduler->slice, memory_order_relaxed);
    atomic_store_explicit(&scheduler->slice, slice + 1, memory_order_relaxed);
    /* release: pairs with the watchdog's acquire; it may use `thread` now. */
    atomic_store_explicit(&scheduler->in_slice, 1, memory_order_release);
}

/* Out of the queue of those that are ready. */
static void take_first(struct pr_scheduler *scheduler)
{
    (void)queue_shift(&scheduler->ready);
    int is_wanted = scheduler->ready.head || scheduler->used_up.head;
    atomic_store_explicit(&scheduler->is_wanted, is_wanted, memory_order_relaxed);
    count_runnable(scheduler, -1);
}

static void end_slice(struct pr_scheduler *scheduler, int was_nested)
{
    atomic_store_explicit(&scheduler->in_slice, was_nested, memory_order_relaxed);
}

/* Who is next, as pick() finds it, when it is the only one. A host's main process goes on when the
 * scheduler returns to it: nobody may have a slice before, or make it ready again. */
static struct pr_process *take_only(struct pr_scheduler *scheduler)
{
    struct pr_process *process = scheduler->ready.head;
    if (!process || process->next || process->flags & (PR_EXITING | PR_UNKILLABLE) ||
        scheduler->n_since_clock + 1 >= SLICES_PER_CLOCK)
        return NULL;
    scheduler->n_since_clock++;
    take_first(scheduler);
    return process;
}

struct pr_process *pr_scheduler_begin_lent(struct pr_scheduler *scheduler)
{
    struct pr_owner *owner = &scheduler->owner;
    struct pr_process *process = take_only(scheduler);
    if (!process)
        return NULL;
    owner->current->state = PR_WAITING;
    begin_slice(scheduler);
    enter(owner, process);
    return process;
}

int pr_scheduler_end_lent(struct pr_scheduler *scheduler, struct pr_process *lender,
                          struct pr_process *process, enum pr_slice_end end)
{
    leave(&scheduler->owner, process, end, lender);
    begin_slice(scheduler);
    if (end == PR_SLICE_USED_UP) /* as in pr_scheduler_step */
        scheduler->n_since_clock = SLICES_PER_CLOCK;
    if (lender->state == PR_WAITING) {
        lender->state = PR_RUNNING;
        return 0;
    }
    if (scheduler->ready.head != lender || lender->flags & PR_EXITING)
        return 0;
    take_first(scheduler);
    lender->state = PR_RUNNING;
    lender->reductions++;
    return 1;
}

/* It may be called where the scheduler sleeps: the watchdog is to see the slice. */
void pr_scheduler_run_now(struct pr_scheduler *scheduler, struct pr_process *process,
                          enum pr_slice_end (*run)(struct pr_owner *, struct pr_process *))
{
    struct pr_owner *owner = &scheduler->owner;
    struct pr_process *outer = owner->current;
    int was_queued = process->state == PR_RUNNABLE;
    int was_away = atomic_load_explicit(&scheduler->is_away, memory_order_relaxed);
    int was_nested = atomic_load_explicit(&scheduler->in_slice, memory_order_relaxed);
    pr_pipe_signal_release(scheduler);
    pr_watchdog_enter(scheduler);
    begin_slice(scheduler);
    process->state = PR_RUNNING;
    process->reductions++;
    owner->current = process;
    enum pr_slice_end end = run(owner, process);
    owner->current = outer;
    end_slice(scheduler, was_nested);
    if (was_away)
        pr_watchdog_leave(scheduler);
    if (was_queued)
        process->state = PR_RUNNABLE;
    else
        pr_scheduler_settle(owner, process, end);
    pr_process_wake(owner, process);
    pr_scheduler_stay_awake(scheduler);
    pr_pipe_signal_hold(scheduler);
}

/* What has its turn between slices: signals from elsewhere, timers, the loop. */
static uint64_t attend(struct pr_scheduler *scheduler)
{
    pr_signal_poll(&scheduler->owner);
    if (++scheduler->n_since_clock < SLICES_PER_CLOCK)
        return scheduler->seen_ns;
    scheduler->n_since_clock = 0;
    uint64_t now = scheduler->seen_ns = pr_clock_real_ns();
    (void)pr_alarm_fire_due(scheduler, pr_clock_at(scheduler->clock, now));
    /* Without a run around it this is a turn that the host's loop gives: it polls itself. */
    if (now - scheduler->polled_ns >= PR_POLL_NS && scheduler->n_runs > 0) {
        scheduler->polled_ns = now;
        pr_pipe_signal_hold(scheduler);
        uv_run(scheduler->loop, UV_RUN_NOWAIT);
        pr_pipe_signal_release(scheduler);
    }
    return now;
}

int pr_scheduler_step(struct pr_scheduler *scheduler)
{
    uint64_t now = attend(scheduler);
    /* The collector goes before those that go on and on: they are who it works for. A step may last,
     * so it is a turn of its own then, with its look around. */
    int is_free = !scheduler->ready.head;
    if (scheduler->language->collect(scheduler, is_free)) {
        scheduler->n_since_clock = SLICES_PER_CLOCK;
        if (is_free)
            return 1;
    }
    struct pr_process *process = pick(scheduler, now);
    if (!process)
        return 0;
    int was_nested = atomic_load_explicit(&scheduler->in_slice, memory_order_relaxed);
    begin_slice(scheduler);
    /* Not before: in between nothing would seem to run here. */
    count_runnable(scheduler, -1);
    run_slice(scheduler, process);
    end_slice(scheduler, was_nested);
    /* A slice that was used up has lasted about a millisecond: look at the clock at once. */
    if (scheduler->used_up.head)
        scheduler->n_since_clock = SLICES_PER_CLOCK;
    return 1;
}

/* Nothing to run: let what is due come in; when still nothing runs, sleep in the loop. */
static void idle(struct pr_scheduler *scheduler, int (*until)(void *ud), void *ud)
{
    uint64_t now = pr_scheduler_now(scheduler);
    scheduler->n_since_clock = 0;
    /* An alarm may be what the runner of this scheduler waits for. */
    if (pr_alarm_fire_due(scheduler, now))
        return;
    if (scheduler->ready.head || !pr_queue_seems_empty(&scheduler->owner.inbox))
        return;
    if (pr_standing_is_idle(scheduler))
        pr_standing_answer(scheduler);
    else
        pr_doze(scheduler, now, until, ud);
    scheduler->polled_ns = scheduler->seen_ns = pr_clock_real_ns();
}

void pr_scheduler_run(struct pr_scheduler *scheduler, int (*until)(void *ud), void *ud)
{
    int was_away = atomic_load_explicit(&scheduler->is_away, memory_order_relaxed);
    pr_watchdog_enter(scheduler);
    scheduler->n_runs++;
    while (!until(ud)) {
        if (!pr_scheduler_step(scheduler) && !until(ud))
            idle(scheduler, until, ud);
    }
    scheduler->n_runs--;
    pr_doze_stay_alive(scheduler);
    if (was_away)
        pr_watchdog_leave(scheduler);
}

/* ------------------------------------------------------------ life and death */

int pr_scheduler_init(struct pr_scheduler *scheduler, struct pierrot *runtime, uint32_t index,
                      uv_loop_t *loop)
{
    memset(scheduler, 0, sizeof *scheduler);
    pr_owner_init(&scheduler->owner, &runtime->system, index, &pr_scheduler_ops);
    scheduler->runtime = runtime;
    scheduler->language = runtime->language;
    int sees_each = PR_POOL_IS_OFF || runtime->options.alloc != NULL;
    pr_pool_init(&scheduler->pool, &scheduler->owner.heap, sees_each);
    if (!sees_each)
        scheduler->owner.heap.shelf = &scheduler->owner.shelf;
    scheduler->clock = &runtime->clock;
    pr_wheel_init(&scheduler->wheel, pr_scheduler_now(scheduler));
    atomic_init(&scheduler->next_alarm_ns, UINT64_MAX);
    atomic_init(&scheduler->is_away, 1);
    if (!loop) {
        int error = uv_loop_init(&scheduler->own_loop);
        if (error)
            return error;
        loop = &scheduler->own_loop;
    }
    scheduler->loop = loop;
    int error = pr_doze_open(scheduler);
    if (error && loop == &scheduler->own_loop)
        uv_loop_close(loop);
    return error;
}

struct kill_list {
    struct pr_owner *owner;
    int n_killed;
};

static int kill_one(void *ud, pierrot_pid pid)
{
    struct kill_list *list = ud;
    struct pr_process *process = pr_ptable_find(list->owner, pid);
    if (process && process->state != PR_RUNNING) {
        if (!(process->flags & PR_EXITING))
            process->was_signalled = PR_BY_RUNTIME;
        pr_process_exit(list->owner, process, PR_TERM(killed));
        list->n_killed++;
    }
    return 0;
}

static int nothing_to_run(void *ud)
{
    struct pr_scheduler *scheduler = ud;
    pr_signal_poll(&scheduler->owner);
    return !scheduler->ready.head && !scheduler->used_up.head;
}

/* Code that runs while its process ends, and what is on its way from elsewhere, cannot start others: one
 * that starts itself anew would have no end. */
void pr_scheduler_kill_all(struct pr_scheduler *scheduler)
{
    struct kill_list list = {.owner = &scheduler->owner};
    scheduler->owner.is_closing = 1;
    do {
        list.n_killed = 0;
        pr_ptable_each(scheduler->owner.system, kill_one, &list);
        pr_scheduler_run(scheduler, nothing_to_run, scheduler);
    } while (list.n_killed > 0);
}

void pr_scheduler_fini(struct pr_scheduler *scheduler)
{
    pr_signal_drain(&scheduler->owner);
    pr_user_timer_release_all(&scheduler->owner);
    pr_doze_close(scheduler);
    if (scheduler->loop == &scheduler->own_loop) {
        /* What actors had in the loop reports that it is closed. */
        uv_run(scheduler->loop, UV_RUN_DEFAULT);
        int error = uv_loop_close(scheduler->loop);
        PR_ASSERT(error == 0);
        (void)error;
    }
    pr_pool_fini(&scheduler->pool);
    pr_owner_fini(&scheduler->owner);
}
