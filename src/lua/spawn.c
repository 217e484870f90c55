/* SPDX-License-Identifier: MIT
 *
 * Starts on another scheduler send it a visit with the code and arguments as a term; the process
 * that comes to be there runs a function of pierrot.carry that makes them whole again. The answer
 * is a visit in return, which makes the starter's half of links and monitors before any later
 * signal of the new process can arrive. */
#include "lua/spawn.h"

#include <string.h>

#include "lua/class.h"
#include "lua/copy.h"
#include "lua/ident.h"
#include "lua/receive.h"
#include "lua/server.h"
#include "lua/wait.h"
#include "pierrot_actors.h"

enum { MAX_ARGUMENTS = 250 };

/* ------------------------------------------------------------------------ here */

/* A coroutine with the function and arguments of L's top. The memory errors are L's. */
static struct pr_pooled take_body(struct pr_lua *lua, lua_State *L, int n_values)
{
    struct pr_pooled body = pr_pool_take(lua, L);
    if (!lua_checkstack(body.co, n_values + 4)) {
        pr_pool_give(lua, body);
        luaL_error(L, "too many arguments");
    }
    return body;
}

int pr_spawn_plain(struct pr_lua *lua, lua_State *L, int n_args,
                   const struct pr_spawn_options *options, struct pr_lua_process **made,
                   pierrot_ref *ref)
{
    struct pr_pooled body = take_body(lua, L, n_args + 1);
    struct pr_lua_process *process;
    int error = pr_lua_process_new(lua, options, 0, &process, ref);
    if (error) {
        pr_pool_give(lua, body);
        lua_pop(L, n_args + 1);
        return error;
    }
    lua_insert(L, -(n_args + 1));
    lua_xmove(L, body.co, n_args + 1);
    process->body = body;
    process->n_args = (uint16_t)n_args;
    pr_process_wake(lua->owner, &process->process);
    *made = process;
    return 0;
}

/* Copies the arguments from `first` to the top of L, in place, sharing between them kept apart. */
static int copy_arguments(struct pr_lua *lua, lua_State *L, int first)
{
    int n_args = lua_gettop(L) - first + 1;
    if (n_args > MAX_ARGUMENTS)
        return luaL_error(L, "more than %d arguments", MAX_ARGUMENTS);
    for (int i = first; i < first + n_args; i++) {
        if (lua_type(L, i) <= LUA_TBOOLEAN)
            continue;
        if (pr_copy(L, i, L) != 0)
            return pr_copy_error(lua, L, i);
        lua_replace(L, i);
    }
    return n_args;
}

static int fail(lua_State *L, int error)
{
    if (error == PIERROT_EEXIST) {
        lua_pushnil(L);
        lua_pushliteral(L, "already_registered");
        return 2;
    }
    return luaL_error(L, "cannot start a process: %s", pierrot_strerror(error));
}

/* Options as the Lua side has checked them: link, monitor, name, max_queue, max_heap. */
static void read_options(struct pr_lua *lua, lua_State *L, int index,
                         struct pr_spawn_options *options)
{
    struct pr_process *self = lua->owner->current;
    *options = (struct pr_spawn_options){0};
    lua_getfield(L, index, "link");
    options->link = lua_toboolean(L, -1) ? self : NULL;
    lua_getfield(L, index, "monitor");
    options->monitor = lua_toboolean(L, -1) ? self : NULL;
    lua_getfield(L, index, "max_queue");
    options->max_queue = (uint64_t)lua_tointeger(L, -1);
    lua_getfield(L, index, "max_heap");
    options->max_heap = (uint64_t)lua_tointeger(L, -1);
    lua_pop(L, 4);
    lua_getfield(L, index, "name");
    if (lua_type(L, -1) == LUA_TSTRING)
        options->name = lua_tolstring(L, -1, &options->name_len);
    lua_pop(L, 1); /* the option table keeps the string alive */
}

