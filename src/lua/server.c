/* SPDX-License-Identifier: MIT
 *
 * How a server lives: its code is `activate`, a C function that runs in a coroutine of the pool. It
 * finds the callback for a message, calls it with a continuation, concludes what came back (reply, new
 * state, timeout, continue, stop), and takes the next message; with an empty mailbox it returns, and
 * the server is idle: no coroutine. An error that reaches the end of the coroutine is the server's
 * crash; `terminate` then runs in another.
 *
 * Layout of the stack of an activation: 1, 2: pid and ref of the caller whose call is handled (nil);
 * from 3 on the callback, its arguments, its results. */
#include "lua/server.h"

#include <math.h>
#include <string.h>

#include "lua/class.h"
#include "lua/copy.h"
#include "lua/ident.h"
#include "lua/receive.h"
#include "lua/running.h"

/* Messages in one slice of a server that finds more and more. */
enum { SLICE_MESSAGES = 100 };

/* Requests with more elements than this cannot be spread over arguments. */
enum { MAX_ARGUMENTS = 200 };

enum { FROM_PID = 1, FROM_REF = 2, BASE = 2 };

static int serve(lua_State *L, struct pr_lua *lua, struct pr_lua_process *server);
static int conclude_k(lua_State *L, int status, lua_KContext context);

static const char *callback_of(enum pr_phase phase)
{
    switch (phase) {
    case PR_PHASE_CALL:
        return "handle_call";
    case PR_PHASE_CAST:
        return "handle_cast";
    case PR_PHASE_INFO:
        return "handle_info";
    case PR_PHASE_CONTINUE:
        return "handle_continue";
    case PR_PHASE_INIT:
        return "init";
    case PR_PHASE_TERMINATE:
        return "terminate";
    case PR_PHASE_PLAIN:
    case PR_PHASE_LOAD:
    case PR_PHASE_SERVE:
        break;
    }
    return "";
}

static void push_state(struct pr_lua *lua, lua_State *L, const struct pr_lua_process *server)
{
    if (server->state_place)
        pr_store_push(lua, L, server->state_place);
    else
        lua_pushnil(L);
}

/* The value on top becomes the state. */
static void set_state(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    if (server->state_place)
        pr_store_set(lua, L, server->state_place);
    else
        server->state_place = pr_store_put(lua, L);
}

/* ------------------------------------------------------------------ the arguments */

static void push_from(lua_State *L, pierrot_from from)
{
    lua_createtable(L, 2, 0);
    pr_push_id(L, from.pid.id);
    lua_rawseti(L, -2, 1);
    pr_push_id(L, from.ref.id);
    lua_rawseti(L, -2, 2);
}

/* Pushes the elements of the request from the second on, up to the largest integer key; nil where there
 * is none. 0; or 1 when one is a table and must not be shared (`scalars_only`), with nothing pushed. */
static int push_elements(lua_State *L, int request, int scalars_only)
{
    int base = lua_gettop(L);
    luaL_checkstack(L, 4, NULL);
    lua_pushnil(L);
    while (lua_next(L, request)) {
        /* … arguments so far, key, value */
        int key = lua_gettop(L) - 1;
        lua_Integer at = lua_isinteger(L, key) ? lua_tointeger(L, key) : 0;
        if (at > MAX_ARGUMENTS)
            return luaL_error(L, "a request with more than %d elements needs the catch-all",
                              MAX_ARGUMENTS);
        if (scalars_only && lua_type(L, -1) > LUA_TSTRING) {
            lua_settop(L, base);
            return 1;
        }
        if (at < 2) {
            lua_pop(L, 1);
            continue;
        }
        /* The key stays on top; below it a gap grows as far as this argument. */
        int n_have = key - 1 - base;
        luaL_checkstack(L, (int)at + 4, NULL);
        for (int i = n_have; i < (int)at - 1; i++) {
            lua_pushnil(L);
            lua_insert(L, key);
            key++;
        }
        lua_replace(L, base + (int)at - 1);
    }
    return 0;
}

/* Replaces the table of callbacks on top by the function for the request, if any; whether it is the
 * one picked by name (else it is the catch-all). nil on top: there is none. */
