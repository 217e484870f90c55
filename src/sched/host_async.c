/* SPDX-License-Identifier: MIT
 *
 * pierrot_call_async: a process on scheduler 0 makes the call and hands the answer to the host. */
#include "base/alloc.h"
#include "proc/exit.h"
#include "proc/ptable.h"
#include "proc/signal.h"
#include "sched/alarm.h"
#include "sched/call.h"
#include "sched/host_call.h"
#include "sched/message.h"

struct caller {
    struct pr_process process; /* first */
    struct pr_call *call;
    pierrot_answer_fn answer; /* NULL: called */
    void *ud;
};

static void tell(struct caller *self, int error, pierrot_term *reply)
{
    pierrot_answer_fn answer = self->answer;
    self->answer = NULL;
    if (answer)
        answer(self->ud, error, pr_host_export(reply));
}

static enum pr_slice_end run(struct pr_owner *owner, struct pr_process *process)
{
    struct caller *self = (struct caller *)process;
    pierrot_term *reply = NULL;
    if (self->call->outcome == PR_PENDING)
        return PR_SLICE_WAITS;
    int error = pr_host_end_call(owner, self->call, &reply);
    tell(self, error, reply);
    pr_process_exit(owner, process, PR_TERM(normal));
    return PR_SLICE_ENDED;
}

static void finish(struct pr_owner *owner, struct pr_process *process, pierrot_term *reason)
{
    (void)owner;
    (void)reason;
    tell((struct caller *)process, PIERROT_ESTOPPED, NULL);
}

static void destroy(struct pr_owner *owner, struct pr_process *process)
{
    pr_free(&owner->heap, process, sizeof(struct caller));
}

static const struct pr_kind caller_kind = {
    .name = "host call", .run = run, .finish = finish, .destroy = destroy};

/* What a host thread asks for, on its way to scheduler 0. */
struct request {
    struct pr_visit visit; /* first */
    pierrot_pid to;
    pierrot_term *term;
    int timeout_ms;
    pierrot_answer_fn answer;
    void *ud;
    char padding[PR_PIECE_SIZE]; /* a piece is freed by its size */
};

/* Takes: request->term. */
static int begin(struct pr_owner *owner, struct request *request)
{
    struct caller *self = pr_zalloc(&owner->heap, sizeof *self);
    if (self && pr_process_init(owner, &self->process, &caller_kind, NULL) != 0) {
        pr_free(&owner->heap, self, sizeof *self);
        self = NULL;
    }
    if (!self) {
        pierrot_term_free(request->term);
        return PIERROT_ENOMEM;
    }
    int error = pr_host_begin_call(owner, &self->process, request->to, request->term,
                                   request->timeout_ms, &self->call);
    if (error) {
        pr_process_exit(owner, &self->process, PR_TERM(normal));
        return error;
    }
    self->answer = request->answer;
    self->ud = request->ud;
    return 0;
}

static void run_request(struct pr_owner *owner, struct pr_process *process, struct pr_visit *visit)
{
    struct request request = *(struct request *)visit;
    (void)process;
    pr_free(&owner->heap, visit, sizeof request);
    int error = begin(owner, &request);
    if (error)
        request.answer(request.ud, error, NULL);
}

int pierrot_call_async(pierrot *rt, pierrot_pid to, pierrot_term *term, int timeout_ms,
                       pierrot_answer_fn answer, void *ud)
{
    int error = answer ? pr_host_check(rt, term) : PIERROT_EINVAL;
    if (!error && !(term = pr_host_import(rt, term)))
        return PIERROT_ENOMEM;
    if (!error && !pr_ptable_owner(&rt->system, to))
        error = PIERROT_ENOPROC;
    struct request *request = error ? NULL : pr_alloc(&rt->system.heap, sizeof *request);
    if (!request) {
        pierrot_term_free(term);
        return error ? error : PIERROT_ENOMEM;
    }
    *request = (struct request){.visit = {.signal.kind = PR_SIGNAL_VISIT, .run = run_request},
                                .to = to,
                                .term = term,
                                .timeout_ms = timeout_ms,
                                .answer = answer,
                                .ud = ud};
    pr_signal_push(rt->system.owners[0], &request->visit.signal);
    return 0;
}
