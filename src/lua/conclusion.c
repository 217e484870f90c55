/* SPDX-License-Identifier: MIT */
#include "lua/conclusion.h"

#include <string.h>

#include "lua/asked.h"
#include "lua/class.h"
#include "lua/copy.h"
#include "lua/crash.h"
#include "lua/handler.h"
#include "lua/ident.h"
#include "lua/stack.h"
#include "lua/wait.h"

/* More than there are phases. */
enum { PHASES_MAX = 16 };

/* ----------------------------------------------------------------------- replies */

void pr_server_reply(struct pr_lua *lua, lua_State *L, pierrot_from from, int index)
{
    luaL_checkstack(L, 5, "no room for a reply");
    for (struct pr_lua_now *now = lua->now; now; now = now->outer) {
        if (now->ref.id != from.ref.id)
            continue;
        if (now->is_answered) { /* dropped; but it must be one that can be sent */
            struct pierrot_term value = pr_encode(lua, L, index, NULL);
            pr_value_drop(lua->owner, &value);
            return;
        }
        if (pr_copy(L, index, now->L) != 0)
            pr_copy_error(lua, L, index);
        now->is_answered = 1;
        return;
    }
    struct pr_owner *owner = lua->owner;
    pr_signal_poll(owner);
    struct pr_process *caller = pr_ptable_find(owner, from.pid);
    struct pierrot_term value = pr_encode_reply(lua, L, index, caller);
    if (pr_reply(owner, owner->current, from, 0, value) != 0)
        luaL_error(L, "not enough memory");
}

pierrot_from pr_from_on(lua_State *L)
{
    return (pierrot_from){pr_to_pid(L, PR_FROM_PID), pr_to_ref(L, PR_FROM_REF)};
}

/* The reply at `index`, to the call that is handled. */
static void answer_call(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server, int index)
{
    pierrot_from from = pr_from_on(L);
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

void pr_fail_start(struct pr_lua *lua, struct pr_lua_process *server, pierrot_term *why)
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

/* format_status has returned what the report is to show, or failed. Stack: …, its argument, that. */
static int formatted(lua_State *L, int status, lua_KContext context)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *server = pr_lua_current(lua);
    (void)context;
    pr_crash_take_status(lua, L, server, status == LUA_OK || status == LUA_YIELD);
    return end_now(lua, server);
}

/* With a format_status of its own a server that crashes is asked what may be told of it. */
int pr_server_end(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    if (!server->stop_reason ||
        !pr_report_is_due(lua->owner, &server->process, server->stop_reason))
        return end_now(lua, server);
    luaL_checkstack(L, 12, NULL);
    pr_class_push_callback(lua, server->class_, L, "format_status");
    if (!lua_isfunction(L, -1))
        return end_now(lua, server);
    pr_crash_push_status(lua, L, server);
    lua_pushvalue(L, -1);
    lua_insert(L, -3);
    int n_args = pr_asked_with_log(lua, L, server);
    return formatted(L, lua_pcallk(L, n_args, 1, 0, 0, formatted), 0);
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
    return pr_server_end(lua, L, server);
}

/* What the activation that stops the server was doing, kept where its module was: what is wanted when
 * terminate fails. */
static void keep_stop(lua_State *L, enum pr_phase phase, int reply)
{
    lua_pushinteger(L, reply * PHASES_MAX + (int)phase);
    lua_replace(L, PR_MODULE);
}

/* Runs protected: the reply at 3, to the call of 1 and 2. */
static int answer_held(lua_State *L)
{
    pr_server_reply(lua_touserdata(L, 4), L, pr_from_on(L), 3);
    return 0;
}

/* The reply at `reply` of the bottom frame of co. */
static void release_reply(struct pr_lua *lua, lua_State *co, const lua_Debug *ar, int reply)
{
    lua_State *L = lua->scratch;
    int top = lua_gettop(L);
    lua_pushcfunction(L, answer_held);
    if (pr_push_local(co, ar, PR_FROM_PID, L) && pr_push_local(co, ar, PR_FROM_REF, L) &&
        pr_push_local(co, ar, reply, L)) {
        lua_pushlightuserdata(L, lua);
        (void)lua_pcall(L, 4, 0, 0); /* one that cannot be sent is what has failed */
    }
    lua_settop(L, top);
}

void pr_server_terminate_failed(struct pr_lua *lua, struct pr_lua_process *server, lua_State *co)
{
    lua_Debug ar;
    lua_State *L = lua->scratch;
    int is_kept = 0;
    if (!lua_checkstack(L, 10) || !lua_checkstack(co, 4) || !pr_bottom_frame(co, &ar) ||
        !pr_push_local(co, &ar, PR_MODULE, L))
        return;
    int kept = (int)lua_tointegerx(L, -1, &is_kept);
    lua_pop(L, 1);
    if (!is_kept)
        return;
    server->phase = (uint8_t)(kept % PHASES_MAX);
    pr_crash_note_failed(lua, server, co);
    server->phase = PR_PHASE_TERMINATE;
    if (kept >= PHASES_MAX)
        release_reply(lua, co, &ar, kept / PHASES_MAX);
}

