/* SPDX-License-Identifier: MIT */
#include "sched/watchdog.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/assert.h"
#include "sched/halt_signal.h"

#define TICK_NS UINT64_C(500000)

/* While nobody has had a long slice for some time a tick lasts as two: waking on the core beside
 * costs a scheduler some 30 us, 3 % of a conversation at each half millisecond. */
enum { CALM_TICKS = 2 };

/* A slice that nobody waits for ends after so many ticks all the same: the loop may have events. */
enum { LONG_TICKS = 20 };

/* After that many ticks in which no scheduler was in a slice, the watchdog parks. */
enum { IDLE_TICKS = 20 };

/* A scheduler with a slice that went on from one tick to the next is watched for its alarms as well
 * for so many ticks: it is looked at when one becomes due. One with short slices sees to them by
 * itself, however many there are. */
enum { WATCHFUL_TICKS = 20 };

/* Between two looks lies so much at least; a slice that began before an alarm is due may last so
 * long. */
#define LOOK_NS UINT64_C(50000)

/* A slice that has not given way after so many ticks, while others wait, is in C code, or in Lua
 * code that cannot yield there: it is told of. Ticks: they stand still when the machine does. */
enum { HELD_TICKS = 500 };

struct watched {
    uint64_t since_ns;   /* when it was seen to be another one than before */
    unsigned slice;      /* number of the slice at the last look */
    unsigned n_ticks;    /* for how many ticks it has been that one */
    unsigned n_watchful; /* ticks for which it is looked at between ticks */
};

struct pr_watchdog {
    struct pierrot *runtime;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    atomic_int is_parked; /* (A) */
    atomic_int must_stop; /* (A) */
    struct watched watched[PR_MAX_OWNERS];
};

/* ------------------------------------------------------------ the handler */

/* One handler for the whole program: counted, chained to what was there before. */
static pthread_mutex_t handler_mutex = PTHREAD_MUTEX_INITIALIZER;
static int n_handler_users;
static struct sigaction old_action;
static void (*interrupt_language)(void);

static void on_signal(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    if (interrupt_language)
        interrupt_language();
    if (old_action.sa_flags & SA_SIGINFO) {
        if (old_action.sa_sigaction)
            old_action.sa_sigaction(number, info, context);
    } else if (old_action.sa_handler != SIG_DFL && old_action.sa_handler != SIG_IGN) {
        old_action.sa_handler(number);
    }
    errno = saved;
}

void pr_watchdog_set_interrupt(void (*interrupt)(void))
{
    interrupt_language = interrupt;
}

static int hold_handler(void)
{
    int error = 0;
    pthread_mutex_lock(&handler_mutex);
    if (n_handler_users == 0) {
        struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
        sigemptyset(&action.sa_mask);
        if (sigaction(SIGURG, &action, &old_action) != 0)
            error = -errno;
    }
    if (!error)
        n_handler_users++;
    pthread_mutex_unlock(&handler_mutex);
    return error;
}

static void drop_handler(void)
{
    pthread_mutex_lock(&handler_mutex);
    if (--n_handler_users == 0)
        sigaction(SIGURG, &old_action, NULL);
    pthread_mutex_unlock(&handler_mutex);
}

/* ------------------------------------------------------------- the watching */

static int is_in_slice_of_last_look(struct pr_scheduler *scheduler, struct watched *watched,
                                    uint64_t now, unsigned n_ticks)
{
    unsigned slice = atomic_load_explicit(&scheduler->slice, memory_order_relaxed);
    int is_same = slice == watched->slice;
    watched->slice = slice;
    if (!is_same) {
        watched->n_ticks = 0;
        watched->since_ns = now;
    }
    if (n_ticks > 0 && is_same) {
        watched->n_ticks += n_ticks;
        watched->n_watchful = WATCHFUL_TICKS;
    } else if (n_ticks > 0 && watched->n_watchful > 0) {
        watched->n_watchful--;
    }
    return is_same;
}

/* Whether at a tick the slice should end: it has lasted, or a signal waits. */
static int is_overdue(struct pr_scheduler *scheduler, unsigned n_ticks)
{
    if (!pr_queue_seems_empty(&scheduler->owner.inbox))
        return 1;
    if (n_ticks % LONG_TICKS == 0)
        return 1;
    return n_ticks >= 2 &&
           (atomic_load_explicit(&scheduler->is_wanted, memory_order_relaxed) ||
            atomic_load_explicit(&scheduler->must_stop, memory_order_relaxed) ||
            atomic_load_explicit(&scheduler->runtime->halt_requested, memory_order_relaxed));
}

