/* SPDX-License-Identifier: MIT */
#include "sched/event.h"

#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "proc/owner.h"
#include "proc/process.h"
#include "proc/ptable.h"
#include "sched/types.h"

int pr_event_set(pierrot_term *table, const char *field, pierrot_term *value)
{
    return pierrot_table_set(table, pierrot_string(field, strlen(field)), value);
}

static int64_t wall_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Who logs: it says so itself, or it is the process that runs. */
static pierrot_pid origin(const struct pr_system *system, const struct pr_log_event *event)
{
    struct pr_owner *here = pr_owner_here();
    if (event->from.id || !here || here->system != system || !here->current)
        return event->from;
    return here->current->pid;
}

static int fill(pierrot_term *table, pierrot_pid from, const struct pr_log_event *event)
{
    static const char *const levels[] = {"debug", "info", "warning", "error"};
    const char *level = levels[event->level];
    int error = pr_event_set(table, "level", pierrot_string(level, strlen(level)));
    if (!error)
        error = pr_event_set(table, "text", pierrot_string(event->text, event->len));
    if (!error)
        error = pr_event_set(table, "time", pierrot_int(wall_clock_ms()));
    if (!error && from.id)
        error = pr_event_set(table, "pid", pierrot_pid_term(from));
    if (!error && event->report)
        error = pr_event_set(table, "report", pierrot_term_copy(event->report));
    return error;
}

static pierrot_term *build(pierrot_pid from, const struct pr_log_event *event)
{
    pierrot_term *request = pierrot_table(), *table = pierrot_table();
    int error = request && table ? fill(table, from, event) : PIERROT_ENOMEM;
    if (!error)
        error = pierrot_table_append(request, pierrot_string("event", 5));
    if (error)
        pierrot_term_free(table);
    else
        error = pierrot_table_append(request, table);
    if (!error)
        return request;
    pierrot_term_free(request);
    return NULL;
}

enum pr_log_forwarded pr_event_forward(void *ud, pierrot_pid to, const struct pr_log_event *event)
{
    struct pr_system *system = ud;
    struct pierrot *runtime = PR_CONTAINER_OF(system, struct pierrot, system);
    pierrot_pid from = origin(system, event);
    if (from.id == to.id)
        return PR_LOG_LEFT_OUT;
    if (!pr_ptable_is_alive(system, to)) {
        (void)pr_log_subscribe(&system->log, to, (pierrot_pid){0});
        return PR_LOG_LEFT_OUT;
    }
    pierrot_term *request = build(from, event);
    return request && pierrot_cast(runtime, to, request) == 0 ? PR_LOG_SENT : PR_LOG_LOST;
}
