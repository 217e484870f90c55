/* SPDX-License-Identifier: MIT
 *
 * Lua processes started from C, by the name of a module. */
#include <string.h>

#include "lua/copy.h"
#include "lua/process.h"
#include "lua/server.h"
#include "lua/spawn.h"

struct named {
    struct pr_lua *lua;
    const char *module;
    const char *function;
    const pierrot_term *arg;
    const struct pr_spawn_options *options;
    pierrot_pid pid;
    pierrot_ref ref;
    int error;
};

static const char call_code[] = "local module, name, arg = ...\n"
                                "return require(module)[name](arg)";

/* Runs protected. */
static int spawn_named(lua_State *L)
{
    struct named *named = lua_touserdata(L, 1);
    struct pr_lua_process *made;
    lua_pushstring(L, named->module);
    lua_pushstring(L, named->function);
    if (named->arg)
        pr_push_term(L, named->arg);
    else
        lua_pushnil(L);
    if (luaL_loadbufferx(L, call_code, strlen(call_code), "=pierrot", "t") != LUA_OK)
        return lua_error(L);
    named->error = pr_spawn_plain(named->lua, L, 3, named->options, &made, &named->ref);
    if (!named->error)
        named->pid = made->process.pid;
    return 0;
}

int pr_spawn_named_with(struct pr_lua *lua, const char *module, const char *function,
                        const pierrot_term *arg, const struct pr_spawn_options *options,
                        pierrot_pid *pid, pierrot_ref *ref)
{
    struct named named = {.lua = lua,
                          .module = module,
                          .function = function,
                          .arg = arg,
                          .options = options};
    lua_State *L = lua->scratch;
    if (!lua_checkstack(L, 4))
        return PIERROT_ENOMEM;
    lua_pushcfunction(L, spawn_named);
    lua_pushlightuserdata(L, &named);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        lua_pop(L, 1);
        return PIERROT_ENOMEM;
    }
    if (named.error)
        return named.error;
    *pid = named.pid;
    *ref = named.ref;
    return 0;
}

int pr_spawn_named(struct pr_lua *lua, const char *module, const char *function,
                   const pierrot_term *arg, pierrot_pid *pid, pierrot_ref *ref)
{
    struct pr_spawn_options options = {.monitor = lua->owner->current};
    return pr_spawn_named_with(lua, module, function, arg, &options, pid, ref);
}

/* ------------------------------------------------------------ servers for hosts */

/* A process of Lua's starts the server and ends with {"shutdown", pid} or {"shutdown", false, why};
 * one that stands for the host thread reads that. */
struct start {
    struct pr_host_visit visit; /* first */
    pierrot_term *request;
    pierrot_pid pid;
};

static void free_start(struct pr_heap *heap, struct start *start)
{
    pierrot_term_free(start->request);
    pr_free(heap, start, sizeof *start);
}

/* A server that came up all the same is one that nobody knows of. */
static void start_abandoned(struct pr_owner *owner, struct pr_host_visit *visit, int result)
{
    struct start *start = (struct start *)visit;
    if (result == 0)
        (void)pr_exit_send(owner, (pierrot_pid){0}, start->pid, PR_TERM(kill));
    free_start(&owner->heap, start);
}

static int error_of(const pierrot_term *why)
{
    if (pierrot_is_string(why, "ignore"))
        return PIERROT_EIGNORE;
    if (pierrot_is_string(why, "timeout"))
        return PIERROT_ETIMEOUT;
    if (pierrot_is_string(pierrot_table_at(why, 1), "already_started"))
        return PIERROT_EEXIST;
    return PIERROT_EEXITED;
}

