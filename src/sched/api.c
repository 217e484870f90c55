/* SPDX-License-Identifier: MIT
 *
 * The public functions that work from any thread: on a scheduler's own thread they act at once,
 * from elsewhere they push a signal. */
#include <stdarg.h>
#include <string.h>

#include "base/error.h"
#include "proc/exit.h"
#include "proc/name.h"
#include "proc/ptable.h"
#include "proc/reply.h"
#include "proc/signal.h"
#include "sched/actor.h"
#include "sched/host_call.h"
#include "sched/message.h"
#include "sched/runtime.h"

const char *pierrot_strerror(int error)
{
    const char *text = error == 0 ? "no error" : pr_error_text(error);
    return text ? text : uv_strerror(error);
}

void pierrot_options_init(pierrot_options *options)
{
    *options =
        (pierrot_options){.size = sizeof *options, .schedulers = 1, .preempt = PIERROT_PREEMPT_OFF};
}

void pierrot_spawn_options_init(pierrot_spawn_options *options)
{
    *options = (pierrot_spawn_options){.size = sizeof *options, .timeout_ms = -1};
}

int pierrot_schedulers(pierrot *rt)
{
    return (int)rt->n_schedulers;
}

/* The owner that this thread runs, if it is one of this runtime's. */
static struct pr_owner *owner_here(pierrot *rt)
{
    struct pr_owner *owner = pr_owner_here();
    return owner && owner->system == &rt->system ? owner : NULL;
}

/* A signal of a host thread's, in the shared heap; the owner that frees it counts it in its own. */
static struct pr_signal *foreign_signal(pierrot *rt, enum pr_signal_kind kind, pierrot_pid to)
{
    struct pr_signal *signal = pr_alloc(&rt->system.heap, PR_PIECE_SIZE);
    if (!signal)
        return NULL;
    *signal = (struct pr_signal){.kind = (uint8_t)kind, .u.to = to, .value = pr_cell_nil()};
    return signal;
}

/* Takes: root. */
static int send_signal(pierrot *rt, enum pr_signal_kind kind, pierrot_pid from, pierrot_pid to,
                       pierrot_ref ref, pierrot_term *root)
{
    if (!root)
        return PIERROT_ENOMEM;
    struct pr_owner *owner = owner_here(rt);
    struct pr_signal *signal =
        owner ? pr_signal_new(owner, kind, to) : foreign_signal(rt, kind, to);
    if (!signal) {
        pierrot_term_free(root);
        return PIERROT_ENOMEM;
    }
    signal->from = from;
    signal->ref = ref;
    /* The reason of an exit signal is always a root; other scalars stand in the signal. */
    if (owner && kind != PR_SIGNAL_EXIT)
        signal->value = pr_value_from_root(owner, root);
    else
        signal->value = pr_value_of_term(root);
    if (owner) {
        pr_signal_send(owner, signal);
        return 0;
    }
    struct pr_owner *target = pr_ptable_owner(&rt->system, to);
    if (target) {
        pr_signal_push(target, signal);
    } else {
        pierrot_term_free(root);
        pr_free(&rt->system.heap, signal, PR_PIECE_SIZE);
    }
    return 0;
}

static const pierrot_pid nobody = {0};
static const pierrot_ref no_ref = {0};

int pierrot_send(pierrot *rt, pierrot_pid to, pierrot_term *msg)
{
    return send_signal(rt, PR_SIGNAL_MESSAGE, nobody, to, no_ref, msg);
}

int pierrot_cast(pierrot *rt, pierrot_pid to, pierrot_term *request)
{
    return send_signal(rt, PR_SIGNAL_CAST, nobody, to, no_ref, request);
}

int pierrot_exit(pierrot *rt, pierrot_pid to, pierrot_term *reason)
{
    struct pr_owner *owner = owner_here(rt);
    pierrot_pid from = owner && owner->current ? owner->current->pid : nobody;
    return send_signal(rt, PR_SIGNAL_EXIT, from, to, no_ref, reason);
}

int pierrot_reply_on(pierrot *rt, pierrot_from from, pierrot_term *reply)
{
    if (owner_here(rt))
        return pierrot_reply(from, reply);
    return send_signal(rt, PR_SIGNAL_REPLY, nobody, from.pid, from.ref, reply);
}

int pierrot_whereis(pierrot *rt, const char *name, size_t len, pierrot_pid *pid)
{
    pierrot_pid found = pr_name_find(&rt->system, name, len);
    if (!found.id)
        return PIERROT_ENOTFOUND;
    *pid = found;
    return 0;
}

