/* SPDX-License-Identifier: MIT */
#include "lua/spawn.h"

#include <string.h>

#include "lua/class.h"
#include "lua/copy.h"
#include "lua/ident.h"
#include "lua/server.h"
#include "lua/wait.h"
#include "pierrot_actors.h"

enum { MAX_ARGUMENTS = 250 };

/* ------------------------------------------------------------------------ here */

struct pr_pooled pr_spawn_take_body(struct pr_lua *lua, lua_State *L, int n_values)
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
    struct pr_pooled body = pr_spawn_take_body(lua, L, n_args + 1);
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

int pr_spawn_fail(lua_State *L, int error)
{
    if (error == PIERROT_EEXIST) {
        lua_pushnil(L);
        lua_pushliteral(L, "already_registered");
        return 2;
    }
    return luaL_error(L, "cannot start a process: %s", pierrot_strerror(error));
}

/* In place of a table of options, where there are no others. */
enum { OPTION_LINK = 1, OPTION_MONITOR = 2 };

/* Options as the Lua side has checked them: link, monitor, name, max_queue, max_heap; orphan. Most
 * starts have none: to look for each in an empty table took a tenth of a start. The name takes the
 * place of the table: that may change, or have it from an __index alone, and the name must stay. */
static void read_options(struct pr_lua *lua, lua_State *L, int index,
                         struct pr_spawn_options *options)
{
    struct pr_process *self = lua->owner->current;
    *options = (struct pr_spawn_options){0};
    if (lua_isinteger(L, index)) {
        lua_Integer bits = lua_tointeger(L, index);
        options->link = bits & OPTION_LINK ? self : NULL;
        options->monitor = bits & OPTION_MONITOR ? self : NULL;
        return;
    }
    lua_getfield(L, index, "link");
    options->link = lua_toboolean(L, -1) ? self : NULL;
    lua_getfield(L, index, "monitor");
    options->monitor = lua_toboolean(L, -1) ? self : NULL;
    lua_getfield(L, index, "max_queue");
    options->max_queue = (uint64_t)lua_tointeger(L, -1);
    lua_getfield(L, index, "max_heap");
    options->max_heap = (uint64_t)lua_tointeger(L, -1);
    lua_getfield(L, index, "orphan");
    options->is_orphan = lua_toboolean(L, -1);
    lua_pop(L, 5);
    lua_getfield(L, index, "name");
    if (lua_type(L, -1) == LUA_TSTRING)
        options->name = lua_tolstring(L, -1, &options->name_len);
    lua_replace(L, index);
}

static int spawn_with(lua_State *L, const struct pr_spawn_options *options, int fn)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *made;
    pierrot_ref ref;
    luaL_checktype(L, fn, LUA_TFUNCTION);
    PR_CHECK_ALIVE(lua, L);
    int n_args = copy_arguments(lua, L, fn + 1);
    luaL_checkstack(L, 4, NULL);
    lua_pushvalue(L, fn);
    int error = pr_spawn_plain(lua, L, n_args, options, &made, &ref);
    if (error)
        return pr_spawn_fail(L, error);
    pr_push_id(L, made->process.pid.id);
    if (!options->monitor)
        return 1;
    pr_push_id(L, ref.id);
    return 2;
}

/* A function named as "some.module:fn" is found by Lua code, which says what is wrong with others. */
static void check_function(lua_State *L, const char *name)
{
    if (lua_type(L, 1) == LUA_TFUNCTION)
        return;
    luaL_checkstack(L, 8, NULL);
    if (lua_gettop(L) == 0)
        lua_pushnil(L);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "pierrot.start");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "check_function");
    lua_pushinteger(L, 2);
    lua_pushinteger(L, 1);
    lua_pushstring(L, name);
    lua_pushvalue(L, 1);
    lua_call(L, 4, 1);
    lua_replace(L, 1);
    lua_pop(L, 1);
}

static int l_spawn(lua_State *L)
{
    struct pr_spawn_options options = {0};
    check_function(L, "spawn");
    return spawn_with(L, &options, 1);
}

static int l_spawn_link(lua_State *L)
{
    struct pr_spawn_options options = {.link = PR_SELF(L)->owner->current};
    check_function(L, "spawn_link");
    return spawn_with(L, &options, 1);
}

static int l_spawn_monitor(lua_State *L)
{
    struct pr_spawn_options options = {.monitor = PR_SELF(L)->owner->current};
    check_function(L, "spawn_monitor");
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

/* purge_exit(pid) */
static int l_purge_exit(lua_State *L)
{
    purge_exit(PR_SELF(L), pr_check_pid(L, 1));
    return 0;
}

/* context: the call. Stack: the ref of the monitor, or nothing. Results: pid [, ref]; or nil, why,
 * and its pid when it was elsewhere: its end may be on its way still. */
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
    struct pr_owner *home = pr_ptable_owner(lua->owner->system, pid);
    if (!home || home == lua->owner)
        return 2;
    pr_push_id(L, pid.id);
    return 3;
}

static int start_k(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    return pr_wait(PR_SELF(L), L, context, try_start, start_k);
}

int pr_start_wait_for(struct pr_lua *lua, lua_State *L, struct pr_call *call)
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
    if (lua->n_nested < PR_NEST_MAX && !server->process.sys)
        pr_server_start_now(lua, server);
    else
        pr_process_wake(owner, &server->process);
    return pr_start_wait_for(lua, L, call);
}

/* Whether a start that failed is to be tried again: who had the name, which another scheduler can
 * take away, has it no longer. Else who has it. */
