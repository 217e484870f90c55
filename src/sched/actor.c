/* SPDX-License-Identifier: MIT */
#include "sched/actor.h"

#include <stddef.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "proc/exit.h"
#include "proc/link.h"
#include "proc/name.h"
#include "proc/ptable.h"
#include "proc/relation.h"
#include "proc/reply.h"
#include "sched/actor_system.h"
#include "sched/alarm.h"
#include "sched/context.h"
#include "sched/host_call.h"
#include "sched/message.h"
#include "sched/publish.h"
#include "sched/report.h"
#include "sched/scheduler.h"
#include "sched/trace.h"

/* Messages in one slice. */
enum { SLICE_MESSAGES = 200 };

/* A call whose answer is wanted at once, by the caller's frame below on this stack. */
struct now {
    pierrot_ref ref;
    pierrot_term *reply;
    int is_answered;
    struct now *outer;
};

static _Thread_local struct now *innermost_now;

static struct pr_actor *actor_of(struct pr_process *process)
{
    return (struct pr_actor *)process;
}

static size_t size_of(const struct pr_actor *actor)
{
    return offsetof(struct pr_actor, state) + actor->behaviour->state_size;
}

/* ------------------------------------------------------------ how callbacks end */

/* {tag, item} as an exit reason; the text of ENOMEM when there is no memory for more. */
static pierrot_term *tagged(struct pr_owner *owner, const char *tag, const pierrot_term *item)
{
    struct pierrot_term first = pr_cell_borrow(tag, (uint32_t)strlen(tag));
    pierrot_term *reason =
        pr_term_tuple(&owner->heap, (const pierrot_term *const[]){&first, item}, 2);
    return reason ? reason : PR_TERM(enomem);
}

/* {"error", text, ""} */
static pierrot_term *error_reason(struct pr_owner *owner, int error)
{
    const char *text = pierrot_strerror(error);
    struct pierrot_term items[3] = {pr_cell_borrow("error", 5),
                                    pr_cell_borrow(text, (uint32_t)strlen(text)),
                                    pr_cell_borrow("", 0)};
    pierrot_term *reason = pr_term_tuple(
        &owner->heap, (const pierrot_term *const[]){&items[0], &items[1], &items[2]}, 3);
    return reason ? reason : PR_TERM(enomem);
}

static pierrot_term *take_stop_reason(struct pr_actor *actor)
{
    pierrot_term *reason = actor->stop_reason ? actor->stop_reason : PR_TERM(normal);
    actor->stop_reason = NULL;
    return reason;
}

/* What it handled when it crashed, for the report. */
static void note(struct pr_owner *owner, struct pr_actor *actor, const pierrot_term *message,
                 pierrot_pid client)
{
    struct pr_process *process = &actor->process;
    if (!(process->flags & PR_EXITING) ||
        !pr_report_is_due(owner, process, process->exit_reason))
        return;
    struct pr_process_extra *extra = pr_process_extra(owner, process);
    if (!extra || extra->last_message)
        return;
    extra->last_message = pr_term_copy(&owner->heap, message);
    extra->client = client;
}

/* What a callback answered takes effect. */
static void conclude(struct pr_owner *owner, struct pr_actor *actor, int result)
{
    if (result == PIERROT_OK)
        return;
    pierrot_term *reason =
        result == PIERROT_STOP ? take_stop_reason(actor) : error_reason(owner, result);
    pr_process_exit(owner, &actor->process, reason);
}

/* ---------------------------------------------------------------- the messages */

static void take_call(struct pr_owner *owner, struct pr_actor *actor, pierrot_from from,
                      const pierrot_term *request)
{
    struct pierrot_context context = {owner, actor};
    if (actor->behaviour->handle_call)
        conclude(owner, actor,
                 actor->behaviour->handle_call(&context, actor->state, request, from));
    else
        pr_process_exit(owner, &actor->process, tagged(owner, "bad_call", request));
    note(owner, actor, request, from.pid);
}