static int spawn_with(lua_State *L, const struct pr_spawn_options *options, int fn)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *made;
    pierrot_ref ref;
    luaL_checktype(L, fn, LUA_TFUNCTION);
    int n_args = copy_arguments(lua, L, fn + 1);
    luaL_checkstack(L, 4, NULL);
    lua_pushvalue(L, fn);
    int error = pr_spawn_plain(lua, L, n_args, options, &made, &ref);
    if (error)
        return fail(L, error);
    pr_push_id(L, made->process.pid.id);
    if (!options->monitor)
        return 1;
    pr_push_id(L, ref.id);
    return 2;
}

static int l_spawn(lua_State *L)
{
    struct pr_spawn_options options = {0};
    return spawn_with(L, &options, 1);
}

static int l_spawn_link(lua_State *L)
{
    struct pr_spawn_options options = {.link = PR_SELF(L)->owner->current};
    return spawn_with(L, &options, 1);
}

static int l_spawn_monitor(lua_State *L)
{
    struct pr_spawn_options options = {.monitor = PR_SELF(L)->owner->current};
    return spawn_with(L, &options, 1);
}

/* spawn_local(opts, fn, …): spawn_opt on this scheduler. */
static int l_spawn_local(lua_State *L)
{
    struct pr_spawn_options options;
    luaL_checktype(L, 1, LUA_TTABLE);
    read_options(PR_SELF(L), L, 1, &options);
    return spawn_with(L, &options, 2);
}

/* ---------------------------------------------------------------------- servers */

/* An EXIT of the failed process that a trapping starter got must not stay. */
static void purge_exit(struct pr_lua *lua, pierrot_pid pid)
{
    struct pr_lua_process *self = pr_lua_current(lua);
    struct pr_signal *message = pr_mailbox_first(&self->process.mailbox);
    while (message) {
        struct pr_signal *next = pr_mailbox_next(message);
        if (message->kind == PR_SIGNAL_EXITED && message->from.id == pid.id) {
            pr_mailbox_take(&self->process.mailbox, message);
            pr_signal_free(lua->owner, message);
        }
        message = next;
    }
    self->scanned = NULL;
}

/* The half-started process goes, and nothing of it remains. */
static void kill_started(struct pr_lua *lua, pierrot_pid pid)
{
    struct pr_process *self = lua->owner->current;
    (void)pr_unlink(lua->owner, self, pid);
    (void)pr_exit_send(lua->owner, self->pid, pid, PR_TERM(kill));
}

/* The monitor of a start that failed goes, with its DOWN. */
static void purge_monitor(struct pr_lua *lua, pierrot_ref ref)
{
    struct pr_process *self = lua->owner->current;
    if (ref.id && !pr_demonitor(lua->owner, self, ref))
        (void)pr_monitor_flush(lua->owner, self, ref);
}

/* context: the call. Stack: the ref of the monitor, or nothing. Results: pid [, ref]; or nil, why.
 */
static int try_start(lua_State *L, lua_KContext context)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_call *call = (struct pr_call *)context;
    pierrot_pid pid = call->relation.peer;
    pierrot_ref ref = pr_to_ref(L, 1);
    if (call->outcome == PR_PENDING)
        return -1;
    luaL_checkstack(L, 8, NULL);
    if (call->outcome == PR_ANSWERED) {
        (void)pr_call_end(lua->owner, call, NULL);
        pr_push_id(L, pid.id);
        if (!ref.id)
            return 1;
        lua_pushvalue(L, 1);
        return 2;
    }
    purge_monitor(lua, ref);
    lua_pushnil(L);
    if (call->outcome == PR_TIMED_OUT) {
        kill_started(lua, pid);
        lua_pushliteral(L, "timeout");
    } else {
        pr_push_value(lua, L, &call->value);
    }
    (void)pr_call_end(lua->owner, call, NULL);
    purge_exit(lua, pid);
    return 2;
}

static int start_k(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    return pr_wait(PR_SELF(L), L, context, try_start, start_k);
}

/* Waits for the start of a process; it may have answered already. */
static int wait_for_start(struct pr_lua *lua, lua_State *L, struct pr_call *call)
{
    if (lua->owner->current->flags & PR_EXITING)
        return pr_die(lua, L);
    return pr_wait(lua, L, (lua_KContext)call, try_start, start_k);
}

