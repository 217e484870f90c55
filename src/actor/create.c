/* SPDX-License-Identifier: MIT */
#include "actor/create.h"

#include "actor/behaviour.h"
#include "pierrot_actors.h"

/* -------------------------------------------------------------------- starts under way */

static int spawn_helper(const struct pr_turn *turn, struct pr_start *start,
                        const pierrot_term *what)
{
    pierrot_term *arg =
        pr_tuple(2, pierrot_pid_term(pierrot_self(turn->ctx)), pierrot_term_copy(what));
    if (!arg)
        return PIERROT_ENOMEM;
    return pierrot_spawn_lua(turn->ctx, "pierrot.registry", "run_start", arg, &start->helper,
                             &start->ref);
}

/* The caller will be answered when the start is over; a cast is not. 0 or PIERROT_ENOMEM. */
static int wait_for(const struct pr_turn *turn, struct pr_start *start)
{
    return turn->from.pid.id ? pr_start_wait(turn->rt, start, turn->from) : 0;
}

/* 0 or an error; nothing has begun then. */
static int begin_start(const struct pr_turn *turn, const struct pr_key *key,
                       const pierrot_term *what)
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

/* The process under the key is the registry's own from now on. */
static void adopt(const struct pr_turn *turn, struct pr_holder *holder)
{
    holder->is_created = holder->is_adopted = 1;
    /* Without memory it is not told; then the reaper ends it. */
    (void)pierrot_adopt(turn->ctx, holder->pid);
}

int pr_create_take_started(struct pr_turn *turn)
{
    struct pr_start *start = pr_starts_find_helper(&turn->registry->starts, turn->from.pid);
    pierrot_pid pid = pierrot_as_pid(pierrot_table_at(turn->request, 2));
    struct pr_slot no_value = {.type = PIERROT_NIL};
    if (!start || !pid.id)
        return pr_turn_answer_bool(turn, 0);
    struct pr_key key = pr_key_of_slot(&start->key);
    struct pr_roster_name *name = pr_turn_find(turn, &key);
    if (name && name->pid.id != pid.id) {
        start->created = name->pid; /* somebody took the key meanwhile */
        return pr_turn_answer_bool(turn, 0);
    }
    /* Or it has registered itself. */
    if (!name && pr_turn_enter(turn, &key, &no_value, pid, PR_ADOPTED) != 0)
        return pr_turn_answer_bool(turn, 0);
    adopt(turn, pr_roster_find_holder(turn->registry->roster, pid));
    start->created = pid;
    return pr_turn_answer_bool(turn, 1);
}

int pr_create_take_failed(struct pr_turn *turn)
{
    struct pr_start *start = pr_starts_find_helper(&turn->registry->starts, turn->from.pid);
    if (start && !start->reason)
        start->reason = pierrot_term_copy(pierrot_table_at(turn->request, 2));
    return pr_turn_answer_bool(turn, start != NULL);
}

static pierrot_term *outcome_of(const struct pr_start *start, const pierrot_term *reason)
{
    if (start->created.id)
        return pierrot_pid_term(start->created);
    return pr_tuple(2, pr_string("failed"),
                    pierrot_term_copy(start->reason ? start->reason : reason));
}

/* The helper has ended. 0 or PIERROT_ENOMEM: somebody may wait in vain. */
static int finish_start(const struct pr_turn *turn, struct pr_start *start,
                        const pierrot_term *reason)
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

int pr_create_take_down(struct pr_turn *turn, pierrot_pid pid, pierrot_ref ref,
                        const pierrot_term *reason)
{
    struct pr_start *start = pr_starts_find_helper(&turn->registry->starts, pid);
    if (!start || start->ref.id != ref.id)
        return PIERROT_OK;
    /* Without a monitor a helper is of no use. */
    (void)pierrot_exit(turn->rt, pid, pierrot_term_share(turn->registry->kill));
    return finish_start(turn, start, reason);
}

void pr_create_fini(pierrot *rt, struct pr_registry *registry)
{
    const struct pr_dict *helpers = registry->starts.by_helper;
    for (uint32_t i = 0; i < pr_dict_count(helpers); i++) {
        pierrot_pid helper = {helpers->entries[i].key.as.id};
        (void)pierrot_exit(rt, helper, pierrot_term_share(registry->kill));
    }
    pr_starts_fini(rt, &registry->starts);
}

/* ------------------------------------------------------------------------------ create */

/* A bucket under this key. 0 or an error. */
static int create_bucket(const struct pr_turn *turn, const struct pr_key *key, pierrot_pid *pid)
{
    struct pr_slot no_value = {.type = PIERROT_NIL};
    pierrot_spawn_options options;
    pierrot_spawn_options_init(&options);
    options.link = 1;
    int error = pierrot_spawn(turn->rt, pierrot_bucket_behaviour(), NULL, &options, pid);
    if (error)
        return error;
    error = pr_turn_enter(turn, key, &no_value, *pid, PR_SPAWNED);
    if (error)
        (void)pierrot_exit(turn->rt, *pid, pierrot_term_share(turn->registry->kill));
    return error;
}

/* *pid is the one under this key, or id 0 when the caller will be answered later. */
static int ensure(const struct pr_turn *turn, const struct pr_key *key, pierrot_pid *pid)
{
    const struct pr_roster_name *name = pr_turn_find(turn, key);
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

int pr_create(struct pr_turn *turn)
{
    struct pr_key key;
    pierrot_pid pid;
    if (pr_turn_key(turn, &key) != 0)
        return pr_turn_answer_bool(turn, 0);
    if (ensure(turn, &key, &pid) != 0)
        return pr_turn_answer_nil(turn);
    return pid.id ? pr_turn_answer(turn, pierrot_pid_term(pid)) : PIERROT_OK;
}

int pr_create_unasked(struct pr_turn *turn)
{
    struct pr_key key;
    pierrot_pid pid;
    int error = pr_turn_key(turn, &key);
    if (!error)
        error = ensure(turn, &key, &pid);
    if (error && error != PIERROT_EINVAL)
        pierrot_log(turn->rt, PIERROT_WARNING, "registry: create_async failed: %s",
                    pierrot_strerror(error));
    return PIERROT_OK;
}