static int pick(lua_State *L, int request)
{
    int is_picked = 0;
    int table = lua_gettop(L);
    if (lua_type(L, request) == LUA_TTABLE)
        lua_rawgeti(L, request, 1);
    else if (lua_type(L, request) == LUA_TSTRING)
        lua_pushvalue(L, request);
    else
        lua_pushnil(L);
    int is_underscore = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "_") == 0;
    if (!lua_isnil(L, -1) && !is_underscore) {
        lua_rawget(L, table);
        is_picked = !lua_isnil(L, -1);
    }
    if (!is_picked) {
        lua_settop(L, table);
        lua_pushliteral(L, "_");
        lua_rawget(L, table);
    }
    lua_remove(L, table);
    return is_picked;
}

/* With the callback on top (function or table) and the request at `request`: leaves function and
 * arguments; their number, or -1: nothing handles this request (the stack is as before the callback).
 * The request is the server's own copy. */
static int push_arguments(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                          int request, const pierrot_from *from)
{
    int base = lua_gettop(L) - 1;
    luaL_checkstack(L, 8, NULL);
    if (lua_type(L, -1) != LUA_TTABLE && !lua_isnil(L, -1)) {
        lua_pushvalue(L, request);
        if (from)
            push_from(L, *from);
        push_state(lua, L, server);
        return lua_gettop(L) - base - 1;
    }
    int is_picked = lua_isnil(L, -1) ? 0 : pick(L, request);
    if (lua_isnil(L, -1)) {
        lua_settop(L, base);
        return -1;
    }
    push_state(lua, L, server);
    if (from)
        push_from(L, *from);
    if (!is_picked)
        lua_pushvalue(L, request);
    else if (lua_type(L, request) == LUA_TTABLE)
        push_elements(L, request, 0);
    return lua_gettop(L) - base - 1;
}

/* ----------------------------------------------------------------------- replies */

void pr_server_reply(struct pr_lua *lua, lua_State *L, pierrot_from from, int index)
{
    for (struct pr_lua_now *now = lua->now; now; now = now->outer) {
        if (now->ref.id != from.ref.id)
            continue;
        if (now->is_answered)
            return;
        if (pr_copy(L, index, now->L) != 0)
            pr_copy_error(lua, L, index);
        now->is_answered = 1;
        return;
    }
    struct pr_owner *owner = lua->owner;
    pr_signal_poll(owner);
    struct pr_process *caller = pr_ptable_find(owner, from.pid);
    struct pierrot_term value = pr_encode(lua, L, index, caller);
    if (pr_reply(owner, owner->current, from, 0, value) != 0)
        luaL_error(L, "not enough memory");
}

static pierrot_from from_on(lua_State *L)
{
    return (pierrot_from){pr_to_pid(L, FROM_PID), pr_to_ref(L, FROM_REF)};
}

/* ----------------------------------------------------------------- the end of it */

/* Its start is over, in one way or another; and tells. Takes: value. */
static void answer_starter(struct pr_lua *lua, struct pr_lua_process *server, int failed,
                           struct pierrot_term value)
{
    pierrot_from starter = server->starter;
    server->starter = (pierrot_from){{0}, {0}};
    if (starter.pid.id)
        (void)pr_reply(lua->owner, &server->process, starter, failed, value);
    else
        pr_value_drop(lua->owner, &value);
}

/* A failure of the start that must not harm the starter. Takes: why. */
static void fail_start(struct pr_lua *lua, struct pr_lua_process *server, pierrot_term *why)
{
    (void)pr_unlink(lua->owner, &server->process, server->starter.pid);
    /* Dead to everybody before anyone hears of it. */
    pr_process_exit(lua->owner, &server->process, PR_TERM(normal));
    answer_starter(lua, server, 1, pr_value_of_term(why));
}

static int end_server(struct pr_lua *lua, struct pr_lua_process *server)
{
    pierrot_term *reason = server->stop_reason;
    server->stop_reason = NULL;
    pr_process_exit(lua->owner, &server->process, reason ? reason : PR_TERM(normal));
    return 0;
}