static int ended(struct pr_host_visit *visit, const pierrot_term *reason)
{
    const pierrot_term *tag = pierrot_table_at(reason, 1), *pid = pierrot_table_at(reason, 2);
    if (pierrot_is_string(tag, "error"))
        return PIERROT_ELUA;
    if (!pierrot_is_string(tag, "shutdown") || !pid)
        return PIERROT_ESTOPPED;
    if (pierrot_term_type(pid) != PIERROT_PID)
        return error_of(pierrot_table_at(reason, 3));
    ((struct start *)visit)->pid = pierrot_as_pid(pid);
    return 0;
}

static int start_there(struct pr_owner *owner, struct pr_host_visit *visit)
{
    struct start *start = (struct start *)visit;
    struct pr_process *outer = owner->current;
    pierrot_pid starter;
    pierrot_ref unused;
    owner->current = NULL; /* it is nobody's child */
    int error = pr_spawn_named(pr_lua_of(owner), "pierrot.start", "for_host", start->request,
                               &starter, &unused);
    owner->current = outer;
    if (error)
        return error;
    struct pr_host_wait wait = {starter, ended, -1, 0};
    error = pr_host_await_end(owner, visit, &wait);
    if (error < 0)
        pr_process_exit(owner, pr_ptable_find(owner, starter), PR_TERM(killed));
    return error;
}

static int set(pierrot_term *table, const char *field, pierrot_term *value)
{
    return pierrot_table_set(table, pierrot_string(field, strlen(field)), value);
}

/* Takes: arg. Gives; NULL: out of memory. */
static pierrot_term *make_request(const char *module, pierrot_term *arg,
                                  const pierrot_spawn_options *options)
{
    pierrot_term *request = pierrot_table();
    if (!request) {
        pierrot_term_free(arg);
        return NULL;
    }
    int error = arg ? set(request, "arg", arg) : 0;
    if (!error)
        error = set(request, "module", pierrot_string(module, strlen(module)));
    if (!error && options && options->name)
        error = set(request, "name", pierrot_string(options->name, options->name_len));
    if (!error && options && options->max_queue > 0)
        error = set(request, "max_queue", pierrot_int(options->max_queue));
    if (!error && options && options->max_heap > 0)
        error = set(request, "max_heap", pierrot_int(options->max_heap));
    if (!error && options && options->timeout_ms >= 0)
        error = set(request, "timeout", pierrot_int(options->timeout_ms));
    if (!error)
        return request;
    pierrot_term_free(request);
    return NULL;
}

/* Takes: request. */
static int start_server(pierrot *rt, struct pr_owner *target, pierrot_term *request, int timeout_ms,
                        pierrot_pid *pid)
{
    if (request)
        request = pr_host_import(rt, request); /* it was made on a thread that may be another's */
    struct start *start = request ? pr_zalloc(&rt->system.heap, sizeof *start) : NULL;
    if (!start) {
        pierrot_term_free(request);
        return PIERROT_ENOMEM;
    }
    start->visit.run = start_there;
    start->visit.abandoned = start_abandoned;
    start->request = request;
    int error = pr_host_visit_within(rt, target, &start->visit, timeout_ms);
    if (error == PR_HOST_LATER)
        return PIERROT_ETIMEOUT;
    if (!error)
        *pid = start->pid;
    free_start(&rt->system.heap, start);
    return error;
}

int pierrot_start(pierrot *rt, const char *module, pierrot_term *arg,
                  const pierrot_spawn_options *options, pierrot_pid *pid)
{
    int index = options && options->scheduler > 0 ? options->scheduler - 1 : 0;
    int is_valid = !options || (options->size == sizeof *options && !options->link &&
                                options->scheduler >= 0 && options->max_queue >= 0 &&
                                options->max_heap >= 0);
    if (!module || !pid || !is_valid || pr_host_check_arg(rt, arg) ||
        index >= (int)rt->n_schedulers) {
        pierrot_term_free(arg);
        return PIERROT_EINVAL;
    }
    return start_server(rt, rt->system.owners[index], make_request(module, arg, options),
                        options ? options->timeout_ms : -1, pid);
}
