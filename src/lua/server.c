/* SPDX-License-Identifier: MIT
 *
 * How a server lives: its code is `activate`, a C function that runs in a coroutine of the pool. It
 * finds the callback for a message, calls it with a continuation, concludes what came back (reply,
 * new state, timeout, continue, stop), and takes the next message; with an empty mailbox it
 * returns, and the server is idle: no coroutine. An error that reaches the end of the coroutine is
 * the server's crash; `terminate` then runs in another. */
#include "lua/server.h"

#include <string.h>

#include "lua/class.h"
#include "lua/closing.h"
#include "lua/conclusion.h"
#include "lua/copy.h"
#include "lua/crash.h"
#include "lua/handler.h"
#include "lua/ident.h"
#include "lua/running.h"
#include "lua/scalar.h"

/* What the server was doing is given up; a body that has failed is as good as new once it is closed. */
static void give_up_body(struct pr_lua *lua, struct pr_lua_process *server, const lua_State *failed)
{
    if (!server->body.co)
        return;
    int is_as_new = pr_close_coroutine(lua, server->body.co);
    if (is_as_new && server->body.co == failed)
        pr_pool_give(lua, server->body);
    else
        pr_pool_drop(lua, server->body);
    server->body.co = NULL;
}

/* Whether the module has nothing to say at the end of a server, neither terminate nor format_status;
 * seen without running code of its own. A server that crashes then needs no other coroutine and no
 * other slice. pr_server_open keeps the two words, so that pushing them never fails. */
static int is_silent(struct pr_lua *lua, const struct pr_lua_process *server)
{
    lua_State *L = lua->scratch;
    int base = lua_gettop(L), is = 0;
    if (!lua_checkstack(L, 4))
        return 0;
    pr_store_push(lua, L, server->class_->place);
    if (!lua_getmetatable(L, base + 1)) {
        lua_pushliteral(L, "terminate");
        lua_pushliteral(L, "format_status");
        is = lua_rawget(L, base + 1) == LUA_TNIL;
        lua_pop(L, 1);
        is = lua_rawget(L, base + 1) == LUA_TNIL && is;
    }
    lua_settop(L, base);
    return is;
}

enum pr_slice_end pr_server_fail(struct pr_lua *lua, struct pr_lua_process *server, lua_State *co)
{
    int must_terminate = server->phase >= PR_PHASE_SERVE && server->phase < PR_PHASE_TERMINATE;
    int has_terminate_failed = server->phase == PR_PHASE_TERMINATE;
    if (co == server->body.co && has_terminate_failed)
        pr_server_terminate_failed(lua, server, co);
    else if (co == server->body.co)
        pr_crash_note_failed(lua, server, co);
    server->is_direct = 0;
    pierrot_term *reason = pr_crash_reason(lua, co);
    if (must_terminate || has_terminate_failed) {
        give_up_body(lua, server, co);
        pr_wait_alarm_clear(lua, server);
    }
    if ((!must_terminate && !has_terminate_failed) || is_silent(lua, server)) {
        pr_process_exit(lua->owner, &server->process, reason);
        return PR_SLICE_ENDED;
    }
    pr_term_drop(server->stop_reason, &lua->owner->heap);
    server->stop_reason = reason;
    server->phase = must_terminate ? PR_PHASE_TERMINATE : PR_PHASE_FORMAT;
    return PR_SLICE_USED_UP;
}

/* Runs protected: takes a coroutine and lays out its stack. */
static int prepare(lua_State *L)
{
    struct pr_lua *lua = lua_touserdata(L, 1);
    struct pr_lua_process *server = lua_touserdata(L, 2);
    struct pr_pooled body = pr_pool_take(lua, L);
    if (!lua_checkstack(body.co, 10)) {
        pr_pool_give(lua, body);
        return luaL_error(L, "not enough memory");
    }
    pr_store_push(lua, body.co, lua->activate_place);
    server->body = body;
    return 0;
}

/* A coroutine for the server; protected only when the pool has none. 0 or PIERROT_ENOMEM. */
static int take_body(struct pr_lua *lua, struct pr_lua_process *server)
{
    if (lua->n_pooled > 0) {
        struct pr_pooled body = pr_pool_take(lua, NULL);
        pr_store_push(lua, body.co, lua->activate_place);
        server->body = body;
        return 0;
    }
    lua_State *L = lua->scratch;
    if (!lua_checkstack(L, 6))
        return PIERROT_ENOMEM;
    lua_pushcfunction(L, prepare);
    lua_pushlightuserdata(L, lua);
    lua_pushlightuserdata(L, server);
    int status = lua_pcall(L, 2, 0, 0);
    if (status != LUA_OK)
        lua_pop(L, 1);
    return status == LUA_OK ? 0 : PIERROT_ENOMEM;
}