static void take_cast(struct pr_owner *owner, struct pr_actor *actor, const pierrot_term *request)
{
    struct pierrot_context context = {owner, actor};
    if (actor->behaviour->handle_cast)
        conclude(owner, actor, actor->behaviour->handle_cast(&context, actor->state, request));
    else
        pr_process_exit(owner, &actor->process, tagged(owner, "bad_cast", request));
    note(owner, actor, request, (pierrot_pid){0});
}

static void take_info(struct pr_owner *owner, struct pr_actor *actor, const pierrot_term *message)
{
    struct pierrot_context context = {owner, actor};
    if (actor->behaviour->handle_info) {
        conclude(owner, actor, actor->behaviour->handle_info(&context, actor->state, message));
        note(owner, actor, message, (pierrot_pid){0});
        return;
    }
    char text[200], id[PR_IDENT_SIZE];
    pierrot_term_print(message, text, sizeof text);
    pr_ident_print(actor->process.pid.id, id, sizeof id);
    pr_log_printf(&owner->system->log, PIERROT_WARNING, "%s %s dropped an unexpected message: %s",
                  pr_actor_name(&actor->process), id, text);
}

/* Before any other message. A behaviour from before there was handle_continue is shorter. */
static void take_continue(struct pr_owner *owner, struct pr_actor *actor)
{
    struct pierrot_context context = {owner, actor};
    const pierrot_behaviour *behaviour = actor->behaviour;
    pierrot_term *arg = actor->continuation;
    actor->continuation = NULL;
    if (behaviour->size > offsetof(pierrot_behaviour, handle_continue) &&
        behaviour->handle_continue)
        conclude(owner, actor, behaviour->handle_continue(&context, actor->state, arg));
    else
        pr_process_exit(owner, &actor->process, tagged(owner, "bad_continue", arg));
    pr_term_drop(arg, &owner->heap);
}

/* What it got, for whoever traces it. */
static void trace_in(struct pr_owner *owner, struct pr_actor *actor, const struct pr_signal *message,
                     const pierrot_term *cell)
{
    const char *kind = message->kind == PR_SIGNAL_CALL   ? "call"
                       : message->kind == PR_SIGNAL_CAST ? "cast"
                                                         : "info";
    pr_trace_in(owner, &actor->process, kind, cell,
                message->kind == PR_SIGNAL_CALL ? message->from : (pierrot_pid){0});
}

static void take_message(struct pr_owner *owner, struct pr_actor *actor, struct pr_signal *message)
{
    struct pr_process *process = &actor->process;
    const pierrot_term *cell;
    pierrot_term *built = NULL;
    pierrot_from from = {message->from, message->ref};
    if (pr_is_system(message)) {
        int is_over = actor->has_timed_out && !(process->sys & PR_SYS_SUSPENDED);
        pr_actor_take_system(owner, actor, message);
        if (!is_over) /* as in OTP */
            pr_actor_wait_anew(owner, actor);
    } else if (pr_is_parents_exit(process, message)) {
        pr_process_exit(owner, process, pr_term_hold(message->value.as.pointer));
    } else if (message->kind == PR_SIGNAL_CALL || message->kind == PR_SIGNAL_CAST) {
        cell = pr_value_cell(&message->value);
        if (process->sys & PR_SYS_TRACED)
            trace_in(owner, actor, message, cell);
        if (message->kind == PR_SIGNAL_CALL)
            take_call(owner, actor, from, cell);
        else
            take_cast(owner, actor, cell);
    } else if (pr_message_read(owner, message, &cell, &built) != 0) {
        pr_process_exit(owner, process, PR_TERM(enomem));
    } else {
        if (process->sys & PR_SYS_TRACED)
            trace_in(owner, actor, message, cell);
        take_info(owner, actor, cell);
        pr_term_drop(built, &owner->heap);
    }
    pr_signal_free(owner, message);
}