/* terminate has returned: the reply that was held back, then the end. Stack: …, reply at `context`. */
static int terminated(lua_State *L, int status, lua_KContext context)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *server = pr_lua_current(lua);
    (void)status;
    if (context)
        pr_server_reply(lua, L, from_on(L), (int)context);
    return end_server(lua, server);
}

/* The server stops; the reply to the caller stands at `reply` of L (0: none). Takes: reason. */
static int stop(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                pierrot_term *reason, int reply)
{
    pr_term_drop(server->stop_reason, &lua->owner->heap);
    server->stop_reason = reason;
    server->phase = PR_PHASE_TERMINATE;
    pr_class_push_callback(lua, server->class_, L, "terminate");
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return terminated(L, LUA_OK, reply);
    }
    luaL_checkstack(L, 12, NULL);
    pr_push_term(L, reason);
    push_state(lua, L, server);
    lua_callk(L, 2, 0, reply, terminated);
    return terminated(L, LUA_OK, reply);
}

/* {tag, value at `index`} */
static pierrot_term *tagged_reason(struct pr_lua *lua, lua_State *L, const char *tag, int index)
{
    index = lua_absindex(L, index);
    luaL_checkstack(L, 4, NULL);
    lua_createtable(L, 2, 0);
    lua_pushstring(L, tag);
    lua_rawseti(L, -2, 1);
    lua_pushvalue(L, index);
    lua_rawseti(L, -2, 2);
    pierrot_term *reason = pr_copy_to_reason(lua, L, -1);
    lua_pop(L, 1);
    return reason;
}

/* The results from BASE + 1 on are of no known shape. */
static int bad_return(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    int n = lua_gettop(L) - BASE;
    if (n == 0) {
        lua_pushnil(L);
    } else if (n > 1) {
        lua_createtable(L, n, 0);
        for (int i = 1; i <= n; i++) {
            lua_pushvalue(L, BASE + i);
            lua_rawseti(L, -2, i);
        }
    }
    pierrot_term *reason = tagged_reason(lua, L, "bad_return_value", -1);
    if (server->phase == PR_PHASE_INIT) {
        pr_process_exit(lua->owner, &server->process, reason);
        return 0;
    }
    return stop(lua, L, server, reason, 0);
}

/* -------------------------------------------------------------------- conclusions */

enum action { ACT_NONE, ACT_CONTINUE, ACT_BAD };

/* What a callback wants to happen next, at `index`. For a continue the argument is pushed. */
static enum action act(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server, int index)
{
    if (lua_type(L, index) == LUA_TNUMBER) {
        double ms = lua_tonumber(L, index);
        if (!(ms >= 0))
            return ACT_BAD;
        uint64_t now = pr_scheduler_now(lua->scheduler);
        if (pr_wait_alarm_set(lua, server, pr_clock_deadline(now, ms)) != 0)
            luaL_error(L, "not enough memory");
        return ACT_NONE;
    }
    if (lua_type(L, index) == LUA_TSTRING) {
        const char *text = lua_tostring(L, index);
        return strcmp(text, "infinity") == 0 || strcmp(text, "hibernate") == 0 ? ACT_NONE : ACT_BAD;
    }
    if (lua_type(L, index) != LUA_TTABLE)
        return ACT_BAD;
    lua_rawgeti(L, index, 1);
    int is_continue = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "continue") == 0;
    lua_pop(L, 1);
    if (!is_continue)
        return ACT_BAD;
    lua_rawgeti(L, index, 2);
    return ACT_CONTINUE;
}

/* Calls handle_continue with the argument on top. */
static int go_on(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    lua_replace(L, BASE + 1);
    lua_settop(L, BASE + 1);
    server->phase = PR_PHASE_CONTINUE;
    pr_class_push_callback(lua, server->class_, L, "handle_continue");
    int n_args = push_arguments(lua, L, server, BASE + 1, NULL);
    if (n_args < 0)
        return stop(lua, L, server, tagged_reason(lua, L, "bad_continue", BASE + 1), 0);
    lua_remove(L, BASE + 1);
    lua_callk(L, n_args, LUA_MULTRET, 0, conclude_k);
    return conclude_k(L, LUA_OK, 0);
}

