/* SPDX-License-Identifier: MIT */
#include "sched/runtime.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/assert.h"
#include "proc/alias_table.h"
#include "proc/exit.h"
#include "proc/name.h"
#include "proc/ptable.h"
#include "proc/signal.h"
#include "sched/event.h"
#include "sched/halt_signal.h"
#include "sched/hosted.h"
#include "sched/job.h"
#include "sched/publish.h"
#include "sched/scheduler.h"
#include "sched/stop.h"
#include "sched/watchdog.h"

/* -------------------------------------------------------------- the system */

static int init_system(struct pr_system *system, const pierrot_options *options)
{
    pr_heap_init(&system->heap, options->alloc, options->alloc_ud);
    int error = pr_depot_init(&system->depot);
    if (error)
        return error;
    system->has_depot = 1;
    error = pr_log_init(&system->log, options->log, options->log_ud);
    if (error)
        return error;
    system->log.forward = pr_event_forward;
    system->log.forward_ud = system;
    system->ptable = pr_ptable_new(&system->heap);
    system->names = pr_names_new(&system->heap);
    system->aliases = pr_aliases_new(&system->heap);
    return system->ptable && system->names && system->aliases ? 0 : PIERROT_ENOMEM;
}

static void fini_system(struct pr_system *system)
{
    if (system->aliases)
        pr_aliases_free(system->aliases, &system->heap);
    if (system->names)
        pr_names_free(system->names, &system->heap);
    if (system->ptable)
        pr_ptable_free(system->ptable, &system->heap);
    pr_log_fini(&system->log);
    if (system->has_depot)
        pr_depot_fini(&system->depot, &system->heap);
}

/* ------------------------------------------------------------------ threads */

static int must_leave(void *ud)
{
    struct pr_scheduler *scheduler = ud;
    return pr_scheduler_must_stop(scheduler) ||
           (scheduler->owner.index == 0 && scheduler->runtime->jobs);
}

static void run_until_stopped(struct pr_scheduler *scheduler)
{
    while (!pr_scheduler_must_stop(scheduler)) {
        pr_scheduler_run(scheduler, must_leave, scheduler);
        if (scheduler->owner.index == 0)
            pr_job_run_all(scheduler->runtime);
    }
}

static void run_thread(void *ud)
{
    struct pr_scheduler *scheduler = ud;
    struct pierrot *runtime = scheduler->runtime;
    pr_owner_set_here(&scheduler->owner);
    scheduler->thread = uv_thread_self();
    int error = scheduler->language->open(scheduler, NULL);
    if (error) {
        atomic_store_explicit(&runtime->start_error, error, memory_order_relaxed);
        runtime->language->close(scheduler);
    }
    /* release: pairs with the acquire in start_threads, which then uses the scheduler. */
    atomic_fetch_add_explicit(&runtime->n_ready, 1, memory_order_release);
    pr_scheduler_of(runtime->system.owners[0])->owner.ops->wake(runtime->system.owners[0]);
    if (!error) {
        run_until_stopped(scheduler);
        pr_scheduler_kill_all(scheduler);
        /* The watchdog may still signal this thread: it stays until the watchdog is gone. */
        atomic_fetch_add_explicit(&runtime->n_left, 1, memory_order_release);
        while (atomic_load_explicit(&scheduler->must_stop, memory_order_acquire) < 2)
            sched_yield();
    }
    pr_owner_set_here(NULL);
}

static int start_thread(struct pr_scheduler *scheduler)
{
    /* Signals of the program are for its own threads; only the watchdog's is wanted. */
    sigset_t mask, before;
    uv_thread_t thread; /* the thread itself notes who it is */
    sigfillset(&mask);
    sigdelset(&mask, SIGURG);
    pthread_sigmask(SIG_SETMASK, &mask, &before);
    int error = uv_thread_create(&thread, run_thread, scheduler);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!error)
        scheduler->has_thread = 1;
    return error;
}

static int start_threads(struct pierrot *runtime)
{
    int n_started = 0, error = 0;
    for (uint32_t i = runtime->first_thread; i < runtime->n_schedulers && !error; i++) {
        if (!runtime->schedulers[i]->has_thread)
            error = start_thread(runtime->schedulers[i]);
        n_started += !error;
    }
    while (atomic_load_explicit(&runtime->n_ready, memory_order_acquire) < n_started)
        sched_yield();
    return error ? error : atomic_load_explicit(&runtime->start_error, memory_order_relaxed);
}