/* After a resume of the server's body. */
static enum pr_slice_end resumed(struct pr_lua *lua, struct pr_lua_process *server, int status)
{
    if (status == LUA_YIELD)
        return pr_running.yield == PR_YIELD_WAIT ? PR_SLICE_WAITS : PR_SLICE_USED_UP;
    if (status != LUA_OK)
        return pr_server_fail(lua, server, server->body.co);
    pr_pool_give(lua, server->body);
    server->body.co = NULL;
    if (server->process.flags & PR_EXITING)
        return PR_SLICE_ENDED;
    server->process.flags |= PR_WAKE_ON_MESSAGE;
    return pr_server_has_work(server) ? PR_SLICE_USED_UP : PR_SLICE_WAITS;
}

/* A callback that a nested call began has returned: its results are for conclude_results. The
 * number of arguments to resume with. */
static int begin_conclusion(struct pr_lua *lua, struct pr_lua_process *server)
{
    lua_State *co = server->body.co;
    server->is_direct = 0;
    pr_store_push(lua, co, lua->conclude_place);
    lua_insert(co, 1);
    return lua_gettop(co) - 1;
}

enum pr_slice_end pr_server_run(struct pr_lua *lua, struct pr_lua_process *server)
{
    int n_results, n_args = 0;
    if (!server->body.co) {
        if (take_body(lua, server) != 0) {
            pr_process_exit(lua->owner, &server->process, PR_TERM(enomem));
            return PR_SLICE_ENDED;
        }
        if (server->phase >= PR_PHASE_TERMINATE) {
            lua_settop(server->body.co, lua_gettop(server->body.co) + PR_BASE);
            n_args = PR_BASE;
        }
    } else if (server->phase == PR_PHASE_LOAD || server->phase == PR_PHASE_INIT) {
        n_args = server->n_args; /* of the first resume only */
    }
    server->n_args = 0;
    server->process.flags &= (uint8_t)~PR_WAKE_ON_MESSAGE;
    int status = pr_resume(server->body.co, NULL, n_args, &n_results);
    if (status == LUA_OK && server->is_direct) {
        n_args = begin_conclusion(lua, server);
        status = pr_resume(server->body.co, NULL, n_args, &n_results);
    }
    return resumed(lua, server, status);
}

/* -------------------------------------------------------------------- nested runs */

/* The server runs now, nested in what runs; what its slice came to is settled. */
static void run_nested(struct pr_lua *lua, struct pr_lua_process *server, int n_args)
{
    struct pr_owner *owner = lua->owner;
    struct pr_process *outer = owner->current;
    int n_results;
    server->process.state = PR_RUNNING;
    server->process.flags &= (uint8_t)~PR_WAKE_ON_MESSAGE;
    owner->current = &server->process;
    lua->n_nested++;
    int status = pr_resume_nested(server->body.co, n_args, &n_results);
    enum pr_slice_end end = resumed(lua, server, status);
    pr_running.yield = PR_YIELD_USER;
    lua->n_nested--;
    owner->current = outer;
    pr_scheduler_settle(owner, &server->process, end);
}

void pr_server_start_now(struct pr_lua *lua, struct pr_lua_process *server)
{
    int n_args = server->n_args;
    server->n_args = 0;
    run_nested(lua, server, n_args);
}

int pr_server_is_idle(struct pr_lua *lua, struct pr_process *process)
{
    const struct pr_lua_process *server = (const struct pr_lua_process *)process;
    return process->state == PR_WAITING && server->is_server && !server->body.co &&
           process->mailbox.n_messages == 0 && server->phase == PR_PHASE_SERVE &&
           !process->sys && lua->n_nested < PR_NEST_MAX && lua->n_pooled > 0;
}

/* Function and arguments for the request at `request` of L, made on L, where errors are the
 * caller's; their number, or -1: nothing handles it plainly, and L is as before. */