/* [state [, action]] from `index` on; then the next message. */
static int settle(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server, int index,
                  int *is_bad)
{
    int top = lua_gettop(L);
    enum action action = ACT_NONE;
    *is_bad = 0;
    if (top > index + 1)
        return *is_bad = 1;
    if (top > index)
        action = act(lua, L, server, index + 1);
    if (action == ACT_BAD)
        return *is_bad = 1;
    if (top >= index && !lua_isnil(L, index)) {
        lua_pushvalue(L, index);
        set_state(lua, L, server);
    }
    return action == ACT_CONTINUE ? go_on(lua, L, server) : serve(L, lua, server);
}

/* "stop", reason [, …] at BASE + 1. */
static int conclude_stop(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    int n = lua_gettop(L) - BASE, reply = 0, state = 0;
    int is_call = server->phase == PR_PHASE_CALL;
    if (n < 2 || n > (is_call ? 4 : 3))
        return bad_return(lua, L, server);
    if (n == 3)
        state = BASE + 3;
    if (n == 4) {
        reply = BASE + 3;
        state = BASE + 4;
    }
    if (state && !lua_isnil(L, state)) {
        lua_pushvalue(L, state);
        set_state(lua, L, server);
    }
    return stop(lua, L, server, pr_copy_to_reason(lua, L, BASE + 2), reply);
}

static int conclude_init(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    int n = lua_gettop(L) - BASE;
    const char *what = n > 0 && lua_type(L, BASE + 1) == LUA_TSTRING ? lua_tostring(L, BASE + 1) : "";
    if (strcmp(what, "ok") == 0 && n >= 2 && n <= 3) {
        enum action action = n == 3 ? act(lua, L, server, BASE + 3) : ACT_NONE;
        if (action == ACT_BAD)
            return bad_return(lua, L, server);
        lua_pushvalue(L, BASE + 2);
        set_state(lua, L, server);
        server->process.flags &= (uint8_t)~PR_STARTING;
        answer_starter(lua, server, 0, pr_cell_bool(1));
        return action == ACT_CONTINUE ? go_on(lua, L, server) : serve(L, lua, server);
    }
    if (strcmp(what, "ignore") == 0 && n == 1) {
        fail_start(lua, server, PR_TERM(ignore));
    } else if (strcmp(what, "error") == 0 && n == 2) {
        fail_start(lua, server, pr_copy_to_reason(lua, L, BASE + 2));
    } else if (strcmp(what, "stop") == 0 && n == 2) {
        pr_process_exit(lua->owner, &server->process, pr_copy_to_reason(lua, L, BASE + 2));
    } else {
        return bad_return(lua, L, server);
    }
    return 0;
}

/* A callback has returned; its results stand from BASE + 1 on. */
static int conclude(lua_State *L, struct pr_lua *lua, struct pr_lua_process *server)
{
    if (server->phase == PR_PHASE_INIT)
        return conclude_init(lua, L, server);
    int n = lua_gettop(L) - BASE, is_bad = 0, result;
    int is_call = server->phase == PR_PHASE_CALL;
    const char *what = n > 0 && lua_type(L, BASE + 1) == LUA_TSTRING ? lua_tostring(L, BASE + 1) : "";
    if (strcmp(what, "noreply") == 0 || (n == 0 && !is_call)) {
        result = settle(lua, L, server, BASE + 2, &is_bad);
        return is_bad ? bad_return(lua, L, server) : result;
    }
    if (is_call && strcmp(what, "reply") == 0 && n >= 2 && n <= 4) {
        if (n == 4) {
            /* A bad action must be found before the reply is out. */
            enum action action = act(lua, L, server, BASE + 4);
            if (action == ACT_BAD)
                return bad_return(lua, L, server);
            lua_settop(L, BASE + 4);
        }
        pr_server_reply(lua, L, from_on(L), BASE + 2);
        result = settle(lua, L, server, BASE + 3, &is_bad);
        return result;
    }
    if (strcmp(what, "stop") == 0)
        return conclude_stop(lua, L, server);
    return bad_return(lua, L, server);
}

