/* SPDX-License-Identifier: MIT
 *
 * What a traced process tells its tracer (proc/system.h), as casts {"event", event}; the events are
 *   {"in", request, "call", pid of the caller}  {"in", request, "cast"}  {"in", message, "info"}
 *   {"out", reply, pid of the caller}           {"noreply"}
 * Best effort: what there is no memory for is not told. Thread: owner. */
#ifndef PR_TRACE_H
#define PR_TRACE_H

#include "proc/system.h"

/* `kind`: "call", "cast" or "info"; client.id 0: none. */
void pr_trace_in(struct pr_owner *owner, struct pr_process *process, const char *kind,
                 const pierrot_term *message, pierrot_pid client);
void pr_trace_out(struct pr_owner *owner, struct pr_process *process, const pierrot_term *reply,
                  pierrot_pid client);
void pr_trace_noreply(struct pr_owner *owner, struct pr_process *process);

/* Answers system requests that both engines know:
 *   {"suspend"} {"resume"}            true
 *   {"tracer"}                        {pid or false, index of the scheduler}
 *   {"set_tracer", pid or false}      the tracer there is now (an old one stays), or false
 * NULL: it is none of these. Gives. */
pierrot_term *pr_system_answer(struct pr_owner *owner, struct pr_process *process,
                               const pierrot_term *request);

#endif
