/* SPDX-License-Identifier: MIT */
#include "lua/client.h"

#include <math.h>
#include <string.h>

#include "lua/copy.h"
#include "lua/ident.h"
#include "lua/lend.h"
#include "lua/process.h"
#include "lua/receive.h"
#include "lua/server.h"
#include "lua/wait.h"

/* Calls nested one after the other before the caller queues up like others. */
enum { NEST_BUDGET = 1000 };

/* OTP's default for calls, in ms. */
#define CALL_TIMEOUT_MS 5000.0

static struct pr_process *current(struct pr_lua *lua)
{
    return lua->owner->current;
}

/* ------------------------------------------------------------------- targets */

/* {"via", registry, key} */
static int is_via(lua_State *L, int arg)
{
    lua_rawgeti(L, arg, 1);
    int is = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "via") == 0;
    lua_pop(L, 1);
    return is;
}

/* A frame is one of the library's own: by its file, in C by its upvalue. */
static int is_internal(struct pr_lua *lua, lua_State *L, lua_Debug *frame)
{
    int is = lua_getinfo(L, "Sf", frame) && strncmp(frame->source, "@pierrot/", 9) == 0;
    if (*frame->what == 'C' && lua_getupvalue(L, -1, 1)) {
        is = lua_touserdata(L, -1) == lua;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return is;
}

/* As luaL_argerror, said of the function that the user has called, at the user's line. */
static int blame_user(struct pr_lua *lua, lua_State *L, int arg, const char *text)
{
    lua_Debug frame, called;
    int level = 1;
    luaL_checkstack(L, 4, NULL);
    lua_getstack(L, 0, &called);
    while (lua_getstack(L, level, &frame) && is_internal(lua, L, &frame)) {
        called = frame;
        level++;
    }
    lua_getinfo(L, "n", &called);
    luaL_where(L, level);
    lua_pushfstring(L, "bad argument #%d to '%s' (%s)", arg, called.name ? called.name : "?", text);
    lua_concat(L, 2);
    return lua_error(L);
}

/* The via as a term: its elements stand at the top of L, or (a via in a via) it is copied to *copied,
 * which may be NULL and is the caller's to drop. NULL: it cannot be one, or there is no memory. */
static const pierrot_term *read_via(struct pr_lua *lua, lua_State *L, int arg, struct pr_lent *lent,
                                    pierrot_term **copied)
{
    int error;
    for (int i = 1; i <= 3; i++)
        lua_rawgeti(L, arg, i);
    const pierrot_term *via = pr_lend_request(L, lua_gettop(L) - 2, lua_gettop(L) - 1, 2, lent);
    *copied = via ? NULL : pr_copy_to_term(lua, L, arg, &error);
    return via ? via : *copied;
}

pierrot_term *pr_name_term(struct pr_lua *lua, lua_State *L, int arg)
{
    struct pr_heap *heap = &lua->owner->heap;
    struct pr_lent lent;
    pierrot_term *copied = NULL;
    size_t len;
    if (lua_type(L, arg) == LUA_TSTRING) {
        const char *name = lua_tolstring(L, arg, &len);
        return pr_term_new_string(heap, name, len);
    }
    luaL_checkstack(L, 5, NULL);
    const pierrot_term *via = read_via(lua, L, arg, &lent, &copied);
    if (via && !copied)
        copied = pr_term_copy(heap, via);
    lua_pop(L, 3);
    return copied;
}

pierrot_pid pr_find_via(struct pr_lua *lua, lua_State *L, int arg)
{
    struct pr_lent lent;
    pierrot_term *copied;
    pierrot_pid pid = {0};
    int top = lua_gettop(L);
    luaL_checkstack(L, 5, NULL);
    const pierrot_term *via = read_via(lua, L, arg, &lent, &copied);
    pr_signal_poll(lua->owner);
    int error = via ? pr_via_find(lua->scheduler->runtime, via, &pid) : PIERROT_ENOTFOUND;
    pr_term_drop(copied, &lua->owner->heap);
    lua_settop(L, top);
    if (error == PIERROT_ENOMEM)
        luaL_error(L, "not enough memory");
    if (error == PIERROT_EEXIST)
        blame_user(lua, L, arg,
                   "via on a registry with unique keys expected, got one with duplicate keys");
    return pid;
}

struct pr_target pr_check_target(struct pr_lua *lua, lua_State *L, int arg, int with_alias)
{
    struct pr_target target = {{0}, {0}};
    uint64_t id = pr_to_id(L, arg);
    if (pr_id_is_pid(id)) {
        target.pid.id = id;
    } else if (pr_id_is_ref(id) && with_alias) {
        target.alias.id = id;
        target.pid = pr_alias_process(lua->owner->system, target.alias);
    } else if (lua_type(L, arg) == LUA_TSTRING) {
        size_t len;
        const char *name = lua_tolstring(L, arg, &len);
        pr_signal_poll(lua->owner);
        target.pid = pr_name_find(lua->owner->system, name, len);
    } else if (lua_type(L, arg) == LUA_TTABLE && is_via(L, arg)) {
        target.pid = pr_find_via(lua, L, arg);
    } else {
        lua_pushfstring(L, "pid, name or via expected, got %s", pr_type_name(L, arg));
        blame_user(lua, L, arg, lua_tostring(L, -1));
    }
    return target;
}

static int no_memory(lua_State *L)
{
    return luaL_error(L, "not enough memory");
}

/* ---------------------------------------------------------------- send and cast */

/* Sends the value at `index`; takes part in the order over all senders. */
static void send_to(struct pr_lua *lua, lua_State *L, struct pr_target target,
                    enum pr_signal_kind kind, int index)
{
    struct pr_owner *owner = lua->owner;
    pr_signal_poll(owner);
    struct pr_process *process = pr_ptable_find(owner, target.pid);
    struct pierrot_term value = pr_encode(lua, L, index, process);
    struct pr_signal *signal = pr_signal_new(owner, kind, target.pid);
    if (!signal) {
        pr_value_drop(owner, &value);
        no_memory(L);
    }
    signal->value = value;
    signal->ref = target.alias;
    signal->from = current(lua)->pid;
    pr_signal_send(owner, signal);
}

/* send(dest, msg) -> msg */
static int l_send(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_target target = pr_check_target(lua, L, 1, 1);
    if (lua_gettop(L) != 2) {
        luaL_checkany(L, 2);
        lua_settop(L, 2);
    }
    if (target.alias.id && !target.pid.id) {
        /* What is no active alias swallows the message; but it must be one that can be sent. */
        struct pierrot_term value = pr_encode(lua, L, 2, NULL);
        pr_value_drop(lua->owner, &value);
        return 1;
    }
    if (!target.pid.id) {
        const char *name = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : "that via";
        return luaL_argerror(L, 1, lua_pushfstring(L, "no process is registered as '%s'", name));
    }
    send_to(lua, L, target, target.alias.id ? PR_SIGNAL_ALIAS : PR_SIGNAL_MESSAGE, 2);
    PR_CHECK_ALIVE(lua, L);
    return pr_end_send(lua, L);
}

/* cast(server, request) -> true, whether there is such a server or not */
static int l_cast(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_target target = pr_check_target(lua, L, 1, 0);
    luaL_checkany(L, 2);
    send_to(lua, L, target, PR_SIGNAL_CAST, 2);
    PR_CHECK_ALIVE(lua, L);
    lua_pushboolean(L, 1);
    return pr_end_send(lua, L);
}

static pierrot_from check_from(lua_State *L, int arg)
{
    pierrot_from from = {{0}, {0}};
    if (lua_type(L, arg) == LUA_TTABLE) {
        lua_rawgeti(L, arg, 1);
        lua_rawgeti(L, arg, 2);
        from.pid = pr_to_pid(L, -2);
        from.ref = pr_to_ref(L, -1);
        lua_pop(L, 2);
    }
    if (!from.pid.id || !from.ref.id)
        pr_type_error(L, arg, "from of a call");
    return from;
}

/* reply(from, reply) -> true */
static int l_reply(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    pierrot_from from = check_from(L, 1);
    luaL_checkany(L, 2);
    pr_server_reply(lua, L, from, 2);
    PR_CHECK_ALIVE(lua, L);
    lua_pushboolean(L, 1);
    return 1;
}

/* ------------------------------------------------------------------------- calls */

int pr_raise_call_exit(struct pr_lua *lua, lua_State *L, const char *module, const char *function,
                       int n_args)
{
    int why = lua_gettop(L);
    luaL_checkstack(L, 6, NULL);
    lua_createtable(L, 2, 0);
    lua_pushvalue(L, why);
    lua_rawseti(L, -2, 1);
    lua_createtable(L, n_args + 2, 0);
    lua_pushstring(L, module);
    lua_rawseti(L, -2, 1);
    lua_pushstring(L, function);
    lua_rawseti(L, -2, 2);
    for (int i = 1; i <= n_args; i++) {
        lua_pushvalue(L, i);
        lua_rawseti(L, -2, i + 2);
    }
    lua_rawseti(L, -2, 2);
    return pr_raise_exit(lua, L);
}

static int raise_why(struct pr_lua *lua, lua_State *L, const char *why)
{
    lua_pushstring(L, why);
    return pr_raise_call_exit(lua, L, "gen_server", "call", 3);
}

/* Stack: server, request, timeout. context: the call. */
static int try_call(lua_State *L, lua_KContext context)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_call *call = (struct pr_call *)context;
    if (call->outcome == PR_PENDING)
        return -1;
    luaL_checkstack(L, 12, NULL);
    /* The value is pushed while the call still holds it: an error of memory loses nothing. */
    if (call->outcome == PR_TIMED_OUT)
        lua_pushliteral(L, "timeout");
    else
        pr_push_value(lua, L, &call->value);
    if (pr_call_end(lua->owner, call, NULL) == PR_ANSWERED)
        return 1;
    return pr_raise_call_exit(lua, L, "gen_server", "call", 3);
}

