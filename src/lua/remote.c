/* SPDX-License-Identifier: MIT
 *
 * A start on another scheduler sends it a visit with what is to run as a term. Code is carried: the
 * process that comes to be there runs a function of pierrot.carry that makes it whole again; a C
 * actor runs its init within the visit. The answer is a visit in return, which makes the starter's
 * half of links and monitors before any later signal of the new process can arrive.
 *
 * The new process has its halves before it runs. When the starter has died meanwhile it hears of
 * that by the link; when the starter has given up (a timeout) it is killed. */
#include "lua/remote.h"

#include <string.h>

#include "lua/copy.h"
#include "lua/ident.h"
#include "lua/server.h"
#include "lua/spawn.h"
#include "lua/wait.h"

/* The request and, in the other direction, its answer. */
struct remote_start {
    struct pr_visit visit; /* first */
    pierrot_from starter;
    pierrot_pid pid;       /* of the new process */
    pierrot_ref ref;       /* of the starter's monitor */
    pierrot_term *payload; /* options = {name =, max_queue =} and, for Lua, see pierrot.carry */
    struct pr_lineage *lineage;
    const pierrot_behaviour *behaviour; /* of a C actor, which gets payload.arg; NULL: Lua */
    pierrot_term *why;                  /* init's reason, or NULL: the text of `error` */
    int error;
    int link, monitor, is_server;
};

static void free_remote(struct pr_owner *owner, struct remote_start *start)
{
    pr_term_drop(start->payload, &owner->heap);
    pr_term_drop(start->why, &owner->heap);
    pr_lineage_drop(owner, start->lineage);
    pr_free(&owner->heap, start, sizeof *start);
}

/* ------------------------------------------------------------- back at the starter's */

/* The starter's halves of link and monitor. */
static void add_relations(struct pr_owner *owner, struct pr_process *starter,
                          const struct remote_start *start)
{
    if (start->link && !pr_relation_find_link(owner, starter, start->pid))
        (void)pr_relation_add(owner, starter, PR_LINK, start->pid, (pierrot_ref){0});
    if (start->monitor)
        (void)pr_relation_add(owner, starter, PR_WATCH, start->pid, start->ref);
}

/* What the new process gets by its half of the link with a starter that is dead. */
static void end_link(struct pr_owner *owner, const struct remote_start *start)
{
    struct pr_signal *signal = pr_signal_new(owner, PR_SIGNAL_EXIT, start->pid);
    if (!signal)
        return;
    signal->flags = PR_FLAG_LINK;
    signal->from = start->starter.pid;
    signal->value = pr_value_of_term(PR_TERM(noproc));
    pr_signal_send(owner, signal);
}

/* Nobody waits for what was started. */
static void abandon(struct pr_owner *owner, const struct pr_process *starter,
                    const struct remote_start *start)
{
    if (starter)
        (void)pr_exit_send(owner, start->starter.pid, start->pid, PR_TERM(kill));
    else if (start->link)
        end_link(owner, start);
}

/* As by the link that the actor had while its init failed. */
static void harm_starter(struct pr_owner *owner, struct pr_process *starter,
                         const struct remote_start *start)
{
    if (start->link && start->why && !(starter->flags & PR_TRAP_EXIT) &&
        !pr_exit_is_normal(start->why))
        pr_process_exit(owner, starter, pr_term_hold(start->why));
}

static pierrot_term *why_of(struct pr_owner *owner, const struct remote_start *start)
{
    const char *text = start->error == PIERROT_EEXIST    ? "already_registered"
                       : start->error == PIERROT_EIGNORE ? "ignore"
                                                         : pierrot_strerror(start->error);
    pierrot_term *why = start->why ? pr_term_hold(start->why)
                                   : pr_term_new_string(&owner->heap, text, strlen(text));
    return why ? why : PR_TERM(enomem);
}

static void answer(struct pr_owner *owner, struct pr_relation *call, struct remote_start *start)
{
    struct pr_process *starter = call->process;
    if (start->error) {
        owner->ops->answer(owner, call, 1, pr_value_of_term(why_of(owner, start)));
        harm_starter(owner, starter, start);
        return;
    }
    call->peer = start->pid;
    if (!start->is_server) /* else init answers later */
        owner->ops->answer(owner, call, 0, pr_cell_pid(start->pid));
}

static void take_answer(struct pr_owner *owner, struct pr_process *starter, struct pr_visit *visit)
{
    struct remote_start *start = (struct remote_start *)visit;
    struct pr_relation *call =
        starter ? pr_relation_find(owner, start->starter.ref, PR_SIDE_HOLDER) : NULL;
    if (call && (call->kind != PR_CALL || call->process != starter))
        call = NULL;
    if (call && !start->error)
        add_relations(owner, starter, start);
    if (call)
        answer(owner, call, start);
    else if (!start->error)
        abandon(owner, starter, start);
    free_remote(owner, start);
}

