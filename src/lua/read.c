/* SPDX-License-Identifier: MIT */
#include "lua/client.h"

#include "lua/copy.h"
#include "lua/ident.h"
#include "lua/lend.h"
#include "lua/target.h"

/* Reads {tag, …}, whose elements stand at `tag` and from `first` on, from the server at 1. ENOPROC
 * also for what can be no server. */
static int read_from(struct pr_lua *lua, lua_State *L, int tag, int first, pierrot_term **reply)
{
    struct pr_lent lent;
    pierrot_pid pid = pr_to_pid(L, 1);
    if (!pid.id && (lua_type(L, 1) == LUA_TSTRING || (lua_istable(L, 1) && pr_is_via(L, 1))))
        pid = pr_check_target(lua, L, 1, 0).pid;
    pr_signal_poll(lua->owner);
    const pierrot_term *request = pr_lend_request(L, tag, first, lua_gettop(L) - first + 1, &lent);
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
    if (lua_gettop(L) > 2) /* as any function of Lua: more than it takes is nothing to it */
        lua_settop(L, 2);
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

/* reader(tag, fail, spread) -> function(server [, key]), which reads {tag [, key]}. When that fails,
 * it calls fail(tag, why, server [, key]), which raises; with `spread` a reply {pid, value} is its
 * two elements. */
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

void pr_open_reads(struct pr_lua *lua, lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"read", l_read},
        {"reader", l_reader},
        {NULL, NULL},
    };
    pr_lua_register(L, lua, functions);
}
