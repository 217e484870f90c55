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
#include "sched/alarm.h"
#include "sched/host_call.h"
#include "sched/message.h"
#include "sched/runtime.h"

/* uv_strerror leaks a text for each code that it does not know. */
static int uv_knows(int error)
{
    static const char unknown[] = "Unknown system error";
    char text[sizeof unknown + 20];
    return strncmp(uv_strerror_r(error, text, sizeof text), unknown, sizeof unknown - 1) != 0;
}

const char *pierrot_strerror(int error)
{
    const char *text = error == 0 ? "no error" : pr_error_text(error);
    if (text)
        return text;
    return uv_knows(error) ? uv_strerror(error) : "unknown error";
}

void pierrot_options_init(pierrot_options *options)
{
    if (!options)
        return;
    *options =
        (pierrot_options){.size = sizeof *options, .schedulers = 1, .preempt = PIERROT_PREEMPT_OFF};
}

void pierrot_spawn_options_init(pierrot_spawn_options *options)
{
    if (options)
        *options = (pierrot_spawn_options){.size = sizeof *options, .timeout_ms = -1};
}

int pierrot_schedulers(pierrot *rt)
{
    return rt ? (int)rt->n_schedulers : 0;
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
    int error = pr_host_check(rt, root);
    if (!error && !(root = pr_host_import(rt, root)))
        return PIERROT_ENOMEM;
    if (error) {
        pierrot_term_free(root);
        return error;
    }
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
    struct pr_owner *owner = rt ? owner_here(rt) : NULL;
    pierrot_pid from = owner && owner->current ? owner->current->pid : nobody;
    return send_signal(rt, PR_SIGNAL_EXIT, from, to, no_ref, reason);
}

int pierrot_reply_on(pierrot *rt, pierrot_from from, pierrot_term *reply)
{
    if (rt && owner_here(rt))
        return pierrot_reply(from, reply);
    return send_signal(rt, PR_SIGNAL_REPLY, nobody, from.pid, from.ref, reply);
}

int pierrot_whereis(pierrot *rt, const char *name, size_t len, pierrot_pid *pid)
{
    if (!rt || !name || !pid)
        return PIERROT_EINVAL;
    pierrot_pid found = pr_name_find(&rt->system, name, len);
    if (!found.id)
        return PIERROT_ENOTFOUND;
    *pid = found;
    return 0;
}

int pierrot_register(pierrot *rt, const char *name, size_t len, pierrot_pid pid)
{
    return rt && name ? pr_name_register(&rt->system, name, len, pid) : PIERROT_EINVAL;
}

int pierrot_unregister(pierrot *rt, const char *name, size_t len)
{
    return rt && name ? pr_name_unregister(&rt->system, name, len) : PIERROT_EINVAL;
}

int pierrot_as_from(const pierrot_term *term, pierrot_from *from)
{
    const pierrot_term *pid = pierrot_table_at(term, 1), *ref = pierrot_table_at(term, 2);
    if (!from || pierrot_term_type(pid) != PIERROT_PID || pierrot_term_type(ref) != PIERROT_REF)
        return PIERROT_EINVAL;
    *from = (pierrot_from){pierrot_as_pid(pid), pierrot_as_ref(ref)};
    return 0;
}

int pierrot_is_alive(pierrot *rt, pierrot_pid pid)
{
    return rt && pr_ptable_is_alive(&rt->system, pid);
}

/* What one of the runtime's threads allocates another may free: their counts add up (base/alloc.h).
 */
static struct pr_heap *heap_here(pierrot *rt)
{
    struct pr_owner *owner = owner_here(rt);
    return owner ? &owner->heap : &rt->system.heap;
}

void *pierrot_shared_alloc(pierrot *rt, size_t size)
{
    return rt ? pr_alloc(heap_here(rt), size) : NULL;
}

void pierrot_shared_free(pierrot *rt, void *ptr, size_t size)
{
    if (rt)
        pr_free(heap_here(rt), ptr, size);
}

void pierrot_log(pierrot *rt, pierrot_level level, const char *format, ...)
{
    va_list args;
    if (!rt || !format)
        return;
    va_start(args, format);
    pr_log_vprintf(&rt->system.log, level, format, args);
    va_end(args);
}

/* ------------------------------------------------------------------- spawning */

static uint64_t deadline_of(struct pr_owner *owner, int timeout_ms)
{
    uint64_t now = timeout_ms < 0 ? 0 : pr_scheduler_now(pr_scheduler_of(owner));
    return timeout_ms < 0 ? 0 : pr_clock_deadline(now, timeout_ms);
}

