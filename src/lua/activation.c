/* SPDX-License-Identifier: MIT */
#include "lua/activation.h"

#include <string.h>

#include "lua/asked.h"
#include "lua/class.h"
#include "lua/conclusion.h"
#include "lua/copy.h"
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
    case PR_PHASE_FORMAT:
        return "format_status";
    case PR_PHASE_PLAIN:
    case PR_PHASE_LOAD:
    case PR_PHASE_SERVE:
        break;
    }
    return "";
}

/* -------------------------------------------------------------------- messages */

static void forget_handled(struct pr_lua *lua, struct pr_lua_process *server)
{
    if (server->handled)
        pr_term_drop(server->handled, &lua->owner->heap);
    server->handled = NULL;
}

/* Calls handle_continue with the argument on top. */
static int go_on(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    lua_replace(L, PR_BASE + 1);
    lua_settop(L, PR_BASE + 1);
    server->phase = PR_PHASE_CONTINUE;
    forget_handled(lua, server);
    lua_copy(L, PR_BASE + 1, PR_HANDLED);
    pr_class_push_callback(lua, server->class_, L, "handle_continue");
    int n_args = pr_handler_push_arguments(lua, L, server, PR_BASE + 1, NULL);
    if (n_args < 0)
        return pr_server_stop(lua, L, server, pr_tagged_reason(lua, L, "bad_continue", PR_BASE + 1),
                              0);
    lua_remove(L, PR_BASE + 1);
    lua_callk(L, n_args, LUA_MULTRET, 0, conclude_k);
    return conclude_k(L, LUA_OK, 0);
}

/* A callback has returned; its results stand from PR_BASE + 1 on. */
static int conclude(lua_State *L, struct pr_lua *lua, struct pr_lua_process *server)
{
    /* Nothing, the most common end of a cast. */
    if (server->phase == PR_PHASE_CAST && lua_gettop(L) == PR_BASE &&
        !(server->process.sys & PR_SYS_TRACED))
        return serve(L, lua, server);
    switch (pr_conclude(lua, L, server)) {
    case PR_NEXT_MESSAGE:
        return serve(L, lua, server);
    case PR_NEXT_CONTINUE:
        return go_on(lua, L, server);
    case PR_NEXT_NONE:
        break;
    }
    return 0;
}

static int conclude_k(lua_State *L, int status, lua_KContext context)
{
    struct pr_lua *lua = PR_SELF(L);
    (void)status;
    (void)context;
    return conclude(L, lua, pr_lua_current(lua));
}

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
    const char *name = server->class_->name;
    pr_log_printf(&lua->owner->system->log, PIERROT_WARNING,
                  "gen_server %s%s%s%s dropped an unexpected message: %s", id, name ? " (" : "",
                  name ? name : "", name ? ")" : "", text);
}

static int unhandled(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server, int message)
{
    switch ((enum pr_phase)server->phase) {
    case PR_PHASE_CALL:
        return pr_server_stop(lua, L, server, pr_tagged_reason(lua, L, "bad_call", message), 0);
    case PR_PHASE_CAST:
        return pr_server_stop(lua, L, server, pr_tagged_reason(lua, L, "bad_cast", message), 0);
    default:
        log_unexpected(lua, L, server, message);
        return serve(L, lua, server);
    }
}

/* With the callback on top: leaves function and arguments for the request; as
 * pr_handler_push_arguments. */
static int push_arguments(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                          const pierrot_from *from)
{
    if (server->handled) {
        int n_args = pr_handler_spread(lua, L, server, server->handled, from);
        if (n_args >= 0)
            return n_args;
        pr_push_term(L, server->handled);
        lua_replace(L, PR_HANDLED);
        forget_handled(lua, server);
    }
    return pr_handler_push_arguments(lua, L, server, PR_HANDLED, from);
}

/* Handles the message (a copy of the server's own) at PR_HANDLED, or the one that is no Lua value yet,
 * in the phase that is set. */
static int handle(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    int is_call = server->phase == PR_PHASE_CALL;
    pierrot_from from = is_call ? pr_from_on(L) : (pierrot_from){{0}, {0}};
    lua_getfield(L, PR_MODULE, callback_of(server->phase));
    int n_args = push_arguments(lua, L, server, is_call ? &from : NULL);
    if (n_args < 0)
        return unhandled(lua, L, server, PR_HANDLED);
    lua_callk(L, n_args, LUA_MULTRET, 0, conclude_k);
    return conclude(L, lua, server);
}

/* A system message has been answered. As in OTP the wait of a callback's timeout begins anew. */
static int serve_anew(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                      uint64_t lasts_ns)
{
    if (pr_timeout_set(lua, server, lasts_ns) != 0)
        return luaL_error(L, "not enough memory");
    return serve(L, lua, server);
}

