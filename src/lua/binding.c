/* SPDX-License-Identifier: MIT */
#include "lua/binding.h"

#include <string.h>

#include "lua/blame.h"
#include "lua/copy.h"
#include "lua/ident.h"
#include "lua/kind.h"
#include "lua/process.h"
#include "lua/scalar.h"
#include "lua/target.h"
#include "lua/wait.h"

static struct pr_process *self_of(struct pr_lua *lua)
{
    return lua->owner->current;
}

static int no_memory(lua_State *L)
{
    return luaL_error(L, "not enough memory");
}

static int push_true(lua_State *L)
{
    lua_pushboolean(L, 1);
    return 1;
}

/* ------------------------------------------------------------------ identifiers */

static int l_self(lua_State *L)
{
    pr_push_id(L, self_of(PR_SELF(L))->pid.id);
    return 1;
}

static int l_make_ref(lua_State *L)
{
    pr_push_id(L, pr_owner_make_ref(PR_SELF(L)->owner).id);
    return 1;
}

static int l_is_pid(lua_State *L)
{
    lua_pushboolean(L, pr_to_pid(L, 1).id != 0);
    return 1;
}

static int l_is_ref(lua_State *L)
{
    lua_pushboolean(L, pr_to_ref(L, 1).id != 0);
    return 1;
}

/* socket_holder(socket) -> the pid of the actor that holds it; nil: the value is no socket */
static int l_socket_holder(lua_State *L)
{
    uint64_t id = pr_to_id(L, 1);
    if (pr_id_is_socket(id))
        pr_push_id(L, id & ~PR_SOCKET_BIT);
    else
        lua_pushnil(L);
    return 1;
}

/* socket_of(pid) -> the socket that the actor holds */
static int l_socket_of(lua_State *L)
{
    pr_push_id(L, pr_check_pid(L, 1).id | PR_SOCKET_BIT);
    return 1;
}

/* pid("0.42.0"): for the prompt. nil when the text is none. */
static int l_parse_pid(lua_State *L)
{
    pierrot_pid pid = pr_pid_parse(luaL_checkstring(L, 1));
    if (pid.id)
        pr_push_id(L, pid.id);
    else
        lua_pushnil(L);
    return 1;
}

/* ------------------------------------------------------------------------- links */

/* A link with the dead: a trapping process gets the EXIT, in another an exit is raised. */
static int link_failed(struct pr_lua *lua, lua_State *L, pierrot_pid peer)
{
    struct pr_process *self = self_of(lua);
    if (!(self->flags & PR_TRAP_EXIT)) {
        lua_pushliteral(L, "noproc");
        return pr_raise_exit(lua, L);
    }
    struct pr_signal *signal = pr_signal_new(lua->owner, PR_SIGNAL_EXITED, self->pid);
    if (!signal)
        return no_memory(L);
    signal->from = peer;
    signal->value = pr_value_of_term(PR_TERM(noproc));
    pr_signal_send(lua->owner, signal);
    return push_true(L);
}

static int l_link(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    pierrot_pid peer = pr_check_pid(L, 1);
    int error = pr_link(lua->owner, self_of(lua), peer);
    PR_CHECK_ALIVE(lua, L);
    if (error == PIERROT_ENOPROC)
        return link_failed(lua, L, peer);
    return error ? no_memory(L) : push_true(L);
}

static int l_unlink(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    int error = pr_unlink(lua->owner, self_of(lua), pr_check_pid(L, 1));
    PR_CHECK_ALIVE(lua, L);
    return error ? no_memory(L) : push_true(L);
}

static int l_trap_exit(lua_State *L)
{
    struct pr_process *self = self_of(PR_SELF(L));
    if (lua_type(L, 1) != LUA_TBOOLEAN)
        pr_type_error(L, 1, "boolean");
    lua_pushboolean(L, self->flags & PR_TRAP_EXIT);
    if (lua_toboolean(L, 1))
        self->flags |= PR_TRAP_EXIT;
    else
        self->flags &= (uint8_t)~PR_TRAP_EXIT;
    return 1;
}

/* ---------------------------------------------------------------------- monitors */

