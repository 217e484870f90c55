/* SPDX-License-Identifier: MIT
 *
 * A process may be preempted between any two instructions, and a callback of its own must not run
 * there: the two would see each other's half-done work. So a callback is run at once if its process
 * waits, or would go on from a wait; else it lies in a queue until the process waits. What reads is
 * paused meanwhile, and what only repeats itself is told once.
 *
 * A callback that is preempted goes on in later slices of its process, ahead of all else. It cannot
 * wait: the process may be waiting already, for something else. */
#include "lua/luv_event.h"

#include "lua/crash.h"
#include "lua/heap.h"
#include "lua/luv_callback.h"
#include "lua/luv_file.h"
#include "lua/luv_handle.h"
#include "lua/luv_owner.h"
#include "lua/luv_queue.h"
#include "lua/running.h"
#include "lua/server.h"

/* Callbacks in one slice of a process that has more and more. */
enum { SLICE_CALLS = 200 };

const char pr_luv_key = 0;

/* ------------------------------------------------------------------------- running */

/* What the process waits for itself; receives in the callback that only look must not touch it. */
struct wait {
    struct pr_wait_alarm *alarm;
    struct pr_signal *scanned;
    uint32_t n_taken;
    uint8_t flags;
};

static struct wait put_aside(struct pr_lua_process *process)
{
    struct wait wait = {process->alarm, process->scanned, process->process.mailbox.n_taken,
                        process->process.flags & PR_WAKE_ON_MESSAGE};
    process->alarm = NULL;
    process->scanned = NULL;
    return wait;
}

static void put_back(struct pr_lua *lua, struct pr_lua_process *process, struct wait wait)
{
    pr_wait_alarm_clear(lua, process);
    process->alarm = wait.alarm;
    /* With a message gone it may be that one: the wait looks at all anew. */
    process->scanned = wait.n_taken == process->process.mailbox.n_taken ? wait.scanned : NULL;
    process->process.flags |= wait.flags;
}

static int resume(struct pr_lua *lua, struct pr_lua_process *process, struct pr_luv_call *call)
{
    int n_results, n_args = call->n_args;
    struct wait wait = put_aside(process);
    call->n_args = 0;
    pr_luv_call_begin(call);
    pr_running.callback = call->body.co;
    pr_running.is_interrupted = process->is_interrupted;
    process->is_interrupted = 0;
    int status = pr_resume(call->body.co, NULL, n_args, &n_results);
    process->is_interrupted |= (uint8_t)pr_running.is_interrupted;
    pr_running.is_interrupted = 0;
    pr_running.callback = NULL;
    put_back(lua, process, wait);
    return status;
}

/* An error in a callback is one of its process. */
static enum pr_slice_end fail(struct pr_lua *lua, struct pr_lua_process *process, lua_State *co)
{
    if (process->is_server)
        return pr_server_fail(lua, process, co);
    pr_process_exit(lua->owner, &process->process, pr_crash_reason(lua, co));
    return process->process.flags & PR_EXITING ? PR_SLICE_ENDED : PR_SLICE_WAITS;
}

static enum pr_slice_end run_one(struct pr_lua *lua, struct pr_lua_process *process,
                                 struct pr_luv_call *call)
{
    if (call->handle)
        pr_luv_handle_go_on(call->handle);
    int status = resume(lua, process, call);
    if (process->process.flags & PR_EXITING)
        return PR_SLICE_ENDED;
    if (status == LUA_YIELD)
        return PR_SLICE_USED_UP;
    enum pr_slice_end end = PR_SLICE_WAITS;
    if (status == LUA_OK) {
        pr_luv_call_end(lua->luv, call);
    } else {
        end = fail(lua, process, call->body.co);
        pr_luv_call_drop(lua->luv, call);
    }
    return end;
}

int pr_luv_come_first(struct pr_lua *lua, struct pr_lua_process *process)
{
    struct pr_luv_owner *owner =
        lua->luv ? pr_luv_owner_find(lua->luv, process->process.pid) : NULL;
    if (!owner || pr_list_is_empty(&owner->calls))
        return 0;
    struct pr_luv_call *first = PR_CONTAINER_OF(owner->calls.head, struct pr_luv_call, node);
    return first->has_begun || !(process->process.flags & PR_USED_SLICE);
}

enum pr_slice_end pr_luv_run(struct pr_lua *lua, struct pr_lua_process *process)
{
    struct pr_luv_owner *owner =
        lua->luv ? pr_luv_owner_find(lua->luv, process->process.pid) : NULL;
    if (process->process.sys & PR_SYS_SUSPENDED)
        return PR_SLICE_WAITS;
    for (int n = 0; owner && !pr_list_is_empty(&owner->calls); n++) {
        if (n == SLICE_CALLS)
            return PR_SLICE_USED_UP;
        struct pr_luv_call *call = PR_CONTAINER_OF(owner->calls.head, struct pr_luv_call, node);
        enum pr_slice_end end = run_one(lua, process, call);
        if (end != PR_SLICE_WAITS)
            return end;
    }
    process->process.sys &= (uint8_t)~PR_SYS_CALLBACKS;
    return PR_SLICE_WAITS;
}

/* A slice that has callbacks in it alone. */
static enum pr_slice_end run_slice(struct pr_owner *owner, struct pr_process *process)
{
    struct pr_lua_process *self = pr_lua_process_of(process);
    struct pr_lua *lua = pr_lua_of(owner);
    lua->n_sent = 0;
    if (!(process->sys & PR_SYS_LIMITED))
        return pr_luv_run(lua, self);
    uint64_t begun = pr_heap_begin(lua, self);
    enum pr_slice_end end = pr_luv_run(lua, self);
    pr_heap_end(lua, self, begun);
    return process->flags & PR_EXITING ? PR_SLICE_ENDED : end;
}

