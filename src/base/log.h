/* SPDX-License-Identifier: MIT
 *
 * The log of a runtime: lines go to the embedder's sink, whole and one at a time; without a sink
 * they go nowhere. */
#ifndef PR_LOG_H
#define PR_LOG_H

#include <stdarg.h>
#include <stdatomic.h>

#include "base/lock.h"
#include "pierrot.h"

/* A report is cut here, whatever the state of the process it tells of. */
#define PR_LOG_MAX 8192

struct pr_log {
    pierrot_log_fn fn; /* (I) NULL: silent */
    void *ud;          /* (I) */
    atomic_int level;  /* (A) what is below it is dropped */
    struct pr_lock lock;
};

int pr_log_init(struct pr_log *log, pierrot_log_fn fn, void *ud);
void pr_log_fini(struct pr_log *log);

/* Lines of a lower level than this are dropped from now on; PR_LOG_NONE: all. Thread: any. */
#define PR_LOG_NONE (PIERROT_ERROR + 1)
void pr_log_set_level(struct pr_log *log, int level);

/* Whether a line of that level would be written. Thread: any. */
int pr_log_wants(const struct pr_log *log, pierrot_level level);

/* Thread: any. */
void pr_log_write(struct pr_log *log, pierrot_level level, const char *text, size_t len);
void pr_log_vprintf(struct pr_log *log, pierrot_level level, const char *format, va_list args);
void pr_log_printf(struct pr_log *log, pierrot_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