/* What is next: a continuation, the oldest message, the end of a timeout. Whether there was any. */
static int take_next(struct pr_owner *owner, struct pr_actor *actor)
{
    struct pr_signal *message = pr_system_next(&actor->process);
    struct pierrot_term timeout = pr_cell_borrow("timeout", 7);
    int is_suspended = actor->process.sys & PR_SYS_SUSPENDED;
    int has_timed_out = actor->has_timed_out && !is_suspended;
    if (actor->continuation && !is_suspended) {
        take_continue(owner, actor);
    } else if (message || has_timed_out) {
        if (!message || !pr_is_system(message)) {
            actor->has_timed_out = 0;
            pr_alarm_cancel(owner, &actor->timeout);
        }
        if (message) {
            pr_mailbox_take(&actor->process.mailbox, message);
            take_message(owner, actor, message);
        } else {
            take_info(owner, actor, &timeout);
        }
    } else {
        return 0;
    }
    return 1;
}

static enum pr_slice_end run(struct pr_owner *owner, struct pr_process *process)
{
    struct pr_actor *actor = actor_of(process);
    for (int i = 0; i < SLICE_MESSAGES; i++) {
        if (!take_next(owner, actor))
            return PR_SLICE_WAITS;
        process->reductions++;
        if (process->flags & PR_EXITING)
            return PR_SLICE_ENDED;
        pr_signal_poll(owner);
    }
    return PR_SLICE_USED_UP;
}

enum pr_now pr_actor_call_now(struct pr_owner *owner, struct pr_process *server, pierrot_from from,
                              const pierrot_term *request, pierrot_term **reply)
{
    struct now now = {.ref = from.ref, .outer = innermost_now};
    struct pr_process *caller = owner->current;
    PR_ASSERT(server->state == PR_WAITING && server->mailbox.n_messages == 0);
    server->state = PR_RUNNING;
    server->reductions++;
    server->mailbox.n_taken++; /* as if it had been there */
    owner->current = server;
    innermost_now = &now;
    actor_of(server)->has_timed_out = 0;
    pr_alarm_cancel(owner, &actor_of(server)->timeout);
    take_call(owner, actor_of(server), from, request);
    innermost_now = now.outer;
    owner->current = caller;
    pr_scheduler_settle(owner, server, PR_SLICE_WAITS);
    if (server->state == PR_WAITING &&
        (server->mailbox.n_messages > 0 || actor_of(server)->continuation))
        pr_process_wake(owner, server);
    *reply = now.reply;
    return now.is_answered ? PR_NOW_ANSWERED : PR_NOW_PENDING;
}

/* -------------------------------------------------------------------- the loop */

/* The loop is polled between slices: the actor does not run, but may have its turn coming. On a loop
 * of the host's the thread is nobody's at this moment. */
int pierrot_enter(pierrot *rt, pierrot_pid pid, pierrot_enter_fn fn, void *ud)
{
    uv_thread_t self = uv_thread_self();
    if (!rt || !fn)
        return PIERROT_EINVAL;
    if (!pr_ptable_is_alive(&rt->system, pid))
        return PIERROT_ENOPROC;
    struct pr_owner *owner = pr_ptable_owner(&rt->system, pid), *here = pr_owner_here();
    if (!uv_thread_equal(&self, &pr_scheduler_of(owner)->thread))
        return PIERROT_EINVAL;
    struct pr_process *process = pr_ptable_find(owner, pid);
    if (!process || !pr_process_is_actor(process) || process->flags & PR_EXITING)
        return PIERROT_ENOPROC;
    if (process->state == PR_RUNNING)
        return PIERROT_EDEADLK;
    struct pr_actor *actor = actor_of(process);
    struct pierrot_context context = {owner, actor};
    struct pr_process *outer = owner->current;
    pr_owner_set_here(owner);
    owner->current = process;
    process->reductions++;
    conclude(owner, actor, fn(&context, actor->state, ud));
    if (actor->continuation)
        pr_process_wake(owner, process);
    owner->current = outer;
    pr_owner_set_here(here);
    pr_scheduler_stay_awake(pr_scheduler_of(owner));
    return 0;
}

/* ------------------------------------------------------------------ life */

static void report(struct pr_owner *owner, struct pr_actor *actor, const pierrot_term *reason)
{
    const struct pr_process_extra *extra = actor->process.extra;
    pierrot_term *state = pr_actor_state(owner, actor);
    struct pr_report crash = {.what = pr_actor_name(&actor->process), .reason = reason, .state = state};
    if (extra) {
        crash.last_message = extra->last_message;
        crash.client = extra->client;
    }
    pr_report_crash(owner, &actor->process, &crash);
    pr_term_drop(state, &owner->heap);
}