/* Once a slice; its owner says it when it comes back to Lua code, and knows who it is. */
static void note_hold(struct pr_scheduler *scheduler, const struct watched *watched, int is_due)
{
    int is_waited_for = is_due || !pr_queue_seems_empty(&scheduler->owner.inbox) ||
                        atomic_load_explicit(&scheduler->is_wanted, memory_order_relaxed);
    unsigned noted = atomic_load_explicit(&scheduler->held_slice, memory_order_relaxed);
    if (!is_waited_for || watched->slice == noted)
        return;
    atomic_store_explicit(&scheduler->held_since_ns, watched->since_ns, memory_order_relaxed);
    /* release: who finds the slice finds since when. */
    atomic_store_explicit(&scheduler->held_slice, watched->slice, memory_order_release);
}

uint64_t pr_watchdog_take_hold(struct pr_scheduler *scheduler)
{
    unsigned slice = atomic_load_explicit(&scheduler->slice, memory_order_relaxed);
    if (atomic_load_explicit(&scheduler->held_slice, memory_order_acquire) != slice)
        return 0;
    return atomic_exchange_explicit(&scheduler->held_since_ns, 0, memory_order_relaxed);
}

/* Looks at one that is in a slice, n_ticks after the last tick (0: between ticks). When to do so
 * again, if before the next one. */
static uint64_t look(struct pr_scheduler *scheduler, struct watched *watched, uint64_t now,
                     unsigned n_ticks)
{
    const struct pr_clock *clock = &scheduler->runtime->clock;
    uint64_t alarm_ns = atomic_load_explicit(&scheduler->next_alarm_ns, memory_order_relaxed);
    int is_due = pr_clock_at(clock, now) >= alarm_ns;
    int is_same = is_in_slice_of_last_look(scheduler, watched, now, n_ticks);
    if (is_same && watched->n_ticks >= HELD_TICKS)
        note_hold(scheduler, watched, is_due);
    if (is_same && n_ticks > 0 && pr_halt_repeat_signal(scheduler))
        return UINT64_MAX;
    if (is_same && (is_due || (n_ticks > 0 && is_overdue(scheduler, watched->n_ticks)))) {
        pthread_kill(scheduler->thread, SIGURG);
        return UINT64_MAX;
    }
    return watched->n_watchful > 0 ? pr_clock_real_of(clock, alarm_ns) : UINT64_MAX;
}

unsigned pr_watchdog_n_coarse(void)
{
    return (unsigned)(pr_clock_coarse_ns() / TICK_NS);
}

/* A watchdog's ticks are TICK_NS apart or more, and the first may have come at once; the coarse clock
 * may have been behind by its whole step. */
uint64_t pr_watchdog_ticked_ns(const struct pr_scheduler *scheduler, unsigned n_ticks)
{
    unsigned n = pr_watchdog_n_ticks_anyway(scheduler) - n_ticks;
    unsigned n_doubtful = scheduler->runtime->watchdog ? 1 : 1 + PR_CLOCK_STEP_NS / TICK_NS;
    return n <= n_doubtful || pr_clock_stands(scheduler->clock) ? 0 : (n - n_doubtful) * TICK_NS;
}

static void count_tick(struct pierrot *runtime)
{
    unsigned n = atomic_load_explicit(&runtime->n_ticks, memory_order_relaxed);
    atomic_store_explicit(&runtime->n_ticks, n + 1, memory_order_relaxed);
}

/* Whether any scheduler is in a slice, and none in need of short ticks. */
struct seen {
    int is_busy, is_calm;
};

static struct seen watch(struct pr_watchdog *watchdog, uint64_t now, unsigned n_ticks,
                         uint64_t *soonest)
{
    struct pierrot *runtime = watchdog->runtime;
    struct seen seen = {.is_calm = 1};
    *soonest = UINT64_MAX;
    for (uint32_t i = 0; i < runtime->n_schedulers; i++) {
        struct pr_scheduler *scheduler = runtime->schedulers[i];
        if (!atomic_load_explicit(&scheduler->in_slice, memory_order_acquire))
            continue;
        uint64_t at = look(scheduler, &watchdog->watched[i], now, n_ticks);
        if (at < *soonest)
            *soonest = at;
        seen.is_busy = 1;
        seen.is_calm &= watchdog->watched[i].n_watchful == 0;
    }
    return seen;
}

static void sleep_ns(uint64_t ns)
{
    struct timespec time = {.tv_nsec = (long)ns};
    nanosleep(&time, NULL);
}

