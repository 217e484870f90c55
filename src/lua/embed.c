/* SPDX-License-Identifier: MIT
 *
 * A runtime with Lua in it, as a host sees it: pierrot_new to pierrot_free, and running scripts. */
#include "lua/embed.h"

#include <stdlib.h>
#include <string.h>

#include "lua/language.h"
#include "lua/process.h"
#include "lua/running.h"
#include "lua/spawn.h"

int pierrot_new(const pierrot_options *options, pierrot **rt)
{
    if (!options || !rt || options->size != sizeof *options || options->schedulers < 0 ||
        (unsigned)options->preempt > PIERROT_PREEMPT_COUNT)
        return PIERROT_EINVAL;
    struct pr_owner *outer = pr_owner_here();
    int error = pr_runtime_new(options, &pr_lua_language, NULL, rt);
    pr_owner_set_here(outer);
    return error;
}

/* In a callback of the host's loop, while a function of ours runs that loop. */
static int is_in_a_wait(pierrot *rt)
{
    struct pr_scheduler *first = rt->schedulers[0];
    return !first->has_thread && first->n_runs > 0;
}

void pierrot_free(pierrot *rt)
{
    if (!rt)
        return;
    if (pr_host_would_deadlock(rt) || is_in_a_wait(rt)) {
        pierrot_log(rt, PIERROT_ERROR, "pierrot_free inside of a callback: nothing is done");
        return;
    }
    struct pr_owner *outer = pr_owner_here();
    int was_ours = outer && outer->system == &rt->system;
    pr_runtime_free(rt);
    pr_owner_set_here(was_ours ? NULL : outer);
}

int pr_main_stop_trees(pierrot *rt, int timeout_ms)
{
    struct pr_lua *lua = pr_main_lua(rt);
    pierrot_pid pid;
    pierrot_ref unused;
    /* Without memory for it everything ends at once, each tree still in its own order. */
    if (pr_spawn_named(lua, "pierrot.ending", "run", NULL, &pid, &unused) != 0)
        return timeout_ms;
    return pr_stop_await(rt, pid, timeout_ms);
}

/* The host's thread gives up in time, whatever the scheduler does: so it lies on the heap. */
struct stop {
    struct pr_job job; /* first */
};

static int run_stop(pierrot *rt, struct pr_job *job)
{
    return pr_stop_processes(rt, pr_main_stop_trees(rt, pr_host_remaining_ms(&job->visit)));
}

static void stop_abandoned(struct pr_owner *owner, struct pr_host_visit *visit, int result)
{
    (void)result;
    pr_free(&owner->heap, visit, sizeof(struct stop));
}

int pierrot_stop(pierrot *rt, int timeout_ms)
{
    struct stop *stop = rt ? pr_zalloc(&rt->system.heap, sizeof *stop) : NULL;
    if (!stop)
        return rt ? PIERROT_ENOMEM : PIERROT_EINVAL;
    stop->job.run = run_stop;
    stop->job.is_stop = 1;
    stop->job.visit.abandoned = stop_abandoned;
    int error = pr_job_do(rt, &stop->job, timeout_ms);
    if (error == PR_HOST_LATER)
        return PIERROT_ETIMEOUT;
    pr_free(&rt->system.heap, stop, sizeof *stop);
    return error;
}

struct pr_lua *pr_main_lua(pierrot *rt)
{
    return rt->schedulers[0]->language_state;
}

/* ------------------------------------------------------ watching the main process */

/* A process of the runtime's own that gets the DOWN of the main process. It is listed, so anybody
 * can send it something, or kill it: that is the end of the program too, which nobody would see
 * otherwise. */
struct watcher {
    struct pr_process process; /* first */
    struct pierrot *runtime;
    pierrot_ref ref;
    enum pr_main_end *end;
    int *is_done; /* NULL: nobody waits, or not yet */
};

static enum pr_slice_end run_watcher(struct pr_owner *owner, struct pr_process *process)
{
    struct watcher *watcher = (struct watcher *)process;
    struct pr_signal *message;
    while ((message = pr_mailbox_first(&process->mailbox)) != NULL) {
        if (message->kind != PR_SIGNAL_DOWN || message->ref.id != watcher->ref.id) {
            pr_mailbox_take(&process->mailbox, message);
            pr_signal_free(owner, message);
            continue;
        }
        const pierrot_term *reason = pr_value_cell(&message->value);
        *watcher->end = pr_exit_is_clean(reason) ? PR_MAIN_CLEAN : PR_MAIN_CRASHED;
        *watcher->is_done = 1;
        watcher->is_done = NULL;
        pr_process_exit(owner, process, PR_TERM(normal));
        return PR_SLICE_ENDED;
    }
    return PR_SLICE_WAITS;
}

