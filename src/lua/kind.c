/* SPDX-License-Identifier: MIT */
#include "lua/kind.h"

#include <string.h>

#include "lua/closing.h"
#include "lua/crash.h"
#include "lua/heap.h"
#include "lua/items.h"
#include "lua/luv.h"
#include "lua/luv_event.h"
#include "lua/plain.h"
#include "lua/server.h"
#include "lua/wait.h"

/* ------------------------------------------------------------------------ slices */

static enum pr_slice_end run_code(struct pr_lua *lua, struct pr_lua_process *process)
{
    return process->is_server ? pr_server_run(lua, process) : pr_plain_run(lua, process);
}

/* Callbacks of luv's have their turn where the process waits: before its own code when it goes on from
 * a wait, after it when it comes to one. What it waits for may have come by them. */
static enum pr_slice_end run_with_callbacks(struct pr_lua *lua, struct pr_lua_process *process)
{
    struct pr_process *base = &process->process;
    enum pr_slice_end end = PR_SLICE_WAITS;
    if (pr_luv_come_first(lua, process))
        end = pr_luv_run(lua, process);
    while (end == PR_SLICE_WAITS) {
        end = run_code(lua, process);
        if (end != PR_SLICE_WAITS || base->flags & PR_EXITING || base->sys & PR_SYS_SUSPENDED ||
            !(base->sys & PR_SYS_CALLBACKS))
            return end;
        end = pr_luv_run(lua, process);
    }
    return end;
}

static enum pr_slice_end run_slice(struct pr_lua *lua, struct pr_lua_process *process)
{
    if (process->process.sys & PR_SYS_CALLBACKS)
        return run_with_callbacks(lua, process);
    return run_code(lua, process);
}

/* With a max_heap. */
static enum pr_slice_end run_limited(struct pr_lua *lua, struct pr_lua_process *process)
{
    uint64_t begun = pr_heap_begin(lua, process);
    enum pr_slice_end end = run_slice(lua, process);
    pr_heap_end(lua, process, begun);
    return process->process.flags & PR_EXITING ? PR_SLICE_ENDED : end;
}

static enum pr_slice_end run(struct pr_owner *owner, struct pr_process *process)
{
    struct pr_lua_process *self = pr_lua_process_of(process);
    struct pr_lua *lua = pr_lua_of(owner);
    lua->n_sent = 0;
    if (process->sys & PR_SYS_LIMITED)
        return run_limited(lua, self);
    return run_slice(lua, self);
}

/* ------------------------------------------------------------------------- death */

static void finish(struct pr_owner *owner, struct pr_process *process, pierrot_term *reason)
{
    struct pr_lua_process *self = pr_lua_process_of(process);
    struct pr_lua *lua = pr_lua_of(owner);
    pr_wait_alarm_clear(lua, self);
    pr_crash_report(lua, self, reason);
    if (self->body.co) {
        (void)pr_close_coroutine(lua, self->body.co);
        pr_pool_drop(lua, self->body);
        self->body.co = NULL;
    }
    if (lua->luv)
        pr_luv_leave(lua, self);
    if (self->starter.pid.id)
        (void)pr_reply(owner, NULL, self->starter, 1, pr_value_of_term(pr_term_hold(reason)));
}

static void destroy(struct pr_owner *owner, struct pr_process *process)
{
    struct pr_lua_process *self = pr_lua_process_of(process);
    struct pr_lua *lua = pr_lua_of(owner);
    pr_store_drop(lua, self->state_place);
    pr_store_drop(lua, self->dictionary_place);
    pr_server_leave(lua, self);
    pr_crash_forget(lua, self);
    pr_term_drop(self->stop_reason, &owner->heap);
    pr_term_drop(self->handled, &owner->heap);
    if (self->is_host)
        lua->host = NULL;
    pr_pool_free(&lua->scheduler->pool, self, sizeof *self);
}

static int info(struct pr_owner *owner, struct pr_process *process, const char *item,
                struct pr_arena *arena, struct pierrot_term *cell)
{
    return pr_lua_info(pr_lua_of(owner), pr_lua_process_of(process), item, arena, cell);
}

static const struct pr_kind lua_kind = {.name = "lua",
                                        .takes_local = 1,
                                        .run = run,
                                        .finish = finish,
                                        .destroy = destroy,
                                        .info = info};

int pr_lua_interrupt(struct pr_lua *lua, pierrot_pid pid)
{
    struct pr_process *process = pr_ptable_find(lua->owner, pid);
    if (!process || process->kind != &lua_kind || pr_lua_process_of(process)->is_server)
        return 0;
    pr_lua_process_of(process)->is_interrupted = 1;
    pr_process_wake(lua->owner, process);
    return 1;
}