static int conclude_k(lua_State *L, int status, lua_KContext context)
{
    struct pr_lua *lua = PR_SELF(L);
    (void)status;
    (void)context;
    return conclude(L, lua, pr_lua_current(lua));
}

/* -------------------------------------------------------------------- messages */

static void log_unexpected(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                           int message)
{
    if (!pr_log_wants(&lua->owner->system->log, PIERROT_WARNING))
        return;
    char text[500], id[PR_IDENT_SIZE];
    pierrot_term *term = pr_copy_to_reason(lua, L, message);
    pierrot_term_print(term, text, sizeof text);
    pr_term_drop(term, &lua->owner->heap);
    pr_ident_print(server->process.pid.id, id, sizeof id);
    pr_log_printf(&lua->owner->system->log, PIERROT_WARNING,
                  "gen_server %s dropped an unexpected message: %s", id, text);
}

static int unhandled(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server, int message)
{
    switch ((enum pr_phase)server->phase) {
    case PR_PHASE_CALL:
        return stop(lua, L, server, tagged_reason(lua, L, "bad_call", message), 0);
    case PR_PHASE_CAST:
        return stop(lua, L, server, tagged_reason(lua, L, "bad_cast", message), 0);
    default:
        log_unexpected(lua, L, server, message);
        return serve(L, lua, server);
    }
}

/* Handles the message (a copy of the server's own) on top of L, in the phase that is set. */
static int handle(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    int message = lua_gettop(L);
    pierrot_from from = from_on(L);
    pr_class_push_callback(lua, server->class_, L, callback_of(server->phase));
    int n_args = push_arguments(lua, L, server, message,
                                server->phase == PR_PHASE_CALL ? &from : NULL);
    if (n_args < 0)
        return unhandled(lua, L, server, message);
    lua_remove(L, message);
    lua_callk(L, n_args, LUA_MULTRET, 0, conclude_k);
    return conclude(L, lua, server);
}

/* {"terminate", reason}, {"get_state"}: the request is on top. */
static int handle_system(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    int request = lua_gettop(L);
    lua_rawgeti(L, request, 1);
    const char *what = lua_tostring(L, -1);
    if (what && strcmp(what, "terminate") == 0) {
        lua_rawgeti(L, request, 2);
        return stop(lua, L, server, pr_copy_to_reason(lua, L, -1), 0);
    }
    if (what && strcmp(what, "get_state") == 0)
        push_state(lua, L, server);
    else
        lua_pushnil(L);
    pr_server_reply(lua, L, from_on(L), -1);
    return serve(L, lua, server);
}

static int is_parents_exit(const struct pr_lua_process *server, const struct pr_signal *message)
{
    return message->kind == PR_SIGNAL_EXITED && server->process.lineage &&
           server->process.lineage->pid.id == message->from.id;
}

/* Takes the message out of the mailbox and pushes it; what it is. */
static enum pr_phase take(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                          struct pr_signal *message)
{
    enum pr_phase phase = PR_PHASE_INFO;
    if (message->kind == PR_SIGNAL_CALL) {
        phase = PR_PHASE_CALL;
        pr_push_id(L, message->from.id);
        lua_replace(L, FROM_PID);
        pr_push_id(L, message->ref.id);
        lua_replace(L, FROM_REF);
        pr_push_value(lua, L, &message->value);
    } else if (message->kind == PR_SIGNAL_CAST) {
        phase = PR_PHASE_CAST;
        pr_push_value(lua, L, &message->value);
    } else {
        pr_push_message(lua, L, message);
    }
    /* Nothing raises from here on: the message is taken or still there. */
    pr_mailbox_take(&server->process.mailbox, message);
    return phase;
}

