/* SPDX-License-Identifier: MIT
 *
 * The hard part is that no wake-up may be lost. The sleeper announces itself (asleep = 1), then
 * looks at the inbox once more; a sender pushes, then looks at `asleep`. All four are seq_cst, so
 * at least one of the two sees the other: either the sleeper finds the signal or the sender wakes
 * it. It is the same with whatever else ends the run (`until`), and with a clock that stands, for those
 * who set it first and then wake.
 *
 * libuv's timers count whole milliseconds; a timerfd in the loop makes alarms exact to some
 * microseconds where there is one. */
#include "sched/doze.h"

#include <sched.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/timerfd.h>
#endif

#include "base/assert.h"
#include "sched/pipe_signal.h"
#include "sched/standing.h"
#include "sched/watchdog.h"

/* A sleeping thread takes 20 to 45 us to wake, a spinning one 0.1: where schedulers talk to each
 * other and each has a core, a little spinning makes a round trip 100 times shorter. */
#define SPIN_NS          UINT64_C(20000)
#define SPINS_IN_VAIN    50
#define SPIN_RETRY_EVERY 64

/* How long a sender is held back at a time: so long that it sends no faster than messages are taken
 * by a receiver that does little with them, so short that nobody notices. */
#define HOLD_NS UINT64_C(20000)

/* The same for one whose messages the other does not even take in. */
#define STUCK_NS UINT64_C(1000000)
#define NAP_NS   50000

static void on_wake(uv_async_t *async)
{
    (void)async; /* its only purpose is to end the sleep */
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
}

#ifdef __linux__
static void on_precise(uv_poll_t *poll, int status, int events)
{
    struct pr_scheduler *scheduler = poll->data;
    uint64_t n_expired;
    (void)status;
    (void)events;
    if (read(scheduler->precise_fd, &n_expired, sizeof n_expired) < 0)
        return; /* it was armed anew meanwhile */
}

/* Without a descriptor the loop's own timer serves: later by up to a millisecond. */
static void open_precise(struct pr_scheduler *scheduler)
{
    scheduler->precise_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (scheduler->precise_fd < 0)
        return;
    if (uv_poll_init(scheduler->loop, &scheduler->precise, scheduler->precise_fd) != 0) {
        close(scheduler->precise_fd);
        scheduler->precise_fd = -1;
        return;
    }
    scheduler->precise.data = scheduler;
    scheduler->n_handles++;
    uv_poll_start(&scheduler->precise, UV_READABLE, on_precise);
}