/* pierrot.system has answered. */
static int system_handled(lua_State *L, int status, lua_KContext context)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *server = pr_lua_current(lua);
    (void)status;
    (void)context;
    pr_asked_take(lua, L, server);
    return serve_anew(lua, L, server, (uint64_t)lua_tointeger(L, PR_HANDLED));
}

/* A system message, whose request is on top. */
static int handle_system(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    int n_args;
    uint64_t lasts_ns = pr_timeout_take(lua, server);
    server->phase = PR_PHASE_SERVE;
    switch (pr_asked(lua, L, server, &n_args)) {
    case PR_ASKED_ANSWERED:
        return serve_anew(lua, L, server, lasts_ns);
    case PR_ASKED_TO_STOP:
        return pr_server_stop(lua, L, server, pr_copy_to_reason(lua, L, -1), 0);
    case PR_ASKED_IN_LUA:
        /* Code of the user's may wait itself. */
        lua_pushinteger(L, (lua_Integer)lasts_ns);
        lua_replace(L, PR_HANDLED);
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

/* Pushes a request, or leaves it as it is where that may do (and is not traced: that shows values). */
static void take_request(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                         struct pr_signal *message)
{
    if (server->process.sys & PR_SYS_TRACED || pr_is_system(message) ||
        !pr_handler_can_spread(&message->value)) {
        pr_push_value(lua, L, &message->value);
        return;
    }
    server->handled = message->value.as.pointer;
    message->value = pr_cell_nil();
}

/* Takes the message out of the mailbox; it is on top, or in server->handled. What it is. */
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
        take_request(lua, L, server, message);
    } else if (message->kind == PR_SIGNAL_CAST) {
        phase = PR_PHASE_CAST;
        take_request(lua, L, server, message);
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
    /* What has been sent by now comes first, from other schedulers too. */
    pr_signal_poll(lua->owner);
    if (server->process.flags & PR_EXITING)
        return 0;
    if (pr_system_next(&server->process))
        return serve(L, lua, server);
    if (server->n_args++ >= SLICE_MESSAGES)
        return 0;
    server->process.reductions++;
    pr_wait_alarm_clear(lua, server);
    server->phase = PR_PHASE_INFO;
    lua_pushliteral(L, "timeout");
    if (server->process.sys & PR_SYS_TRACED)
        pr_asked_trace_in(lua, L, server);
    lua_replace(L, PR_HANDLED);
    return handle(lua, L, server);
}

/* The next message, or the timeout; with neither the activation ends. What the message before has
 * left below PR_BASE stays there: each phase reads only what it has set. */
static int serve(lua_State *L, struct pr_lua *lua, struct pr_lua_process *server)
{
    lua_settop(L, PR_BASE);
    if (lua_isnil(L, PR_MODULE)) {
        pr_class_push(lua, server->class_, L);
        lua_replace(L, PR_MODULE);
    }
    server->phase = PR_PHASE_SERVE;
    forget_handled(lua, server);
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
    /* Above PR_BASE there is the room of any C function, more than a request and its callback take. */
    server->phase = take(lua, L, server, message);
    pierrot_term *parents_reason = pr_is_parents_exit(&server->process, message)
                                       ? pr_term_hold(message->value.as.pointer)
                                       : NULL;
    pr_signal_free(lua->owner, message);
    if (parents_reason) {
        lua_copy(L, lua_gettop(L), PR_HANDLED);
        return pr_server_stop(lua, L, server, parents_reason, 0);
    }
    if (is_system)
        return handle_system(lua, L, server);
    if (server->process.sys & PR_SYS_TRACED)
        pr_asked_trace_in(lua, L, server);
    if (!server->handled)
        lua_replace(L, PR_HANDLED);
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
        pr_fail_start(lua, server, pr_copy_to_reason(lua, L, PR_BASE + 2));
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
        /* nil, nil, nil, nil, function, its arguments */
        lua_callk(L, lua_gettop(L) - PR_BASE - 1, LUA_MULTRET, 0, loaded);
        return loaded(L, LUA_OK, 0);
    case PR_PHASE_INIT:
        /* nil, nil, nil, nil, argument */
        pr_class_push_callback(lua, server->class_, L, "init");
        lua_insert(L, PR_BASE + 1);
        lua_callk(L, 1, LUA_MULTRET, 0, conclude_k);
        return conclude(L, lua, server);
    case PR_PHASE_TERMINATE: {
        pierrot_term *reason = server->stop_reason;
        server->stop_reason = NULL;
        return pr_server_stop(lua, L, server, reason, 0);
    }
    case PR_PHASE_FORMAT:
        return pr_server_end(lua, L, server);
    default:
        return serve(L, lua, server);
    }
}

int pr_activate_results(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    return conclude(L, lua, pr_lua_current(lua));
}
