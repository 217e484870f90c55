/* SPDX-License-Identifier: MIT */
#include "sched/trace.h"

#include <string.h>

#include "sched/message.h"

static void tell(struct pr_owner *owner, struct pr_process *process,
                 const pierrot_term *const *items, int n_items)
{
    pierrot_pid tracer = pr_system_tracer(owner, process);
    if (!tracer.id)
        return;
    struct pierrot_term tag = pr_cell_borrow("event", 5);
    pierrot_term *event = pr_term_tuple(&owner->heap, items, n_items);
    if (!event)
        return;
    pierrot_term *cast =
        pr_term_tuple(&owner->heap, (const pierrot_term *const[]){&tag, event}, 2);
    pr_term_drop(event, &owner->heap);
    if (cast)
        (void)pr_send_value(owner, PR_SIGNAL_CAST, tracer, pr_value_of_term(cast));
}

void pr_trace_in(struct pr_owner *owner, struct pr_process *process, const char *kind,
                 const pierrot_term *message, pierrot_pid client)
{
    struct pierrot_term in = pr_cell_borrow("in", 2);
    struct pierrot_term what = pr_cell_borrow(kind, (uint32_t)strlen(kind));
    struct pierrot_term pid = pr_cell_pid(client);
    tell(owner, process, (const pierrot_term *const[]){&in, message, &what, &pid},
         client.id ? 4 : 3);
}

void pr_trace_out(struct pr_owner *owner, struct pr_process *process, const pierrot_term *reply,
                  pierrot_pid client)
{
    struct pierrot_term out = pr_cell_borrow("out", 3);
    struct pierrot_term pid = pr_cell_pid(client);
    tell(owner, process, (const pierrot_term *const[]){&out, reply, &pid}, 3);
}

void pr_trace_noreply(struct pr_owner *owner, struct pr_process *process)
{
    struct pierrot_term noreply = pr_cell_borrow("noreply", 7);
    tell(owner, process, (const pierrot_term *const[]){&noreply}, 1);
}

/* ------------------------------------------------------------------ system requests */

static struct pierrot_term tracer_cell(struct pr_owner *owner, struct pr_process *process)
{
    pierrot_pid tracer = pr_system_tracer(owner, process);
    return tracer.id ? pr_cell_pid(tracer) : pr_cell_bool(0);
}

static pierrot_term *set_tracer(struct pr_owner *owner, struct pr_process *process,
                                const pierrot_term *wanted)
{
    pierrot_pid tracer = {0};
    if (wanted && pierrot_term_type(wanted) == PIERROT_PID)
        tracer = pierrot_as_pid(wanted);
    if (!tracer.id || !pr_system_tracer(owner, process).id)
        (void)pr_system_set_tracer(owner, process, tracer);
    struct pierrot_term cell = tracer_cell(owner, process);
    return pr_term_new_scalar(&owner->heap, &cell);
}

pierrot_term *pr_system_answer(struct pr_owner *owner, struct pr_process *process,
                               const pierrot_term *request)
{
    const pierrot_term *what = pierrot_table_at(request, 1);
    struct pierrot_term yes = pr_cell_bool(1);
    if (pierrot_is_string(what, "suspend")) {
        pr_system_suspend(owner, process);
        return pr_term_new_scalar(&owner->heap, &yes);
    }
    if (pierrot_is_string(what, "resume")) {
        pr_system_resume(process);
        return pr_term_new_scalar(&owner->heap, &yes);
    }
    if (pierrot_is_string(what, "tracer")) {
        struct pierrot_term tracer = tracer_cell(owner, process);
        struct pierrot_term index = pr_cell_int((int64_t)owner->index + 1);
        return pr_term_tuple(&owner->heap, (const pierrot_term *const[]){&tracer, &index}, 2);
    }
    if (pierrot_is_string(what, "set_tracer"))
        return set_tracer(owner, process, pierrot_table_at(request, 2));
    return NULL;
}
