/* SPDX-License-Identifier: MIT
 *
 * What the callbacks of a C actor may call, with the context that they were given. */
#include "sched/context.h"

#include "base/assert.h"
#include "proc/adopt.h"
#include "proc/link.h"
#include "proc/monitor.h"
#include "proc/relation.h"
#include "proc/signal.h"
#include "sched/alarm.h"
#include "sched/host_call.h"
#include "sched/message.h"
#include "sched/publish.h"
#include "sched/scheduler.h"
#include "sched/user_timer.h"

/* What is handed over is a term of the caller's own; `ctx` stands in for the runtime. On an error it is
 * still the caller's, or NULL. */
static int take(const pierrot_context *ctx, pierrot_term **term)
{
    struct pierrot *rt = ctx ? pr_runtime_of(ctx->owner) : NULL;
    int error = pr_host_check(rt, *term);
    if (!error && !(*term = pr_host_import(rt, *term)))
        error = PIERROT_ENOMEM;
    return error;
}

static int give_back(pierrot_term *term, int error)
{
    pierrot_term_free(term);
    return error;
}

pierrot *pierrot_runtime(pierrot_context *ctx)
{
    return ctx ? pr_runtime_of(ctx->owner) : NULL;
}

pierrot_pid pierrot_self(pierrot_context *ctx)
{
    return ctx ? ctx->actor->process.pid : (pierrot_pid){0};
}

struct uv_loop_s *pierrot_loop(pierrot_context *ctx)
{
    return ctx ? pr_scheduler_of(ctx->owner)->loop : NULL;
}

void pierrot_loop_hold(pierrot_context *ctx)
{
    if (ctx)
        pr_scheduler_of(ctx->owner)->n_handles++;
}

void pierrot_loop_release(pierrot *rt, struct uv_loop_s *loop)
{
    for (uint32_t i = 0; rt && i < rt->n_schedulers; i++) {
        if (rt->schedulers[i] && rt->schedulers[i]->loop == loop)
            rt->schedulers[i]->n_handles--;
    }
}

int pierrot_stop_reason(pierrot_context *ctx, pierrot_term *reason)
{
    int error = take(ctx, &reason);
    if (error)
        return give_back(reason, error);
    pr_term_drop(ctx->actor->stop_reason, &ctx->owner->heap);
    ctx->actor->stop_reason = reason;
    return 0;
}

int pierrot_trap_exit(pierrot_context *ctx, int flag)
{
    if (!ctx)
        return PIERROT_EINVAL;
    struct pr_process *process = &ctx->actor->process;
    int old = (process->flags & PR_TRAP_EXIT) != 0;
    process->flags =
        (uint8_t)(flag ? process->flags | PR_TRAP_EXIT : process->flags & ~PR_TRAP_EXIT);
    return old;
}

void pierrot_stops_itself(pierrot_context *ctx)
{
    if (ctx)
        ctx->actor->process.flags |= PR_TOLD_TO_STOP;
}

int pierrot_link(pierrot_context *ctx, pierrot_pid pid)
{
    if (!ctx)
        return PIERROT_EINVAL;
    struct pr_process *process = &ctx->actor->process;
    int error = pr_link(ctx->owner, process, pid);
    if (error != PIERROT_ENOPROC)
        return error;
    /* The EXIT of a link with the dead. */
    struct pr_signal *signal = pr_signal_new(ctx->owner, PR_SIGNAL_EXIT, process->pid);
    if (!signal)
        return PIERROT_ENOMEM;
    signal->from = pid;
    signal->value = pr_value_of_term(PR_TERM(noproc));
    pr_signal_send(ctx->owner, signal);
    return 0;
}

int pierrot_unlink(pierrot_context *ctx, pierrot_pid pid)
{
    return ctx ? pr_unlink(ctx->owner, &ctx->actor->process, pid) : PIERROT_EINVAL;
}

int pierrot_is_linked(pierrot_context *ctx, pierrot_pid pid)
{
    return ctx && pr_relation_find_link(ctx->owner, &ctx->actor->process, pid) != NULL;
}