/* The next message, or the timeout; with neither the activation ends. */
static int serve(lua_State *L, struct pr_lua *lua, struct pr_lua_process *server)
{
    lua_settop(L, 0);
    lua_pushnil(L);
    lua_pushnil(L);
    server->phase = PR_PHASE_SERVE;
    struct pr_signal *message = pr_mailbox_first(&server->process.mailbox);
    if (server->process.flags & PR_EXITING)
        return 0;
    if (!message) {
        if (!server->alarm || !server->alarm->has_fired)
            return 0;
        pr_wait_alarm_clear(lua, server);
        server->phase = PR_PHASE_INFO;
        lua_pushliteral(L, "timeout");
        return handle(lua, L, server);
    }
    if (server->n_args++ >= SLICE_MESSAGES)
        return 0;
    pr_wait_alarm_clear(lua, server);
    server->process.reductions++;
    int is_system = message->kind == PR_SIGNAL_CALL && message->flags & PR_FLAG_SYSTEM;
    luaL_checkstack(L, 10, NULL);
    server->phase = take(lua, L, server, message);
    pierrot_term *parents_reason =
        is_parents_exit(server, message) ? pr_term_hold(message->value.as.pointer) : NULL;
    pr_signal_free(lua->owner, message);
    if (parents_reason)
        return stop(lua, L, server, parents_reason, 0);
    return is_system ? handle_system(lua, L, server) : handle(lua, L, server);
}

/* ------------------------------------------------------------------- activations */

/* LOAD: the function at 3 has returned "ok", module, arg, name or "fail", reason from 3 on. */
static int loaded(lua_State *L, int status, lua_KContext context)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *server = pr_lua_current(lua);
    (void)status;
    (void)context;
    const char *what = lua_tostring(L, BASE + 1);
    if (!what || strcmp(what, "ok") != 0) {
        fail_start(lua, server, pr_copy_to_reason(lua, L, BASE + 2));
        return 0;
    }
    pr_server_set_module(lua, L, server, BASE + 2, lua_tostring(L, BASE + 4));
    server->phase = PR_PHASE_INIT;
    /* As if the start had come without: nil, nil, argument. */
    lua_pushvalue(L, BASE + 3);
    lua_replace(L, BASE + 1);
    lua_settop(L, BASE + 1);
    pr_class_push_callback(lua, server->class_, L, "init");
    lua_insert(L, BASE + 1);
    lua_callk(L, 1, LUA_MULTRET, 0, conclude_k);
    return conclude(L, lua, server);
}

/* The body of a coroutine that serves. Its stack is laid out by who starts it. */
static int activate(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *server = pr_lua_current(lua);
    switch ((enum pr_phase)server->phase) {
    case PR_PHASE_LOAD:
        /* nil, nil, function, its arguments */
        lua_callk(L, lua_gettop(L) - BASE - 1, LUA_MULTRET, 0, loaded);
        return loaded(L, LUA_OK, 0);
    case PR_PHASE_INIT:
        /* nil, nil, argument */
        pr_class_push_callback(lua, server->class_, L, "init");
        lua_insert(L, BASE + 1);
        lua_callk(L, 1, LUA_MULTRET, 0, conclude_k);
        return conclude(L, lua, server);
    case PR_PHASE_TERMINATE: {
        pierrot_term *reason = server->stop_reason;
        server->stop_reason = NULL;
        return stop(lua, L, server, reason, 0);
    }
    default:
        return serve(L, lua, server);
    }
}

/* Results of a nested callback that want more than a plain reply: pid, ref, results. */
static int conclude_results(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    return conclude(L, lua, pr_lua_current(lua));
}

/* What the callback was working on when it failed, for the report: its first argument, or those after
 * the state. Best effort, and protected. */
static int describe_message(lua_State *L)
{
    lua_State *co = lua_touserdata(L, 1);
    lua_Debug ar;
    /* The bottom is the callback, or the engine's C function with the callback above it. */
    if (pr_bottom_frame(co, &ar) && lua_getinfo(co, "S", &ar) && *ar.what != 'C' &&
        lua_getlocal(co, &ar, 1)) {
        lua_xmove(co, L, 1);
        return 1;
    }
    lua_pushnil(L);
    return 1;
}

static void keep_message(struct pr_lua *lua, struct pr_lua_process *server, lua_State *co)
{
    lua_State *L = lua->scratch;
    if (server->phase < PR_PHASE_CALL || server->phase > PR_PHASE_CONTINUE || !lua_checkstack(L, 6) ||
        !lua_checkstack(co, 4))
        return;
    lua_pushcfunction(L, describe_message);
    lua_pushlightuserdata(L, co);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK && !lua_isnil(L, -1)) {
        pr_term_drop(server->last_message, &lua->owner->heap);
        server->last_message = pr_copy_to_reason(lua, L, -1);
    }
    lua_pop(L, 1);
}

