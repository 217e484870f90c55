/* SPDX-License-Identifier: MIT */
#include "lua/asked.h"

#include <string.h>

#include "lua/class.h"
#include "lua/copy.h"
#include "lua/handler.h"
#include "lua/ident.h"

/* The constant is what comes of a copy for which there was no memory: who asked is told that there
 * is no answer. */
static int has_failed(const pierrot_term *copy)
{
    return copy == PR_TERM(enomem);
}

/* Takes: answer. */
static void reply(struct pr_lua *lua, lua_State *L, pierrot_term *answer)
{
    pierrot_from from = {pr_to_pid(L, PR_FROM_PID), pr_to_ref(L, PR_FROM_REF)};
    (void)pr_reply(lua->owner, lua->owner->current, from, has_failed(answer),
                   pr_value_from_root(lua->owner, answer));
}

/* {state} */
static pierrot_term *packed_state(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    lua_createtable(L, 1, 0);
    pr_handler_push_state(lua, L, server);
    lua_rawseti(L, -2, 1);
    pierrot_term *packed = pr_copy_to_reason(lua, L, -1);
    lua_pop(L, 1);
    return packed;
}

static void push_function(lua_State *L, const char *name)
{
    lua_getglobal(L, "require");
    lua_pushliteral(L, "pierrot.system");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, name);
    lua_replace(L, -2);
}

/* Pushes its pid, or nil; whether there is one. */
static int push_tracer(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    pierrot_pid tracer = pr_system_tracer(lua->owner, &server->process);
    if (tracer.id)
        pr_push_id(L, tracer.id);
    else
        lua_pushnil(L);
    return tracer.id != 0;
}

/* pierrot.system.handle(request, state, module, name, tracer) */
static int push_handler(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    int request = lua_gettop(L);
    push_function(L, "handle");
    lua_insert(L, request);
    pr_handler_push_state(lua, L, server);
    pr_store_push(lua, L, server->class_->place);
    lua_pushstring(L, server->class_->name);
    (void)push_tracer(lua, L, server);
    return 5;
}

int pr_asked_with_log(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    if (!push_tracer(lua, L, server)) {
        lua_pop(L, 1);
        return 1;
    }
    push_function(L, "format");
    lua_insert(L, -4);
    return 3;
}

/* Whether the request on top is {what, …}. */
static int asks_for(lua_State *L, const char *what)
{
    const char *first = lua_rawgeti(L, -1, 1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    int is_that = strcmp(first, what) == 0;
    lua_pop(L, 1);
    return is_that;
}

enum pr_asked pr_asked(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server, int *n_args)
{
    struct pr_owner *owner = lua->owner;
    luaL_checkstack(L, 8, NULL);
    /* Without a copy, which may fail: whoever asks for the end waits for it. */
    if (asks_for(L, "terminate")) {
        reply(lua, L, PR_TERM(normal));
        lua_rawgeti(L, -1, 2);
        return PR_ASKED_TO_STOP;
    }
    pierrot_term *request = pr_copy_to_reason(lua, L, -1);
    if (has_failed(request)) {
        reply(lua, L, request);
        return PR_ASKED_ANSWERED;
    }
    pierrot_term *answer = pr_system_answer(owner, &server->process, request);
    if (asks_for(L, "get_state"))
        answer = packed_state(lua, L, server);
    pr_term_drop(request, &owner->heap);
    if (!answer) {
        *n_args = push_handler(lua, L, server);
        return PR_ASKED_IN_LUA;
    }
    reply(lua, L, answer);
    return PR_ASKED_ANSWERED;
}

/* reply [, has_state, state [, module, name]] */
void pr_asked_take(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    lua_settop(L, PR_BASE + 5);
    if (lua_istable(L, PR_BASE + 4)) {
        pr_class_set(lua, L, server, PR_BASE + 4, lua_tostring(L, PR_BASE + 5));
        lua_copy(L, PR_BASE + 4, PR_MODULE);
    }
    if (lua_toboolean(L, PR_BASE + 2)) {
        lua_pushvalue(L, PR_BASE + 3);
        pr_handler_set_state(lua, L, server);
    }
    /* Code of the user's has run, which may have taken messages. */
    if (server->process.extra)
        server->process.extra->passed = NULL;
    reply(lua, L, pr_copy_to_reason(lua, L, PR_BASE + 1));
}

/* ------------------------------------------------------------------------ tracing */

void pr_asked_trace_in(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    const char *kind = server->phase == PR_PHASE_CALL   ? "call"
                       : server->phase == PR_PHASE_CAST ? "cast"
                                                        : "info";
    pierrot_pid client = {0};
    if (server->phase == PR_PHASE_CALL)
        client = pr_to_pid(L, PR_FROM_PID);
    pierrot_term *message = pr_copy_to_reason(lua, L, -1);
    pr_trace_in(lua->owner, &server->process, kind, message, client);
    pr_term_drop(message, &lua->owner->heap);
}

void pr_asked_trace_out(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server, int index)
{
    pierrot_term *answer = pr_copy_to_reason(lua, L, index);
    pr_trace_out(lua->owner, &server->process, answer, pr_to_pid(L, PR_FROM_PID));
    pr_term_drop(answer, &lua->owner->heap);
}
