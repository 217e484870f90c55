/* SPDX-License-Identifier: MIT */
#include "sched/halt_signal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "sched/clock.h"

/* Scheduler 0 may be in C code that waits, as io.read does, and run no loop: so the signal is taken
 * in where it comes. It ends a wait of the system's, and what runs gives way when it is in Lua code
 * again; when nobody has noticed it by the next one, that one ends the program as the system does.
 *
 * One that comes just before such a wait begins, or together with the watchdog's, does not end it:
 * so the watchdog sends it some times more for as long as that slice lasts. */
#define NOTICE_NS UINT64_C(200000000)

enum { REPEATS = 3 };

static struct {
    struct pierrot *runtime; /* the program's */
    struct pr_scheduler *first;
    void (*wake)(int number); /* libuv's handler */
    uint64_t last_ns;
    atomic_int is_noticed;
    atomic_int number;      /* of the last one */
    atomic_uint slice;      /* of scheduler 0 that it came in */
    atomic_int n_repeats;   /* to come; release: number and slice are there */
    atomic_int is_repeated; /* the watchdog has sent one */
} signals;

static void on_signal(uv_signal_t *handle, int number)
{
    (void)handle;
    (void)number;
    atomic_store_explicit(&signals.is_noticed, 1, memory_order_relaxed);
}

static void repeat_later(int number)
{
    unsigned slice = atomic_load_explicit(&signals.first->slice, memory_order_relaxed);
    atomic_store_explicit(&signals.number, number, memory_order_relaxed);
    atomic_store_explicit(&signals.slice, slice, memory_order_relaxed);
    atomic_store_explicit(&signals.n_repeats, REPEATS, memory_order_release);
}

int pr_halt_repeat_signal(struct pr_scheduler *scheduler)
{
    int n_repeats = atomic_load_explicit(&signals.n_repeats, memory_order_acquire);
    if (n_repeats == 0 || scheduler != signals.first)
        return 0;
    unsigned slice = atomic_load_explicit(&scheduler->slice, memory_order_relaxed);
    int is_same = slice == atomic_load_explicit(&signals.slice, memory_order_relaxed);
    /* A signal that comes right now may ask for more of them: it keeps them. */
    int n_left = is_same ? n_repeats - 1 : 0;
    (void)atomic_compare_exchange_strong_explicit(&signals.n_repeats, &n_repeats, n_left,
                                                  memory_order_relaxed, memory_order_relaxed);
    if (!is_same)
        return 0;
    atomic_store_explicit(&signals.is_repeated, 1, memory_order_relaxed);
    pthread_kill(scheduler->thread, atomic_load_explicit(&signals.number, memory_order_relaxed));
    return 1;
}

/* In the handler of the signal. */
static void take_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    struct pierrot *runtime = signals.runtime;
    int saved = errno;
    if (info->si_code == SI_TKILL &&
        atomic_exchange_explicit(&signals.is_repeated, 0, memory_order_relaxed))
        return;
    uint64_t now = pr_clock_real_ns();
    int was_noticed = atomic_exchange_explicit(&signals.is_noticed, 0, memory_order_relaxed);
    if (signals.last_ns && !was_noticed && now - signals.last_ns >= NOTICE_NS) {
        signal(number, SIG_DFL);
        raise(number);
    }
    signals.last_ns = now;
    /* It is ending already: whoever asks again does not want to wait. */
    if (atomic_exchange_explicit(&runtime->halt_requested, 1 + 128 + number, memory_order_seq_cst))
        atomic_store_explicit(&runtime->is_hurried, 1, memory_order_relaxed);
    if (runtime->language->interrupt)
        runtime->language->interrupt();
    repeat_later(number);
    signals.wake(number);
    errno = saved;
}

static int take_over(struct pierrot *runtime, int number)
{
    struct sigaction action;
    if (sigaction(number, NULL, &action) != 0)
        return -errno;
    signals.runtime = runtime;
    signals.first = runtime->schedulers[0];
    signals.wake = action.sa_handler;
    action.sa_sigaction = take_signal;
    action.sa_flags &= ~SA_RESTART;
    action.sa_flags |= SA_SIGINFO;
    return sigaction(number, &action, NULL) == 0 ? 0 : -errno;
}

static int watch(struct pierrot *runtime, uv_signal_t *handle, int number)
{
    int error = uv_signal_init(runtime->schedulers[0]->loop, handle);
    if (error)
        return error;
    handle->data = runtime;
    runtime->n_signal_handles++;
    error = uv_signal_start(handle, on_signal, number);
    return error ? error : take_over(runtime, number);
}

int pr_halt_on_terminate(struct pierrot *runtime)
{
    return watch(runtime, &runtime->on_terminate, SIGTERM);
}

int pr_halt_on_interrupt(struct pierrot *runtime)
{
    return watch(runtime, &runtime->on_interrupt, SIGINT);
}

static void on_close(uv_handle_t *handle)
{
    struct pierrot *runtime = handle->data;
    runtime->n_signal_handles--;
}

void pr_halt_ignore_signals(struct pierrot *runtime)
{
    if (runtime == signals.runtime)
        atomic_store_explicit(&signals.n_repeats, 0, memory_order_relaxed);
    if (runtime->on_interrupt.data)
        uv_close((uv_handle_t *)&runtime->on_interrupt, on_close);
    if (runtime->on_terminate.data)
        uv_close((uv_handle_t *)&runtime->on_terminate, on_close);
    while (runtime->n_signal_handles > 0)
        uv_run(runtime->schedulers[0]->loop, UV_RUN_NOWAIT);
}