static void finish(struct pr_owner *owner, struct pr_process *process, pierrot_term *reason)
{
    struct pr_actor *actor = actor_of(process);
    struct pierrot_context context = {owner, actor};
    pr_alarm_cancel(owner, &actor->timeout);
    if (pr_report_is_due(owner, process, reason))
        report(owner, actor, reason);
    if (actor->has_begun && actor->behaviour->terminate)
        actor->behaviour->terminate(&context, actor->state, reason);
    if (actor->is_published) {
        process->extra->published = NULL;
        pr_published_remove(&pr_runtime_of(owner)->published, &owner->system->heap, process->pid);
    }
}

static void destroy(struct pr_owner *owner, struct pr_process *process)
{
    struct pr_actor *actor = actor_of(process);
    pr_alarm_cancel(owner, &actor->timeout); /* terminate may have set it again */
    pr_term_drop(actor->stop_reason, &owner->heap);
    pr_term_drop(actor->continuation, &owner->heap);
    pr_pool_free(&pr_scheduler_of(owner)->pool, actor, size_of(actor));
}

const char *pr_actor_name(const struct pr_process *process)
{
    return pr_behaviour_name(((const struct pr_actor *)process)->behaviour);
}

static int info(struct pr_owner *owner, struct pr_process *process, const char *item,
                struct pr_arena *arena, struct pierrot_term *cell)
{
    struct pr_actor *actor = actor_of(process);
    const char *name = pr_actor_name(process);
    (void)owner;
    if (strcmp(item, "memory") == 0)
        *cell = pr_cell_int((int64_t)size_of(actor));
    else if (strcmp(item, "initial_call") == 0)
        return pr_arena_string(arena, name, strlen(name), cell);
    else
        return PIERROT_ENOTFOUND;
    return 0;
}

static const struct pr_kind actor_kind = {
    .name = "actor", .run = run, .finish = finish, .destroy = destroy, .info = info};

int pr_process_is_actor(const struct pr_process *process)
{
    return process->kind == &actor_kind;
}

/* The start has failed: the process ends here and now, without anyone hearing of it but by its
 * links when the reason is one that harms. */
static void give_up(struct pr_owner *owner, struct pr_actor *actor, struct pr_process *link,
                    int is_harmless, pierrot_term *reason)
{
    if (link && (is_harmless || link->flags & PR_TRAP_EXIT))
        (void)pr_unlink(owner, &actor->process, link->pid);
    pr_process_exit(owner, &actor->process, reason);
    pr_process_end(owner, &actor->process);
}

static int set_up(struct pr_owner *owner, struct pr_actor *actor, const struct pr_actor_start *start,
                  pierrot_pid *holder)
{
    if (start->max_queue) {
        struct pr_process_extra *extra = pr_process_extra(owner, &actor->process);
        if (!extra)
            return PIERROT_ENOMEM;
        extra->max_queue = start->max_queue;
    }
    actor->process.has_parent = start->link || start->remote_link.id;
    if (start->link && pr_link_new(owner, start->link, &actor->process) != 0)
        return PIERROT_ENOMEM;
    if (start->remote_link.id && !pr_relation_add(owner, &actor->process, PR_LINK,
                                                  start->remote_link, (pierrot_ref){0}))
        return PIERROT_ENOMEM;
    if (start->remote_monitor.id &&
        !pr_relation_add(owner, &actor->process, PR_WATCHED, start->remote_monitor,
                         start->remote_ref))
        return PIERROT_ENOMEM;
    if (!start->name)
        return 0;
    int error = pr_name_register(owner->system, start->name, start->name_len, actor->process.pid);
    if (error == PIERROT_EEXIST)
        *holder = pr_name_find(owner->system, start->name, start->name_len);
    return error;
}