static void arm_precise(struct pr_scheduler *scheduler, uint64_t deadline_ns)
{
    /* uv_hrtime is CLOCK_MONOTONIC; a zero would disarm. */
    uint64_t at = deadline_ns ? deadline_ns : 1;
    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(at / 1000000000), .tv_nsec = (long)(at % 1000000000)}};
    timerfd_settime(scheduler->precise_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void disarm_precise(struct pr_scheduler *scheduler)
{
    struct itimerspec never = {0};
    timerfd_settime(scheduler->precise_fd, 0, &never, NULL);
}
#else
static void open_precise(struct pr_scheduler *scheduler)
{
    scheduler->precise_fd = -1;
}

static void arm_precise(struct pr_scheduler *scheduler, uint64_t deadline_ns)
{
    (void)scheduler;
    (void)deadline_ns;
}

static void disarm_precise(struct pr_scheduler *scheduler)
{
    (void)scheduler;
}
#endif

static void on_close(uv_handle_t *handle)
{
    struct pr_scheduler *scheduler = handle->data;
    scheduler->n_handles--;
}

int pr_doze_open(struct pr_scheduler *scheduler)
{
    int error = uv_async_init(scheduler->loop, &scheduler->async, on_wake);
    if (error)
        return error;
    scheduler->async.data = scheduler;
    scheduler->n_handles = 1;
    uv_timer_init(scheduler->loop, &scheduler->timer); /* cannot fail */
    scheduler->timer.data = scheduler;
    uv_timer_init(scheduler->loop, &scheduler->limit);
    scheduler->limit.data = scheduler;
    scheduler->n_handles += 2;
    open_precise(scheduler);
    return 0;
}

void pr_doze_close(struct pr_scheduler *scheduler)
{
    uv_close((uv_handle_t *)&scheduler->async, on_close);
    uv_close((uv_handle_t *)&scheduler->timer, on_close);
    uv_close((uv_handle_t *)&scheduler->limit, on_close);
    if (scheduler->precise_fd >= 0)
        uv_close((uv_handle_t *)&scheduler->precise, on_close);
    while (scheduler->n_handles > 0)
        uv_run(scheduler->loop, UV_RUN_ONCE);
    if (scheduler->precise_fd >= 0)
        close(scheduler->precise_fd);
}

static void pause_cpu(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/* Whether a signal came while it span. Gives up on spinning after it was in vain for a while, and
 * tries again now and then. */
static int spin(struct pr_scheduler *scheduler)
{
    if (!scheduler->runtime->may_spin)
        return 0;
    uint64_t vain = scheduler->spun_in_vain;
    if (vain >= SPINS_IN_VAIN && vain % SPIN_RETRY_EVERY != 0) {
        scheduler->spun_in_vain++;
        return 0;
    }
    uint64_t until = pr_clock_real_ns() + SPIN_NS;
    do {
        for (int i = 0; i < 20; i++) {
            if (!pr_queue_seems_empty(&scheduler->owner.inbox)) {
                scheduler->spun_in_vain = 0;
                return 1;
            }
            pause_cpu();
        }
    } while (pr_clock_real_ns() < until);
    scheduler->spun_in_vain++;
    return 0;
}

static int has_something_to_do(struct pr_scheduler *scheduler, uint64_t now)
{
    return !pr_queue_seems_empty(&scheduler->owner.inbox) ||
           pr_clock_at(scheduler->clock, now) >=
               atomic_load_explicit(&scheduler->next_alarm_ns, memory_order_relaxed);
}

/* Its core may be what the other one waits for: so this sleeps. */
static void sleep_for_drain(struct pr_scheduler *scheduler, struct pr_owner *target)
{
    struct timespec nap = {.tv_nsec = NAP_NS};
    unsigned n_drains = atomic_load_explicit(&target->n_drains, memory_order_relaxed);
    uint64_t now, until = pr_clock_real_ns() + STUCK_NS;
    do {
        nanosleep(&nap, NULL);
        now = pr_clock_real_ns();
    } while (now < until && !has_something_to_do(scheduler, now) &&
             atomic_load_explicit(&target->n_drains, memory_order_relaxed) == n_drains);
}

static void spin_a_little(struct pr_scheduler *scheduler)
{
    uint64_t now, until = pr_clock_real_ns() + HOLD_NS;
    do {
        for (int i = 0; i < 20; i++)
            pause_cpu();
        now = pr_clock_real_ns();
    } while (now < until && !has_something_to_do(scheduler, now));
}

/* Others that are ready here wait for a short pause as for a slice that is a little longer: among
 * them may be more that flood the same receiver. */
void pr_doze_hold_back(struct pr_owner *owner, struct pr_owner *target, int is_stuck)
{
    struct pr_scheduler *scheduler = pr_scheduler_of(owner);
    if (is_stuck && !scheduler->ready.head && !scheduler->used_up.head)
        sleep_for_drain(scheduler, target);
    else if (scheduler->runtime->may_spin)
        spin_a_little(scheduler);
    else
        sched_yield();
}

static uint64_t ms_until(uint64_t now, uint64_t deadline)
{
    return deadline > now ? (deadline - now + 999999) / 1000000 : 0;
}

void pr_doze_arm(struct pr_scheduler *scheduler)
{
    uint64_t now = pr_clock_real_ns();
    uint64_t next = pr_wheel_next(&scheduler->wheel, pr_clock_at(scheduler->clock, now));
    uint64_t deadline = pr_clock_real_of(scheduler->clock, next);
    if (scheduler->precise_fd >= 0 && deadline == UINT64_MAX)
        disarm_precise(scheduler);
    else if (scheduler->precise_fd >= 0)
        arm_precise(scheduler, deadline);
    else if (deadline == UINT64_MAX)
        uv_timer_stop(&scheduler->timer);
    else
        uv_timer_start(&scheduler->timer, on_timer, ms_until(now, deadline), 0);
}

void pr_doze_stay_alive(struct pr_scheduler *scheduler)
{
    uv_thread_t self = uv_thread_self();
    if (scheduler->is_hosted && uv_thread_equal(&self, &scheduler->runtime->creator))
        uv_ref((uv_handle_t *)&scheduler->prepare);
}

/* On a loop of the host's the prepare handle keeps the loop alive while this waits for it. */
static void sleep_until(struct pr_scheduler *scheduler, uint64_t deadline)
{
    pr_doze_stay_alive(scheduler);
    if (deadline == UINT64_MAX) {
        uv_run(scheduler->loop, UV_RUN_ONCE);
    } else if (scheduler->precise_fd >= 0) {
        arm_precise(scheduler, deadline);
        uv_run(scheduler->loop, UV_RUN_ONCE);
        disarm_precise(scheduler);
    } else {
        uv_update_time(scheduler->loop);
        uv_timer_start(&scheduler->timer, on_timer, ms_until(pr_clock_real_ns(), deadline), 0);
        uv_run(scheduler->loop, UV_RUN_ONCE);
        uv_timer_stop(&scheduler->timer);
    }
}

void pr_doze(struct pr_scheduler *scheduler, uint64_t now, int (*until)(void *ud), void *ud)
{
    uint64_t deadline = pr_wheel_next(&scheduler->wheel, now);
    if (deadline <= now || spin(scheduler))
        return;
    pr_standing_before_sleep(scheduler, deadline);
    atomic_store_explicit(&scheduler->asleep, 1, memory_order_seq_cst);
    pr_standing_tell_observer(scheduler);
    if (pr_queue_is_empty(&scheduler->owner.inbox) && !until(ud) &&
        !pr_clock_stands_at(scheduler->clock, deadline) && !pr_standing_is_idle(scheduler)) {
        pr_watchdog_leave(scheduler);
        pr_pipe_signal_hold(scheduler);
        sleep_until(scheduler, pr_clock_real_of(scheduler->clock, deadline));
        pr_pipe_signal_release(scheduler);
        pr_watchdog_enter(scheduler);
    }
    atomic_store_explicit(&scheduler->asleep, 0, memory_order_seq_cst);
}