static int call_k(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    return pr_wait(PR_SELF(L), L, context, try_call, call_k);
}

/* Stack: server, tag, … (n in all); becomes server, {tag, …}, the timeout. */
static void pack_request(lua_State *L, int n, lua_Number timeout_ms)
{
    lua_createtable(L, n - 1, 0);
    lua_insert(L, 2);
    for (int i = n; i >= 2; i--)
        lua_rawseti(L, 2, i - 1);
    if (timeout_ms < HUGE_VAL)
        lua_pushinteger(L, (lua_Integer)timeout_ms);
    else
        lua_pushnumber(L, timeout_ms);
}

/* The ordinary way: a signal to the server's mailbox. */
static int call_by_signal(struct pr_lua *lua, lua_State *L, struct pr_target target,
                          struct pr_process *server)
{
    struct pr_owner *owner = lua->owner;
    uint64_t deadline = pr_check_deadline(lua, L, 3);
    struct pierrot_term value = pr_encode(lua, L, 2, server);
    struct pr_call *call =
        pr_call_begin(owner, current(lua), target.pid, pr_owner_make_ref(owner), 1, deadline);
    if (!call) {
        pr_value_drop(owner, &value);
        return no_memory(L);
    }
    if (pr_call_send(owner, call, value, 0) != 0) {
        (void)pr_call_end(owner, call, NULL);
        return no_memory(L);
    }
    PR_CHECK_ALIVE(lua, L);
    return pr_wait(lua, L, (lua_KContext)call, try_call, call_k);
}

