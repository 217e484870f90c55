/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdio.h>

int pr_log_init(struct pr_log *log, pierrot_log_fn fn, void *ud)
{
    log->fn = fn;
    log->ud = ud;
    log->forward = NULL;
    log->forward_ud = NULL;
    atomic_init(&log->level, PIERROT_DEBUG);
    atomic_init(&log->has_sink, fn != NULL);
    atomic_init(&log->process, 0);
    atomic_init(&log->n_waiting, 0);
    atomic_init(&log->n_lost, 0);
    return pr_lock_init(&log->lock);
}

void pr_log_fini(struct pr_log *log)
{
    pr_lock_fini(&log->lock);
}

void pr_log_set_level(struct pr_log *log, int level)
{
    atomic_store_explicit(&log->level, level, memory_order_relaxed);
}

int pr_log_set_sink(struct pr_log *log, int is_on)
{
    return atomic_exchange_explicit(&log->has_sink, is_on && log->fn, memory_order_relaxed);
}

int pr_log_subscribe(struct pr_log *log, pierrot_pid old, pierrot_pid to)
{
    uint64_t expected = old.id;
    /* The counts are of one subscriber; what is on its way to another only makes room early. */
    if (!atomic_compare_exchange_strong_explicit(&log->process, &expected, to.id,
                                                 memory_order_acq_rel, memory_order_relaxed))
        return 0;
    atomic_store_explicit(&log->n_waiting, 0, memory_order_relaxed);
    return 1;
}

pierrot_pid pr_log_subscriber(const struct pr_log *log)
{
    return (pierrot_pid){atomic_load_explicit(&log->process, memory_order_acquire)};
}

/* One event less waits. Not below 0: it may be one for an earlier subscriber. */
static void count_down(struct pr_log *log)
{
    unsigned n = atomic_load_explicit(&log->n_waiting, memory_order_relaxed);
    while (n > 0 && !atomic_compare_exchange_weak_explicit(
                        &log->n_waiting, &n, n - 1, memory_order_relaxed, memory_order_relaxed))
        ;
}

unsigned pr_log_taken(struct pr_log *log)
{
    count_down(log);
    return atomic_exchange_explicit(&log->n_lost, 0, memory_order_relaxed);
}

int pr_log_wants(const struct pr_log *log, pierrot_level level)
{
    return (int)level >= atomic_load_explicit(&log->level, memory_order_relaxed) &&
           (atomic_load_explicit(&log->has_sink, memory_order_relaxed) ||
            pr_log_subscriber(log).id);
}

static void forward(struct pr_log *log, const struct pr_log_event *event)
{
    pierrot_pid to = pr_log_subscriber(log);
    /* What a handler logs would come back to it without end. */
    if (!to.id || !log->forward || to.id == event->from.id)
        return;
    unsigned n_waiting = atomic_fetch_add_explicit(&log->n_waiting, 1, memory_order_relaxed);
    enum pr_log_forwarded outcome =
        n_waiting < PR_LOG_WAITING_MAX ? log->forward(log->forward_ud, to, event) : PR_LOG_LOST;
    if (outcome == PR_LOG_SENT)
        return;
    count_down(log);
    if (outcome == PR_LOG_LOST)
        atomic_fetch_add_explicit(&log->n_lost, 1, memory_order_relaxed);
}

void pr_log_post(struct pr_log *log, const struct pr_log_event *event)
{
    if (!pr_log_wants(log, event->level))
        return;
    if (atomic_load_explicit(&log->has_sink, memory_order_relaxed)) {
        /* The lock is what makes pieces whole; a sink must not call back into the runtime. */
        pr_lock_take(&log->lock);
        log->fn(log->ud, event->level, event->text, event->len);
        pr_lock_give(&log->lock);
    }
    forward(log, event);
}

void pr_log_write(struct pr_log *log, pierrot_level level, const char *text, size_t len)
{
    struct pr_log_event event = {.level = level, .text = text, .len = len};
    pr_log_post(log, &event);
}

void pr_log_vprintf(struct pr_log *log, pierrot_level level, const char *format, va_list args)
{
    char text[PR_LOG_MAX];
    if (!pr_log_wants(log, level))
        return;
    int len = vsnprintf(text, sizeof text, format, args);
    if (len < 0)
        return;
    pr_log_write(log, level, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
}

void pr_log_printf(struct pr_log *log, pierrot_level level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    pr_log_vprintf(log, level, format, args);
    va_end(args);
}