/* Nothing can interrupt an init: what is done too late is undone. */
static int is_late(struct pr_owner *owner, const struct pr_actor_start *start)
{
    return start->deadline_ns &&
           pr_scheduler_now(pr_scheduler_of(owner)) >= start->deadline_ns + 1000000;
}

static int run_init(struct pr_owner *owner, struct pr_actor *actor, const struct pr_actor_start *start,
                    pierrot_term **why)
{
    struct pierrot_context context = {owner, actor};
    struct pierrot_term nil = pr_cell_nil();
    actor->has_begun = 1;
    int result = actor->behaviour->init ? actor->behaviour->init(&context, actor->state,
                                                                 start->arg ? start->arg : &nil)
                                        : PIERROT_OK;
    if (result == PIERROT_OK && !(actor->process.flags & PR_EXITING)) {
        if (!is_late(owner, start))
            return 0;
        give_up(owner, actor, start->link, 1, PR_TERM(killed));
        return PIERROT_ETIMEOUT;
    }
    if (result == PIERROT_IGNORE) {
        give_up(owner, actor, start->link, 1, PR_TERM(normal));
        return PIERROT_EIGNORE;
    }
    pierrot_term *reason = result == PIERROT_OK     ? pr_term_hold(actor->process.exit_reason)
                           : result == PIERROT_STOP ? take_stop_reason(actor)
                                                    : error_reason(owner, result);
    *why = pr_term_hold(reason);
    give_up(owner, actor, start->link, 0, reason);
    return PIERROT_EEXITED;
}

int pr_actor_start(struct pr_owner *owner, const struct pr_actor_start *start, pierrot_pid *pid,
                   pierrot_term **why)
{
    size_t size = offsetof(struct pr_actor, state) + start->behaviour->state_size;
    struct pr_pool *pool = &pr_scheduler_of(owner)->pool;
    *why = NULL;
    struct pr_actor *actor = pr_pool_alloc(pool, size);
    if (actor)
        memset(actor, 0, size);
    int error = actor ? pr_process_init(owner, &actor->process, &actor_kind, start->lineage)
                      : PIERROT_ENOMEM;
    if (error) {
        pr_pool_free(pool, actor, size);
        pr_lineage_drop(owner, start->lineage);
        return error;
    }
    actor->behaviour = start->behaviour;
    pr_timer_init(&actor->timeout.timer);
    struct pr_process *outer = owner->current;
    owner->current = &actor->process;
    actor->process.state = PR_RUNNING;
    actor->process.flags |= PR_STARTING | PR_SERVER;
    pierrot_pid made = actor->process.pid;
    error = set_up(owner, actor, start, pid);
    if (error)
        give_up(owner, actor, start->link, 1, PR_TERM(normal));
    else
        error = run_init(owner, actor, start, why);
    owner->current = outer;
    if (error)
        return error;
    actor->process.flags = (uint8_t)((actor->process.flags & ~PR_STARTING) | PR_WAKE_ON_MESSAGE);
    actor->process.state = PR_WAITING;
    if (actor->process.mailbox.n_messages > 0 || actor->continuation)
        pr_process_wake(owner, &actor->process);
    *pid = made;
    return 0;
}

/* ------------------------------------------------------------------- answers */

int pierrot_reply(pierrot_from from, pierrot_term *reply)
{
    struct pr_owner *owner = pr_owner_here();
    if (!reply)
        return owner ? PIERROT_ENOMEM : PIERROT_EINVAL;
    if (!owner || !(reply->flags & PR_CELL_ROOT)) {
        pierrot_term_free(reply);
        return PIERROT_EINVAL;
    }
    if (!(reply = pr_host_import(pr_runtime_of(owner), reply)))
        return PIERROT_ENOMEM;
    for (struct now *now = innermost_now; now; now = now->outer) {
        if (now->ref.id == from.ref.id && !now->is_answered) {
            now->is_answered = 1;
            now->reply = reply;
            return 0;
        }
    }
    struct pr_process *process = owner->current;
    if (process && process->sys & PR_SYS_TRACED && pr_process_is_actor(process))
        pr_trace_out(owner, process, reply, from.pid);
    return pr_reply(owner, process, from, 0, pr_value_from_root(owner, reply));
}
