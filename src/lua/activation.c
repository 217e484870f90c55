/* SPDX-License-Identifier: MIT */
#include "lua/activation.h"

#include <string.h>

#include "lua/asked.h"
#include "lua/class.h"
#include "lua/copy.h"
#include "lua/crash.h"
#include "lua/handler.h"
#include "lua/ident.h"
#include "lua/message.h"
#include "lua/wait.h"

/* Messages in one slice of a server that finds more and more. */
enum { SLICE_MESSAGES = 2000 };

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
    return (pierrot_from){pr_to_pid(L, PR_FROM_PID), pr_to_ref(L, PR_FROM_REF)};
}

/* The reply at `index`, to the call that is handled. */
static void answer_call(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server, int index)
{
    pierrot_from from = from_on(L);
    if (server->process.sys & PR_SYS_TRACED)
        pr_asked_trace_out(lua, L, server, index);
    pr_server_reply(lua, L, from, index);
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

static int end_now(struct pr_lua *lua, struct pr_lua_process *server)
{
    pierrot_term *reason = server->stop_reason;
    server->stop_reason = NULL;
    pr_process_exit(lua->owner, &server->process, reason ? reason : PR_TERM(normal));
    return 0;
}

/* format_status has returned what the report is to show, or failed. */
static int formatted(lua_State *L, int status, lua_KContext context)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *server = pr_lua_current(lua);
    (void)context;
    if (status == LUA_OK || status == LUA_YIELD)
        pr_crash_take_status(lua, L, server);
    return end_now(lua, server);
}

/* With a format_status of its own a server that crashes is asked what may be told of it. */
static int end_server(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    if (!server->stop_reason || !pr_report_is_due(lua->owner, &server->process, server->stop_reason))
        return end_now(lua, server);
    luaL_checkstack(L, 12, NULL);
    pr_class_push_callback(lua, server->class_, L, "format_status");
    if (!lua_isfunction(L, -1))
        return end_now(lua, server);
    pr_crash_push_status(lua, L, server);
    return formatted(L, lua_pcallk(L, 1, 1, 0, 0, formatted), 0);
}

/* terminate has returned: the reply that was held back, then the end. Stack: …, reply at `context`.
 */
static int terminated(lua_State *L, int status, lua_KContext context)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *server = pr_lua_current(lua);
    (void)status;
    if (context)
        answer_call(lua, L, server, (int)context);
    return end_server(lua, L, server);
}

/* The server stops; the reply to the caller stands at `reply` of L (0: none). Takes: reason. */
static int stop(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                pierrot_term *reason, int reply)
{
    pr_term_drop(server->stop_reason, &lua->owner->heap);
    server->stop_reason = reason;
    if (pr_report_is_due(lua->owner, &server->process, reason))
        pr_crash_note(lua, L, server);
    server->phase = PR_PHASE_TERMINATE;
    pr_class_push_callback(lua, server->class_, L, "terminate");
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return terminated(L, LUA_OK, reply);
    }
    luaL_checkstack(L, 12, NULL);
    pr_push_term(L, reason);
    pr_handler_push_state(lua, L, server);
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

/* The results from PR_BASE + 1 on are of no known shape. */
static int bad_return(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    int n = lua_gettop(L) - PR_BASE;
    if (n == 0) {
        lua_pushnil(L);
    } else if (n > 1) {
        lua_createtable(L, n, 0);
        for (int i = 1; i <= n; i++) {
            lua_pushvalue(L, PR_BASE + i);
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
    int is_continue =
        lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "continue") == 0;
    lua_pop(L, 1);
    if (!is_continue)
        return ACT_BAD;
    lua_rawgeti(L, index, 2);
    return ACT_CONTINUE;
}

/* Calls handle_continue with the argument on top. */
static int go_on(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    lua_replace(L, PR_BASE + 1);
    lua_settop(L, PR_BASE + 1);
    server->phase = PR_PHASE_CONTINUE;
    lua_copy(L, PR_BASE + 1, PR_HANDLED);
    pr_class_push_callback(lua, server->class_, L, "handle_continue");
    int n_args = pr_handler_push_arguments(lua, L, server, PR_BASE + 1, NULL);
    if (n_args < 0)
        return stop(lua, L, server, tagged_reason(lua, L, "bad_continue", PR_BASE + 1), 0);
    lua_remove(L, PR_BASE + 1);
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
        pr_handler_set_state(lua, L, server);
    }
    return action == ACT_CONTINUE ? go_on(lua, L, server) : serve(L, lua, server);
}