/* The server has taken the request, nested, and has not answered yet. */
static int wait_for(struct pr_lua *lua, lua_State *L, struct pr_process *server, pierrot_ref ref)
{
    uint64_t deadline = pr_check_deadline(lua, L, 3);
    struct pr_call *call = pr_call_attach(lua->owner, current(lua), server, ref, deadline);
    if (!call)
        return no_memory(L);
    PR_CHECK_ALIVE(lua, L);
    return pr_wait(lua, L, (lua_KContext)call, try_call, call_k);
}

/* The timeout at 3, the default when there is none; it is checked now and its clock read only when
 * the call must wait. */
static void check_timeout(struct pr_lua *lua, lua_State *L)
{
    if (!lua_isnone(L, 3)) {
        (void)pr_check_deadline(lua, L, 3);
        return;
    }
    lua_settop(L, 2);
    lua_pushinteger(L, (lua_Integer)CALL_TIMEOUT_MS);
}

static int call_lua_now(struct pr_lua *lua, lua_State *L, struct pr_process *server, int *result)
{
    pierrot_ref ref = pr_owner_make_ref(lua->owner);
    pierrot_from from = {current(lua)->pid, ref};
    enum pr_now now = pr_server_call_now(lua, L, pr_lua_process_of(server), from, 2);
    if (now == PR_NOW_REFUSED)
        return 0;
    if (current(lua)->flags & PR_EXITING)
        *result = pr_die(lua, L);
    else
        *result = now == PR_NOW_ANSWERED ? 1 : wait_for(lua, L, server, ref);
    return 1;
}