static int all_asleep(struct pierrot *runtime)
{
    for (uint32_t i = 0; i < runtime->n_schedulers; i++)
        if (!atomic_load_explicit(&runtime->schedulers[i]->is_away, memory_order_seq_cst))
            return 0;
    return 1;
}

/* A scheduler that wakes clears is_away and then looks at is_parked; here it is the other way
 * round, all seq_cst: so either the scheduler is seen here or the watchdog there. */
static void park(struct pr_watchdog *watchdog)
{
    pthread_mutex_lock(&watchdog->mutex);
    atomic_store_explicit(&watchdog->is_parked, 1, memory_order_seq_cst);
    while (all_asleep(watchdog->runtime) &&
           atomic_load_explicit(&watchdog->is_parked, memory_order_seq_cst) &&
           !atomic_load_explicit(&watchdog->must_stop, memory_order_seq_cst))
        pthread_cond_wait(&watchdog->condition, &watchdog->mutex);
    atomic_store_explicit(&watchdog->is_parked, 0, memory_order_seq_cst);
    pthread_mutex_unlock(&watchdog->mutex);
}

static void unpark(struct pr_watchdog *watchdog)
{
    pthread_mutex_lock(&watchdog->mutex);
    atomic_store_explicit(&watchdog->is_parked, 0, memory_order_seq_cst);
    pthread_cond_signal(&watchdog->condition);
    pthread_mutex_unlock(&watchdog->mutex);
}

/* Else Linux lets it sleep longer by 50 us. */
static void sleep_exactly(void)
{
#ifdef __linux__
    prctl(PR_SET_TIMERSLACK, 1UL);
#endif
}

static void *run(void *ud)
{
    struct pr_watchdog *watchdog = ud;
    uint64_t now = pr_clock_real_ns(), tick = now + TICK_NS, soonest = UINT64_MAX;
    unsigned n_ticks = 1, n_idle = 0;
    sleep_exactly();
    while (!atomic_load_explicit(&watchdog->must_stop, memory_order_acquire)) {
        uint64_t earliest = now + LOOK_NS, wanted = soonest > earliest ? soonest : earliest;
        sleep_ns(wanted < tick ? wanted - now : tick > now ? tick - now : 0);
        now = pr_clock_real_ns();
        int is_tick = now >= tick;
        struct seen seen = watch(watchdog, now, is_tick ? n_ticks : 0, &soonest);
        if (!is_tick)
            continue;
        count_tick(watchdog->runtime);
        n_idle = seen.is_busy ? 0 : n_idle + n_ticks;
        if (n_idle >= IDLE_TICKS) {
            park(watchdog);
            n_idle = 0;
        }
        n_ticks = seen.is_calm ? CALM_TICKS : 1;
        tick = now + n_ticks * TICK_NS;
    }
    return NULL;
}

void pr_watchdog_leave(struct pr_scheduler *scheduler)
{
    atomic_store_explicit(&scheduler->is_away, 1, memory_order_seq_cst);
}

void pr_watchdog_enter(struct pr_scheduler *scheduler)
{
    struct pr_watchdog *watchdog = scheduler->runtime->watchdog;
    atomic_store_explicit(&scheduler->is_away, 0, memory_order_seq_cst);
    if (watchdog && atomic_load_explicit(&watchdog->is_parked, memory_order_seq_cst))
        unpark(watchdog);
}

int pr_watchdog_new(struct pierrot *runtime, struct pr_watchdog **out)
{
    struct pr_heap *heap = &runtime->system.heap;
    struct pr_watchdog *watchdog = pr_zalloc(heap, sizeof *watchdog);
    if (!watchdog)
        return PIERROT_ENOMEM;
    watchdog->runtime = runtime;
    int error = hold_handler();
    if (error) {
        pr_free(heap, watchdog, sizeof *watchdog);
        return error;
    }
    pthread_mutex_init(&watchdog->mutex, NULL);
    pthread_cond_init(&watchdog->condition, NULL);
    /* The watchdog itself must not take the program's signals. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&watchdog->thread, NULL, run, watchdog);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        drop_handler();
        pr_free(heap, watchdog, sizeof *watchdog);
        return -error;
    }
    *out = watchdog;
    return 0;
}

void pr_watchdog_free(struct pr_watchdog *watchdog)
{
    struct pr_heap *heap = &watchdog->runtime->system.heap;
    atomic_store_explicit(&watchdog->must_stop, 1, memory_order_seq_cst);
    unpark(watchdog);
    pthread_join(watchdog->thread, NULL);
    pthread_cond_destroy(&watchdog->condition);
    pthread_mutex_destroy(&watchdog->mutex);
    drop_handler();
    pr_free(heap, watchdog, sizeof *watchdog);
}
