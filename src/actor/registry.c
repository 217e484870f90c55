/* SPDX-License-Identifier: MIT
 *
 * The registry: names for processes. This file is the process that writes the table (roster.h);
 * reads go to the table directly, or come as calls from those who cannot. Its requests and replies
 * are known to lua/pierrot/registry.lua:
 *
 *   {"register", key, value}            true, or the pid of the holder
 *   {"register_pid", key, pid, value}   the same for another process
 *   {"unregister", key}                 whether the caller had it
 *   {"update", key, value}              whether the caller had it
 *   {"create", key [, start]}           pid, or {"failed", reason}; as a cast without an answer
 *   {"lookup", key}, {"keys" [, pid]}, {"count" [, key]}: see roster_read.h
 *
 * Without memory the answer is nil and nothing has changed, but that what a create has made may be
 * there all the same: the next one finds it.
 *
 * A create with `start` runs Lua in a helper process, so that nobody else waits:
 *
 *   registry                              helper (registry.run_start)
 *     spawn, monitored            ---->     runs what start says
 *     links, enters the name      <----     call {"started", pid}: true, or false when it is
 *                                           not wanted any more (the helper ends it again)
 *                                           unlinks the pid, returns
 *     answers all who wait        <----     its DOWN
 *
 * or the helper calls {"failed", reason} in place of started. Callers of the same key wait in the
 * order in which they came. The end of a helper that has said nothing is the failure.
 *
 * The registry watches its holders by monitors and is linked with them only so that they end when
 * it does: then they get `shutdown`, by an exit signal of their own where the link would say
 * something else ("killed" is left to the links). */
#include "pierrot_actors.h"

#include "actor/behaviour.h"
#include "actor/holding.h"
#include "actor/roster_read.h"
#include "actor/starts.h"

struct registry {
    struct pr_roster *roster;
    int is_published;
    struct pr_starts starts;
    pierrot_term *shutdown, *kill;
};

/* One request. */
struct turn {
    pierrot_context *ctx;
    pierrot *rt;
    struct registry *registry;
    const pierrot_term *request;
    pierrot_from from; /* pid 0: a cast */
};

static int answer(const struct turn *turn, pierrot_term *reply)
{
    return pr_answer_or_nil(turn->from, reply);
}

static int answer_nil(const struct turn *turn)
{
    return pierrot_reply(turn->from, pierrot_nil());
}

static int answer_bool(const struct turn *turn, int value)
{
    return pierrot_reply(turn->from, pierrot_bool(value));
}

static int read_key(const struct turn *turn, struct pr_key *key)
{
    return pr_key_of_term(pierrot_table_at(turn->request, 2), key);
}

/* -------------------------------------------------------------------- the caller's names */

static struct pr_roster_name *find_living(const struct turn *turn, const struct pr_key *key)
{
    return pr_holding_find(turn->ctx, turn->registry->roster, key);
}

static int is_callers(const struct turn *turn, const struct pr_roster_name *name)
{
    return name && name->pid.id == turn->from.pid.id;
}

/* Takes: value. */
static int enter(const struct turn *turn, const struct pr_key *key, const struct pr_slot *value,
                 pierrot_pid pid, enum pr_origin origin)
{
    return pr_holding_enter(turn->ctx, turn->registry->roster, key, value, pid, origin);
}

static int register_as(const struct turn *turn, pierrot_pid pid, const pierrot_term *given)
{
    struct pr_key key;
    struct pr_slot value;
    if (read_key(turn, &key) != 0 || !pierrot_is_alive(turn->rt, pid))
        return answer_bool(turn, 0);
    const struct pr_roster_name *name = find_living(turn, &key);
    if (name)
        return answer(turn, pierrot_pid_term(name->pid));
    if (pr_slot_of_value(given, &value) != 0 || enter(turn, &key, &value, pid, PR_REGISTERED) != 0)
        return answer_nil(turn);
    return answer_bool(turn, 1);
}

static int register_caller(struct turn *turn)
{
    return register_as(turn, turn->from.pid, pierrot_table_at(turn->request, 3));
}

static int register_pid(struct turn *turn)
{
    return register_as(turn, pierrot_as_pid(pierrot_table_at(turn->request, 3)),
                       pierrot_table_at(turn->request, 4));
}