/* "stop", reason [, …] at PR_BASE + 1. */
static int conclude_stop(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    int n = lua_gettop(L) - PR_BASE, reply = 0, state = 0;
    int is_call = server->phase == PR_PHASE_CALL;
    if (n < 2 || n > (is_call ? 4 : 3))
        return bad_return(lua, L, server);
    if (n == 3)
        state = PR_BASE + 3;
    if (n == 4) {
        reply = PR_BASE + 3;
        state = PR_BASE + 4;
    }
    if (state && !lua_isnil(L, state)) {
        lua_pushvalue(L, state);
        pr_handler_set_state(lua, L, server);
    }
    return stop(lua, L, server, pr_copy_to_reason(lua, L, PR_BASE + 2), reply);
}

static int conclude_init(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    int n = lua_gettop(L) - PR_BASE;
    const char *what =
        n > 0 && lua_type(L, PR_BASE + 1) == LUA_TSTRING ? lua_tostring(L, PR_BASE + 1) : "";
    if (strcmp(what, "ok") == 0 && n >= 2 && n <= 3) {
        enum action action = n == 3 ? act(lua, L, server, PR_BASE + 3) : ACT_NONE;
        if (action == ACT_BAD)
            return bad_return(lua, L, server);
        lua_pushvalue(L, PR_BASE + 2);
        pr_handler_set_state(lua, L, server);
        server->process.flags &= (uint8_t)~PR_STARTING;
        answer_starter(lua, server, 0, pr_cell_bool(1));
        return action == ACT_CONTINUE ? go_on(lua, L, server) : serve(L, lua, server);
    }
    if (strcmp(what, "ignore") == 0 && n == 1) {
        fail_start(lua, server, PR_TERM(ignore));
    } else if (strcmp(what, "error") == 0 && n == 2) {
        fail_start(lua, server, pr_copy_to_reason(lua, L, PR_BASE + 2));
    } else if (strcmp(what, "stop") == 0 && n == 2) {
        pr_process_exit(lua->owner, &server->process, pr_copy_to_reason(lua, L, PR_BASE + 2));
    } else {
        return bad_return(lua, L, server);
    }
    return 0;
}

/* A callback has returned; its results stand from PR_BASE + 1 on. */
static int conclude(lua_State *L, struct pr_lua *lua, struct pr_lua_process *server)
{
    if (server->phase == PR_PHASE_INIT)
        return conclude_init(lua, L, server);
    int n = lua_gettop(L) - PR_BASE, is_bad = 0, result;
    int is_call = server->phase == PR_PHASE_CALL;
    const char *what =
        n > 0 && lua_type(L, PR_BASE + 1) == LUA_TSTRING ? lua_tostring(L, PR_BASE + 1) : "";
    if (strcmp(what, "noreply") == 0 || (n == 0 && !is_call)) {
        if (server->process.sys & PR_SYS_TRACED)
            pr_trace_noreply(lua->owner, &server->process);
        result = settle(lua, L, server, PR_BASE + 2, &is_bad);
        return is_bad ? bad_return(lua, L, server) : result;
    }
    if (is_call && strcmp(what, "reply") == 0 && n >= 2 && n <= 4) {
        if (n == 4) {
            /* A bad action must be found before the reply is out. */
            enum action action = act(lua, L, server, PR_BASE + 4);
            if (action == ACT_BAD)
                return bad_return(lua, L, server);
            lua_settop(L, PR_BASE + 4);
        }
        answer_call(lua, L, server, PR_BASE + 2);
        result = settle(lua, L, server, PR_BASE + 3, &is_bad);
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
    pierrot_from from = from_on(L);
    lua_replace(L, PR_HANDLED);
    pr_class_push_callback(lua, server->class_, L, callback_of(server->phase));
    int n_args = pr_handler_push_arguments(lua, L, server, PR_HANDLED,
                                           server->phase == PR_PHASE_CALL ? &from : NULL);
    if (n_args < 0)
        return unhandled(lua, L, server, PR_HANDLED);
    lua_callk(L, n_args, LUA_MULTRET, 0, conclude_k);
    return conclude(L, lua, server);
}

/* pierrot.system has answered. */
static int system_handled(lua_State *L, int status, lua_KContext context)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *server = pr_lua_current(lua);
    (void)status;
    (void)context;
    pr_asked_take(lua, L, server);
    return serve(L, lua, server);
}

/* A system message, whose request is on top. */
static int handle_system(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    int n_args;
    server->phase = PR_PHASE_SERVE;
    switch (pr_asked(lua, L, server, &n_args)) {
    case PR_ASKED_ANSWERED:
        return serve(L, lua, server);
    case PR_ASKED_TO_STOP:
        return stop(lua, L, server, pr_copy_to_reason(lua, L, -1), 0);
    case PR_ASKED_IN_LUA:
        lua_callk(L, n_args, LUA_MULTRET, 0, system_handled);
        return system_handled(L, LUA_OK, 0);
    }
    return 0;
}