/* Also when it is killed: by a script, or by a stop from a callback of the host's loop, which runs while
 * the script waits. Then the wait ends as it does by a halt. */
static void finish_watcher(struct pr_owner *owner, struct pr_process *process, pierrot_term *reason)
{
    struct watcher *watcher = (struct watcher *)process;
    (void)owner;
    if (!watcher->is_done)
        return;
    if (!pr_exit_is_clean(reason))
        *watcher->end = PR_MAIN_CRASHED;
    *watcher->is_done = 1;
}

static void destroy_watcher(struct pr_owner *owner, struct pr_process *process)
{
    pr_free(&owner->heap, process, sizeof(struct watcher));
}

static const struct pr_kind watcher_kind = {
    .name = "watcher", .run = run_watcher, .finish = finish_watcher, .destroy = destroy_watcher};

static int watch(struct pr_owner *owner, pierrot_pid pid, struct watcher **out)
{
    struct watcher *watcher = pr_zalloc(&owner->heap, sizeof *watcher);
    int error =
        watcher ? pr_process_init(owner, &watcher->process, &watcher_kind, NULL) : PIERROT_ENOMEM;
    if (error) {
        pr_free(&owner->heap, watcher, sizeof *watcher);
        return error;
    }
    watcher->process.flags |= PR_WAKE_ON_MESSAGE;
    error = pr_monitor(owner, &watcher->process, pid, NULL, &watcher->ref);
    /* A DOWN of what has not run yet: there was no memory for its half of the monitor. */
    if (!error && pr_mailbox_first(&watcher->process.mailbox))
        error = PIERROT_ENOMEM;
    if (error)
        pr_process_exit(owner, &watcher->process, PR_TERM(normal));
    *out = watcher;
    return error;
}

struct waiting {
    struct pierrot *runtime;
    int is_done;
};

static int is_over(void *ud)
{
    struct waiting *waiting = ud;
    return waiting->is_done || waiting->runtime->n_stops > 0 ||
           atomic_load_explicit(&waiting->runtime->halt_requested, memory_order_seq_cst);
}

/* Runs protected: a process with the function at 1. */
static int spawn_main(lua_State *L)
{
    struct pr_lua *lua = lua_touserdata(L, 2);
    pierrot_pid *pid = lua_touserdata(L, 3);
    struct pr_spawn_options options = {0};
    struct pr_lua_process *made;
    pierrot_ref unused;
    lua_settop(L, 1);
    int error = pr_spawn_plain(lua, L, 0, &options, &made, &unused);
    if (error)
        return luaL_error(L, "%s", pierrot_strerror(error));
    *pid = made->process.pid;
    lua->script = *pid;
    return 0;
}

int pr_main_run(pierrot *rt, enum pr_main_end *end)
{
    struct pr_lua *lua = pr_main_lua(rt);
    struct pr_owner *owner = lua->owner, *outer = pr_owner_here();
    struct waiting waiting = {.runtime = rt};
    struct watcher *watcher = NULL;
    pierrot_pid pid = {0};
    lua_State *L = lua->main;
    pr_owner_set_here(owner);
    lua_pushcfunction(L, spawn_main);
    lua_insert(L, -2);
    lua_pushlightuserdata(L, lua);
    lua_pushlightuserdata(L, &pid);
    int error = lua_pcall(L, 3, 0, 0) == LUA_OK ? 0 : PIERROT_ENOMEM;
    if (error) {
        lua_pop(L, 1);
    } else {
        error = watch(owner, pid, &watcher);
        if (error)
            pr_process_exit(owner, pr_ptable_find(owner, pid), PR_TERM(normal));
    }
    if (!error) {
        watcher->runtime = rt;
        watcher->end = end;
        watcher->is_done = &waiting.is_done;
        *end = PR_MAIN_HALTED;
        pr_scheduler_run(lua->scheduler, is_over, &waiting);
        if (!waiting.is_done) { /* a halt: this frame goes before the watcher does */
            watcher->is_done = NULL;
            pr_process_exit(owner, &watcher->process, PR_TERM(normal));
        }
    }
    pr_owner_set_here(outer);
    return error;
}

