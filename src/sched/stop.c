/* SPDX-License-Identifier: MIT */
#include "sched/stop.h"

#include "proc/exit.h"
#include "proc/ptable.h"
#include "proc/signal.h"
#include "sched/alarm.h"
#include "sched/scheduler.h"

/* How often it is looked for processes that have become orphans. */
#define ROUND_MS 5

/* After so many in which nothing happened, nor was to happen, the rest is given up. */
enum { STUCK_ROUNDS = 4 };

/* A server ends when it is told to, once its terminate has returned; another process that traps exits
 * may go on for ever. When that is all that has happened for so long, such processes are killed in the
 * program: whoever they have started is told then. The main process, which nobody has started, is none. */
#define STRAY_NS UINT64_C(1000000000)

/* ------------------------------------------------------------ telling processes */

struct tell {
    struct pr_visit visit; /* first */
    int kills;
};

static int count_one(void *ud, pierrot_pid pid);

struct others {
    struct pierrot *runtime;
    pierrot_pid pid;
};

static int count_other(void *ud, pierrot_pid pid)
{
    struct others *others = ud;
    return pid.id != others->pid.id && count_one(others->runtime, pid);
}

/* The process that gets what is logged is told last: the others still have something to say. */
static int must_stay(struct pierrot *runtime, pierrot_pid pid)
{
    struct others others = {runtime, pid};
    return pr_log_subscriber(&runtime->system.log).id == pid.id &&
           pr_ptable_each(&runtime->system, count_other, &others);
}

static int tell_orphan(void *ud, pierrot_pid pid)
{
    struct pr_owner *owner = ud;
    struct pr_process *process = pr_ptable_find(owner, pid);
    if (!process || process->flags & (PR_TOLD_TO_STOP | PR_UNKILLABLE))
        return 0;
    pierrot_pid parent = process->lineage ? process->lineage->pid : (pierrot_pid){0};
    if (parent.id && pr_ptable_is_alive(owner->system, parent))
        return 0;
    if (must_stay(pr_runtime_of(owner), pid))
        return 0;
    /* Whoever started it, linked or not, is gone: the runtime stands in as its parent, so that a
     * server that traps exits terminates. Without memory for the signal the next round tells it. */
    process->has_parent = 1;
    if (pr_exit_send(owner, parent, pid, PR_TERM(shutdown)) != 0)
        return 0;
    process->flags |= PR_TOLD_TO_STOP;
    atomic_fetch_add_explicit(&pr_runtime_of(owner)->n_told, 1, memory_order_relaxed);
    return 0;
}

static int kill_stray(void *ud, pierrot_pid pid)
{
    struct pr_owner *owner = ud;
    struct pr_process *process = pr_ptable_find(owner, pid);
    if (!process || !(process->flags & PR_TOLD_TO_STOP) ||
        process->flags & (PR_SERVER | PR_UNKILLABLE | PR_EXITING) || !process->lineage)
        return 0;
    process->was_signalled = PR_BY_RUNTIME;
    pr_process_exit(owner, process, PR_TERM(killed));
    return 0;
}

static int lies_in(const void *at, const void *start, size_t size)
{
    return (uintptr_t)at >= (uintptr_t)start && (uintptr_t)at < (uintptr_t)start + size;
}

static void count_handle(uv_handle_t *handle, void *ud)
{
    struct pr_scheduler *scheduler = ud;
    int is_own = lies_in(handle, scheduler, sizeof *scheduler) ||
                 lies_in(handle, scheduler->runtime, sizeof *scheduler->runtime);
    if (!is_own && uv_is_active(handle))
        atomic_store_explicit(&scheduler->has_io, 1, memory_order_relaxed);
}

static void look_for_io(struct pr_scheduler *scheduler)
{
    int has_requests = scheduler->loop->active_reqs.count > 0;
    atomic_store_explicit(&scheduler->has_io, has_requests, memory_order_relaxed);
    uv_walk(scheduler->loop, count_handle, scheduler);
}

static void tell_here(struct pr_owner *owner, struct pr_process *process, struct pr_visit *visit)
{
    int kills = ((struct tell *)visit)->kills;
    (void)process;
    pr_free(&owner->heap, visit, sizeof(struct tell));
    if (kills)
        pr_ptable_each(owner->system, kill_stray, owner);
    pr_ptable_each(owner->system, tell_orphan, owner);
    look_for_io(pr_scheduler_of(owner));
}

static void tell_all(struct pierrot *runtime, int kills)
{
    for (uint32_t i = 0; i < runtime->n_schedulers; i++) {
        struct tell *tell = pr_zalloc(&runtime->system.heap, sizeof *tell);
        atomic_store_explicit(&runtime->schedulers[i]->has_io, 1, memory_order_relaxed);
        if (!tell)
            continue; /* the next round may have memory */
        tell->visit.signal.kind = PR_SIGNAL_VISIT;
        tell->visit.run = tell_here;
        tell->kills = kills;
        pr_signal_push(runtime->system.owners[i], &tell->visit.signal);
    }
}

/* --------------------------------------------------------------------- waiting */