int pierrot_adopt(pierrot_context *ctx, pierrot_pid pid)
{
    return ctx ? pr_adopt(ctx->owner, &ctx->actor->process, pid) : PIERROT_EINVAL;
}

int pierrot_monitor(pierrot_context *ctx, pierrot_pid pid, pierrot_ref *ref)
{
    if (!ctx || !ref)
        return PIERROT_EINVAL;
    return pr_monitor(ctx->owner, &ctx->actor->process, pid, NULL, ref);
}

int pierrot_demonitor(pierrot_context *ctx, pierrot_ref ref)
{
    if (!ctx)
        return PIERROT_EINVAL;
    if (!pr_demonitor(ctx->owner, &ctx->actor->process, ref))
        (void)pr_monitor_flush(ctx->owner, &ctx->actor->process, ref);
    return 0;
}

int pierrot_send_after(pierrot_context *ctx, double ms, pierrot_term *msg, pierrot_ref *ref)
{
    int error = take(ctx, &msg);
    if (!error && (!(ms >= 0) || !ref))
        error = PIERROT_EINVAL;
    if (error)
        return give_back(msg, error);
    struct pr_scheduler *scheduler = pr_scheduler_of(ctx->owner);
    return pr_user_timer_start(ctx->owner, pr_clock_deadline(pr_scheduler_now(scheduler), ms),
                               (struct pr_timer_target){.pid = ctx->actor->process.pid}, 0,
                               pr_value_from_root(ctx->owner, msg), ref);
}

int pierrot_cancel_timer(pierrot_context *ctx, pierrot_ref ref)
{
    if (!ctx)
        return PIERROT_EINVAL;
    return pr_user_timer_cancel(ctx->owner, ref) >= 0 ? 0 : PIERROT_ENOTFOUND;
}

pierrot_ref pierrot_make_ref(pierrot_context *ctx)
{
    return ctx ? pr_owner_make_ref(ctx->owner) : (pierrot_ref){0};
}

int pierrot_publish(pierrot_context *ctx, void *shared, pierrot_read_fn read,
                    void (*release)(void *shared))
{
    if (!ctx || !read)
        return PIERROT_EINVAL;
    struct pr_process *process = &ctx->actor->process;
    struct pr_process_extra *extra = pr_process_extra(ctx->owner, process);
    if (!extra)
        return PIERROT_ENOMEM;
    int error = pr_published_add(&pr_runtime_of(ctx->owner)->published, &ctx->owner->system->heap,
                                 process->pid, shared, read, release, &extra->published);
    if (!error)
        ctx->actor->is_published = 1;
    return error;
}

/* ------------------------------------------------------------------ actions */

int pierrot_continue(pierrot_context *ctx, pierrot_term *arg)
{
    int error = take(ctx, &arg);
    if (error)
        return give_back(arg, error);
    pr_term_drop(ctx->actor->continuation, &ctx->owner->heap);
    ctx->actor->continuation = arg;
    return 0;
}

static void time_out(struct pr_owner *owner, struct pr_alarm *alarm)
{
    struct pr_actor *actor = PR_CONTAINER_OF(alarm, struct pr_actor, timeout);
    actor->has_timed_out = 1;
    pr_process_wake(owner, &actor->process);
}

static void wait(struct pr_owner *owner, struct pr_actor *actor)
{
    uint64_t end_ns = actor->timeout_ns;
    if (end_ns != UINT64_MAX)
        end_ns += pr_scheduler_now(pr_scheduler_of(owner));
    pr_alarm_cancel(owner, &actor->timeout);
    pr_alarm_set(owner, &actor->timeout, end_ns, time_out);
}

int pierrot_timeout(pierrot_context *ctx, double ms)
{
    if (!ctx || !(ms >= 0))
        return PIERROT_EINVAL;
    ctx->actor->timeout_ns = pr_clock_deadline(0, ms);
    wait(ctx->owner, ctx->actor);
    return 0;
}

void pr_actor_wait_anew(struct pr_owner *owner, struct pr_actor *actor)
{
    if (!actor->has_timed_out && !pr_timer_is_armed(&actor->timeout.timer))
        return;
    actor->has_timed_out = 0;
    wait(owner, actor);
}