int pierrot_register(pierrot *rt, const char *name, size_t len, pierrot_pid pid)
{
    return name ? pr_name_register(&rt->system, name, len, pid) : PIERROT_EINVAL;
}

int pierrot_unregister(pierrot *rt, const char *name, size_t len)
{
    return name ? pr_name_unregister(&rt->system, name, len) : PIERROT_EINVAL;
}

int pierrot_as_from(const pierrot_term *term, pierrot_from *from)
{
    const pierrot_term *pid = pierrot_table_at(term, 1), *ref = pierrot_table_at(term, 2);
    if (pierrot_term_type(pid) != PIERROT_PID || pierrot_term_type(ref) != PIERROT_REF)
        return PIERROT_EINVAL;
    *from = (pierrot_from){pierrot_as_pid(pid), pierrot_as_ref(ref)};
    return 0;
}

int pierrot_is_alive(pierrot *rt, pierrot_pid pid)
{
    return pr_ptable_is_alive(&rt->system, pid);
}

/* What one of the runtime's threads allocates another may free: their counts add up (base/alloc.h). */
static struct pr_heap *heap_here(pierrot *rt)
{
    struct pr_owner *owner = owner_here(rt);
    return owner ? &owner->heap : &rt->system.heap;
}

void *pierrot_shared_alloc(pierrot *rt, size_t size)
{
    return pr_alloc(heap_here(rt), size);
}

void pierrot_shared_free(pierrot *rt, void *ptr, size_t size)
{
    pr_free(heap_here(rt), ptr, size);
}

void pierrot_log(pierrot *rt, pierrot_level level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    pr_log_vprintf(&rt->system.log, level, format, args);
    va_end(args);
}

/* ------------------------------------------------------------------- spawning */

static int spawn_here(struct pr_owner *owner, const pierrot_behaviour *behaviour,
                      const pierrot_term *arg, const pierrot_spawn_options *options,
                      pierrot_pid *pid)
{
    struct pr_process *parent = owner->current;
    struct pr_actor_start start = {.behaviour = behaviour,
                                   .arg = (pierrot_term *)arg,
                                   .link = options && options->link ? parent : NULL,
                                   .name = options ? options->name : NULL,
                                   .name_len = options ? options->name_len : 0,
                                   .max_queue = options ? (uint64_t)options->max_queue : 0};
    pierrot_term *why = NULL;
    if (parent && !(start.lineage = pr_process_lineage(owner, parent)))
        return PIERROT_ENOMEM;
    int error = pr_actor_start(owner, &start, pid, &why);
    pr_term_drop(why, &owner->heap);
    return error;
}

struct spawn {
    struct pr_host_visit visit;
    const pierrot_behaviour *behaviour;
    const pierrot_term *arg;
    const pierrot_spawn_options *options;
    pierrot_pid *pid;
};

static int spawn_there(struct pr_owner *owner, struct pr_host_visit *visit)
{
    struct spawn *spawn = (struct spawn *)visit;
    return spawn_here(owner, spawn->behaviour, spawn->arg, spawn->options, spawn->pid);
}

/* Takes nothing: the argument is read by init and still the caller's. */
static int spawn(pierrot *rt, const pierrot_behaviour *behaviour, const pierrot_term *arg,
                 const pierrot_spawn_options *options, pierrot_pid *pid)
{
    struct pr_owner *here = owner_here(rt);
    int index = options ? options->scheduler : 0;
    if (!behaviour || behaviour->size < offsetof(pierrot_behaviour, handle_continue) || index < 0 || index > (int)rt->n_schedulers)
        return PIERROT_EINVAL;
    struct pr_owner *target = index > 0 ? rt->system.owners[index - 1]
                              : here    ? here
                                        : rt->system.owners[0];
    if (here == target)
        return spawn_here(here, behaviour, arg, options, pid);
    struct spawn request = {.visit.run = spawn_there,
                            .behaviour = behaviour,
                            .arg = arg,
                            .options = options,
                            .pid = pid};
    return pr_host_visit(rt, target, &request.visit);
}

int pierrot_spawn(pierrot *rt, const pierrot_behaviour *behaviour, pierrot_term *arg,
                  const pierrot_spawn_options *options, pierrot_pid *pid)
{
    int error = spawn(rt, behaviour, arg, options, pid);
    pierrot_term_free(arg);
    return error;
}
