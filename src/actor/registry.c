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
 *   {"lock", key}                       a ref when the key is the caller's (claims.h), who gives it
 *                                       back by the cast {"unlock", ref}
 *   {"lookup", key}, {"keys" [, pid]}, {"count" [, key]}, {"kind"}: see roster_read.h
 *
 * It starts with a table of options, or nil: keys ("unique" or "duplicate"), listeners (a list of
 * names), name (what these are told the registry is called).
 *
 * Without memory the answer is nil and nothing has changed, but that what a create has made may be
 * there all the same: the next one finds it.
 *
 * The registry watches its holders by monitors and is linked with them only so that they end when
 * it does: then they get `shutdown`, by an exit signal of their own where the link would say
 * something else ("killed" is left to the links). What a start gave may trap exits: a reaper sees
 * to it that it ends (reaper.h). */
#include "pierrot_actors.h"

#include "actor/behaviour.h"
#include "actor/create.h"
#include "actor/reaper.h"
#include "actor/roster_read.h"

/* -------------------------------------------------------------------- the caller's names */

static int register_as(const struct pr_turn *turn, pierrot_pid pid, const pierrot_term *given)
{
    struct pr_key key;
    struct pr_slot value;
    if (pr_turn_key(turn, &key) != 0 || !pierrot_is_alive(turn->rt, pid))
        return pr_turn_answer_bool(turn, 0);
    const struct pr_roster_name *name =
        turn->registry->roster->kind == PR_UNIQUE ? pr_turn_find(turn, &key) : NULL;
    if (name)
        return pr_turn_answer(turn, pierrot_pid_term(name->pid));
    if (pr_slot_of_value(given, &value) != 0 ||
        pr_turn_enter(turn, &key, &value, pid, PR_REGISTERED) != 0)
        return pr_turn_answer_nil(turn);
    return pr_turn_answer_bool(turn, 1);
}

static int register_caller(struct pr_turn *turn)
{
    return register_as(turn, turn->from.pid, pierrot_table_at(turn->request, 3));
}

static int register_pid(struct pr_turn *turn)
{
    return register_as(turn, pierrot_as_pid(pierrot_table_at(turn->request, 3)),
                       pierrot_table_at(turn->request, 4));
}

/* The caller's names under the key go, of which `name` is one. */
static void remove_all(const struct pr_turn *turn, const struct pr_key *key,
                       struct pr_roster_name *name)
{
    struct pr_roster *roster = turn->registry->roster;
    struct pr_holder *holder = name->holder;
    for (; name; name = pr_roster_find_own(roster, key, turn->from.pid))
        pr_roster_remove(roster, name);
    pr_holding_release(turn->ctx, roster, holder);
}

static int unregister(struct pr_turn *turn)
{
    const struct pr_listeners *listeners = &turn->registry->listeners;
    struct pr_key key;
    pierrot_term *news;
    struct pr_roster_name *name =
        pr_turn_key(turn, &key) == 0
            ? pr_roster_find_own(turn->registry->roster, &key, turn->from.pid)
            : NULL;
    if (!name)
        return pr_turn_answer_bool(turn, 0);
    if (pr_news_of_unregister(turn->ctx, listeners, &key, turn->from.pid, &news) != 0)
        return pr_turn_answer_nil(turn);
    remove_all(turn, &key, name);
    pr_listeners_tell(turn->rt, listeners, news);
    return pr_turn_answer_bool(turn, 1);
}

static int update(struct pr_turn *turn)
{
    struct pr_roster *roster = turn->registry->roster;
    struct pr_key key;
    struct pr_slot value;
    struct pr_roster_name *name = roster->kind == PR_UNIQUE && pr_turn_key(turn, &key) == 0
                                      ? pr_roster_find_own(roster, &key, turn->from.pid)
                                      : NULL;
    if (!name)
        return pr_turn_answer_bool(turn, 0);
    if (pr_slot_of_value(pierrot_table_at(turn->request, 3), &value) != 0)
        return pr_turn_answer_nil(turn);
    pr_roster_set_value(roster, name, &value);
    return pr_turn_answer_bool(turn, 1);
}

/* ------------------------------------------------------------------------------ locks */

static int lock(struct pr_turn *turn)
{
    struct pr_key key;
    if (pr_turn_key(turn, &key) != 0)
        return pr_turn_answer_bool(turn, 0);
    if (pr_claim(turn->ctx, &turn->registry->claims, &key, turn->from) != 0)
        return pr_turn_answer_nil(turn);
    return PIERROT_OK;
}

static int unlock(struct pr_turn *turn)
{
    return pr_claim_return(turn->ctx, &turn->registry->claims,
                           pierrot_as_ref(pierrot_table_at(turn->request, 2)));
}

/* --------------------------------------------------------------------------- callbacks */

static int read(struct pr_turn *turn)
{
    pierrot_term *reply = NULL;
    if (pr_roster_read(turn->rt, turn->registry->roster, turn->request, &reply) == PIERROT_EINVAL)
        return pr_turn_answer_bool(turn, 0);
    return pr_turn_answer(turn, reply);
}

static const struct {
    const char *tag;
    int (*run)(struct pr_turn *turn);
} requests[] = {
    {"create", pr_create},
    {"register", register_caller},
    {"register_pid", register_pid},
    {"unregister", unregister},
    {"update", update},
    {"lookup", read},
    {"keys", read},
    {"count", read},
    {"kind", read},
    {"lock", lock},
    {"started", pr_create_take_started},
    {"failed", pr_create_take_failed},
};