struct round {
    struct pr_alarm alarm; /* first */
    struct pierrot *runtime;
    int is_over;
};

static void end_round(struct pr_owner *owner, struct pr_alarm *alarm)
{
    (void)owner;
    ((struct round *)alarm)->is_over = 1;
}

static int count_one(void *ud, pierrot_pid pid)
{
    struct pierrot *runtime = ud;
    struct pr_owner *owner = pr_ptable_owner(&runtime->system, pid);
    struct pr_process *process = owner->index == 0 ? pr_ptable_find(owner, pid) : NULL;
    return !(process && process->flags & PR_UNKILLABLE);
}

static int anyone_left(struct pierrot *runtime)
{
    return pr_ptable_each(&runtime->system, count_one, runtime);
}

static int round_ends(void *ud)
{
    struct round *round = ud;
    return round->is_over || round->runtime->is_hurried || !anyone_left(round->runtime);
}

static int is_still(struct pr_scheduler *scheduler, const struct pr_scheduler *first)
{
    if (atomic_load_explicit(&scheduler->n_runnable, memory_order_relaxed) ||
        atomic_load_explicit(&scheduler->has_io, memory_order_relaxed) ||
        !pr_queue_seems_empty(&scheduler->owner.inbox))
        return 0;
    if (scheduler == first)
        return pr_wheel_next(&scheduler->wheel, pr_scheduler_now(scheduler)) == UINT64_MAX;
    return atomic_load_explicit(&scheduler->asleep, memory_order_seq_cst) &&
           atomic_load_explicit(&scheduler->next_alarm_ns, memory_order_relaxed) == UINT64_MAX;
}

/* Everybody waits for messages of others that wait as well: processes that were told to end and go
 * on receiving. In the program nobody else can send them any. */
static int is_stuck(struct pierrot *runtime)
{
    if (!runtime->options.program)
        return 0;
    for (uint32_t i = 0; i < runtime->n_schedulers; i++)
        if (!is_still(runtime->schedulers[i], runtime->schedulers[0]))
            return 0;
    return 1;
}

/* When somebody was last told to end. */
struct told {
    unsigned n;
    uint64_t since_ns;
};

static int must_kill(struct pierrot *runtime, struct told *told)
{
    unsigned n = atomic_load_explicit(&runtime->n_told, memory_order_relaxed);
    uint64_t now = pr_scheduler_now(runtime->schedulers[0]);
    if (n != told->n)
        *told = (struct told){n, now};
    return runtime->options.program && n > 0 && now - told->since_ns >= STRAY_NS;
}

int pr_stop_processes(struct pierrot *runtime, int timeout_ms)
{
    int n_stuck = 0; /* rounds without a break */
    struct told told = {0, 0};
    struct pr_scheduler *first = runtime->schedulers[0];
    pr_clock_go(&runtime->clock); /* it waits in real time */
    uint64_t now = pr_scheduler_now(first);
    uint64_t deadline = timeout_ms < 0 ? UINT64_MAX : pr_clock_deadline(now, timeout_ms);
    while (anyone_left(runtime) && !runtime->is_hurried && pr_scheduler_now(first) < deadline &&
           n_stuck < STUCK_ROUNDS) {
        struct round round = {.runtime = runtime};
        pr_timer_init(&round.alarm.timer);
        pr_alarm_set(&first->owner, &round.alarm,
                     pr_clock_deadline(pr_scheduler_now(first), ROUND_MS), end_round);
        tell_all(runtime, must_kill(runtime, &told));
        pr_scheduler_run(first, round_ends, &round);
        pr_alarm_cancel(&first->owner, &round.alarm);
        n_stuck = is_stuck(runtime) ? n_stuck + 1 : 0;
    }
    return anyone_left(runtime) ? PIERROT_ETIMEOUT : 0;
}

struct await {
    struct pr_alarm alarm; /* first */
    struct pierrot *runtime;
    pierrot_pid pid;
    int is_over;
};

static void end_await(struct pr_owner *owner, struct pr_alarm *alarm)
{
    (void)owner;
    ((struct await *)alarm)->is_over = 1;
}

static int await_ends(void *ud)
{
    struct await *await = ud;
    return await->is_over || await->runtime->is_hurried ||
           !pr_ptable_is_alive(&await->runtime->system, await->pid);
}

int pr_stop_await(struct pierrot *runtime, pierrot_pid pid, int timeout_ms)
{
    struct pr_scheduler *first = runtime->schedulers[0];
    struct await await = {.runtime = runtime, .pid = pid};
    pr_clock_go(&runtime->clock);
    uint64_t deadline =
        timeout_ms < 0 ? UINT64_MAX : pr_clock_deadline(pr_scheduler_now(first), timeout_ms);
    pr_timer_init(&await.alarm.timer);
    pr_alarm_set(&first->owner, &await.alarm, deadline, end_await);
    pr_scheduler_run(first, await_ends, &await);
    pr_alarm_cancel(&first->owner, &await.alarm);
    uint64_t now = pr_scheduler_now(first);
    return timeout_ms < 0 ? timeout_ms : now < deadline ? (int)((deadline - now) / 1000000) : 0;
}