/* monitor(pid or name, alias flags, tag): name, tag and flags as the Lua side has checked them. */
static int l_monitor(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_monitor_options options = {0};
    pierrot_ref ref;
    int error = 0;
    struct pr_target target = pr_check_target(lua, L, 1, 0);
    options.alias_flags = (uint8_t)luaL_optinteger(L, 2, 0);
    if (!lua_isnoneornil(L, 3)) {
        options.tag = pr_copy_to_term(lua, L, 3, &error);
        if (!options.tag)
            return error == PIERROT_EINVAL ? pr_copy_error(lua, L, 3) : no_memory(L);
    }
    /* A via is a name only where it leads to nobody: who watches wants the pid. */
    if (lua_type(L, 1) == LUA_TSTRING || !target.pid.id) {
        options.name = pr_name_term(lua, L, 1);
        error = options.name ? 0 : PIERROT_ENOMEM;
    }
    pr_signal_poll(lua->owner);
    if (!error)
        error = pr_monitor(lua->owner, self_of(lua), target.pid, &options, &ref);
    pr_term_drop(options.name, &lua->owner->heap);
    pr_term_drop(options.tag, &lua->owner->heap);
    if (error)
        return no_memory(L);
    PR_CHECK_ALIVE(lua, L);
    pr_push_id(L, ref.id);
    return 1;
}

/* demonitor(ref, flush): whether it was removed before its DOWN was delivered. */
static int l_demonitor(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *self = pr_lua_current(lua);
    pierrot_ref ref = pr_check_ref(L, 1);
    if (lua_toboolean(L, 2))
        pr_check_can_take(lua, L);
    int removed = pr_demonitor(lua->owner, &self->process, ref);
    if (!removed && lua_toboolean(L, 2)) {
        (void)pr_monitor_flush(lua->owner, &self->process, ref);
        self->scanned = NULL;
    }
    PR_CHECK_ALIVE(lua, L);
    lua_pushboolean(L, removed);
    return 1;
}

static int l_alias(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    pierrot_ref ref;
    uint8_t flags = lua_toboolean(L, 1) ? PR_ALIAS_REPLY : PR_ALIAS_EXPLICIT;
    if (pr_alias(lua->owner, self_of(lua), flags, &ref) != 0)
        return no_memory(L);
    pr_push_id(L, ref.id);
    return 1;
}

static int l_unalias(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    int was_active = pr_unalias(lua->owner, self_of(lua), pr_check_ref(L, 1));
    PR_CHECK_ALIVE(lua, L);
    lua_pushboolean(L, was_active);
    return 1;
}

/* --------------------------------------------------------------------------- exits */

/* exit(): "normal"; exit(reason); exit(pid, reason). */
static int l_exit(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    if (lua_gettop(L) < 2) {
        if (lua_gettop(L) == 0)
            lua_pushliteral(L, "normal");
        return pr_raise_exit(lua, L);
    }
    pierrot_pid pid = pr_check_pid(L, 1);
    PR_CHECK_ALIVE(lua, L);
    pierrot_term *reason = pr_copy_to_reason(lua, L, 2);
    if (pr_exit_send(lua->owner, self_of(lua)->pid, pid, reason) != 0)
        return no_memory(L);
    PR_CHECK_ALIVE(lua, L);
    if (lua->host && self_of(lua) == &lua->host->process && pid.id == self_of(lua)->pid.id)
        pr_lua_host_raise(lua, L);
    return push_true(L);
}

/* as_reason(value): the value as a reason shows it, whatever it is made of. */
static int l_as_reason(lua_State *L)
{
    lua_settop(L, 1);
    if (pr_is_scalar(L, 1))
        return 1;
    struct pr_lua *lua = PR_SELF(L);
    return pr_push_root(lua, L, pr_copy_to_reason(lua, L, 1));
}

/* interrupt(pid): for the prompt; whether it is a plain process of this scheduler. */
static int l_interrupt(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    lua_pushboolean(L, pr_lua_interrupt(lua, pr_check_pid(L, 1)));
    return 1;
}

/* ---------------------------------------------------------------------------- names */

static int l_register(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    size_t len;
    if (lua_type(L, 1) != LUA_TSTRING)
        return pr_type_error(L, 1, "name");
    const char *name = lua_tolstring(L, 1, &len);
    pierrot_pid pid = pr_check_pid(L, 2);
    pr_signal_poll(lua->owner);
    int error = pr_name_register(lua->owner->system, name, len, pid);
    if (error == PIERROT_ENOMEM)
        return no_memory(L);
    if (error == PIERROT_ELIMIT)
        pr_argument_error(lua, L, 1, "name of less than 4 GiB expected");
    if (error == 0)
        return push_true(L);
    lua_pushnil(L);
    lua_pushstring(L, error == PIERROT_EEXIST ? "already_registered" : "noproc");
    return 2;
}