/* ---------------------------------------------------------------------- coming in */

/* It says again what nobody has heard yet. */
static int is_repetition(const struct pr_luv_handle *handle)
{
    if (!handle || pr_list_is_empty(&handle->events))
        return 0;
    switch (handle->handle->type) {
    case UV_TIMER:
    case UV_IDLE:
    case UV_PREPARE:
    case UV_CHECK:
    case UV_POLL:
        return 1;
    default:
        return 0;
    }
}

static int may_run_now(const struct pr_process *process, const struct pr_luv_owner *owner)
{
    return pr_list_is_empty(&owner->calls) && !(process->sys & PR_SYS_SUSPENDED) &&
           (process->state == PR_WAITING ||
            (process->state == PR_RUNNABLE && !(process->flags & PR_USED_SLICE)));
}

/* Stack: …, the callback, its n_args arguments. */
static void hand_over(struct pr_luv *luv, lua_State *L, struct pr_process *process,
                      struct pr_luv_handle *handle, int n_args)
{
    struct pr_lua *lua = luv->lua;
    struct pr_luv_owner *owner = pr_luv_owner_find(luv, process->pid);
    if (!owner || is_repetition(handle))
        return;
    int runs_now = may_run_now(process, owner);
    if (!pr_luv_call_new(luv, owner, handle, L, n_args)) {
        pr_process_exit(lua->owner, process, PR_TERM(enomem));
        pr_scheduler_stay_awake(lua->scheduler);
        return;
    }
    process->sys |= PR_SYS_CALLBACKS;
    if (!runs_now && handle && n_args > 1)
        pr_luv_handle_pause(handle);
    if (runs_now)
        pr_scheduler_run_now(lua->scheduler, process, run_slice);
}

static void end_request(struct pr_luv *luv, struct pr_luv_request *request)
{
    pr_list_remove(&luv->requests, &request->node);
    if (request->owner)
        pr_list_remove(&request->owner->requests, &request->of_owner);
    pr_pool_free(&luv->lua->scheduler->pool, request, sizeof *request);
}

static struct pr_luv_request *find_work(struct pr_luv *luv, const void *object)
{
    for (struct pr_node *node = luv->requests.head; node; node = node->next) {
        struct pr_luv_request *request = PR_CONTAINER_OF(node, struct pr_luv_request, node);
        if (request->object == object && !request->request)
            return request;
    }
    return NULL;
}

/* nil, descriptor: it is the process's, or nobody's. */
static void take_file(struct pr_luv *luv, lua_State *L, struct pr_luv_owner *owner, int n_args)
{
    if (n_args < 2 || !lua_isnil(L, -n_args) || !lua_isinteger(L, 1 - n_args))
        return;
    int fd = (int)lua_tointeger(L, 1 - n_args);
    if (owner)
        pr_luv_file_hold(luv, owner, fd);
    else
        pr_luv_file_close(fd);
}

/* What there is to do whether somebody wants to hear of it or not. */
static void take_note(struct pr_luv *luv, lua_State *L, const struct pr_luv_callback *callback,
                      struct pr_process *process, int n_args)
{
    struct pr_luv_request *request = callback->what;
    switch (callback->kind) {
    case PR_LUV_CLOSED:
        if (callback->what)
            pr_luv_handle_forget(luv, callback->what);
        return;
    case PR_LUV_OPENED:
        take_file(luv, L, process ? pr_luv_owner_find(luv, process->pid) : NULL, n_args);
        end_request(luv, request);
        return;
    case PR_LUV_WORKED:
        request = find_work(luv, callback->what);
        if (request)
            end_request(luv, request);
        return;
    case PR_LUV_REQUEST:
        end_request(luv, request);
        return;
    case PR_LUV_EXITED:
        if (!((struct pr_luv_handle *)callback->what)->owner)
            pr_luv_handle_close(luv, callback->what);
        return;
    case PR_LUV_EVENT:
    case PR_LUV_ANSWER:
        return;
    }
}

/* Whether the loop runs for the processes: at the end of a runtime it runs once more to be emptied. */
static int is_for_processes(const struct pr_luv *luv)
{
    const struct pr_scheduler *scheduler = luv->lua->scheduler;
    return !luv->is_closing && (scheduler->n_runs > 0 || scheduler->is_hosted);
}

static void take_in(struct pr_luv *luv, lua_State *L, const struct pr_luv_callback *callback,
                    int n_args)
{
    struct pr_process *process = pr_ptable_find(luv->lua->owner, callback->pid);
    if (process && process->flags & PR_EXITING)
        process = NULL;
    take_note(luv, L, callback, process, n_args);
    if (!process || !is_for_processes(luv))
        return;
    int first = lua_gettop(L) - n_args + 1;
    pr_luv_callback_push_function(L, first - 1);
    if (lua_isnil(L, -1))
        return;
    lua_replace(L, first - 1);
    hand_over(luv, L, process, callback->kind == PR_LUV_EVENT ? callback->what : NULL, n_args);
}

int pr_luv_deliver(lua_State *L, int n_args, int n_results, int flags)
{
    struct pr_luv_callback callback;
    int base = lua_gettop(L) - n_args - 1;
    (void)n_results;
    (void)flags;
    struct pr_luv *luv =
        lua_checkstack(L, 4) ? pr_luv_callback_get(L, base + 1, &callback) : NULL;
    if (luv && luv->lua) {
        struct pr_owner *outer = pr_owner_here();
        pr_owner_set_here(luv->lua->owner);
        take_in(luv, L, &callback, n_args);
        pr_owner_set_here(outer);
    }
    lua_settop(L, base);
    return 0;
}