static int is_free_again(struct pr_lua *lua, const struct pr_spawn_options *options, int error,
                         pierrot_pid *holder)
{
    if (error != PIERROT_EEXIST)
        return 0;
    *holder = pr_name_find(lua->owner->system, options->name, options->name_len);
    return !holder->id;
}

static int already_started(lua_State *L, pierrot_pid holder)
{
    lua_pushnil(L);
    lua_createtable(L, 2, 0);
    lua_pushliteral(L, "already_started");
    lua_rawseti(L, -2, 1);
    pr_push_id(L, holder.id);
    lua_rawseti(L, -2, 2);
    return 2;
}

/* start_server(opts or bits, boot or nil, module, arg, name): a gen_server here; with boot,
 * boot(module, arg, …) runs first in the new process. Results: pid; or nil, why. */
static int l_start_server(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_spawn_options options;
    struct pr_lua_process *server;
    pierrot_ref monitor;
    int has_boot = lua_isfunction(L, 2);
    lua_settop(L, 5);
    uint64_t deadline = UINT64_MAX;
    if (lua_istable(L, 1)) {
        lua_getfield(L, 1, "timeout");
        deadline = pr_check_deadline(lua, L, 6);
    }
    read_options(lua, L, 1, &options);
    pr_check_can_wait(lua, L);
    if (pr_copy(L, 4, L) != 0)
        return pr_copy_error(lua, L, 4);
    struct pr_class *class_ = has_boot ? NULL : pr_class_hold(lua, L, 3, lua_tostring(L, 5));
    struct pr_pooled body = pr_spawn_take_body(lua, L, 8);
    pierrot_pid holder;
    int error;
    do {
        error = pr_lua_process_new(lua, &options, 1, &server, &monitor);
    } while (is_free_again(lua, &options, error, &holder));
    if (error) {
        pr_pool_give(lua, body);
        pr_class_drop(lua, class_);
        if (error == PIERROT_EEXIST)
            return already_started(L, holder);
        return pr_spawn_fail(L, error);
    }
    pr_store_push(lua, body.co, lua->activate_place);
    lua_settop(body.co, lua_gettop(body.co) + PR_BASE);
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

const pierrot_behaviour *pr_behaviour_named(const char *name)
{
    if (strcmp(name, "bucket") == 0)
        return pierrot_bucket_behaviour();
    if (strcmp(name, "registry") == 0)
        return pierrot_registry_behaviour();
    if (strcmp(name, "tcp_listener") == 0)
        return pierrot_tcp_listener_behaviour();
    if (strcmp(name, "tcp_stream") == 0)
        return pierrot_tcp_stream_behaviour();
    return NULL;
}

/* A pid, and the ref of a monitor when that is wanted. */
static int push_actor(struct pr_lua *lua, lua_State *L, pierrot_pid pid, struct pr_process *monitor)
{
    pierrot_ref ref;
    pr_push_id(L, pid.id);
    if (!monitor)
        return 1;
    if (pr_monitor(lua->owner, monitor, pid, NULL, &ref) != 0)
        return pr_spawn_fail(L, PIERROT_ENOMEM);
    pr_push_id(L, ref.id);
    return 2;
}

/* start_actor(opts, behaviour, arg): a built-in C actor here. Results: pid [, ref]; or nil, why. */
static int l_start_actor(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_spawn_options options;
    pierrot_term *why = NULL;
    pierrot_pid pid;
    int error;
    const pierrot_behaviour *behaviour = pr_behaviour_named(luaL_checkstring(L, 2));
    luaL_argcheck(L, behaviour, 2, "no such actor");
    lua_settop(L, 3);
    lua_getfield(L, 1, "timeout");
    uint64_t deadline = pr_check_deadline(lua, L, 4);
    read_options(lua, L, 1, &options);
    struct pr_actor_start start = {.behaviour = behaviour,
                                   .link = options.link,
                                   .name = options.name,
                                   .name_len = options.name_len,
                                   .max_queue = options.max_queue,
                                   .deadline_ns = deadline < UINT64_MAX ? deadline : 0};
    start.arg = pr_copy_to_term(lua, L, 3, &error);
    if (!start.arg)
        return error == PIERROT_EINVAL ? pr_copy_error(lua, L, 3) : pr_spawn_fail(L, error);
    pierrot_pid holder;
    do {
        start.lineage = pr_process_lineage(lua->owner, lua->owner->current);
        error = start.lineage ? pr_actor_start(lua->owner, &start, &pid, &why) : PIERROT_ENOMEM;
    } while (is_free_again(lua, &options, error, &holder));
    pr_term_drop(start.arg, &lua->owner->heap);
    if (pr_must_die(lua)) {
        pr_term_drop(why, &lua->owner->heap);
        return pr_die(lua, L);
    }
    if (!error)
        return push_actor(lua, L, pid, options.monitor);
    if (error == PIERROT_EEXIST)
        return already_started(L, holder);
    lua_pushnil(L);
    if (error == PIERROT_EIGNORE)
        lua_pushliteral(L, "ignore");
    else if (error == PIERROT_ETIMEOUT)
        lua_pushliteral(L, "timeout");
    else if (why)
        return pr_push_root(lua, L, why) + 1;
    else
        lua_pushstring(L, pierrot_strerror(error));
    return 2;
}

void pr_open_spawn(struct pr_lua *lua, lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"spawn", l_spawn},
        {"spawn_link", l_spawn_link},
        {"spawn_monitor", l_spawn_monitor},
        {"spawn_local", l_spawn_local},
        {"purge_exit", l_purge_exit},
        {"start_server", l_start_server},
        {"start_actor", l_start_actor},
        {NULL, NULL},
    };
    pr_lua_register(L, lua, functions);
}