/* Runs the first slice of the new server at once, where that may be, and waits for its answer. */
static int start_and_wait(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                          uint64_t deadline)
{
    struct pr_owner *owner = lua->owner;
    pierrot_ref ref = pr_owner_make_ref(owner);
    struct pr_call *call =
        pr_call_begin(owner, owner->current, server->process.pid, ref, 0, deadline);
    if (!call) {
        purge_monitor(lua, pr_to_ref(L, 1));
        (void)pr_unlink(owner, owner->current, server->process.pid);
        pr_process_exit(owner, &server->process, PR_TERM(normal));
        return luaL_error(L, "not enough memory");
    }
    server->starter = (pierrot_from){owner->current->pid, ref};
    if (lua->n_nested < PR_NEST_MAX)
        pr_server_start_now(lua, server);
    else
        pr_process_wake(owner, &server->process);
    return wait_for_start(lua, L, call);
}

static int already_started(struct pr_lua *lua, lua_State *L, const struct pr_spawn_options *options)
{
    pierrot_pid holder = pr_name_find(lua->owner->system, options->name, options->name_len);
    lua_pushnil(L);
    lua_createtable(L, 2, 0);
    lua_pushliteral(L, "already_started");
    lua_rawseti(L, -2, 1);
    pr_push_id(L, holder.id);
    lua_rawseti(L, -2, 2);
    return 2;
}

/* start_server(opts, boot or nil, module, arg, name): a gen_server here; with boot, boot(module,
 * arg, …) runs first in the new process. Results: pid; or nil, why. */
static int l_start_server(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_spawn_options options;
    struct pr_lua_process *server;
    pierrot_ref monitor;
    luaL_checktype(L, 1, LUA_TTABLE);
    int has_boot = lua_isfunction(L, 2);
    lua_settop(L, 5);
    read_options(lua, L, 1, &options);
    lua_getfield(L, 1, "timeout");
    uint64_t deadline = pr_check_deadline(lua, L, 6);
    pr_check_can_wait(lua, L);
    if (pr_copy(L, 4, L) != 0)
        return pr_copy_error(lua, L, 4);
    struct pr_class *class_ = has_boot ? NULL : pr_class_hold(lua, L, 3, lua_tostring(L, 5));
    struct pr_pooled body = take_body(lua, L, 8);
    int error = pr_lua_process_new(lua, &options, 1, &server, &monitor);
    if (error) {
        pr_pool_give(lua, body);
        pr_class_drop(lua, class_);
        if (error == PIERROT_EEXIST)
            return already_started(lua, L, &options);
        return fail(L, error);
    }
    pr_store_push(lua, body.co, lua->activate_place);
    lua_pushnil(body.co);
    lua_pushnil(body.co);
    if (has_boot) {
        lua_pushvalue(L, 2);
        lua_pushvalue(L, 3);
        lua_xmove(L, body.co, 2);
    }
    lua_xmove(L, body.co, 1); /* the copied argument */
    server->body = body;
    server->class_ = class_;
    server->phase = has_boot ? PR_PHASE_LOAD : PR_PHASE_INIT;
    server->process.flags |= PR_STARTING;
    server->n_args = (uint16_t)(lua_gettop(body.co) - 1);
    lua_settop(L, 0);
    if (options.monitor)
        pr_push_id(L, monitor.id);
    return start_and_wait(lua, L, server, deadline);
}

/* -------------------------------------------------------------------- C actors */

static const pierrot_behaviour *behaviour_named(const char *name)
{
    if (strcmp(name, "bucket") == 0)
        return pierrot_bucket_behaviour();
    if (strcmp(name, "registry") == 0)
        return pierrot_registry_behaviour();
    return NULL;
}