static int push_nested(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server, int request,
                       pierrot_from from)
{
    int base = lua_gettop(L);
    pr_class_push(lua, server->class_, L);
    lua_pushliteral(L, "handle_call");
    int type = lua_rawget(L, -2); /* an __index, here or in the table, is for the server to run */
    lua_replace(L, -2);
    if (type == LUA_TFUNCTION) {
        if (pr_copy(L, request, L) != 0)
            return pr_copy_error(lua, L, request);
        pr_handler_push_from(L, from);
        pr_handler_push_state(lua, L, server);
        return 3;
    }
    if (type != LUA_TTABLE || !pr_handler_pick(L, request, lua_rawget) || !lua_isfunction(L, -1)) {
        lua_settop(L, base);
        return -1;
    }
    pr_handler_push_state(lua, L, server);
    pr_handler_push_from(L, from);
    enum pr_pushed pushed = PR_PUSHED;
    if (lua_type(L, request) == LUA_TTABLE)
        pushed = pr_handler_push_elements(L, request, 1);
    if (pushed == PR_NOT_SCALARS) {
        if (pr_copy(L, request, L) != 0)
            return pr_copy_error(lua, L, request);
        int copy = lua_gettop(L);
        pushed = pr_handler_push_elements(L, copy, 0);
        lua_remove(L, copy);
    }
    if (pushed == PR_TOO_MANY) {
        lua_settop(L, base);
        return -1;
    }
    return lua_gettop(L) - base - 1;
}

/* "reply", value [, state]: by far the most common end, concluded without further ado on L, where
 * the results lie from `first` on. Whether it was that, with a value that can be sent as far as is
 * seen without looking into tables. */
static int conclude_plainly(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                            struct pr_lua_now *now, int first)
{
    int n = lua_gettop(L) - first + 1;
    if (n < 2 || n > 3 || lua_type(L, first) != LUA_TSTRING || now->is_answered ||
        strcmp(lua_tostring(L, first), "reply") != 0 ||
        (lua_type(L, first + 1) != LUA_TTABLE && !pr_is_scalar(L, first + 1)))
        return 0;
    if (n == 3) {
        if (lua_isnil(L, -1))
            lua_pop(L, 1);
        else
            pr_handler_set_state(lua, L, server);
    }
    return 1;
}

/* Upvalue: a reply. */
static int repeat_reply(lua_State *L)
{
    lua_pushliteral(L, "reply");
    lua_pushvalue(L, lua_upvalueindex(1));
    return 2;
}

/* There is something in the reply on top of L that cannot be sent. The server, which is settled as if
 * all were well, is to fail of it and not its caller: it concludes again, in a slice of its own. */
static enum pr_now fail_of_reply(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                                 const struct pr_lua_now *now)
{
    if (server->process.flags & PR_EXITING)
        return PR_NOW_PENDING;
    lua_pushcclosure(L, repeat_reply, 1);
    struct pr_pooled body = pr_pool_take(lua, L);
    if (!lua_checkstack(body.co, PR_BASE + 4)) {
        pr_pool_give(lua, body);
        luaL_error(L, "not enough memory");
    }
    pr_push_id(body.co, now->caller.id);
    pr_push_id(body.co, now->ref.id);
    lua_pushvalue(L, now->request);
    lua_xmove(L, body.co, 1);
    lua_pushnil(body.co);
    lua_xmove(L, body.co, 1);
    server->body = body;
    server->is_direct = 1;
    server->phase = PR_PHASE_CALL;
    server->process.flags &= (uint8_t)~PR_WAKE_ON_MESSAGE;
    pr_process_wake(lua->owner, &server->process);
    return PR_NOW_PENDING;
}

/* The callback has returned at once: its results are on the server's coroutine. */
static enum pr_now returned(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                            struct pr_lua_now *now)
{
    lua_State *co = server->body.co;
    int n = lua_gettop(co) - PR_BASE, first = lua_gettop(L) + 1;
    if (n <= 3 && n >= 2 && !now->is_answered) {
        lua_xmove(co, L, n);
        if (conclude_plainly(lua, L, server, now, first)) {
            pr_pool_give(lua, server->body);
            server->body.co = NULL;
            server->is_direct = 0;
            server->process.flags |= PR_WAKE_ON_MESSAGE;
            server->phase = PR_PHASE_SERVE;
            enum pr_slice_end end =
                server->process.mailbox.n_messages > 0 ? PR_SLICE_USED_UP : PR_SLICE_WAITS;
            pr_scheduler_settle(lua->owner, &server->process, end);
            lua->now = now->outer; /* the copy may raise */
            if (lua_type(L, -1) != LUA_TTABLE || pr_copy(L, -1, L) == 0)
                return PR_NOW_ANSWERED;
            return fail_of_reply(lua, L, server, now);
        }
        lua_xmove(L, co, n);
    }
    run_nested(lua, server, begin_conclusion(lua, server));
    return now->is_answered ? PR_NOW_ANSWERED : PR_NOW_PENDING;
}