int pr_server_stop(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                   pierrot_term *reason, int reply)
{
    pr_term_drop(server->stop_reason, &lua->owner->heap);
    server->stop_reason = reason;
    if (pr_report_is_due(lua->owner, &server->process, reason))
        pr_crash_note(lua, L, server);
    keep_stop(L, (enum pr_phase)server->phase, reply);
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

pierrot_term *pr_tagged_reason(struct pr_lua *lua, lua_State *L, const char *tag, int index)
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
static enum pr_next bad_return(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
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
    pierrot_term *reason = pr_tagged_reason(lua, L, "bad_return_value", -1);
    if (server->phase == PR_PHASE_INIT) {
        pr_process_exit(lua->owner, &server->process, reason);
        return PR_NEXT_NONE;
    }
    return (enum pr_next)pr_server_stop(lua, L, server, reason, 0);
}

/* -------------------------------------------------------------------- conclusions */

enum action { ACT_NONE, ACT_CONTINUE, ACT_BAD };

static enum pr_next next_of(enum action action)
{
    return action == ACT_CONTINUE ? PR_NEXT_CONTINUE : PR_NEXT_MESSAGE;
}

/* What a callback wants to happen next, at `index`. For a continue the argument is pushed. */
static enum action act(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server, int index)
{
    if (lua_type(L, index) == LUA_TNUMBER) {
        double ms = lua_tonumber(L, index);
        if (!(ms >= 0))
            return ACT_BAD;
        if (pr_timeout_set(lua, server, pr_clock_deadline(0, ms)) != 0)
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

/* [state [, action]] from `index` on. */
static enum pr_next settle(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                           int index, int *is_bad)
{
    int top = lua_gettop(L);
    enum action action = ACT_NONE;
    *is_bad = 0;
    if (top > index)
        action = top > index + 1 ? ACT_BAD : act(lua, L, server, index + 1);
    if (action == ACT_BAD) {
        *is_bad = 1;
        return PR_NEXT_NONE;
    }
    if (top >= index && !lua_isnil(L, index)) {
        lua_pushvalue(L, index);
        pr_handler_set_state(lua, L, server);
    }
    return next_of(action);
}

/* "stop", reason [, …] at PR_BASE + 1. */
static enum pr_next conclude_stop(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
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
    return (enum pr_next)pr_server_stop(lua, L, server, pr_copy_to_reason(lua, L, PR_BASE + 2),
                                        reply);
}

static enum pr_next conclude_init(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
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
        return next_of(action);
    }
    if (strcmp(what, "ignore") == 0 && n == 1) {
        pr_fail_start(lua, server, PR_TERM(ignore));
    } else if (strcmp(what, "error") == 0 && n == 2) {
        pr_fail_start(lua, server, pr_copy_to_reason(lua, L, PR_BASE + 2));
    } else if (strcmp(what, "stop") == 0 && n == 2) {
        pr_process_exit(lua->owner, &server->process, pr_copy_to_reason(lua, L, PR_BASE + 2));
    } else {
        return bad_return(lua, L, server);
    }
    return PR_NEXT_NONE;
}

enum pr_next pr_conclude(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    if (server->phase == PR_PHASE_INIT)
        return conclude_init(lua, L, server);
    int n = lua_gettop(L) - PR_BASE, is_bad = 0;
    int is_call = server->phase == PR_PHASE_CALL;
    const char *what =
        n > 0 && lua_type(L, PR_BASE + 1) == LUA_TSTRING ? lua_tostring(L, PR_BASE + 1) : "";
    if (strcmp(what, "noreply") == 0 || (n == 0 && !is_call)) {
        if (server->process.sys & PR_SYS_TRACED)
            pr_trace_noreply(lua->owner, &server->process);
        enum pr_next next = settle(lua, L, server, PR_BASE + 2, &is_bad);
        return is_bad ? bad_return(lua, L, server) : next;
    }
    if (is_call && strcmp(what, "reply") == 0 && n >= 2 && n <= 4) {
        if (n == 4) {
            /* A bad action must be found before the reply is out. */
            enum action action = act(lua, L, server, PR_BASE + 4);
            if (action == ACT_BAD)
                return bad_return(lua, L, server);
            lua_settop(L, PR_BASE + 4);
        }
        /* With a reply that cannot be sent the server fails in its new state. */
        enum pr_next next = settle(lua, L, server, PR_BASE + 3, &is_bad);
        answer_call(lua, L, server, PR_BASE + 2);
        return next;
    }
    if (strcmp(what, "stop") == 0)
        return conclude_stop(lua, L, server);
    return bad_return(lua, L, server);
}