/* Takes: request. */
static int call_actor_now(struct pr_lua *lua, lua_State *L, struct pr_process *server,
                          pierrot_term *request)
{
    pierrot_ref ref = pr_owner_make_ref(lua->owner);
    pierrot_from from = {current(lua)->pid, ref};
    pierrot_term *reply = NULL;
    enum pr_now now = pr_actor_call_now(lua->owner, server, from, request, &reply);
    pr_term_drop(request, &lua->owner->heap);
    if (current(lua)->flags & PR_EXITING) {
        pr_term_drop(reply, &lua->owner->heap);
        return pr_die(lua, L);
    }
    if (now == PR_NOW_PENDING)
        return wait_for(lua, L, server, ref);
    return pr_push_root(lua, L, reply);
}

/* The request at 2 as a term. Gives. */
static pierrot_term *request_term(struct pr_lua *lua, lua_State *L)
{
    int error;
    pierrot_term *request = pr_copy_to_term(lua, L, 2, &error);
    if (!request)
        error == PIERROT_EINVAL ? pr_copy_error(lua, L, 2) : no_memory(L);
    return request;
}

static int is_actor_idle(const struct pr_process *process)
{
    return pr_process_is_actor(process) && process->state == PR_WAITING &&
           process->mailbox.n_messages == 0 && !process->sys;
}

/* call(server, request [, timeout]) -> reply */
static int l_call(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_target target = pr_check_target(lua, L, 1, 0);
    int result;
    luaL_checkany(L, 2);
    lua_settop(L, lua_gettop(L) > 3 ? 3 : lua_gettop(L));
    check_timeout(lua, L);
    pr_check_can_wait(lua, L);
    if (!target.pid.id)
        return raise_why(lua, L, "noproc");
    if (target.pid.id == current(lua)->pid.id)
        return raise_why(lua, L, "calling_self");
    pr_signal_poll(lua->owner);
    PR_CHECK_ALIVE(lua, L);
    struct pr_process *server = pr_ptable_find(lua->owner, target.pid);
    if (server && lua->nest_budget-- > 0) {
        if (pr_process_is_lua(server) && pr_server_is_idle(lua, server) &&
            call_lua_now(lua, L, server, &result))
            return result;
        if (is_actor_idle(server))
            return call_actor_now(lua, L, server, request_term(lua, L));
    } else {
        lua->nest_budget = NEST_BUDGET;
    }
    return call_by_signal(lua, L, target, server);
}

/* call with {tag, …}; to an idle C actor here without the table. Stack: server, tag, … */
static int request(lua_State *L, lua_Number timeout_ms)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_target target = pr_check_target(lua, L, 1, 0);
    pr_signal_poll(lua->owner);
    PR_CHECK_ALIVE(lua, L);
    struct pr_process *server = pr_ptable_find(lua->owner, target.pid);
    int n = lua_gettop(L);
    if (server && server != current(lua) && is_actor_idle(server) && lua->nest_budget-- > 0) {
        struct pr_lent lent;
        pr_check_can_wait(lua, L);
        const pierrot_term *request = pr_lend_request(L, 2, 3, n - 2, &lent);
        pierrot_term *copied = request ? NULL : pr_copy_tuple(lua, L, 2, n - 1);
        pierrot_ref ref = pr_owner_make_ref(lua->owner);
        pierrot_from from = {current(lua)->pid, ref};
        pierrot_term *reply = NULL;
        enum pr_now now =
            pr_actor_call_now(lua->owner, server, from, request ? request : copied, &reply);
        pr_term_drop(copied, &lua->owner->heap);
        if (now == PR_NOW_ANSWERED && !(current(lua)->flags & PR_EXITING))
            return pr_push_root(lua, L, reply);
        pr_term_drop(reply, &lua->owner->heap);
        PR_CHECK_ALIVE(lua, L);
        pack_request(L, n, timeout_ms);
        return wait_for(lua, L, server, ref);
    }
    pack_request(L, n, timeout_ms);
    return l_call(L);
}

/* request(server, tag, …): with the default timeout. */
static int l_request(lua_State *L)
{
    return request(L, CALL_TIMEOUT_MS);
}

/* request_for_ever(server, tag, …): without a timeout: the server keeps time. */
static int l_request_for_ever(lua_State *L)
{
    return request(L, HUGE_VAL);
}