static struct pr_turn turn_of(pierrot_context *ctx, void *state, const pierrot_term *request,
                              pierrot_from from)
{
    return (struct pr_turn){ctx, pierrot_runtime(ctx), state, request, from};
}

static int handle_call(pierrot_context *ctx, void *state, const pierrot_term *request,
                       pierrot_from from)
{
    struct pr_turn turn = turn_of(ctx, state, request, from);
    const pierrot_term *tag = pierrot_table_at(request, 1);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        if (pierrot_is_string(tag, requests[i].tag))
            return requests[i].run(&turn);
    }
    return pr_bad_call(ctx, request);
}

static int handle_cast(pierrot_context *ctx, void *state, const pierrot_term *request)
{
    struct pr_turn turn = turn_of(ctx, state, request, (pierrot_from){{0}, {0}});
    if (pr_is_tagged(request, "create"))
        return pr_create_unasked(&turn);
    if (pr_is_tagged(request, "unlock"))
        return unlock(&turn);
    return pr_bad_cast(ctx, request);
}

static int take_down(pierrot_context *ctx, struct pr_registry *registry,
                     const pierrot_term *message)
{
    struct pr_turn turn = turn_of(ctx, registry, message, (pierrot_from){{0}, {0}});
    pierrot_ref ref = pierrot_as_ref(pierrot_table_at(message, 2));
    pierrot_pid pid = pierrot_as_pid(pierrot_table_at(message, 4));
    pr_holding_forget_dead(ctx, registry->roster, pid);
    int error = pr_claim_drop(ctx, &registry->claims, ref);
    int failed = pr_create_take_down(&turn, pid, ref, pierrot_table_at(message, 5));
    return error ? error : failed;
}

static int handle_info(pierrot_context *ctx, void *state, const pierrot_term *message)
{
    if (pr_is_tagged(message, "DOWN"))
        return take_down(ctx, state, message);
    if (pr_is_tagged(message, "EXIT"))
        pr_holding_forget_dead(ctx, ((struct pr_registry *)state)->roster,
                               pierrot_as_pid(pierrot_table_at(message, 2)));
    else
        pr_drop_message(ctx, "registry", message);
    return PIERROT_OK;
}

static int init(pierrot_context *ctx, void *state, const pierrot_term *arg)
{
    struct pr_registry *registry = state;
    int is_duplicate = pierrot_is_string(pierrot_table_field(arg, "keys"), "duplicate");
    (void)pierrot_trap_exit(ctx, 1);
    registry->shutdown = pr_string("shutdown");
    registry->kill = pr_string("kill");
    registry->roster = pr_roster_new(pierrot_runtime(ctx), is_duplicate ? PR_DUPLICATE : PR_UNIQUE);
    if (!registry->shutdown || !registry->kill || !registry->roster ||
        pr_listeners_init(&registry->listeners, arg) != 0)
        return PIERROT_ENOMEM;
    int error = pierrot_publish(ctx, registry->roster, pr_roster_read, pr_roster_free);
    registry->is_published = error == 0;
    return error;
}

static int is_said_by_links(const pierrot_term *reason)
{
    return pierrot_is_string(reason, "killed") || pierrot_is_string(reason, "shutdown");
}

static void terminate(pierrot_context *ctx, void *state, const pierrot_term *reason)
{
    struct pr_registry *registry = state;
    pierrot *rt = pierrot_runtime(ctx);
    if (registry->roster)
        pr_reap(ctx, registry->roster);
    if (registry->roster && !is_said_by_links(reason))
        pr_holding_shut_down(ctx, registry->roster, registry->shutdown);
    pr_create_fini(rt, registry);
    pr_claims_fini(rt, &registry->claims);
    pr_listeners_fini(&registry->listeners);
    pierrot_term_free(registry->shutdown);
    pierrot_term_free(registry->kill);
    /* Else the last reader frees it. */
    if (registry->roster && !registry->is_published)
        pr_roster_free(registry->roster);
}

/* Takes: nothing. 0 or an error. */
static int show(pierrot_term *table, const struct pr_roster *roster,
                const struct pr_roster_name *name)
{
    pierrot_term *key = pr_slot_term(&name->key), *pid = pierrot_pid_term(name->pid);
    if (roster->kind == PR_UNIQUE)
        return pierrot_table_set(table, key, pid);
    return pierrot_table_append(table, pr_tuple(2, key, pid));
}

/* {key = pid, …}; with duplicate keys {{key, pid}, …} */
static pierrot_term *inspect(pierrot_context *ctx, void *state)
{
    struct pr_registry *registry = state;
    pierrot_term *table = pierrot_table();
    uint64_t cursor = 0;
    struct pr_holder *holder;
    int error = table ? 0 : PIERROT_ENOMEM;
    (void)ctx;
    while (!error && registry->roster &&
           (holder = pr_roster_next_holder(registry->roster, &cursor))) {
        for (struct pr_roster_name *name = holder->first; !error && name; name = name->next)
            error = show(table, registry->roster, name);
    }
    if (!error)
        return table;
    pierrot_term_free(table);
    return NULL;
}

const pierrot_behaviour *pierrot_registry_behaviour(void)
{
    static const pierrot_behaviour behaviour = {.size = sizeof behaviour,
                                                .name = "registry",
                                                .state_size = sizeof(struct pr_registry),
                                                .init = init,
                                                .handle_call = handle_call,
                                                .handle_cast = handle_cast,
                                                .handle_info = handle_info,
                                                .terminate = terminate,
                                                .inspect = inspect};
    return &behaviour;
}
