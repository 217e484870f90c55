/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdio.h>

int pr_log_init(struct pr_log *log, pierrot_log_fn fn, void *ud)
{
    log->fn = fn;
    log->ud = ud;
    atomic_init(&log->level, PIERROT_DEBUG);
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

int pr_log_wants(const struct pr_log *log, pierrot_level level)
{
    return log->fn && (int)level >= atomic_load_explicit(&log->level, memory_order_relaxed);
}

void pr_log_write(struct pr_log *log, pierrot_level level, const char *text, size_t len)
{
    if (!pr_log_wants(log, level))
        return;
    /* The lock is what makes pieces whole; a sink must not call back into the runtime. */
    pr_lock_take(&log->lock);
    log->fn(log->ud, level, text, len);
    pr_lock_give(&log->lock);
}

void pr_log_vprintf(struct pr_log *log, pierrot_level level, const char *format, va_list args)
{
    char text[PR_LOG_MAX];
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
