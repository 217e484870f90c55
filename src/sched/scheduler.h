/* SPDX-License-Identifier: MIT
 *
 * A scheduler: one thread, one uv loop, one run queue, one Lua state. It is an owner of processes; it
 * lets them run in slices, and between slices lets signals from elsewhere, timers and the loop have
 * their turn. When nothing can run it sleeps in its loop, at no cost.
 *
 * Fairness: a process whose last slice was used up goes into the second queue, behind those that only
 * answered something; the second queue gets a turn at least each PR_STARVATION_NS. So a request and its
 * answer pass between two spinning neighbours without waiting for either. */
#ifndef PR_SCHEDULER_H
#define PR_SCHEDULER_H

#include <uv.h>

#include "base/pool.h"
#include "proc/owner.h"
#include "proc/process.h"
#include "sched/clock.h"
#include "sched/timer.h"

/* The second queue waits at most so long while the first has work. */
#define PR_STARVATION_NS UINT64_C(5000000)
/* How often the loop is polled while there is work. */
#define PR_POLL_NS UINT64_C(1000000)

struct pierrot;
struct pr_scheduler;

/* A timer and what it does: embedded in whatever waits for a time. */
struct pr_alarm {
    struct pr_timer timer;
    void (*fire)(struct pr_owner *owner, struct pr_alarm *alarm);
};

/* The language whose processes run: how a scheduler gets its state, and gives it time. */
struct pr_language {
    int (*open)(struct pr_scheduler *scheduler, void *host_state);
    void (*close)(struct pr_scheduler *scheduler);
    /* Garbage collection; called between slices, and when nothing is to be done (`idle`). Says
     * whether it wants to be called again before the scheduler sleeps. */
    int (*collect)(struct pr_scheduler *scheduler, int idle);
    /* As in pr_owner_ops. */
    void (*drop_local)(struct pr_owner *owner, int64_t place);
    pierrot_term *(*local_to_term)(struct pr_owner *owner, int64_t place);
    /* Async-signal-safe, on a scheduler's thread: end the slice at the next chance. */
    void (*interrupt)(void);
};

struct pr_run_queue {
    struct pr_process *head;
    struct pr_process *tail;
};

struct pr_scheduler {
    struct pr_owner owner;           /* first */
    struct pierrot *runtime;      /* (I) */
    const struct pr_language *language; /* (I) */
    void *language_state;            /* (O) */
    struct pr_pool pool;             /* (O) for what never leaves this thread */
    struct pr_clock clock;           /* (O) */
    struct pr_wheel wheel;           /* (O) of alarms */
    struct pr_run_queue ready;       /* (O) */
    struct pr_run_queue used_up;     /* (O) */
    uint64_t used_up_since_ns;       /* (O) when the second queue last had a turn */
    uint64_t polled_ns;              /* (O) when the loop was polled last */
    uint64_t seen_ns;                /* (O) the clock when it was last read */
    unsigned n_since_clock;          /* (O) slices since the clock was read */
    uv_loop_t *loop;                 /* (O) */
    uv_loop_t own_loop;
    uv_async_t async;                /* wakes the loop; uv_async_send from any thread */
    uv_timer_t timer;                /* (O) the next alarm, in whole ms */
    uv_poll_t precise;               /* (O) the next alarm, by timerfd where there is one */
    int precise_fd;                  /* (O) -1: none */
    int n_handles;                   /* (O) open of the three above */
    atomic_int asleep;               /* (A) see sleep() */
    atomic_int must_stop;            /* (A) its thread is to leave the loop */
    uint64_t spun_in_vain;           /* (O) */
    /* For the watchdog, written by the owner, relaxed: a stale value costs one tick. */
    atomic_uint slice;               /* (A) number of the slice */
    atomic_int in_slice;             /* (A) */
    atomic_int is_wanted;            /* (A) something else could run */
    _Atomic(uint64_t) next_alarm_ns; /* (A) */
    atomic_int is_away;              /* (A) its thread sleeps, or is not in the loop at all */
    uv_thread_t thread;              /* (I) */
    int has_thread;                  /* (I) a thread of the runtime's own runs it */
};

static inline struct pr_scheduler *pr_scheduler_of(struct pr_owner *owner)
{
    return (struct pr_scheduler *)owner;
}

/* Initialises everything but the language. `loop` NULL: one of its own.
 * 0, PIERROT_ENOMEM or a libuv error. */
int pr_scheduler_init(struct pr_scheduler *scheduler, struct pierrot *runtime, uint32_t index,
                      uv_loop_t *loop);

/* Kills every process here, lets them end, closes the loop's handles, frees all. Thread: owner. */
void pr_scheduler_kill_all(struct pr_scheduler *scheduler);
void pr_scheduler_fini(struct pr_scheduler *scheduler);

/* Runs processes until `until` says non-zero; it is asked before each slice and after each sleep.
 * May be nested: a host's main process waits in it. Thread: owner. */
void pr_scheduler_run(struct pr_scheduler *scheduler, int (*until)(void *ud), void *ud);

/* One process, one slice, if there is one to run; whether there was. Thread: owner. */
int pr_scheduler_step(struct pr_scheduler *scheduler);

uint64_t pr_scheduler_now(struct pr_scheduler *scheduler);

/* deadline_ns UINT64_MAX: never. Thread: owner. */
void pr_alarm_set(struct pr_owner *owner, struct pr_alarm *alarm, uint64_t deadline_ns,
                  void (*fire)(struct pr_owner *owner, struct pr_alarm *alarm));
void pr_alarm_cancel(struct pr_owner *owner, struct pr_alarm *alarm);

/* A process that came back from a slice or from a frame nested in one: back to its place. */
void pr_scheduler_settle(struct pr_owner *owner, struct pr_process *process,
                         enum pr_slice_end end);

extern const struct pr_owner_ops pr_scheduler_ops;

#endif
