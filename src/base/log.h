/* SPDX-License-Identifier: MIT
 *
 * The log of a runtime. An event goes to the embedder's sink at once, whole and one at a time (its
 * default handler), and to one process, which has handlers of its own; without either it goes
 * nowhere. */
#ifndef PR_LOG_H
#define PR_LOG_H

#include <stdarg.h>
#include <stdatomic.h>

#include "base/lock.h"
#include "pierrot.h"

/* A report is cut here, whatever the state of the process it tells of. */
#define PR_LOG_MAX 8192

/* Events that may wait for that process; beyond them events are counted and lost. */
#define PR_LOG_WAITING_MAX 10000

struct pr_log_event {
    pierrot_level level;
    const char *text;
    size_t len;
    pierrot_pid from;           /* the process that logs, or that crashed; id 0: none */
    const pierrot_term *report; /* what a report of a crash tells, by names; NULL: a plain line */
};

/* LEFT_OUT: the event is of that process's own, or the process is no more. */
enum pr_log_forwarded { PR_LOG_SENT, PR_LOG_LOST, PR_LOG_LEFT_OUT };

/* Sends the event to `to`. Thread: any. */
typedef enum pr_log_forwarded (*pr_log_forward_fn)(void *ud, pierrot_pid to, const struct pr_log_event *event);

struct pr_log {
    pierrot_log_fn fn;         /* (I) NULL: silent */
    void *ud;                  /* (I) */
    pr_log_forward_fn forward; /* (I) NULL: there are no processes */
    void *forward_ud;          /* (I) */
    atomic_int level;          /* (A) what is below it is dropped */
    atomic_int has_sink;       /* (A) the sink gets events */
    _Atomic(uint64_t) process; /* (A) pid of the process that gets events; 0: none */
    atomic_uint n_waiting;     /* (A) events that it has not taken yet */
    atomic_uint n_lost;        /* (A) since it asked last */
    struct pr_lock lock;
};

int pr_log_init(struct pr_log *log, pierrot_log_fn fn, void *ud);
void pr_log_fini(struct pr_log *log);

/* Lines of a lower level than this are dropped from now on; PR_LOG_NONE: all. Thread: any. */
#define PR_LOG_NONE (PIERROT_ERROR + 1)
void pr_log_set_level(struct pr_log *log, int level);

/* Whether the sink gets events: what it was. Without a sink it stays 0. Thread: any. */
int pr_log_set_sink(struct pr_log *log, int is_on);

/* Makes `to` the process that gets events, in place of `old` (the ids; 0: none). Whether it was
 * `old` until now. Thread: any. */
int pr_log_subscribe(struct pr_log *log, pierrot_pid old, pierrot_pid to);
pierrot_pid pr_log_subscriber(const struct pr_log *log);

/* The subscriber has taken an event: how many were lost since it asked last. */
unsigned pr_log_taken(struct pr_log *log);

/* Whether an event of that level would reach anybody. Thread: any. */
int pr_log_wants(const struct pr_log *log, pierrot_level level);

/* Thread: any. Events of the subscriber's own go to the sink alone. */
void pr_log_post(struct pr_log *log, const struct pr_log_event *event);
void pr_log_write(struct pr_log *log, pierrot_level level, const char *text, size_t len);
void pr_log_vprintf(struct pr_log *log, pierrot_level level, const char *format, va_list args);
void pr_log_printf(struct pr_log *log, pierrot_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
