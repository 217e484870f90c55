/* SPDX-License-Identifier: MIT
 *
 * Beside the requests that both engines know (trace.h):
 *   {"terminate", reason}             then the actor ends
 *   {"get_state"}                     {state}
 *   {"status"}                        what sys.get_status returns
 *   {"get_for_replace"}               {token, state}
 *   {"replace_state", state, token}   true; false: it has handled something since the token was
 *                                     given, or there is none; else why not
 *   {"change_code", old =, extra =}   true, or {reason} */
#include "sched/actor_system.h"

#include <string.h>

#include "base/error.h"
#include "proc/exit.h"
#include "proc/name.h"
#include "proc/reply.h"
#include "sched/event.h"
#include "sched/message.h"
#include "sched/trace.h"

pierrot_term *pr_actor_state(struct pr_owner *owner, struct pr_actor *actor)
{
    struct pierrot_context context = {owner, actor};
    return actor->has_begun && actor->behaviour->inspect
               ? actor->behaviour->inspect(&context, actor->state)
               : NULL;
}

/* A behaviour without inspect is told by its name. Gives. */
static pierrot_term *state_of(struct pr_owner *owner, struct pr_actor *actor)
{
    const char *name = pr_behaviour_name(actor->behaviour);
    pierrot_term *state = pr_actor_state(owner, actor);
    return state ? state : pr_term_new_string(&owner->heap, name, strlen(name));
}

/* {first [, second]} of what is taken. Gives; NULL: out of memory. */
static pierrot_term *pack(pierrot_term *first, pierrot_term *second)
{
    pierrot_term *table = pierrot_table();
    int error = table ? pierrot_table_append(table, first) : PIERROT_ENOMEM;
    if (!table)
        pierrot_term_free(first);
    if (!error && second)
        error = pierrot_table_append(table, second);
    else if (error)
        pierrot_term_free(second);
    if (!error)
        return table;
    pierrot_term_free(table);
    return NULL;
}

static pierrot_term *string(const char *text)
{
    return pierrot_string(text, strlen(text));
}

static pierrot_term *status_of(struct pr_owner *owner, struct pr_actor *actor)
{
    struct pr_process *process = &actor->process;
    pierrot_term *table = pierrot_table();
    pierrot_term *name = pr_name_of(owner->system, process->pid, &owner->heap);
    if (!table) {
        pierrot_term_free(name);
        return NULL;
    }
    int is_suspended = process->sys & PR_SYS_SUSPENDED;
    int error = pr_event_set(table, "pid", pierrot_pid_term(process->pid));
    if (!error)
        error = pr_event_set(table, "name", name ? pierrot_term_copy(name) : pierrot_bool(0));
    if (!error)
        error = pr_event_set(table, "module", string(pr_behaviour_name(actor->behaviour)));
    if (!error)
        error = pr_event_set(table, "status", string(is_suspended ? "suspended" : "running"));
    if (!error && process->lineage)
        error = pr_event_set(table, "parent", pierrot_pid_term(process->lineage->pid));
    if (!error)
        error = pr_event_set(table, "dictionary", pierrot_table());
    if (!error)
        error = pr_event_set(table, "state", state_of(owner, actor));
    pierrot_term_free(name);
    if (!error)
        return table;
    pierrot_term_free(table);
    return NULL;
}

/* ------------------------------------------------------------------- new state, new code */

static pierrot_term *outcome(int result)
{
    return result == PIERROT_OK ? pierrot_bool(1) : string(pierrot_strerror(result));
}

/* What may have changed the state is counted: messages, but no system messages. */
static int64_t token_of(const struct pr_actor *actor)
{
    return (int64_t)actor->process.mailbox.n_taken;
}

static pierrot_term *replace(struct pr_owner *owner, struct pr_actor *actor,
                             const pierrot_term *request)
{
    const pierrot_behaviour *behaviour = actor->behaviour;
    const pierrot_term *state = pierrot_table_at(request, 2), *token = pierrot_table_at(request, 3);
    struct pierrot_context context = {owner, actor};
    struct pierrot_term nil = pr_cell_nil();
    if (behaviour->size <= offsetof(pierrot_behaviour, replace) || !behaviour->replace)
        return string("not_supported");
    if (pierrot_term_type(token) != PIERROT_INT || pierrot_as_int(token) != token_of(actor))
        return pierrot_bool(0);
    int result = behaviour->replace(&context, actor->state, state ? state : &nil);
    actor->process.mailbox.n_taken++;
    return outcome(result);
}

static pierrot_term *change_code(struct pr_owner *owner, struct pr_actor *actor,
                                 const pierrot_term *request)
{
    const pierrot_behaviour *behaviour = actor->behaviour;
    const pierrot_term *old = pierrot_table_field(request, "old");
    const pierrot_term *extra = pierrot_table_field(request, "extra");
    struct pierrot_context context = {owner, actor};
    struct pierrot_term nil = pr_cell_nil();
    if (behaviour->size <= offsetof(pierrot_behaviour, code_change) || !behaviour->code_change)
        return pack(string("not_supported"), NULL);
    int result =
        behaviour->code_change(&context, actor->state, old ? old : &nil, extra ? extra : &nil);
    return result == PIERROT_OK ? pierrot_bool(1) : pack(outcome(result), NULL);
}

static pierrot_term *answer(struct pr_owner *owner, struct pr_actor *actor,
                            const pierrot_term *request)
{
    const pierrot_term *what = pierrot_table_at(request, 1);
    if (pierrot_is_string(what, "terminate"))
        return pierrot_bool(1);
    if (pierrot_is_string(what, "get_state"))
        return pack(state_of(owner, actor), NULL);
    if (pierrot_is_string(what, "status"))
        return status_of(owner, actor);
    if (pierrot_is_string(what, "get_for_replace"))
        return pack(pierrot_int(token_of(actor)), state_of(owner, actor));
    if (pierrot_is_string(what, "replace_state"))
        return replace(owner, actor, request);
    if (pierrot_is_string(what, "change_code"))
        return change_code(owner, actor, request);
    pierrot_term *common = pr_system_answer(owner, &actor->process, request);
    return common ? common : pierrot_nil();
}

void pr_actor_take_system(struct pr_owner *owner, struct pr_actor *actor,
                          const struct pr_signal *message)
{
    const pierrot_term *request = pr_value_cell(&message->value);
    pierrot_from from = {message->from, message->ref};
    actor->process.mailbox.n_taken--; /* see token_of */
    pierrot_term *reply = answer(owner, actor, request);
    if (reply)
        (void)pr_reply(owner, &actor->process, from, 0, pr_value_from_root(owner, reply));
    else
        (void)pr_reply(owner, &actor->process, from, 1, pr_value_of_term(PR_TERM(enomem)));
    if (!pierrot_is_string(pierrot_table_at(request, 1), "terminate"))
        return;
    const pierrot_term *reason = pierrot_table_at(request, 2);
    pierrot_term *copy = reason ? pr_term_copy(&owner->heap, reason) : PR_TERM(normal);
    pr_process_exit(owner, &actor->process, copy ? copy : PR_TERM(enomem));
}