/* ------------------------------------------------------------------ over there: Lua */

/* Runs protected on the target scheduler: the process with its boot function and payload. */
static int make_remote(lua_State *L)
{
    struct pr_lua *lua = lua_touserdata(L, 1);
    struct remote_start *start = lua_touserdata(L, 2);
    struct pr_spawn_options options = {.lineage = start->lineage};
    struct pr_lua_process *made;
    pierrot_ref unused;
    lua_settop(L, 2);
    pr_push_term(L, start->payload);
    lua_getfield(L, 3, "options");
    const char *name = NULL;
    if (lua_istable(L, 4)) {
        lua_getfield(L, 4, "name");
        name = lua_tolstring(L, -1, &options.name_len);
        lua_getfield(L, 4, "max_queue");
        options.max_queue = (uint64_t)lua_tointeger(L, -1);
        lua_getfield(L, 4, "max_heap");
        options.max_heap = (uint64_t)lua_tointeger(L, -1);
        lua_pop(L, 3);
    }
    options.name = name;
    struct pr_pooled body = pr_spawn_take_body(lua, L, 6);
    start->lineage = NULL;
    start->error = pr_lua_process_new(lua, &options, start->is_server, &made, &unused);
    if (start->error) {
        pr_pool_give(lua, body);
        return 0;
    }
    if (start->is_server) {
        pr_store_push(lua, body.co, lua->activate_place);
        lua_settop(body.co, lua_gettop(body.co) + PR_BASE);
        made->phase = PR_PHASE_LOAD;
        made->starter = start->starter;
        made->process.flags |= PR_STARTING;
    }
    pr_store_push(lua, body.co, lua->boot_place);
    lua_pushvalue(L, 3);
    lua_xmove(L, body.co, 1);
    made->n_args = (uint16_t)(lua_gettop(body.co) - 1);
    made->body = body;
    start->pid = made->process.pid;
    return 0;
}

/* 0 or PIERROT_ENOMEM: then the new process ends without having run. */
static int add_remote_relations(struct pr_owner *owner, struct remote_start *start)
{
    struct pr_process *made = pr_ptable_find(owner, start->pid);
    pierrot_pid starter = start->starter.pid;
    made->has_parent = start->link || start->monitor;
    if ((start->link && !pr_relation_add(owner, made, PR_LINK, starter, (pierrot_ref){0})) ||
        (start->monitor && !pr_relation_add(owner, made, PR_WATCHED, starter, start->ref))) {
        pr_lua_process_of(made)->starter = (pierrot_from){{0}, {0}};
        pr_process_exit(owner, made, PR_TERM(normal));
        return PIERROT_ENOMEM;
    }
    pr_process_wake(owner, made);
    return 0;
}

static void start_lua(struct pr_owner *owner, struct remote_start *start)
{
    struct pr_lua *lua = pr_lua_of(owner);
    lua_State *L = lua->scratch;
    start->error = PIERROT_ENOMEM;
    if (lua_checkstack(L, 8)) {
        lua_pushcfunction(L, make_remote);
        lua_pushlightuserdata(L, lua);
        lua_pushlightuserdata(L, start);
        if (lua_pcall(L, 2, 0, 0) != LUA_OK)
            lua_pop(L, 1);
    }
    if (!start->error)
        start->error = add_remote_relations(owner, start);
}

/* -------------------------------------------------------------- over there: C actors */

static void start_actor(struct pr_owner *owner, struct remote_start *start)
{
    const pierrot_term *options = pierrot_table_field(start->payload, "options");
    const pierrot_term *name = pierrot_table_field(options, "name");
    struct pr_actor_start actor = {
        .behaviour = start->behaviour,
        .arg = (pierrot_term *)pierrot_table_field(start->payload, "arg"),
        .lineage = start->lineage,
        .remote_link = start->link ? start->starter.pid : (pierrot_pid){0},
        .remote_monitor = start->monitor ? start->starter.pid : (pierrot_pid){0},
        .remote_ref = start->ref,
        .max_queue = (uint64_t)pierrot_as_int(pierrot_table_field(options, "max_queue"))};
    if (name)
        actor.name = pierrot_as_string(name, &actor.name_len);
    start->lineage = NULL;
    start->error = pr_actor_start(owner, &actor, &start->pid, &start->why);
}