/* ------------------------------------------------------------------------ birth */

static int apply(struct pr_lua *lua, struct pr_lua_process *process,
                 const struct pr_spawn_options *options, pierrot_ref *ref)
{
    struct pr_owner *owner = lua->owner;
    struct pr_process *base = &process->process;
    if (options->max_queue) {
        struct pr_process_extra *extra = pr_process_extra(owner, base);
        if (!extra)
            return PIERROT_ENOMEM;
        extra->max_queue = options->max_queue;
    }
    if (options->max_heap && pr_heap_limit(lua, process, options->max_heap) != 0)
        return PIERROT_ENOMEM;
    if (options->name) {
        int error = pr_name_register(owner->system, options->name, options->name_len, base->pid);
        if (error)
            return error;
    }
    base->has_parent = options->link || options->monitor;
    if (options->link && pr_link_new(owner, options->link, base) != 0)
        return PIERROT_ENOMEM;
    if (options->monitor)
        return pr_monitor(owner, options->monitor, base->pid, NULL, ref);
    return 0;
}

int pr_lua_process_new(struct pr_lua *lua, const struct pr_spawn_options *options, int is_server,
                       struct pr_lua_process **made, pierrot_ref *ref)
{
    struct pr_owner *owner = lua->owner;
    struct pr_lineage *lineage = options->lineage;
    struct pr_pool *pool = &lua->scheduler->pool;
    struct pr_lua_process *process = pr_pool_alloc(pool, sizeof *process);
    int error = PIERROT_ENOMEM;
    if (!process)
        goto fail;
    memset(process, 0, sizeof *process);
    if (!lineage && !options->is_orphan && owner->current &&
        !(lineage = pr_process_lineage(owner, owner->current)))
        goto fail_memory;
    error = pr_process_init(owner, &process->process, &lua_kind, lineage);
    if (error)
        goto fail_memory;
    process->is_server = is_server != 0;
    if (is_server)
        process->process.flags |= PR_SERVER;
    error = apply(lua, process, options, ref);
    if (error) {
        /* Nobody knows the pid: it goes without a word. */
        if (options->link)
            (void)pr_unlink(owner, &process->process, options->link->pid);
        process->process.state = PR_RUNNING;
        pr_process_exit(owner, &process->process, PR_TERM(normal));
        pr_process_end(owner, &process->process);
        return error;
    }
    *made = process;
    return 0;

fail_memory:
    pr_pool_free(pool, process, sizeof *process);
fail:
    pr_lineage_drop(owner, lineage);
    return error;
}

/* --------------------------------------------------------------- the host's main */

static enum pr_slice_end run_host(struct pr_owner *owner, struct pr_process *process)
{
    struct pr_lua *lua = pr_lua_of(owner);
    enum pr_slice_end end = PR_SLICE_WAITS;
    if (process->sys & PR_SYS_CALLBACKS)
        end = pr_luv_run(lua, pr_lua_process_of(process));
    lua->host_woken = end == PR_SLICE_WAITS;
    return end;
}

static const struct pr_kind host_kind = {.name = "host",
                                         .takes_local = 1,
                                         .run = run_host,
                                         .finish = finish,
                                         .destroy = destroy,
                                         .info = info};

int pr_lua_host_new(struct pr_lua *lua)
{
    struct pr_lua_process *host = pr_pool_alloc(&lua->scheduler->pool, sizeof *host);
    if (!host)
        return PIERROT_ENOMEM;
    memset(host, 0, sizeof *host);
    int error = pr_process_init(lua->owner, &host->process, &host_kind, NULL);
    if (error) {
        pr_pool_free(&lua->scheduler->pool, host, sizeof *host);
        return error;
    }
    host->is_host = 1;
    host->process.state = PR_RUNNING;
    host->process.flags |= PR_UNKILLABLE;
    lua->host = host;
    lua->owner->current = &host->process;
    return 0;
}

void pr_lua_host_leave(struct pr_lua *lua)
{
    if (!lua->host)
        return;
    struct pr_process *host = &lua->host->process;
    host->flags &= (uint8_t)~PR_UNKILLABLE;
    pr_term_drop(host->exit_reason, &lua->owner->heap);
    host->exit_reason = NULL;
    lua->owner->current = NULL;
    host->state = PR_RUNNING;
    pr_process_exit(lua->owner, host, PR_TERM(normal));
    pr_process_end(lua->owner, host);
}