static void set_must_stop(struct pierrot *runtime, int value)
{
    for (uint32_t i = 0; i < runtime->n_schedulers; i++) {
        struct pr_scheduler *scheduler = runtime->schedulers[i];
        if (!scheduler->has_thread)
            continue;
        atomic_store_explicit(&scheduler->must_stop, value, memory_order_seq_cst);
        uv_async_send(&scheduler->async);
    }
}

/* How long a slice may last, once its runtime is to go, where nothing preempts it. */
#define PATIENCE_NS UINT64_C(200000000)
#define FOR_EVER_NS UINT64_MAX

/* How long it is looked for the end of the threads without sleeping. */
#define LET_RUN_NS UINT64_C(2000000)

/* Whether all threads have left their loops within ns. */
static int have_left(struct pierrot *runtime, int n_threads, uint64_t ns)
{
    uint64_t start = pr_clock_real_ns(), now = start;
    while (atomic_load_explicit(&runtime->n_left, memory_order_acquire) < n_threads) {
        if (now - start > ns)
            return 0;
        if (now - start < LET_RUN_NS)
            sched_yield();
        else
            uv_sleep(1);
        now = pr_clock_real_ns();
    }
    return 1;
}

/* Without preemption a process that never gives way would hold its thread, and us, for ever: so it is
 * interrupted as if there were preemption by signal. The watchdog is not the runtime's, whose threads
 * look at that without a lock; they need not wake it, since it goes on while one of them runs. */
static void interrupt_threads(struct pierrot *runtime, int n_threads)
{
    struct pr_watchdog *watchdog = NULL;
    if (have_left(runtime, n_threads, PATIENCE_NS))
        return;
    pr_watchdog_set_interrupt(runtime->language->interrupt);
    while (pr_watchdog_new(runtime, &watchdog) != 0 &&
           !have_left(runtime, n_threads, PATIENCE_NS))
        ; /* no memory for it: later, perhaps */
    (void)have_left(runtime, n_threads, FOR_EVER_NS);
    if (watchdog)
        pr_watchdog_free(watchdog);
}

/* All threads leave their loops, then the watchdog goes, then the threads end. */
static void stop_threads(struct pierrot *runtime)
{
    int n_threads = 0;
    for (uint32_t i = 0; i < runtime->n_schedulers; i++)
        n_threads += runtime->schedulers[i]->has_thread && runtime->schedulers[i]->language_state;
    set_must_stop(runtime, 1);
    if (!runtime->watchdog)
        interrupt_threads(runtime, n_threads);
    (void)have_left(runtime, n_threads, FOR_EVER_NS);
    if (runtime->watchdog)
        pr_watchdog_free(runtime->watchdog);
    runtime->watchdog = NULL;
    set_must_stop(runtime, 2);
    for (uint32_t i = 0; i < runtime->n_schedulers; i++)
        if (runtime->schedulers[i]->has_thread)
            uv_thread_join(&runtime->schedulers[i]->thread);
}

/* ------------------------------------------------------------ new and free */

static char *copy_text(struct pr_heap *heap, const char *text)
{
    if (!text)
        return NULL;
    char *copy = pr_alloc(heap, strlen(text) + 1);
    return copy ? strcpy(copy, text) : NULL;
}

static void free_text(struct pr_heap *heap, const char *text)
{
    if (text)
        pr_free(heap, (char *)text, strlen(text) + 1);
}

static int copy_options(struct pierrot *runtime, const pierrot_options *options)
{
    struct pr_heap *heap = &runtime->system.heap;
    runtime->options = *options;
    runtime->options.path = copy_text(heap, options->path);
    runtime->options.cpath = copy_text(heap, options->cpath);
    if ((options->path && !runtime->options.path) || (options->cpath && !runtime->options.cpath))
        return PIERROT_ENOMEM;
    return 0;
}

static uint32_t count_schedulers(const pierrot_options *options)
{
    unsigned n =
        options->schedulers > 0 ? (unsigned)options->schedulers : uv_available_parallelism();
    return n < 1 ? 1 : n > PR_MAX_OWNERS ? PR_MAX_OWNERS : n;
}