static int unregister(struct turn *turn)
{
    struct pr_key key;
    struct pr_roster_name *name =
        read_key(turn, &key) == 0 ? pr_roster_find(turn->registry->roster, &key) : NULL;
    if (!is_callers(turn, name))
        return answer_bool(turn, 0);
    struct pr_holder *holder = name->holder;
    pr_roster_remove(turn->registry->roster, name);
    pr_holding_release(turn->ctx, turn->registry->roster, holder);
    return answer_bool(turn, 1);
}

static int update(struct turn *turn)
{
    struct pr_key key;
    struct pr_slot value;
    struct pr_roster_name *name =
        read_key(turn, &key) == 0 ? pr_roster_find(turn->registry->roster, &key) : NULL;
    if (!is_callers(turn, name))
        return answer_bool(turn, 0);
    if (pr_slot_of_value(pierrot_table_at(turn->request, 3), &value) != 0)
        return answer_nil(turn);
    pr_roster_set_value(turn->registry->roster, name, &value);
    return answer_bool(turn, 1);
}

/* -------------------------------------------------------------------- starts under way */

static int spawn_helper(const struct turn *turn, struct pr_start *start, const pierrot_term *what)
{
    pierrot_term *arg =
        pr_tuple(2, pierrot_pid_term(pierrot_self(turn->ctx)), pierrot_term_copy(what));
    if (!arg)
        return PIERROT_ENOMEM;
    return pierrot_spawn_lua(turn->ctx, "pierrot.registry", "run_start", arg, &start->helper,
                             &start->ref);
}

/* The caller will be answered when the start is over; a cast is not. 0 or PIERROT_ENOMEM. */
static int wait_for(const struct turn *turn, struct pr_start *start)
{
    return turn->from.pid.id ? pr_start_wait(turn->rt, start, turn->from) : 0;
}

/* 0 or an error; nothing has begun then. */
static int begin_start(const struct turn *turn, const struct pr_key *key, const pierrot_term *what)
{
    struct pr_starts *starts = &turn->registry->starts;
    struct pr_start *start;
    int error = pr_starts_prepare(turn->rt, starts, key, &start);
    if (error)
        return error;
    error = wait_for(turn, start);
    if (!error)
        error = spawn_helper(turn, start, what);
    if (error)
        pr_start_free(turn->rt, start);
    else
        pr_starts_add(starts, start);
    return error;
}

/* The helper's {"started", pid}. */
static int take_started(struct turn *turn)
{
    struct pr_start *start = pr_starts_find_helper(&turn->registry->starts, turn->from.pid);
    pierrot_pid pid = pierrot_as_pid(pierrot_table_at(turn->request, 2));
    struct pr_slot no_value = {.type = PIERROT_NIL};
    if (!start || !pid.id)
        return answer_bool(turn, 0);
    struct pr_key key = pr_key_of_slot(&start->key);
    struct pr_roster_name *name = find_living(turn, &key);
    if (name && name->pid.id != pid.id) {
        start->created = name->pid; /* somebody took the key meanwhile */
        return answer_bool(turn, 0);
    }
    if (name)
        name->holder->is_created = 1; /* it has registered itself */
    else if (enter(turn, &key, &no_value, pid, PR_ADOPTED) != 0)
        return answer_bool(turn, 0);
    start->created = pid;
    return answer_bool(turn, 1);
}

/* The helper's {"failed", reason}. */
static int take_failed(struct turn *turn)
{
    struct pr_start *start = pr_starts_find_helper(&turn->registry->starts, turn->from.pid);
    if (start && !start->reason)
        start->reason = pierrot_term_copy(pierrot_table_at(turn->request, 2));
    return answer_bool(turn, start != NULL);
}

static pierrot_term *outcome_of(const struct pr_start *start, const pierrot_term *reason)
{
    if (start->created.id)
        return pierrot_pid_term(start->created);
    return pr_tuple(2, pr_string("failed"),
                    pierrot_term_copy(start->reason ? start->reason : reason));
}

