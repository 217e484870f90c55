/* SPDX-License-Identifier: MIT */
#include "lua/crash.h"

#include <stdio.h>
#include <string.h>

#include "lua/callers.h"
#include "lua/class.h"
#include "lua/closing.h"
#include "lua/copy.h"
#include "lua/failure.h"
#include "lua/frame.h"
#include "lua/handler.h"
#include "lua/ident.h"
#include "lua/running.h"
#include "lua/stack.h"

/* How the files in the library are called, and those in which tasks begin. */
#define INTERNAL "pierrot/"
#define TASKS    "pierrot/task/"

/* Frames below which the function of a task is looked for, and arguments of it that are told. */
enum { TASK_FRAMES_MAX = 300, ARGUMENTS_MAX = 20 };

static struct pr_last_words *last_words(struct pr_lua *lua, struct pr_lua_process *process)
{
    if (!process->last_words)
        process->last_words = pr_zalloc(&lua->owner->heap, sizeof *process->last_words);
    return process->last_words;
}

void pr_crash_forget(struct pr_lua *lua, struct pr_lua_process *process)
{
    struct pr_last_words *words = process->last_words;
    if (!words)
        return;
    pr_term_drop(words->message, &lua->owner->heap);
    pr_term_drop(words->state, &lua->owner->heap);
    pr_term_drop(words->reason, &lua->owner->heap);
    pr_free(&lua->owner->heap, words, sizeof *words);
    process->last_words = NULL;
}

static int handles(const struct pr_lua_process *server)
{
    return server->phase >= PR_PHASE_CALL && server->phase <= PR_PHASE_CONTINUE;
}

/* The message is at `index` of L. */
static void note(struct pr_lua *lua, lua_State *L, int index, struct pr_lua_process *server,
                 pierrot_pid client)
{
    struct pr_last_words *words = last_words(lua, server);
    if (!words || words->message)
        return;
    words->message = server->handled ? pr_term_hold(server->handled)
                                     : pr_copy_for_report(lua, L, index);
    if (server->phase == PR_PHASE_CALL)
        words->client = client;
}

void pr_crash_note(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    if (handles(server))
        note(lua, L, PR_HANDLED, server, pr_to_pid(L, PR_FROM_PID));
}

/* Begun by a nested call, which has returned since: the bottom frame is the callback, and its second
 * argument says whose call it is. The caller waits with the request on its stack, or is gone. */