static struct pr_scheduler *make_scheduler(struct pierrot *runtime, uint32_t index, int *error)
{
    struct pr_heap *heap = &runtime->system.heap;
    struct pr_scheduler *scheduler = pr_alloc(heap, sizeof *scheduler);
    *error = PIERROT_ENOMEM;
    if (!scheduler)
        return NULL;
    uv_loop_t *loop = index == 0 ? runtime->options.loop : NULL;
    *error = pr_scheduler_init(scheduler, runtime, index, loop);
    if (*error) {
        pr_free(heap, scheduler, sizeof *scheduler);
        return NULL;
    }
    return scheduler;
}

/* The array has room for all there can ever be, so that it never moves. */
static int make_schedulers(struct pierrot *runtime, uint32_t n)
{
    int error = 0;
    if (!runtime->schedulers) {
        runtime->schedulers =
            pr_zalloc(&runtime->system.heap, PR_MAX_OWNERS * sizeof(struct pr_scheduler *));
        if (!runtime->schedulers)
            return PIERROT_ENOMEM;
        runtime->system.owners = (struct pr_owner **)runtime->schedulers;
    }
    while (runtime->n_schedulers < n && !error) {
        struct pr_scheduler *made = make_scheduler(runtime, runtime->n_schedulers, &error);
        if (made)
            runtime->schedulers[runtime->n_schedulers++] = made;
    }
    runtime->system.n_owners = runtime->n_schedulers;
    runtime->may_spin = n > 1 && n <= uv_available_parallelism();
    return error;
}

static int start_watchdog(struct pierrot *runtime)
{
    if (runtime->options.preempt != PIERROT_PREEMPT_SIGNAL || runtime->watchdog)
        return 0;
    pr_watchdog_set_interrupt(runtime->language->interrupt);
    return pr_watchdog_new(runtime, &runtime->watchdog);
}

/* Scheduler 0 is the creator's in a stock interpreter, in the program, and on a loop of the host's. */
static int open_first(struct pierrot *runtime, void *host_state)
{
    struct pr_scheduler *first = runtime->schedulers[0];
    runtime->first_thread = 1;
    pr_owner_set_here(&first->owner);
    first->thread = runtime->creator;
    if (runtime->options.loop)
        pr_hosted_open(first);
    return runtime->language->open(first, host_state);
}

static int start(struct pierrot *runtime, void *host_state)
{
    int error = 0;
    if (host_state || runtime->options.program || runtime->options.loop)
        error = open_first(runtime, host_state);
    if (!error)
        error = start_watchdog(runtime);
    return error ? error : start_threads(runtime);
}

/* ------------------------------------------------------------------ the way back */

/* Ends what lives on the schedulers from this one on. Whether nothing is on its way between them. */
static int end_processes(struct pierrot *runtime, uint32_t first)
{
    int is_quiet = 1;
    for (uint32_t i = first; i < runtime->n_schedulers; i++) {
        pr_owner_set_here(runtime->system.owners[i]);
        pr_scheduler_kill_all(runtime->schedulers[i]);
    }
    for (uint32_t i = first; i < runtime->n_schedulers; i++)
        is_quiet &= pr_queue_seems_empty(&runtime->system.owners[i]->inbox);
    return is_quiet;
}

/* The threads have left, so this one is all of them: what they last sent each other takes effect, while
 * the languages are there still. */
static void close_schedulers(struct pierrot *runtime, uint32_t first)
{
    while (!end_processes(runtime, first))
        ;
    for (uint32_t i = first; i < runtime->n_schedulers; i++) {
        pr_owner_set_here(runtime->system.owners[i]);
        runtime->language->close(runtime->schedulers[i]);
    }
}

static void free_schedulers(struct pierrot *runtime, uint32_t first)
{
    for (uint32_t i = first; i < runtime->n_schedulers; i++) {
        struct pr_scheduler *scheduler = runtime->schedulers[i];
        pr_owner_set_here(&scheduler->owner);
        pr_hosted_close(scheduler);
        pr_scheduler_fini(scheduler);
        pr_owner_set_here(NULL);
        runtime->schedulers[i] = NULL;
        pr_free(&runtime->system.heap, scheduler, sizeof *scheduler);
    }
}