static int l_unregister(lua_State *L)
{
    size_t len;
    if (lua_type(L, 1) != LUA_TSTRING)
        return pr_type_error(L, 1, "name");
    const char *name = lua_tolstring(L, 1, &len);
    if (pr_name_unregister(PR_SELF(L)->owner->system, name, len) == 0)
        return push_true(L);
    lua_pushnil(L);
    lua_pushliteral(L, "not_registered");
    return 2;
}

/* whereis(name or pid): a pid comes back as it is, even a dead one. */
static int l_whereis(lua_State *L)
{
    struct pr_target target = pr_check_target(PR_SELF(L), L, 1, 0);
    if (target.pid.id)
        pr_push_id(L, target.pid.id);
    else
        lua_pushnil(L);
    return 1;
}

static int l_registered(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    pierrot_term *names = pr_name_list(lua->owner->system, &lua->owner->heap);
    return names ? pr_push_root(lua, L, names) : no_memory(L);
}

/* ------------------------------------------------------------- dictionary and others */

static void push_dictionary(struct pr_lua *lua, lua_State *L, struct pr_lua_process *self)
{
    if (!self->dictionary_place) {
        lua_createtable(L, 0, 4);
        self->dictionary_place = pr_store_put(lua, L);
    }
    pr_store_push(lua, L, self->dictionary_place);
}

/* dictionary(): the table of the process's own. */
static int l_dictionary(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    push_dictionary(lua, L, pr_lua_current(lua));
    return 1;
}

static int l_yield(lua_State *L)
{
    return pr_give_way(PR_SELF(L), L);
}

static int l_schedulers(lua_State *L)
{
    lua_pushinteger(L, PR_SELF(L)->scheduler->runtime->n_schedulers);
    return 1;
}

/* scheduler_of(pid): the index of the scheduler that it runs on, or ran on; nil for one of nobody. */
static int l_scheduler_of(lua_State *L)
{
    struct pr_owner *home = pr_ptable_owner(PR_SELF(L)->owner->system, pr_check_pid(L, 1));
    if (home)
        lua_pushinteger(L, (lua_Integer)home->index + 1);
    else
        lua_pushnil(L);
    return 1;
}

static int l_scheduler(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)PR_SELF(L)->owner->index + 1);
    return 1;
}

static int l_is_sendable(lua_State *L)
{
    lua_pushboolean(L, pr_to_id(L, 1) != 0);
    return 1;
}

/* snapshots(list, first, last): copies of what a message can hold; other values are themselves. */
static int l_snapshots(lua_State *L)
{
    lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3);
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    for (lua_Integer i = first; i <= last; i++) {
        luaL_checkstack(L, 2, "too many values");
        lua_rawgeti(L, 1, i);
        if (pr_copy(L, lua_gettop(L), L) == 0)
            lua_replace(L, -2);
    }
    return lua_gettop(L) - 1;
}

/* halt(status): the main process's runner ends the program in order. */
static int l_halt(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pierrot *runtime = lua->scheduler->runtime;
    int status = (int)luaL_optinteger(L, 1, 0);
    /* seq_cst: the runner announces its sleep before it looks here, see sched/doze.c. */
    atomic_store_explicit(&runtime->halt_requested, 1 + (status & 0xff), memory_order_seq_cst);
    runtime->system.owners[0]->ops->wake(runtime->system.owners[0]);
    return push_true(L);
}

void pr_open_binding(struct pr_lua *lua, lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"self", l_self},
        {"make_ref", l_make_ref},
        {"is_pid", l_is_pid},
        {"is_ref", l_is_ref},
        {"socket_holder", l_socket_holder},
        {"socket_of", l_socket_of},
        {"parse_pid", l_parse_pid},
        {"link", l_link},
        {"unlink", l_unlink},
        {"trap_exit", l_trap_exit},
        {"monitor", l_monitor},
        {"demonitor", l_demonitor},
        {"alias", l_alias},
        {"unalias", l_unalias},
        {"exit", l_exit},
        {"as_reason", l_as_reason},
        {"interrupt", l_interrupt},
        {"register", l_register},
        {"unregister", l_unregister},
        {"whereis", l_whereis},
        {"registered", l_registered},
        {"dictionary", l_dictionary},
        {"yield", l_yield},
        {"schedulers", l_schedulers},
        {"scheduler", l_scheduler},
        {"scheduler_of", l_scheduler_of},
        {"is_sendable", l_is_sendable},
        {"snapshots", l_snapshots},
        {"halt", l_halt},
        {NULL, NULL},
    };
    pr_lua_register(L, lua, functions);
}