/* The coroutine has failed: the server stops with the error, after terminate. */
static enum pr_slice_end crash(struct pr_lua *lua, struct pr_lua_process *server)
{
    lua_State *co = server->body.co;
    server->is_direct = 0;
    int must_terminate = server->phase >= PR_PHASE_SERVE && server->phase < PR_PHASE_TERMINATE;
    keep_message(lua, server, co);
    if (!must_terminate) {
        pr_lua_process_crash(lua, server, co);
        return PR_SLICE_ENDED;
    }
    lua_State *L = lua->scratch;
    pierrot_term *reason = PR_TERM(enomem);
    if (lua_checkstack(L, 8) && lua_checkstack(co, 4)) {
        lua_pushvalue(co, -1);
        lua_xmove(co, L, 1);
        reason = pr_error_reason(lua, L, -1, co);
        lua_pop(L, 1);
    }
    pr_close_coroutine(co);
    pr_pool_drop(lua, server->body);
    server->body.co = NULL;
    pr_term_drop(server->stop_reason, &lua->owner->heap);
    server->stop_reason = reason;
    server->phase = PR_PHASE_TERMINATE;
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
        return crash(lua, server);
    pr_pool_give(lua, server->body);
    server->body.co = NULL;
    if (server->process.flags & PR_EXITING)
        return PR_SLICE_ENDED;
    server->process.flags |= PR_WAKE_ON_MESSAGE;
    int is_due = server->alarm && server->alarm->has_fired;
    return server->process.mailbox.n_messages > 0 || is_due ? PR_SLICE_USED_UP : PR_SLICE_WAITS;
}

/* A callback that a nested call began has returned: its results are for conclude_results. The number of
 * arguments to resume with. */
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
        if (server->phase == PR_PHASE_TERMINATE) {
            lua_pushnil(server->body.co);
            lua_pushnil(server->body.co);
            n_args = BASE;
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
    int status = pr_resume(server->body.co, NULL, n_args, &n_results);
    enum pr_slice_end end = resumed(lua, server, status);
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
           !server->is_suspended && lua->n_nested < PR_NEST_MAX && lua->n_pooled > 0;
}

/* Function and arguments for the request at `request` of L, made on L, where errors are the caller's;
 * their number, or -1: nothing handles it plainly, and L is as before. */
static int push_nested(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server, int request,
                       pierrot_from from)
{
    int base = lua_gettop(L);
    pr_class_push_callback(lua, server->class_, L, "handle_call");
    int type = lua_type(L, -1);
    if (type == LUA_TFUNCTION) {
        if (pr_copy(L, request, L) != 0)
            return pr_copy_error(lua, L, request);
        push_from(L, from);
        push_state(lua, L, server);
        return 3;
    }
    if (type != LUA_TTABLE || !pick(L, request) || !lua_isfunction(L, -1)) {
        lua_settop(L, base);
        return -1;
    }
    push_state(lua, L, server);
    push_from(L, from);
    if (lua_type(L, request) == LUA_TTABLE && push_elements(L, request, 1) != 0) {
        if (pr_copy(L, request, L) != 0)
            return pr_copy_error(lua, L, request);
        int copy = lua_gettop(L);
        push_elements(L, copy, 0);
        lua_remove(L, copy);
    }
    return lua_gettop(L) - base - 1;
}

/* "reply", value [, state]: by far the most common end, concluded without further ado on L, where the
 * results lie from `first` on. Whether it was that. */
static int conclude_plainly(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                            struct pr_lua_now *now, int first)
{
    int n = lua_gettop(L) - first + 1;
    if (n < 2 || n > 3 || lua_type(L, first) != LUA_TSTRING || now->is_answered ||
        strcmp(lua_tostring(L, first), "reply") != 0)
        return 0;
    if (n == 3) {
        if (lua_isnil(L, -1))
            lua_pop(L, 1);
        else
            set_state(lua, L, server);
    }
    return 1;
}