/* The helper has ended. 0 or PIERROT_ENOMEM: somebody may wait in vain. */
static int finish_start(const struct turn *turn, struct pr_start *start, const pierrot_term *reason)
{
    pierrot_term *outcome = outcome_of(start, reason);
    int error = 0;
    for (struct pr_waiter *waiter = start->first; waiter; waiter = waiter->next) {
        int failed = pr_answer_or_nil(waiter->from, outcome ? pierrot_term_share(outcome) : NULL);
        error = error ? error : failed;
    }
    pierrot_term_free(outcome);
    pr_starts_remove(turn->rt, &turn->registry->starts, start);
    return error;
}

/* ------------------------------------------------------------------------------ create */

/* A bucket under this key. 0 or an error. */
static int create_bucket(const struct turn *turn, const struct pr_key *key, pierrot_pid *pid)
{
    struct pr_slot no_value = {.type = PIERROT_NIL};
    pierrot_spawn_options options;
    pierrot_spawn_options_init(&options);
    options.link = 1;
    int error = pierrot_spawn(turn->rt, pierrot_bucket_behaviour(), NULL, &options, pid);
    if (error)
        return error;
    error = enter(turn, key, &no_value, *pid, PR_SPAWNED);
    if (error)
        (void)pierrot_exit(turn->rt, *pid, pierrot_term_share(turn->registry->kill));
    return error;
}

/* *pid is the one under this key, or id 0 when the caller will be answered later. */
static int ensure(const struct turn *turn, const struct pr_key *key, pierrot_pid *pid)
{
    const struct pr_roster_name *name = find_living(turn, key);
    struct pr_start *start = pr_starts_find(&turn->registry->starts, key);
    const pierrot_term *what = pierrot_table_at(turn->request, 3);
    *pid = name ? name->pid : (pierrot_pid){0};
    if (name)
        return 0;
    if (start)
        return wait_for(turn, start);
    if (pierrot_term_type(what) != PIERROT_NIL)
        return begin_start(turn, key, what);
    return create_bucket(turn, key, pid);
}

static int create(struct turn *turn)
{
    struct pr_key key;
    pierrot_pid pid;
    if (read_key(turn, &key) != 0)
        return answer_bool(turn, 0);
    if (ensure(turn, &key, &pid) != 0)
        return answer_nil(turn);
    return pid.id ? answer(turn, pierrot_pid_term(pid)) : PIERROT_OK;
}

/* --------------------------------------------------------------------------- callbacks */

static int read(struct turn *turn)
{
    pierrot_term *reply = NULL;
    if (pr_roster_read(turn->rt, turn->registry->roster, turn->request, &reply) == PIERROT_EINVAL)
        return answer_bool(turn, 0);
    return answer(turn, reply);
}

static const struct {
    const char *tag;
    int (*run)(struct turn *turn);
} requests[] = {
    {"create", create},
    {"register", register_caller},
    {"register_pid", register_pid},
    {"unregister", unregister},
    {"update", update},
    {"lookup", read},
    {"keys", read},
    {"count", read},
    {"started", take_started},
    {"failed", take_failed},
};

static struct turn turn_of(pierrot_context *ctx, void *state, const pierrot_term *request,
                           pierrot_from from)
{
    return (struct turn){ctx, pierrot_runtime(ctx), state, request, from};
}

static int handle_call(pierrot_context *ctx, void *state, const pierrot_term *request,
                       pierrot_from from)
{
    struct turn turn = turn_of(ctx, state, request, from);
    const pierrot_term *tag = pierrot_table_at(request, 1);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        if (pierrot_is_string(tag, requests[i].tag))
            return requests[i].run(&turn);
    }
    return pr_bad_call(ctx, request);
}

static int handle_cast(pierrot_context *ctx, void *state, const pierrot_term *request)
{
    struct turn turn = turn_of(ctx, state, request, (pierrot_from){{0}, {0}});
    struct pr_key key;
    pierrot_pid pid;
    if (!pr_is_tagged(request, "create"))
        return pr_bad_cast(ctx, request);
    if (read_key(&turn, &key) != 0)
        return PIERROT_OK;
    int error = ensure(&turn, &key, &pid);
    if (error)
        pierrot_log(turn.rt, PIERROT_WARNING, "registry: create_async failed: %s",
                    pierrot_strerror(error));
    return PIERROT_OK;
}

