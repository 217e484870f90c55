/* SPDX-License-Identifier: MIT
 *
 * The structs that the files of this layer share: a scheduler, the runtime it belongs to, and what
 * both are made of. What they do stands in the files named after it. */
#ifndef PR_TYPES_H
#define PR_TYPES_H

#include <uv.h>

#include "base/lock.h"
#include "base/map.h"
#include "base/pool.h"
#include "proc/owner.h"
#include "proc/process.h"
#include "sched/clock.h"
#include "sched/timer.h"

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
    /* A step of garbage collection, between slices, if one is wanted; whether it was. `is_free`:
     * nobody is ready but those that used up their slice. Else it may be put off. */
    int (*collect)(struct pr_scheduler *scheduler, int is_free);
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
    struct pr_owner owner;              /* first */
    struct pierrot *runtime;            /* (I) */
    const struct pr_language *language; /* (I) */
    void *language_state;               /* (O) */
    struct pr_pool pool;                /* (O) for what never leaves this thread */
    struct pr_clock *clock;             /* (I) the runtime's */
    struct pr_wheel wheel;              /* (O) of alarms */
    struct pr_run_queue ready;          /* (O) */
    struct pr_run_queue used_up;        /* (O) */
    uint64_t used_up_since_ns;          /* (O) when the second queue last had a turn */
    uint64_t polled_ns;                 /* (O) when the loop was polled last */
    uint64_t seen_ns;                   /* (O) the system's clock when it was last read */
    unsigned n_since_clock;             /* (O) slices since the clock was read */
    uv_loop_t *loop;                    /* (O) */
    uv_loop_t own_loop;
    uv_async_t async;      /* wakes the loop; uv_async_send from any thread */
    uv_timer_t timer;      /* (O) the next alarm, in whole ms */
    uv_poll_t precise;     /* (O) the next alarm, by timerfd where there is one */
    int precise_fd;        /* (O) -1: none */
    uv_prepare_t prepare;  /* (O) this and idle: on a loop of the host's alone, see hosted.h */
    uv_idle_t idle;        /* (O) */
    int is_hosted;         /* (I) */
    int guards_pipes;      /* (O) see pipe_signal.h */
    unsigned n_runs;       /* (O) calls of pr_scheduler_run that are under way */
    uv_timer_t limit;      /* (O) of standing time, see standing.h */
    int n_handles;         /* (O) open of those above */
    pierrot_pid limit_to;  /* (O) who hears of it */
    pierrot_ref limit_ref; /* (O) as what */
    pierrot_from idle_to;  /* (O) who waits until all is idle, see standing.h */
    atomic_uint n_dozes;   /* (A) how often it has gone to sleep */
    char before_asleep[PR_CACHE_LINE]; /* senders read it at every message, see owner.h */
    atomic_int asleep;                 /* (A) see pr_doze() */
    char behind_asleep[PR_CACHE_LINE];
    atomic_int must_stop;  /* (A) its thread is to leave the loop */
    uint64_t spun_in_vain; /* (O) */
    /* For the watchdog, written by the owner, relaxed: a stale value costs one tick. */
    atomic_uint slice;               /* (A) number of the slice */
    atomic_int in_slice;             /* (A) */
    atomic_int is_wanted;            /* (A) something else could run */
    atomic_uint n_runnable;          /* (A) in the run queues */
    _Atomic(uint64_t) next_alarm_ns; /* (A) */
    atomic_int has_io; /* (A) while it stops: handles or requests of its processes on the loop */
    /* Written by the watchdog: */
    atomic_uint held_slice;          /* (A) that slice has held up others */
    _Atomic(uint64_t) held_since_ns; /* (A) from then on; 0: its owner has told of it */
    atomic_int is_away;              /* (A) its thread sleeps, or is not in the loop at all */
    uv_thread_t thread;              /* (I) set before its first slice */
    int has_thread;                  /* (I) a thread of the runtime's own runs it */
};

static inline struct pr_scheduler *pr_scheduler_of(struct pr_owner *owner)
{
    return (struct pr_scheduler *)owner;
}

/* Direct reads, see publish.h. */
struct pr_published;

struct pr_published_table {
    struct pr_lock lock;
    struct pr_map map; /* (M) by pid */
};

struct pr_watchdog;
struct pr_job;

struct pierrot {
    struct pr_system system;             /* first */
    pierrot_options options;             /* (I) strings copied */
    const struct pr_language *language;  /* (I) */
    struct pr_scheduler **schedulers;    /* (I) [n_schedulers] */
    uint32_t n_schedulers;               /* (I) */
    uint32_t first_thread;               /* (I) the first with a thread of the runtime's own */
    int may_spin;                        /* (I) there is a core for each scheduler */
    struct pr_watchdog *watchdog;        /* (I) NULL: none */
    atomic_uint n_ticks;                 /* (A) of the watchdog's, which writes it */
    struct pr_clock clock;               /* (A) */
    _Atomic(struct pr_scheduler *) observer; /* (A) where somebody waits until all is idle; or NULL */
    struct pr_published_table published; /* (M) */
    atomic_int n_ready;                  /* (A) threads that have come up, or failed */
    atomic_int start_error;              /* (A) of a thread */
    atomic_int n_left;                   /* (A) threads that have left their loops */
    atomic_int halt_requested;           /* (A) 1 + exit status; 0: no */
    uv_thread_t creator;                 /* (I) */
    struct pr_job *jobs;                 /* (O of scheduler 0) oldest first, see job.h */
    int n_stops;                         /* (O of scheduler 0) of them are stops */
    uv_signal_t on_interrupt;            /* (O of scheduler 0) see stop.h */
    uv_signal_t on_terminate;
    int n_signal_handles;
    atomic_uint n_told;    /* (A) processes that were told to end, see stop.c */
    atomic_int is_hurried; /* (A) a signal came while it was ending */
};

static inline struct pierrot *pr_runtime_of(struct pr_owner *owner)
{
    return pr_scheduler_of(owner)->runtime;
}

#endif