/* Back to the one scheduler that the creator runs. */
static void undo_configure(struct pierrot *runtime)
{
    stop_threads(runtime);
    close_schedulers(runtime, 1);
    free_schedulers(runtime, 1);
    pr_owner_set_here(&runtime->schedulers[0]->owner);
    runtime->n_schedulers = runtime->system.n_owners = 1;
    runtime->may_spin = 0;
    atomic_store_explicit(&runtime->n_ready, 0, memory_order_relaxed);
    atomic_store_explicit(&runtime->n_left, 0, memory_order_relaxed);
    atomic_store_explicit(&runtime->start_error, 0, memory_order_relaxed);
}

int pr_runtime_configure(struct pierrot *runtime, int schedulers, pierrot_preempt preempt)
{
    pierrot_options wanted = {.schedulers = schedulers};
    pierrot_preempt before = runtime->options.preempt;
    if (runtime->n_schedulers > 1 || runtime->watchdog)
        return PIERROT_EEXIST;
    runtime->options.preempt = preempt;
    int error = make_schedulers(runtime, count_schedulers(&wanted));
    if (!error)
        error = start_watchdog(runtime);
    if (!error)
        error = start_threads(runtime);
    if (!error)
        return 0;
    undo_configure(runtime);
    runtime->options.preempt = before;
    return error;
}

int pr_runtime_new(const pierrot_options *options, const struct pr_language *language,
                   void *host_state, struct pierrot **out)
{
    struct pr_heap heap;
    pr_heap_init(&heap, options->alloc, options->alloc_ud);
    struct pierrot *runtime = pr_zalloc(&heap, sizeof *runtime);
    if (!runtime)
        return PIERROT_ENOMEM;
    runtime->language = language;
    runtime->creator = uv_thread_self();
    int error = init_system(&runtime->system, options);
    if (!error)
        error = copy_options(runtime, options);
    if (!error)
        error = pr_published_init(&runtime->published);
    if (!error)
        error = make_schedulers(runtime, count_schedulers(&runtime->options));
    if (!error)
        error = start(runtime, host_state);
    if (error) {
        pr_runtime_free(runtime);
        return error;
    }
    *out = runtime;
    return 0;
}

void pr_runtime_free(struct pierrot *runtime)
{
    struct pr_heap heap;
    pr_heap_init(&heap, runtime->system.heap.fn, runtime->system.heap.ud);
    /* What is killed from here on is no crash that anyone wants to read of. */
    pr_log_set_level(&runtime->system.log, PR_LOG_NONE);
    stop_threads(runtime);
    pr_halt_ignore_signals(runtime);
    close_schedulers(runtime, 0);
    pr_job_drop_all(runtime);
    free_schedulers(runtime, 0);
    pr_owner_set_here(NULL);
    pr_free(&runtime->system.heap, runtime->schedulers,
            PR_MAX_OWNERS * sizeof(struct pr_scheduler *));
    pr_published_fini(&runtime->published, &runtime->system.heap);
    free_text(&runtime->system.heap, runtime->options.path);
    free_text(&runtime->system.heap, runtime->options.cpath);
    fini_system(&runtime->system);
    pr_free(&heap, runtime, sizeof *runtime);
}

/* ------------------------------------------------------------------- others */

/* What runs or could run there; whoever asks does not count. */
static uint64_t load_of(struct pr_scheduler *scheduler, uint32_t from)
{
    unsigned n = atomic_load_explicit(&scheduler->n_runnable, memory_order_relaxed);
    if (scheduler->owner.index != from &&
        atomic_load_explicit(&scheduler->in_slice, memory_order_relaxed))
        n++;
    /* Of those that are as busy, the one with fewer processes. */
    return (uint64_t)n << 32 |
           atomic_load_explicit(&scheduler->owner.n_processes, memory_order_relaxed);
}

struct pr_scheduler *pr_runtime_least_busy(struct pierrot *runtime, uint32_t from)
{
    struct pr_scheduler *best = NULL;
    uint64_t best_load = UINT64_MAX;
    for (uint32_t i = 1; i <= runtime->n_schedulers; i++) {
        struct pr_scheduler *scheduler = runtime->schedulers[(from + i) % runtime->n_schedulers];
        uint64_t load = load_of(scheduler, from);
        if (load < best_load) {
            best = scheduler;
            best_load = load;
        }
    }
    return best;
}

int64_t pierrot_memory(pierrot *rt)
{
    int64_t bytes = rt ? pr_heap_live(&rt->system.heap) : 0;
    for (uint32_t i = 0; rt && i < rt->n_schedulers; i++)
        bytes += pr_heap_live(&rt->schedulers[i]->owner.heap);
    return bytes;
}
