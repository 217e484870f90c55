/* SPDX-License-Identifier: MIT */
#include "sched/report.h"

#include <string.h>

#include "base/assert.h"
#include "proc/exit.h"
#include "proc/relation.h"
#include "sched/event.h"
#include "term/note.h"
#include "term/print.h"

/* Each part gets a share, so that a huge state does not push out the traceback. */
enum { PART_MAX = 1600, NAME_MAX_BYTES = 200, PIDS_MAX = 10 };

/* A reason of more bytes goes to handlers as text. */
enum { REASON_MAX = 4096 };

/* ---------------------------------------------------------------------- as text */

static void add_term(struct pr_text *text, const char *label, const pierrot_term *term, size_t max)
{
    char part[PART_MAX];
    struct pr_text line;
    pr_text_init(&line, part, max);
    pr_print_term(&line, term);
    pr_text_end(&line);
    pr_text_addf(text, "%s%s%s", label, part, line.len >= max ? "…" : "");
}

/* Whole lines of a string. */
static void add_bytes(struct pr_text *text, const char *label, const pierrot_term *string)
{
    char part[PART_MAX];
    size_t len;
    const char *bytes = pierrot_as_string(string, &len);
    struct pr_text line;
    pr_text_init(&line, part, sizeof part);
    pr_text_add(&line, bytes, len);
    pr_text_end(&line);
    pr_text_addf(text, "%s%s%s", label, part, len >= sizeof part ? "…" : "");
}

/* {"error", value, traceback} */
static int is_error(const pierrot_term *reason)
{
    const pierrot_term *traceback = pierrot_table_at(reason, 3);
    return pierrot_is_string(pierrot_table_at(reason, 1), "error") && traceback &&
           pierrot_term_type(traceback) == PIERROT_STRING;
}

/* An error is shown as its value, then the traceback on lines of its own. */
static void add_reason(struct pr_text *text, const pierrot_term *reason)
{
    if (!is_error(reason)) {
        add_term(text, "\n  reason: ", reason, PART_MAX);
        return;
    }
    struct pierrot_term nil = pr_cell_nil();
    const pierrot_term *note = pr_note_get(reason);
    const pierrot_term *value = note ? note : pierrot_table_at(reason, 2);
    const pierrot_term *traceback = pierrot_table_at(reason, 3);
    if (value && pierrot_term_type(value) == PIERROT_STRING)
        add_bytes(text, "\n  reason: error: ", value);
    else
        add_term(text, "\n  reason: error: ", value ? value : &nil, PART_MAX);
    if (traceback->len > 0)
        add_bytes(text, "\n  ", traceback);
}

static const pierrot_term *told_reason(const struct pr_report *report)
{
    return report->shown_reason ? report->shown_reason : report->reason;
}

static void add_pid(struct pr_text *text, const char *label, int n_shown, pierrot_pid pid)
{
    char id[PR_IDENT_SIZE];
    pr_ident_print(pid.id, id, sizeof id);
    pr_text_addf(text, "%s%s", n_shown ? ", " : label, n_shown < PIDS_MAX ? id : "…");
}

static void add_ancestors(struct pr_text *text, const struct pr_process *process)
{
    int n_shown = 0;
    for (const struct pr_lineage *up = process->lineage; up && n_shown <= PIDS_MAX; up = up->up)
        add_pid(text, "\n  ancestors: ", n_shown++, up->pid);
}

/* The next pid of a list from *at on, which goes on behind it. A list may hold anything. */
static int next_pid(const pierrot_term *list, int64_t *at, pierrot_pid *pid)
{
    const pierrot_term *value;
    while (list && (value = pierrot_table_at(list, *at)) != NULL) {
        (*at)++;
        if (pierrot_term_type(value) == PIERROT_PID) {
            *pid = pierrot_as_pid(value);
            return 1;
        }
    }
    return 0;
}

static void add_callers(struct pr_text *text, const pierrot_term *callers)
{
    pierrot_pid pid;
    int64_t at = 1;
    for (int n_shown = 0; n_shown <= PIDS_MAX && next_pid(callers, &at, &pid); n_shown++)
        add_pid(text, "\n  callers: ", n_shown, pid);
}

static void add_links(struct pr_text *text, const struct pr_process *process)
{
    int n_shown = 0;
    for (struct pr_node *node = process->relations.head; node && n_shown <= PIDS_MAX;
         node = node->next) {
        const struct pr_relation *relation = PR_CONTAINER_OF(node, struct pr_relation, node);
        if (relation->kind == PR_LINK)
            add_pid(text, "\n  links: ", n_shown++, relation->peer);
    }
}

static const pierrot_term *name_of(const struct pr_process *process)
{
    return process->extra ? process->extra->last_name : NULL;
}

static void add_head(struct pr_text *text, const struct pr_process *process,
                     const struct pr_report *report)
{
    char id[PR_IDENT_SIZE];
    pr_ident_print(process->pid.id, id, sizeof id);
    pr_text_addf(text, "%s %s ", report->what, id);
    if (name_of(process)) {
        add_term(text, "", name_of(process), NAME_MAX_BYTES);
        pr_text_addf(text, " ");
    }
    pr_text_addf(text, "ended abnormally");
    if (report->initial_call)
        pr_text_addf(text, "\n  started as: %.*s", NAME_MAX_BYTES, report->initial_call);
}