int pr_server_has_work(struct pr_lua_process *server)
{
    if (pr_system_next(&server->process))
        return 1;
    return !(server->process.sys & PR_SYS_SUSPENDED) && server->alarm && server->alarm->has_fired;
}

/* Takes the message out of the mailbox and pushes it; what it is. */
static enum pr_phase take(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                          struct pr_signal *message)
{
    enum pr_phase phase = PR_PHASE_INFO;
    if (message->kind == PR_SIGNAL_CALL) {
        phase = PR_PHASE_CALL;
        pr_push_id(L, message->from.id);
        lua_replace(L, PR_FROM_PID);
        pr_push_id(L, message->ref.id);
        lua_replace(L, PR_FROM_REF);
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

/* The timeout of a callback, when it is over. */
static int serve_timeout(lua_State *L, struct pr_lua *lua, struct pr_lua_process *server)
{
    if (!pr_server_has_work(server))
        return 0;
    pr_wait_alarm_clear(lua, server);
    server->phase = PR_PHASE_INFO;
    lua_pushliteral(L, "timeout");
    if (server->process.sys & PR_SYS_TRACED)
        pr_asked_trace_in(lua, L, server);
    return handle(lua, L, server);
}

/* The next message, or the timeout; with neither the activation ends. */
static int serve(lua_State *L, struct pr_lua *lua, struct pr_lua_process *server)
{
    lua_settop(L, 0);
    lua_settop(L, PR_BASE);
    server->phase = PR_PHASE_SERVE;
    struct pr_signal *message = pr_system_next(&server->process);
    if (server->process.flags & PR_EXITING)
        return 0;
    if (!message)
        return serve_timeout(L, lua, server);
    if (server->n_args++ >= SLICE_MESSAGES)
        return 0;
    int is_system = pr_is_system(message);
    if (!is_system)
        pr_wait_alarm_clear(lua, server);
    server->process.reductions++;
    luaL_checkstack(L, 10, NULL);
    server->phase = take(lua, L, server, message);
    pierrot_term *parents_reason =
        pr_is_parents_exit(&server->process, message) ? pr_term_hold(message->value.as.pointer) : NULL;
    pr_signal_free(lua->owner, message);
    if (parents_reason) {
        lua_copy(L, lua_gettop(L), PR_HANDLED);
        return stop(lua, L, server, parents_reason, 0);
    }
    if (is_system)
        return handle_system(lua, L, server);
    if (server->process.sys & PR_SYS_TRACED)
        pr_asked_trace_in(lua, L, server);
    return handle(lua, L, server);
}

/* ------------------------------------------------------------------- activations */

/* LOAD: the function has returned "ok", module, arg, name or "fail", reason. */
static int loaded(lua_State *L, int status, lua_KContext context)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *server = pr_lua_current(lua);
    (void)status;
    (void)context;
    const char *what = lua_tostring(L, PR_BASE + 1);
    if (!what || strcmp(what, "ok") != 0) {
        fail_start(lua, server, pr_copy_to_reason(lua, L, PR_BASE + 2));
        return 0;
    }
    pr_class_set(lua, L, server, PR_BASE + 2, lua_tostring(L, PR_BASE + 4));
    server->phase = PR_PHASE_INIT;
    /* As if the start had come without. */
    lua_pushvalue(L, PR_BASE + 3);
    lua_replace(L, PR_BASE + 1);
    lua_settop(L, PR_BASE + 1);
    pr_class_push_callback(lua, server->class_, L, "init");
    lua_insert(L, PR_BASE + 1);
    lua_callk(L, 1, LUA_MULTRET, 0, conclude_k);
    return conclude(L, lua, server);
}

int pr_activate(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *server = pr_lua_current(lua);
    switch ((enum pr_phase)server->phase) {
    case PR_PHASE_LOAD:
        /* nil, nil, nil, function, its arguments */
        lua_callk(L, lua_gettop(L) - PR_BASE - 1, LUA_MULTRET, 0, loaded);
        return loaded(L, LUA_OK, 0);
    case PR_PHASE_INIT:
        /* nil, nil, nil, argument */
        pr_class_push_callback(lua, server->class_, L, "init");
        lua_insert(L, PR_BASE + 1);
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

int pr_activate_results(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    return conclude(L, lua, pr_lua_current(lua));
}