static int push_request_of_waiting(struct pr_lua *lua, lua_State *co, lua_State *L)
{
    lua_Debug ar;
    if (!pr_bottom_frame(co, &ar) || !pr_push_local(co, &ar, 2, L))
        return 0;
    pierrot_ref ref = {0};
    if (lua_type(L, -1) == LUA_TTABLE) {
        lua_rawgeti(L, -1, 2);
        ref = pr_to_ref(L, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    struct pr_relation *call = ref.id ? pr_relation_find(lua->owner, ref, PR_SIDE_HOLDER) : NULL;
    lua_State *caller = call && call->kind == PR_CALL ? pr_lua_body_of(call->process) : NULL;
    if (!caller || !lua_checkstack(caller, 2) || !lua_getstack(caller, 0, &ar))
        return 0;
    if (!pr_push_local(caller, &ar, 2, L))
        return 0;
    pr_push_id(L, call->process->pid.id);
    return 1;
}

/* Leaves message and pid of the client on L, if they can be found. */
static int push_handled(struct pr_lua *lua, struct pr_lua_process *server, lua_State *co,
                        lua_State *L)
{
    lua_Debug ar;
    if (server->is_direct) {
        struct pr_lua_now *now = lua->now;
        if (!now || now->server != server || !lua_checkstack(now->L, 1))
            return push_request_of_waiting(lua, co, L);
        lua_pushvalue(now->L, now->request);
        if (now->L != L)
            lua_xmove(now->L, L, 1);
        pr_push_id(L, now->caller.id);
        return 1;
    }
    return pr_bottom_frame(co, &ar) && pr_push_local(co, &ar, PR_HANDLED, L) &&
           pr_push_local(co, &ar, PR_FROM_PID, L);
}

void pr_crash_note_failed(struct pr_lua *lua, struct pr_lua_process *server, lua_State *co)
{
    lua_State *L = lua->scratch;
    int top = lua_gettop(L);
    /* Who is restarted again and again with nobody listening need not pay for what is not told. */
    if (!pr_log_wants(&lua->owner->system->log, PIERROT_ERROR) || !handles(server) ||
        !lua_checkstack(L, 8) || !lua_checkstack(co, 4))
        return;
    if (push_handled(lua, server, co, L))
        note(lua, L, top + 1, server, pr_to_pid(L, top + 2));
    lua_settop(L, top);
}

pierrot_term *pr_crash_reason(struct pr_lua *lua, lua_State *co)
{
    /* The main state's stack serves: nothing of the process's runs there. */
    lua_State *L = lua->scratch;
    if (!lua_checkstack(L, 12) || !lua_checkstack(co, 4))
        return PR_TERM(enomem);
    lua_pushvalue(co, -1);
    lua_xmove(co, L, 1);
    pierrot_term *reason = pr_error_reason(lua, L, -1, co);
    pr_failure_note(lua, L, reason);
    lua_pop(L, 1);
    return reason;
}

/* ----------------------------------------------------------------- format_status */

void pr_crash_push_status(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    struct pr_last_words *words = server->last_words;
    lua_createtable(L, 0, 4);
    pr_handler_push_state(lua, L, server);
    lua_setfield(L, -2, "state");
    pr_push_term(L, server->stop_reason);
    lua_setfield(L, -2, "reason");
    if (words && words->message) {
        pr_push_term(L, words->message);
        lua_setfield(L, -2, "message");
    }
    lua_createtable(L, 0, 0);
    lua_setfield(L, -2, "log");
}

/* A field as format_status wants it shown: of the table on top of L, or, where that leaves it out, of
 * its argument below. What it took away from the argument itself is nil. Gives. */
static pierrot_term *shown_field(struct pr_lua *lua, lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    if (lua_rawget(L, -2) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_pushstring(L, name);
        lua_rawget(L, -3);
    }
    pierrot_term *term = pr_copy_for_report(lua, L, -1);
    lua_pop(L, 1);
    return term;
}

static void show_fields(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                        struct pr_last_words *words)
{
    struct pr_heap *heap = &lua->owner->heap;
    pr_term_drop(words->state, heap);
    words->state = shown_field(lua, L, "state");
    if (words->message) {
        pr_term_drop(words->message, heap);
        words->message = shown_field(lua, L, "message");
    }
    pr_term_drop(words->reason, heap);
    words->reason = shown_field(lua, L, "reason");
    if (words->reason && pierrot_term_equal(words->reason, server->stop_reason)) {
        pr_term_drop(words->reason, heap);
        words->reason = NULL;
    }
}

void pr_crash_take_status(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                          int has_returned)
{
    struct pr_last_words *words = last_words(lua, server);
    if (!words)
        return;
    if (has_returned && lua_type(L, -1) == LUA_TTABLE) {
        show_fields(lua, L, server, words);
        return;
    }
    /* Not the state itself, of which it was to hide something. */
    pr_term_drop(words->state, &lua->owner->heap);
    const char *what = has_returned ? "format_status returned no table" : "format_status crashed";
    words->state = pr_term_new_string(&lua->owner->heap, what, strlen(what));
}

/* ----------------------------------------------------------------------- reports */

/* The frame of the function that a process was made for: the lowest of Lua's that is none of
 * pierrot's own. *is_task: what lies below is a task's. Whether there is one. */
static int find_body(lua_State *co, lua_Debug *ar, int *is_task)
{
    *is_task = 0;
    if (!pr_bottom_frame(co, ar) || !lua_getinfo(co, "Su", ar))
        return 0;
    if (strncmp(ar->short_src, INTERNAL, sizeof INTERNAL - 1) != 0)
        return 1;
    *is_task = strncmp(ar->short_src, TASKS, sizeof TASKS - 1) == 0;
    if (!*is_task) /* the program's own way to the script */
        return 0;
    int n = 0;
    while (n < TASK_FRAMES_MAX && lua_getstack(co, n, ar))
        n++;
    while (--n >= 0 && lua_getstack(co, n, ar) && lua_getinfo(co, "Su", ar)) {
        if (*ar->what != 'C' && strncmp(ar->short_src, INTERNAL, sizeof INTERNAL - 1) != 0)
            return 1;
    }
    return 0;
}

/* Runs protected: the arguments of the function in that frame, as they are by now. */
static int push_arguments(lua_State *L)
{
    lua_State *co = lua_touserdata(L, 1);
    const lua_Debug *ar = lua_touserdata(L, 2);
    int n = 0;
    lua_newtable(L);
    for (int i = 1; i <= ar->nparams && lua_getlocal(co, ar, i); i++) {
        lua_xmove(co, L, 1);
        lua_rawseti(L, -2, ++n);
    }
    for (int i = -1; ar->isvararg && i >= -ARGUMENTS_MAX && lua_getlocal(co, ar, i); i--) {
        lua_xmove(co, L, 1);
        lua_rawseti(L, -2, ++n);
    }
    return 1;
}

/* Gives; NULL: none. */
static pierrot_term *arguments_of(struct pr_lua *lua, lua_State *co, lua_Debug *ar)
{
    lua_State *L = lua->scratch;
    pierrot_term *arguments = NULL;
    if (!lua_checkstack(L, 8) || !lua_checkstack(co, 2))
        return NULL;
    lua_pushcfunction(L, push_arguments);
    lua_pushlightuserdata(L, co);
    lua_pushlightuserdata(L, ar);
    if (lua_pcall(L, 2, 1, 0) == LUA_OK)
        arguments = pr_copy_for_report(lua, L, -1);
    lua_pop(L, 1);
    return arguments;
}

/* A plain process is told by its function; a task by the arguments of that too. Gives: the
 * arguments; NULL: none. */
static pierrot_term *describe_body(struct pr_lua *lua, struct pr_lua_process *process,
                                   struct pr_report *crash, char *buffer, size_t size)
{
    lua_Debug ar;
    int is_task;
    lua_State *co = process->body.co;
    if (!co || process->is_server)
        return NULL;
    int is_found = find_body(co, &ar, &is_task);
    if (is_task)
        crash->what = "task";
    if (!is_found)
        return NULL;
    snprintf(buffer, size, "function <%s:%d>", ar.short_src, ar.linedefined);
    crash->initial_call = buffer;
    return is_task ? arguments_of(lua, co, &ar) : NULL;
}

/* A server is told by its module, and one that has no name by where its init stands. */
static void describe_module(struct pr_lua *lua, const struct pr_lua_process *server,
                            struct pr_report *crash, char *buffer, size_t size)
{
    lua_Debug ar;
    lua_State *L = lua->scratch;
    int top = lua_gettop(L);
    crash->initial_call = server->class_->name;
    if (crash->initial_call || !lua_checkstack(L, 4))
        return;
    pr_store_push(lua, L, server->class_->place);
    lua_pushliteral(L, "init"); /* which pr_server_open keeps */
    if (lua_rawget(L, top + 1) == LUA_TFUNCTION && lua_getinfo(L, ">S", &ar)) {
        snprintf(buffer, size, "function <%s:%d>", ar.short_src, ar.linedefined);
        crash->initial_call = buffer;
    }
    lua_settop(L, top);
}

/* Gives; NULL: none. */
static pierrot_term *state_of(struct pr_lua *lua, struct pr_lua_process *server)
{
    lua_State *L = lua->scratch;
    if (server->last_words && server->last_words->state)
        return pr_term_hold(server->last_words->state);
    if (!server->state_place || !lua_checkstack(L, 8))
        return NULL;
    pr_store_push(lua, L, server->state_place);
    pierrot_term *state = pr_copy_for_report(lua, L, -1);
    lua_pop(L, 1);
    return state;
}

/* Gives; NULL: none. */
static pierrot_term *callers_of(struct pr_lua *lua, struct pr_lua_process *process)
{
    lua_State *L = lua->scratch;
    if (!pr_lua_push_callers(lua, process))
        return NULL;
    pierrot_term *callers = pr_copy_for_report(lua, L, -1);
    lua_pop(L, 1);
    return callers;
}

void pr_crash_report(struct pr_lua *lua, struct pr_lua_process *process, pierrot_term *reason)
{
    char body[LUA_IDSIZE + 40];
    if (!pr_report_is_due(lua->owner, &process->process, reason))
        return;
    struct pr_report crash = {.what = process->is_server ? "gen_server" : "process",
                              .reason = reason};
    if (process->last_words) {
        crash.last_message = process->last_words->message;
        crash.client = process->last_words->client;
        crash.shown_reason = process->last_words->reason;
    }
    pierrot_term *arguments = NULL;
    pierrot_term *state = process->is_server ? state_of(lua, process) : NULL;
    pierrot_term *callers = callers_of(lua, process);
    crash.state = state;
    crash.callers = callers;
    if (process->class_)
        describe_module(lua, process, &crash, body, sizeof body);
    else
        arguments = describe_body(lua, process, &crash, body, sizeof body);
    crash.arguments = arguments;
    pr_report_crash(lua->owner, &process->process, &crash);
    pr_term_drop(state, &lua->owner->heap);
    pr_term_drop(callers, &lua->owner->heap);
    pr_term_drop(arguments, &lua->owner->heap);
}