/* request(server, request) -> ref: the reply comes as {ref, reply}, an end as the DOWN of ref. */
static int l_send_request(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_owner *owner = lua->owner;
    struct pr_target target = pr_check_target(lua, L, 1, 0);
    pierrot_ref ref;
    luaL_checkany(L, 2);
    pr_signal_poll(owner);
    struct pr_process *server = pr_ptable_find(owner, target.pid);
    struct pierrot_term value = pr_encode(lua, L, 2, server);
    struct pr_signal *signal = pr_signal_new(owner, PR_SIGNAL_CALL, target.pid);
    struct pr_monitor_options options = {.alias_flags = PR_WATCH_REPLIES};
    int is_name = lua_type(L, 1) == LUA_TSTRING || !target.pid.id;
    options.name = is_name ? pr_name_term(lua, L, 1) : NULL;
    int error = PIERROT_ENOMEM;
    if (signal && (options.name || !is_name))
        error = pr_monitor(owner, current(lua), target.pid, &options, &ref);
    pr_term_drop(options.name, &owner->heap);
    if (error) {
        pr_value_drop(owner, &value);
        if (signal)
            pr_signal_free(owner, signal);
        return no_memory(L);
    }
    signal->value = value;
    signal->from = current(lua)->pid;
    signal->ref = ref;
    pr_signal_send(owner, signal);
    PR_CHECK_ALIVE(lua, L);
    pr_push_id(L, ref.id);
    return 1;
}

/* ------------------------------------------------------------------ direct reads */

/* Reads {tag, …}, whose elements stand at `tag` and from `first` on, from the server at 1. ENOPROC also
 * for what can be no server. */
static int read_from(struct pr_lua *lua, lua_State *L, int tag, int first, pierrot_term **reply)
{
    struct pr_lent lent;
    pierrot_pid pid = pr_to_pid(L, 1);
    if (!pid.id && (lua_type(L, 1) == LUA_TSTRING || (lua_istable(L, 1) && is_via(L, 1))))
        pid = pr_check_target(lua, L, 1, 0).pid;
    pr_signal_poll(lua->owner);
    const pierrot_term *request =
        pr_lend_request(L, tag, first, lua_gettop(L) - first + 1, &lent);
    return request ? pierrot_read(lua->scheduler->runtime, pid, request, reply) : PIERROT_EINVAL;
}

static void push_why(lua_State *L, int error)
{
    lua_pushstring(L, error == PIERROT_ENOPROC ? "noproc" : pierrot_strerror(error));
}

/* read(server, tag, …) -> reply; nil, why. */
static int l_read(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    pierrot_term *reply = NULL;
    int error = read_from(lua, L, 2, 3, &reply);
    if (!error)
        return pr_push_root(lua, L, reply);
    lua_pushnil(L);
    push_why(L, error);
    return 2;
}

/* What reader has made. Upvalues: lua, tag, fail, spread. */
static int l_read_tagged(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    pierrot_term *reply = NULL;
    int error = read_from(lua, L, lua_upvalueindex(2), 2, &reply);
    if (error) {
        int n = lua_gettop(L);
        luaL_checkstack(L, 4, NULL);
        lua_pushvalue(L, lua_upvalueindex(3));
        lua_pushvalue(L, lua_upvalueindex(2));
        push_why(L, error);
        lua_rotate(L, 1, 3);
        lua_call(L, n + 2, 0);
        return 0;
    }
    pr_push_root(lua, L, reply);
    if (!lua_toboolean(L, lua_upvalueindex(4)) || !lua_istable(L, -1))
        return 1;
    lua_rawgeti(L, -1, 1);
    if (!pr_to_pid(L, -1).id) {
        lua_pop(L, 1);
        return 1;
    }
    lua_rawgeti(L, -2, 2);
    return 2;
}

/* reader(tag, fail, spread) -> function(server, …), which reads {tag, …}. When that fails, it calls
 * fail(tag, why, server, …), which raises; with `spread` a reply {pid, value} is its two elements. */
static int l_reader(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TSTRING);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 3);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_pushcclosure(L, l_read_tagged, 4);
    return 1;
}

void pr_open_client(struct pr_lua *lua, lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"send", l_send},
        {"cast", l_cast},
        {"reply", l_reply},
        {"call", l_call},
        {"send_request", l_send_request},
        {"read", l_read},
        {"reader", l_reader},
        {"request", l_request},
        {"request_for_ever", l_request_for_ever},
        {NULL, NULL},
    };
    pr_lua_register(L, lua, functions);
}