static void describe(struct pr_text *text, const struct pr_process *process,
                     const struct pr_report *report)
{
    add_head(text, process, report);
    if (report->arguments)
        add_term(text, "\n  arguments: ", report->arguments, PART_MAX);
    add_reason(text, told_reason(report));
    if (process->extra && process->extra->has_exceeded)
        pr_text_addf(text, "\n  it held more than its max_heap of %llu bytes",
                     (unsigned long long)process->extra->max_heap);
    if (report->last_message)
        add_term(text, "\n  last message: ", report->last_message, PART_MAX);
    if (report->client.id)
        add_pid(text, "\n  client: ", 0, report->client);
    if (report->state)
        add_term(text, "\n  state: ", report->state, PART_MAX);
    add_callers(text, report->callers);
    add_ancestors(text, process);
    add_links(text, process);
    pr_text_end(text);
}

/* ---------------------------------------------------------------------- by names */

static int is_small(const pierrot_term *root)
{
    if (!(root->flags & PR_CELL_ROOT) || root->flags & PR_CELL_STATIC)
        return 1;
    const struct pr_arena *arena = pr_arena_owner(pr_arena_of((pierrot_term *)root));
    size_t size = 0;
    for (const struct pr_block *block = &arena->first; block && size <= REASON_MAX;
         block = atomic_load_explicit(&block->next, memory_order_acquire))
        size += block->size;
    return size <= REASON_MAX;
}

/* Gives. */
static pierrot_term *reason_of(const pierrot_term *reason)
{
    char part[PART_MAX];
    if (is_small(reason))
        return pierrot_term_copy(reason);
    pierrot_term_print(reason, part, sizeof part);
    return pierrot_string(part, strlen(part));
}

static pierrot_term *ancestors_of(const struct pr_process *process)
{
    pierrot_term *list = pierrot_table();
    int n = 0;
    for (const struct pr_lineage *up = process->lineage; list && up && n < PIDS_MAX; up = up->up) {
        if (pierrot_table_append(list, pierrot_pid_term(up->pid)) != 0)
            break;
        n++;
    }
    return list;
}

static pierrot_term *callers_of(const struct pr_report *report)
{
    pierrot_pid pid;
    int64_t at = 1;
    pierrot_term *list = pierrot_table();
    for (int n = 0; list && n < PIDS_MAX && next_pid(report->callers, &at, &pid); n++) {
        if (pierrot_table_append(list, pierrot_pid_term(pid)) != 0)
            break;
    }
    return list;
}

static int has_callers(const struct pr_report *report)
{
    pierrot_pid pid;
    int64_t at = 1;
    return next_pid(report->callers, &at, &pid);
}

/* What the text says in words; NULL: out of memory. Gives. */
static pierrot_term *fields(const struct pr_process *process, const struct pr_report *report)
{
    pierrot_term *table = pierrot_table();
    const char *start = report->initial_call;
    const pierrot_term *name = name_of(process);
    if (!table)
        return NULL;
    int error = pr_event_set(table, "what", pierrot_string(report->what, strlen(report->what)));
    if (!error)
        error = pr_event_set(table, "pid", pierrot_pid_term(process->pid));
    if (!error && name)
        error = pr_event_set(table, "name", pierrot_term_copy(name));
    if (!error)
        error = pr_event_set(table, "reason", reason_of(told_reason(report)));
    if (!error && start)
        error = pr_event_set(table, "initial_call", pierrot_string(start, strlen(start)));
    if (!error && report->client.id)
        error = pr_event_set(table, "client", pierrot_pid_term(report->client));
    if (!error)
        error = pr_event_set(table, "ancestors", ancestors_of(process));
    if (!error && has_callers(report))
        error = pr_event_set(table, "callers", callers_of(report));
    if (!error)
        return table;
    pierrot_term_free(table);
    return NULL;
}

/* ----------------------------------------------------------------------- reports */

int pr_report_is_due(struct pr_owner *owner, const struct pr_process *process,
                     const pierrot_term *reason)
{
    if (pr_exit_is_clean(reason) || process->was_signalled == PR_BY_RUNTIME ||
        (process->was_signalled && process->lineage))
        return 0;
    return pr_log_wants(&owner->system->log, PIERROT_ERROR);
}

void pr_report_crash(struct pr_owner *owner, const struct pr_process *process,
                     const struct pr_report *report)
{
    struct pr_log *log = &owner->system->log;
    char buffer[PR_LOG_MAX];
    struct pr_text text;
    if (!pr_report_is_due(owner, process, report->reason))
        return;
    pr_text_init(&text, buffer, sizeof buffer);
    describe(&text, process, report);
    struct pr_log_event event = {.level = PIERROT_ERROR,
                                 .text = buffer,
                                 .len = text.len < sizeof buffer ? text.len : sizeof buffer - 1,
                                 .from = process->pid};
    pierrot_term *report_fields = pr_log_subscriber(log).id ? fields(process, report) : NULL;
    event.report = report_fields;
    pr_log_post(log, &event);
    pierrot_term_free(report_fields);
}
