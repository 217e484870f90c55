/* SPDX-License-Identifier: MIT */
#include "lua/client.h"

#include <string.h>

#include "lua/blame.h"
#include "lua/conclusion.h"
#include "lua/copy.h"
#include "lua/handler.h"
#include "lua/ident.h"
#include "lua/target.h"
#include "lua/wait.h"

static struct pr_process *current(struct pr_lua *lua)
{
    return lua->owner->current;
}

static int no_memory(lua_State *L)
{
    return luaL_error(L, "not enough memory");
}

/* Sends the value at `index`; takes part in the order over all senders. How many messages wait
 * for the target to have its turn; 0 also when that is not known here. */
static uint32_t send_to(struct pr_lua *lua, lua_State *L, struct pr_target target,
                        enum pr_signal_kind kind, int index)
{
    struct pr_owner *owner = lua->owner;
    pr_signal_poll(owner);
    if (pr_must_die(lua)) /* by a signal taken in just now, or it has caught the error of pr_die */
        (void)pr_die(lua, L);
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
    if (kind != PR_SIGNAL_ALIAS)
        return pr_dispatch_message(owner, process, signal);
    pr_signal_send(owner, signal);
    if (pr_must_die(lua))
        (void)pr_die(lua, L);
    return 0;
}

/* The name or via at 1 is nobody's. */
static int reject_nobody(struct pr_lua *lua, lua_State *L)
{
    char shown[200];
    size_t len = 0;
    const char *name = lua_type(L, 1) == LUA_TSTRING ? lua_tolstring(L, 1, &len) : NULL;
    if (name && strlen(name) == len)
        return pr_argument_error(
            lua, L, 1, lua_pushfstring(L, "no process is registered as '%s'", name));
    pierrot_term *term = pr_copy_to_reason(lua, L, 1);
    pierrot_term_print(term, shown, sizeof shown);
    pr_term_drop(term, &lua->owner->heap);
    return pr_argument_error(lua, L, 1,
                             lua_pushfstring(L, "no process is registered as %s", shown));
}

/* send(dest, msg) -> msg */
static int l_send(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_target target = pr_check_target(lua, L, 1, 1);
    if (lua_gettop(L) != 2) {
        pr_check_any(lua, L, 2);
        lua_settop(L, 2);
    }
    if (target.alias.id && !target.pid.id) {
        /* What is no active alias swallows the message; but it must be one that can be sent. */
        struct pierrot_term value = pr_encode(lua, L, 2, NULL);
        pr_value_drop(lua->owner, &value);
        return 1;
    }
    if (!target.pid.id)
        return reject_nobody(lua, L);
    enum pr_signal_kind kind = target.alias.id ? PR_SIGNAL_ALIAS : PR_SIGNAL_MESSAGE;
    uint32_t n_waiting = send_to(lua, L, target, kind, 2);
    return pr_end_send(lua, L, n_waiting);
}

/* cast(server, request) -> true, whether there is such a server or not */
static int l_cast(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_target target = pr_check_target(lua, L, 1, 0);
    pr_check_any(lua, L, 2);
    uint32_t n_waiting = send_to(lua, L, target, PR_SIGNAL_CAST, 2);
    lua_pushboolean(L, 1);
    return pr_end_send(lua, L, n_waiting);
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
    pr_check_any(lua, L, 2);
    PR_CHECK_ALIVE(lua, L);
    pr_server_reply(lua, L, from, 2);
    PR_CHECK_ALIVE(lua, L);
    lua_pushboolean(L, 1);
    return 1;
}

/* request(server, request) -> ref: the reply comes as {ref, reply}, an end as the DOWN of ref. */
static int l_send_request(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_owner *owner = lua->owner;
    struct pr_target target = pr_check_target(lua, L, 1, 0);
    pierrot_ref ref;
    pr_check_any(lua, L, 2);
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

void pr_open_client(struct pr_lua *lua, lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"send", l_send}, {"cast", l_cast}, {"reply", l_reply}, {"send_request", l_send_request},
        {NULL, NULL},
    };
    pr_lua_register(L, lua, functions);
    pr_handler_push_nil_state(L);
    lua_setfield(L, -2, "nil_state");
}