static void start_there(struct pr_owner *owner, struct pr_process *process, struct pr_visit *visit)
{
    struct remote_start *start = (struct remote_start *)visit;
    struct pr_process *outer = owner->current;
    (void)process;
    owner->current = NULL;
    if (owner->is_closing) /* its Lua state may be gone */
        start->error = PIERROT_ESTOPPED;
    else if (start->behaviour)
        start_actor(owner, start);
    else
        start_lua(owner, start);
    owner->current = outer;
    pr_term_drop(start->payload, &owner->heap);
    start->payload = NULL;
    start->visit.run = take_answer;
    start->visit.signal.u.to = start->starter.pid;
    pr_signal_push(pr_ptable_owner(owner->system, start->starter.pid), &start->visit.signal);
}

/* ----------------------------------------------------------------------- the starter */

/* Sends the start to a scheduler and waits. `wanted` is copied; the payload is at 2. */
static int start_on(struct pr_lua *lua, lua_State *L, lua_Integer index, uint64_t deadline,
                    const struct remote_start *wanted)
{
    struct pr_owner *owner = lua->owner;
    struct pierrot *runtime = lua->scheduler->runtime;
    int error;
    pr_check_can_wait(lua, L);
    pierrot_term *payload = pr_copy_to_term(lua, L, 2, &error);
    if (!payload)
        return error == PIERROT_EINVAL ? pr_copy_error(lua, L, 2) : pr_spawn_fail(L, error);
    struct remote_start *start = pr_zalloc(&owner->heap, sizeof *start);
    struct pr_lineage *lineage = pr_process_lineage(owner, owner->current);
    pierrot_ref ref = pr_owner_make_ref(owner);
    struct pr_call *call =
        start && lineage ? pr_call_begin(owner, owner->current, (pierrot_pid){0}, ref, 0, deadline)
                         : NULL;
    if (!call) {
        pr_lineage_drop(owner, lineage);
        pr_term_drop(payload, &owner->heap);
        pr_free(&owner->heap, start, sizeof *start);
        return pr_spawn_fail(L, PIERROT_ENOMEM);
    }
    *start = *wanted;
    start->visit.signal.kind = PR_SIGNAL_VISIT;
    start->visit.run = start_there;
    start->starter = (pierrot_from){owner->current->pid, ref};
    start->payload = payload;
    start->lineage = lineage;
    if (start->monitor)
        start->ref = pr_owner_make_ref(owner);
    lua_settop(L, 0);
    if (start->monitor)
        pr_push_id(L, start->ref.id);
    pr_signal_push(runtime->system.owners[index - 1], &start->visit.signal);
    return pr_start_wait_for(lua, L, call);
}

static lua_Integer check_index(struct pr_lua *lua, lua_State *L)
{
    lua_Integer index = luaL_checkinteger(L, 1);
    luaL_argcheck(L, index >= 1 && index <= (lua_Integer)lua->scheduler->runtime->n_schedulers, 1,
                  "no such scheduler");
    return index;
}

/* start_remote(index, payload, link, monitor, is_server, timeout): see pierrot.carry. Results: pid
 * [, ref]; or nil, why [, the pid of the process that failed]. */
static int l_start_remote(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    lua_Integer index = check_index(lua, L);
    uint64_t deadline = pr_check_deadline(lua, L, 6);
    struct remote_start wanted = {.link = lua_toboolean(L, 3),
                                  .monitor = lua_toboolean(L, 4),
                                  .is_server = lua_toboolean(L, 5)};
    return start_on(lua, L, index, deadline, &wanted);
}

/* start_actor_remote(index, payload, link, monitor, behaviour, timeout): a built-in C actor there;
 * payload: {options =, arg =}. */
static int l_start_actor_remote(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    lua_Integer index = check_index(lua, L);
    uint64_t deadline = pr_check_deadline(lua, L, 6);
    struct remote_start wanted = {.link = lua_toboolean(L, 3),
                                  .monitor = lua_toboolean(L, 4),
                                  .behaviour = pr_behaviour_named(luaL_checkstring(L, 5))};
    luaL_argcheck(L, wanted.behaviour, 5, "no such actor");
    return start_on(lua, L, index, deadline, &wanted);
}

/* least_busy(): the index of a scheduler. */
static int l_least_busy(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_scheduler *best = pr_runtime_least_busy(lua->scheduler->runtime, lua->owner->index);
    lua_pushinteger(L, (lua_Integer)best->owner.index + 1);
    return 1;
}

void pr_open_remote(struct pr_lua *lua, lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"start_remote", l_start_remote},
        {"start_actor_remote", l_start_actor_remote},
        {"least_busy", l_least_busy},
        {NULL, NULL},
    };
    pr_lua_register(L, lua, functions);
}