/* Function, arguments and a coroutine for the call; the number of arguments, or -1: it is refused, and
 * L is as before. What allocates may run finalizers, which send or end what they like: the server may
 * have something to do by now. */
static inline int prepare_direct(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                                 int request, pierrot_from from, struct pr_pooled *body)
{
    int base = lua_gettop(L);
    luaL_checkstack(L, 20, NULL);
    int n_args = push_nested(lua, L, server, request, from);
    if (n_args < 0)
        return -1;
    *body = pr_pool_take(lua, L);
    if (server->process.state == PR_WAITING && lua_checkstack(body->co, n_args + 8))
        return n_args;
    pr_pool_give(lua, *body);
    lua_settop(L, base);
    return -1;
}

/* The frame of the server's coroutine (frame.h), with what prepare_direct has left on L above it. */
static inline void lay_out_direct(lua_State *L, lua_State *co, int request, pierrot_from from,
                                  int n_args)
{
    pr_push_id(co, from.pid.id);
    pr_push_id(co, from.ref.id);
    lua_pushvalue(L, request);
    lua_xmove(L, co, 1);
    lua_pushnil(co);
    lua_xmove(L, co, n_args + 1);
}

/* Runs the callback as the server, in the midst of the caller. What came of it. */
static inline int run_direct(struct pr_lua *lua, struct pr_lua_process *server,
                             struct pr_pooled body, int n_args)
{
    struct pr_owner *owner = lua->owner;
    struct pr_process *caller = owner->current;
    int n_results;
    pr_wait_alarm_clear(lua, server);
    server->body = body;
    server->is_direct = 1;
    server->phase = PR_PHASE_CALL;
    server->process.state = PR_RUNNING;
    server->process.flags &= (uint8_t)~PR_WAKE_ON_MESSAGE;
    server->process.reductions++;
    owner->current = &server->process;
    lua->n_nested++;
    int status = pr_resume_nested(body.co, n_args, &n_results);
    lua->n_nested--;
    owner->current = caller;
    return status;
}

/* The callback waits, was preempted or has failed. */
static enum pr_now not_returned(struct pr_lua *lua, struct pr_lua_process *server, int status,
                                const struct pr_lua_now *now)
{
    struct pr_owner *owner = lua->owner;
    struct pr_process *caller = owner->current;
    owner->current = &server->process;
    enum pr_slice_end end = resumed(lua, server, status);
    pr_running.yield = PR_YIELD_USER;
    owner->current = caller;
    pr_scheduler_settle(owner, &server->process, end);
    return now->is_answered ? PR_NOW_ANSWERED : PR_NOW_PENDING;
}

enum pr_now pr_server_call_now(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                               pierrot_from from, int request)
{
    struct pr_pooled body;
    int n_args = prepare_direct(lua, L, server, request, from, &body);
    if (n_args < 0)
        return PR_NOW_REFUSED;
    /* Nothing raises from here on until the server is settled. */
    lay_out_direct(L, body.co, request, from, n_args);
    struct pr_lua_now now = {.ref = from.ref,
                             .L = L,
                             .request = request,
                             .caller = from.pid,
                             .server = server,
                             .outer = lua->now};
    lua->now = &now;
    int status = run_direct(lua, server, body, n_args);
    enum pr_now outcome = status == LUA_OK ? returned(lua, L, server, &now)
                                           : not_returned(lua, server, status, &now);
    lua->now = now.outer;
    return outcome;
}

/* ------------------------------------------------------------------------ others */

void pr_server_leave(struct pr_lua *lua, struct pr_lua_process *server)
{
    pr_class_drop(lua, server->class_);
    server->class_ = NULL;
}

const char *pr_server_module_name(const struct pr_lua_process *server)
{
    return server->class_ ? server->class_->name : NULL;
}

void pr_server_open(struct pr_lua *lua, lua_State *L)
{
    lua_pushlightuserdata(L, lua);
    lua_pushcclosure(L, pr_activate, 1);
    lua->activate_place = pr_store_put(lua, L);
    lua_pushlightuserdata(L, lua);
    lua_pushcclosure(L, pr_activate_results, 1);
    lua->conclude_place = pr_store_put(lua, L);
    /* Kept for is_silent, and for reports. */
    lua_pushliteral(L, "init");
    (void)pr_store_put(lua, L);
    lua_pushliteral(L, "terminate");
    (void)pr_store_put(lua, L);
    lua_pushliteral(L, "format_status");
    (void)pr_store_put(lua, L);
}

void pr_server_close(struct pr_lua *lua)
{
    pr_class_close(lua);
}