/* start_actor(opts, behaviour, arg): a built-in C actor here. Results: pid; or nil, why. */
static int l_start_actor(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_spawn_options options;
    pierrot_term *why = NULL;
    pierrot_pid pid;
    int error;
    const pierrot_behaviour *behaviour = behaviour_named(luaL_checkstring(L, 2));
    luaL_argcheck(L, behaviour, 2, "no such actor");
    lua_settop(L, 3);
    read_options(lua, L, 1, &options);
    struct pr_actor_start start = {.behaviour = behaviour,
                                   .link = options.link,
                                   .name = options.name,
                                   .name_len = options.name_len,
                                   .max_queue = options.max_queue};
    start.arg = pr_copy_to_term(lua, L, 3, &error);
    if (!start.arg)
        return error == PIERROT_EINVAL ? pr_copy_error(lua, L, 3) : fail(L, error);
    start.lineage = pr_process_lineage(lua->owner, lua->owner->current);
    error = start.lineage ? pr_actor_start(lua->owner, &start, &pid, &why) : PIERROT_ENOMEM;
    pr_term_drop(start.arg, &lua->owner->heap);
    if (lua->owner->current->flags & PR_EXITING) {
        pr_term_drop(why, &lua->owner->heap);
        return pr_die(lua, L);
    }
    if (!error) {
        pr_push_id(L, pid.id);
        return 1;
    }
    if (error == PIERROT_EEXIST)
        return already_started(lua, L, &options);
    lua_pushnil(L);
    if (error == PIERROT_EIGNORE)
        lua_pushliteral(L, "ignore");
    else if (why)
        return pr_push_root(lua, L, why) + 1;
    else
        lua_pushstring(L, pierrot_strerror(error));
    return 2;
}

/* --------------------------------------------------------------- other schedulers */

/* The request and, in the other direction, its answer. */
struct remote_start {
    struct pr_visit visit; /* first */
    pierrot_from starter;
    pierrot_pid pid;       /* of the new process */
    pierrot_ref ref;       /* of the starter's monitor */
    pierrot_term *payload; /* {name =, …, code =, args =}: see pierrot.carry */
    struct pr_lineage *lineage;
    int error;
    int link, monitor, is_server;
    int is_answer;
};

static void free_remote(struct pr_owner *owner, struct remote_start *start)
{
    pr_term_drop(start->payload, &owner->heap);
    pr_lineage_drop(owner, start->lineage);
    pr_free(&owner->heap, start, sizeof *start);
}

/* Back on the starter's scheduler: its halves of link and monitor, then the answer to its call. */
static void take_answer(struct pr_owner *owner, struct pr_process *process, struct pr_visit *visit)
{
    struct remote_start *start = (struct remote_start *)visit;
    if (process && !start->error) {
        if (start->link && !pr_relation_find_link(owner, process, start->pid))
            (void)pr_relation_add(owner, process, PR_LINK, start->pid, (pierrot_ref){0});
        if (start->monitor)
            (void)pr_relation_add(owner, process, PR_WATCH, start->pid, start->ref);
    } else if (!start->error) {
        /* The starter died meanwhile; what it would have been linked with hears of it. */
        if (start->link)
            (void)pr_exit_send(owner, start->starter.pid, start->pid, PR_TERM(noproc));
    }
    struct pr_relation *relation = pr_relation_find(owner, start->starter.ref, PR_SIDE_HOLDER);
    if (process && relation && relation->kind == PR_CALL && relation->process == process) {
        if (start->error) {
            const char *text = start->error == PIERROT_EEXIST ? "already_registered"
                                                              : pierrot_strerror(start->error);
            pierrot_term *why = pr_term_new_string(&owner->heap, text, strlen(text));
            owner->ops->answer(owner, relation, 1, pr_value_of_term(why ? why : PR_TERM(enomem)));
        } else if (!start->is_server) {
            relation->peer = start->pid;
            owner->ops->answer(owner, relation, 0, pr_cell_pid(start->pid));
        } else {
            relation->peer = start->pid; /* init answers later */
        }
    }
    free_remote(owner, start);
}

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
        lua_pop(L, 2);
    }
    options.name = name;
    struct pr_pooled body = take_body(lua, L, 6);
    start->lineage = NULL;
    start->error = pr_lua_process_new(lua, &options, start->is_server, &made, &unused);
    if (start->error) {
        pr_pool_give(lua, body);
        return 0;
    }
    if (start->is_server) {
        pr_store_push(lua, body.co, lua->activate_place);
        lua_pushnil(body.co);
        lua_pushnil(body.co);
        made->phase = PR_PHASE_LOAD;
        made->starter = start->starter;
        made->process.flags |= PR_STARTING;
    }
    pr_store_push(lua, body.co, lua->boot_place);
    lua_pushvalue(L, 3);
    lua_xmove(L, body.co, 1);
    made->n_args = start->is_server ? 4 : 1;
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