/* The callback has returned at once: its results are on the server's coroutine. */
static enum pr_now returned(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                            struct pr_lua_now *now)
{
    lua_State *co = server->body.co;
    int n = lua_gettop(co) - BASE, first = lua_gettop(L) + 1;
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
            if (lua_type(L, -1) == LUA_TTABLE && pr_copy(L, -1, L) != 0)
                return pr_copy_error(lua, L, -1), PR_NOW_PENDING;
            return PR_NOW_ANSWERED;
        }
        lua_xmove(L, co, n);
    }
    run_nested(lua, server, begin_conclusion(lua, server));
    return now->is_answered ? PR_NOW_ANSWERED : PR_NOW_PENDING;
}

enum pr_now pr_server_call_now(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                               pierrot_from from, int request)
{
    struct pr_owner *owner = lua->owner;
    int base = lua_gettop(L), n_results;
    luaL_checkstack(L, 20, NULL);
    int n_args = push_nested(lua, L, server, request, from);
    /* Nothing raises from here on until the server is settled. */
    struct pr_pooled body = n_args >= 0 ? pr_pool_take(lua, L) : (struct pr_pooled){NULL, 0};
    if (n_args < 0 || !lua_checkstack(body.co, n_args + 8)) {
        if (body.co)
            pr_pool_give(lua, body);
        lua_settop(L, base);
        return PR_NOW_REFUSED;
    }
    pr_push_id(body.co, from.pid.id);
    pr_push_id(body.co, from.ref.id);
    lua_xmove(L, body.co, n_args + 1);
    struct pr_lua_now now = {.ref = from.ref, .L = L, .outer = lua->now};
    struct pr_process *caller = owner->current;
    lua->now = &now;
    pr_wait_alarm_clear(lua, server);
    server->body = body;
    server->is_direct = 1;
    server->phase = PR_PHASE_CALL;
    server->process.state = PR_RUNNING;
    server->process.flags &= (uint8_t)~PR_WAKE_ON_MESSAGE;
    server->process.reductions++;
    owner->current = &server->process;
    lua->n_nested++;
    int status = pr_resume(body.co, NULL, n_args, &n_results);
    lua->n_nested--;
    owner->current = caller;
    enum pr_now outcome;
    if (status == LUA_OK) {
        outcome = returned(lua, L, server, &now);
    } else {
        owner->current = &server->process;
        enum pr_slice_end end = resumed(lua, server, status);
        owner->current = caller;
        pr_scheduler_settle(owner, &server->process, end);
        outcome = now.is_answered ? PR_NOW_ANSWERED : PR_NOW_PENDING;
    }
    lua->now = now.outer;
    return outcome;
}

/* ------------------------------------------------------------------------ others */

void pr_server_set_module(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server, int index,
                          const char *name)
{
    struct pr_class *class_ = pr_class_hold(lua, L, index, name);
    pr_class_drop(lua, server->class_);
    server->class_ = class_;
}

void pr_server_leave(struct pr_lua *lua, struct pr_lua_process *server)
{
    pr_class_drop(lua, server->class_);
    server->class_ = NULL;
}

const char *pr_server_module_name(const struct pr_lua_process *server)
{
    return server->class_ ? server->class_->name : NULL;
}

pierrot_term *pr_server_state(struct pr_lua *lua, struct pr_lua_process *server)
{
    lua_State *L = lua->scratch;
    if (!server->state_place || !lua_checkstack(L, 8))
        return NULL;
    pr_store_push(lua, L, server->state_place);
    pierrot_term *state = pr_copy_to_reason(lua, L, -1);
    lua_pop(L, 1);
    return state;
}

void pr_server_open(struct pr_lua *lua, lua_State *L)
{
    lua_pushlightuserdata(L, lua);
    lua_pushcclosure(L, activate, 1);
    lua->activate_place = pr_store_put(lua, L);
    lua_pushlightuserdata(L, lua);
    lua_pushcclosure(L, conclude_results, 1);
    lua->conclude_place = pr_store_put(lua, L);
}

void pr_server_close(struct pr_lua *lua)
{
    pr_class_close(lua);
}