static int take_down(pierrot_context *ctx, struct registry *registry, const pierrot_term *message)
{
    struct turn turn = turn_of(ctx, registry, message, (pierrot_from){{0}, {0}});
    pierrot_pid pid = pierrot_as_pid(pierrot_table_at(message, 4));
    struct pr_start *start = pr_starts_find_helper(&registry->starts, pid);
    pr_holding_forget_dead(ctx, registry->roster, pid);
    if (!start || start->ref.id != pierrot_as_ref(pierrot_table_at(message, 2)).id)
        return PIERROT_OK;
    /* Without a monitor a helper is of no use. */
    (void)pierrot_exit(turn.rt, pid, pierrot_term_share(registry->kill));
    return finish_start(&turn, start, pierrot_table_at(message, 5));
}

static int handle_info(pierrot_context *ctx, void *state, const pierrot_term *message)
{
    if (pr_is_tagged(message, "DOWN"))
        return take_down(ctx, state, message);
    if (pr_is_tagged(message, "EXIT"))
        pr_holding_forget_dead(ctx, ((struct registry *)state)->roster,
                               pierrot_as_pid(pierrot_table_at(message, 2)));
    else
        pr_drop_message(ctx, "registry", message);
    return PIERROT_OK;
}

static int init(pierrot_context *ctx, void *state, const pierrot_term *arg)
{
    struct registry *registry = state;
    (void)arg;
    (void)pierrot_trap_exit(ctx, 1);
    registry->shutdown = pr_string("shutdown");
    registry->kill = pr_string("kill");
    registry->roster = pr_roster_new(pierrot_runtime(ctx));
    if (!registry->shutdown || !registry->kill || !registry->roster)
        return PIERROT_ENOMEM;
    int error = pierrot_publish(ctx, registry->roster, pr_roster_read, pr_roster_free);
    registry->is_published = error == 0;
    return error;
}

static int is_said_by_links(const pierrot_term *reason)
{
    return pierrot_is_string(reason, "killed") || pierrot_is_string(reason, "shutdown");
}

/* What they are starting is linked with them and ends too. */
static void kill_helpers(pierrot *rt, const struct registry *registry)
{
    const struct pr_dict *helpers = registry->starts.by_helper;
    for (uint32_t i = 0; i < pr_dict_count(helpers); i++) {
        pierrot_pid helper = {helpers->entries[i].key.as.id};
        (void)pierrot_exit(rt, helper, pierrot_term_share(registry->kill));
    }
}

static void terminate(pierrot_context *ctx, void *state, const pierrot_term *reason)
{
    struct registry *registry = state;
    pierrot *rt = pierrot_runtime(ctx);
    if (registry->roster && !is_said_by_links(reason))
        pr_holding_shut_down(ctx, registry->roster, registry->shutdown);
    kill_helpers(rt, registry);
    pr_starts_fini(rt, &registry->starts);
    pierrot_term_free(registry->shutdown);
    pierrot_term_free(registry->kill);
    /* Else the last reader frees it. */
    if (registry->roster && !registry->is_published)
        pr_roster_free(registry->roster);
}

/* {key = pid, …} */
static pierrot_term *inspect(pierrot_context *ctx, void *state)
{
    struct registry *registry = state;
    pierrot_term *table = pierrot_table();
    uint64_t cursor = 0;
    struct pr_holder *holder;
    (void)ctx;
    while (table && registry->roster &&
           (holder = pr_roster_next_holder(registry->roster, &cursor))) {
        for (struct pr_roster_name *name = holder->first; table && name; name = name->next) {
            if (pierrot_table_set(table, pr_slot_term(&name->key), pierrot_pid_term(holder->pid))) {
                pierrot_term_free(table);
                table = NULL;
            }
        }
    }
    return table;
}

const pierrot_behaviour *pierrot_registry_behaviour(void)
{
    static const pierrot_behaviour behaviour = {.size = sizeof behaviour,
                                                .name = "registry",
                                                .state_size = sizeof(struct registry),
                                                .init = init,
                                                .handle_call = handle_call,
                                                .handle_cast = handle_cast,
                                                .handle_info = handle_info,
                                                .terminate = terminate,
                                                .inspect = inspect};
    return &behaviour;
}