static int is_halted(void *ud)
{
    struct pierrot *runtime = ud;
    return atomic_load_explicit(&runtime->halt_requested, memory_order_seq_cst);
}

void pr_main_wait_halt(pierrot *rt)
{
    struct pr_owner *outer = pr_owner_here();
    pr_owner_set_here(&rt->schedulers[0]->owner);
    pr_scheduler_run(rt->schedulers[0], is_halted, rt);
    pr_owner_set_here(outer);
}

/* ------------------------------------------------------------------------ scripts */

struct arguments {
    int argc;
    char **argv;
    int script;
};

static int set_arg(lua_State *L)
{
    struct arguments *arguments = lua_touserdata(L, 1);
    lua_createtable(L, arguments->argc, 1);
    for (int i = 0; i < arguments->argc; i++) {
        lua_pushstring(L, arguments->argv[i]);
        lua_rawseti(L, -2, i - arguments->script);
    }
    lua_setglobal(L, "arg");
    return 0;
}

int pr_main_set_arg(pierrot *rt, int argc, char **argv, int script)
{
    lua_State *L = pr_main_lua(rt)->main;
    struct arguments arguments = {argc, argv, script};
    lua_pushcfunction(L, set_arg);
    lua_pushlightuserdata(L, &arguments);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK)
        return 0;
    lua_pop(L, 1);
    return PIERROT_ENOMEM;
}

/* The chunk is on the stack, or its error: then it is logged. */
static int run_loaded(pierrot *rt, int status)
{
    lua_State *L = pr_main_lua(rt)->main;
    enum pr_main_end end;
    if (status != LUA_OK) {
        const char *text = lua_tostring(L, -1);
        pierrot_log(rt, PIERROT_ERROR, "%s", text ? text : "cannot load the script");
        lua_pop(L, 1);
        return status == LUA_ERRMEM ? PIERROT_ENOMEM : PIERROT_ELUA;
    }
    /* What was halted was another one. */
    atomic_store_explicit(&rt->halt_requested, 0, memory_order_seq_cst);
    int error = pr_main_run(rt, &end);
    if (error)
        return error;
    return end == PR_MAIN_CRASHED ? PIERROT_ELUA : end == PR_MAIN_HALTED ? PIERROT_ESTOPPED : 0;
}

struct script {
    struct pr_job job; /* first */
    const char *path;
    int argc;
    char **argv;
    const char *code;
    const char *chunkname;
};

static int run_path(pierrot *rt, struct pr_job *job)
{
    struct script *script = (struct script *)job;
    int error = pr_main_set_arg(rt, script->argc, script->argv, 0);
    return error ? error
                 : run_loaded(rt, luaL_loadfilex(pr_main_lua(rt)->main, script->path, NULL));
}

static int run_code(pierrot *rt, struct pr_job *job)
{
    struct script *script = (struct script *)job;
    return run_loaded(rt, luaL_loadbufferx(pr_main_lua(rt)->main, script->code,
                                           strlen(script->code), script->chunkname, NULL));
}

int pierrot_run_file(pierrot *rt, const char *path, int argc, char **argv)
{
    struct script script = {.job.run = run_path, .path = path, .argc = argc, .argv = argv};
    if (!rt || !path || argc < 0 || (argc > 0 && !argv))
        return PIERROT_EINVAL;
    return pr_job_do(rt, &script.job, -1);
}

int pierrot_run_string(pierrot *rt, const char *code, const char *chunkname)
{
    struct script script = {
        .job.run = run_code, .code = code, .chunkname = chunkname ? chunkname : "=string"};
    return rt && code ? pr_job_do(rt, &script.job, -1) : PIERROT_EINVAL;
}

/* ----------------------------------------------------------- Lua processes from C */

int pierrot_spawn_lua(pierrot_context *ctx, const char *module, const char *function,
                      pierrot_term *arg, pierrot_pid *pid, pierrot_ref *ref)
{
    int is_valid = ctx && module && function && pid && ref;
    int error = is_valid ? pr_spawn_named(pr_lua_of(pr_owner_here()), module, function, arg, pid,
                                          ref)
                         : PIERROT_EINVAL;
    pierrot_term_free(arg);
    return error;
}