static int spawn_here(struct pr_owner *owner, const pierrot_behaviour *behaviour,
                      const pierrot_term *arg, const pierrot_spawn_options *options,
                      pierrot_pid *pid)
{
    struct pr_process *parent = owner->current;
    struct pr_actor_start start = {.behaviour = behaviour,
                                   .arg = (pierrot_term *)arg,
                                   .link = options->link ? parent : NULL,
                                   .name = options->name,
                                   .name_len = options->name_len,
                                   .max_queue = (uint64_t)options->max_queue,
                                   .deadline_ns = deadline_of(owner, options->timeout_ms)};
    pierrot_term *why = NULL;
    if (parent && !(start.lineage = pr_process_lineage(owner, parent)))
        return PIERROT_ENOMEM;
    int error = pr_actor_start(owner, &start, pid, &why);
    pr_term_drop(why, &owner->heap);
    return error;
}

/* A host's spawn, which a timeout may leave to the scheduler that is at it: so it owns all. */
struct spawn {
    struct pr_host_visit visit; /* first */
    const pierrot_behaviour *behaviour;
    pierrot_term *arg;
    pierrot_spawn_options options; /* whose name stands below */
    pierrot_pid pid;
    char name[];
};

static size_t spawn_size(const pierrot_spawn_options *options)
{
    return sizeof(struct spawn) + (options->name ? options->name_len : 0);
}

static void free_spawn(struct pr_heap *heap, struct spawn *spawn)
{
    pierrot_term_free(spawn->arg);
    pr_free(heap, spawn, spawn_size(&spawn->options));
}

static int spawn_there(struct pr_owner *owner, struct pr_host_visit *visit)
{
    struct spawn *spawn = (struct spawn *)visit;
    return spawn_here(owner, spawn->behaviour, spawn->arg, &spawn->options, &spawn->pid);
}

static void spawn_abandoned(struct pr_owner *owner, struct pr_host_visit *visit, int result)
{
    struct spawn *spawn = (struct spawn *)visit;
    if (result == 0)
        (void)pr_exit_send(owner, nobody, spawn->pid, PR_TERM(kill));
    free_spawn(&owner->heap, spawn);
}

/* Takes: arg. */
static int spawn_from_host(pierrot *rt, struct pr_owner *target, const pierrot_behaviour *behaviour,
                           pierrot_term *arg, const pierrot_spawn_options *options,
                           pierrot_pid *pid)
{
    int is_sane = !options->name || options->name_len < SIZE_MAX - sizeof(struct spawn);
    struct spawn *spawn = is_sane ? pr_zalloc(&rt->system.heap, spawn_size(options)) : NULL;
    if (!spawn) {
        pierrot_term_free(arg);
        return PIERROT_ENOMEM;
    }
    spawn->visit.run = spawn_there;
    spawn->visit.abandoned = spawn_abandoned;
    spawn->behaviour = behaviour;
    spawn->arg = arg;
    spawn->options = *options;
    if (options->name) {
        memcpy(spawn->name, options->name, options->name_len);
        spawn->options.name = spawn->name;
    }
    int error = pr_host_visit_within(rt, target, &spawn->visit, options->timeout_ms);
    if (error == PR_HOST_LATER)
        return PIERROT_ETIMEOUT;
    if (!error)
        *pid = spawn->pid;
    free_spawn(&rt->system.heap, spawn);
    return error;
}

static int is_behaviour(const pierrot_behaviour *behaviour)
{
    return behaviour && behaviour->size >= offsetof(pierrot_behaviour, handle_continue) &&
           behaviour->size <= sizeof *behaviour &&
           behaviour->state_size <= PTRDIFF_MAX / 2;
}

static int is_valid(pierrot *rt, struct pr_owner *here, const pierrot_behaviour *behaviour,
                    const pierrot_spawn_options *options)
{
    int is_there = options->size == sizeof *options && options->scheduler >= 0 &&
                   options->scheduler <= (int)rt->n_schedulers;
    return is_there && is_behaviour(behaviour) && options->max_queue >= 0 &&
           options->max_heap >= 0 && (!options->link || (here && here->current));
}

static struct pr_owner *target_of(pierrot *rt, const pierrot_spawn_options *options)
{
    struct pr_owner *here = owner_here(rt);
    if (options->scheduler > 0)
        return rt->system.owners[options->scheduler - 1];
    return here ? here : rt->system.owners[0];
}

int pierrot_spawn(pierrot *rt, const pierrot_behaviour *behaviour, pierrot_term *arg,
                  const pierrot_spawn_options *options, pierrot_pid *pid)
{
    struct pr_owner *here = rt ? owner_here(rt) : NULL;
    pierrot_spawn_options defaults;
    pierrot_spawn_options_init(&defaults);
    options = options ? options : &defaults;
    if (!pid || pr_host_check_arg(rt, arg) || !is_valid(rt, here, behaviour, options)) {
        pierrot_term_free(arg);
        return PIERROT_EINVAL;
    }
    if (arg && !(arg = pr_host_import(rt, arg)))
        return PIERROT_ENOMEM;
    struct pr_owner *target = target_of(rt, options);
    if (here != target)
        return spawn_from_host(rt, target, behaviour, arg, options, pid);
    int error = spawn_here(here, behaviour, arg, options, pid);
    pierrot_term_free(arg);
    return error;
}