static void start_there(struct pr_owner *owner, struct pr_process *process, struct pr_visit *visit)
{
    struct remote_start *start = (struct remote_start *)visit;
    struct pr_lua *lua = pr_lua_of(owner);
    lua_State *L = lua->scratch;
    struct pr_process *outer = owner->current;
    (void)process;
    owner->current = NULL;
    start->error = PIERROT_ENOMEM;
    if (lua_checkstack(L, 8)) {
        lua_pushcfunction(L, make_remote);
        lua_pushlightuserdata(L, lua);
        lua_pushlightuserdata(L, start);
        if (lua_pcall(L, 2, 0, 0) != LUA_OK)
            lua_pop(L, 1);
    }
    owner->current = outer;
    if (!start->error)
        start->error = add_remote_relations(owner, start);
    pr_term_drop(start->payload, &owner->heap);
    start->payload = NULL;
    start->visit.run = take_answer;
    start->visit.signal.u.to = start->starter.pid;
    pr_signal_push(pr_ptable_owner(owner->system, start->starter.pid), &start->visit.signal);
}

/* start_remote(index, payload, link, monitor, is_server, timeout): see pierrot.carry. Results: pid
 * [, ref]; or nil, why. */
static int l_start_remote(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_owner *owner = lua->owner;
    struct pierrot *runtime = lua->scheduler->runtime;
    lua_Integer index = luaL_checkinteger(L, 1);
    int error;
    luaL_argcheck(L, index >= 1 && index <= (lua_Integer)runtime->n_schedulers, 1,
                  "no such scheduler");
    uint64_t deadline = pr_check_deadline(lua, L, 6);
    pr_check_can_wait(lua, L);
    pierrot_term *payload = pr_copy_to_term(lua, L, 2, &error);
    if (!payload)
        return error == PIERROT_EINVAL ? pr_copy_error(lua, L, 2) : fail(L, error);
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
        return fail(L, PIERROT_ENOMEM);
    }
    start->visit.signal.kind = PR_SIGNAL_VISIT;
    start->visit.run = start_there;
    start->starter = (pierrot_from){owner->current->pid, ref};
    start->payload = payload;
    start->lineage = lineage;
    start->link = lua_toboolean(L, 3);
    start->monitor = lua_toboolean(L, 4);
    start->is_server = lua_toboolean(L, 5);
    if (start->monitor)
        start->ref = pr_owner_make_ref(owner);
    lua_settop(L, 0);
    if (start->monitor)
        pr_push_id(L, start->ref.id);
    pr_signal_push(runtime->system.owners[index - 1], &start->visit.signal);
    return pr_wait(lua, L, (lua_KContext)call, try_start, start_k);
}

/* scheduler_for("any"): the index of the least busy one. */
static int l_least_busy(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_scheduler *best = pr_runtime_least_busy(lua->scheduler->runtime, lua->owner->index);
    lua_pushinteger(L, (lua_Integer)best->owner.index + 1);
    return 1;
}

void pr_open_spawn(struct pr_lua *lua, lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"spawn", l_spawn},
        {"spawn_link", l_spawn_link},
        {"spawn_monitor", l_spawn_monitor},
        {"spawn_local", l_spawn_local},
        {"start_server", l_start_server},
        {"start_actor", l_start_actor},
        {"start_remote", l_start_remote},
        {"least_busy", l_least_busy},
        {NULL, NULL},
    };
    pr_lua_register(L, lua, functions);
}
