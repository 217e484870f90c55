/* SPDX-License-Identifier: MIT */
#include "sched/report.h"

#include "proc/exit.h"
#include "proc/name.h"
#include "term/print.h"

/* Each part gets a share, so that a huge state does not push out the traceback. */
enum { PART_MAX = 2000 };

static void add_term(struct pr_text *text, const char *label, const pierrot_term *term)
{
    char part[PART_MAX];
    struct pr_text line;
    pr_text_init(&line, part, sizeof part);
    pr_print_term(&line, term);
    pr_text_end(&line);
    pr_text_addf(text, "\n  %s: %s%s", label, part, line.len >= sizeof part ? "…" : "");
}

/* {"error", value, traceback} is shown as the value, then the traceback on lines of its own. */
static void add_reason(struct pr_text *text, const pierrot_term *reason)
{
    const pierrot_term *traceback = pierrot_table_at(reason, 3);
    const pierrot_term *value = pierrot_table_at(reason, 2);
    int is_error = pierrot_is_string(pierrot_table_at(reason, 1), "error") && value && traceback &&
                   traceback->tag == PIERROT_STRING;
    if (!is_error) {
        add_term(text, "reason", reason);
        return;
    }
    size_t len;
    if (value->tag == PIERROT_STRING) {
        const char *bytes = pierrot_as_string(value, &len);
        pr_text_addf(text, "\n  reason: %.*s", (int)(len < PART_MAX ? len : PART_MAX), bytes);
    } else {
        add_term(text, "reason: error", value);
    }
    const char *bytes = pierrot_as_string(traceback, &len);
    if (len > 0)
        pr_text_addf(text, "\n%.*s", (int)(len < PART_MAX ? len : PART_MAX), bytes);
}

static void add_ancestors(struct pr_text *text, const struct pr_process *process)
{
    char id[PR_IDENT_SIZE];
    int n_shown = 0;
    for (const struct pr_lineage *up = process->lineage; up && n_shown < 10; up = up->up) {
        pr_ident_print(up->pid.id, id, sizeof id);
        pr_text_addf(text, n_shown++ ? ", %s" : "\n  ancestors: %s", id);
    }
}

static void add_head(struct pr_text *text, struct pr_owner *owner, const struct pr_process *process,
                     const struct pr_report *report)
{
    char id[PR_IDENT_SIZE];
    pr_ident_print(process->pid.id, id, sizeof id);
    pr_text_addf(text, "%s %s", report->what, id);
    /* The name is free by now; whoever has it next is another process. */
    pierrot_term *name = pr_name_of(owner->system, process->pid, &owner->heap);
    if (name)
        add_term(text, "name", name);
    pr_term_drop(name, &owner->heap);
    pr_text_addf(text, " ended abnormally");
    if (report->initial_call)
        pr_text_addf(text, "\n  started as: %s", report->initial_call);
}

void pr_report_crash(struct pr_owner *owner, const struct pr_process *process,
                     const struct pr_report *report)
{
    if (!pr_log_wants(&owner->system->log, PIERROT_ERROR) || pr_exit_is_clean(report->reason))
        return;
    char buffer[PR_LOG_MAX];
    struct pr_text text;
    pr_text_init(&text, buffer, sizeof buffer);
    add_head(&text, owner, process, report);
    add_reason(&text, report->reason);
    if (report->last_message)
        add_term(&text, "last message", report->last_message);
    if (report->state)
        add_term(&text, "state", report->state);
    add_ancestors(&text, process);
    pr_text_end(&text);
    pr_log_write(&owner->system->log, PIERROT_ERROR, buffer,
                 text.len < sizeof buffer ? text.len : sizeof buffer - 1);
}
