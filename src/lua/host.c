/* SPDX-License-Identifier: MIT
 *
 * What a host gives its scripts: functions in C, as the module "pierrot.host", and its own hand on each
 * fresh Lua state. */
#include "lua/host.h"

#include "lua/copy.h"

/* The arguments as a term, freed by __gc when an error of Lua's jumps out. */
static int free_held(lua_State *L)
{
    pierrot_term **held = lua_touserdata(L, 1);
    pierrot_term_free(*held);
    *held = NULL;
    return 0;
}

static pierrot_term **hold(lua_State *L)
{
    pierrot_term **held = lua_newuserdatauv(L, sizeof *held, 0);
    *held = NULL;
    if (luaL_newmetatable(L, "pierrot.held")) {
        lua_pushcfunction(L, free_held);
        lua_setfield(L, -2, "__gc");
        lua_pushcfunction(L, free_held);
        lua_setfield(L, -2, "__close");
    }
    lua_setmetatable(L, -2);
    lua_toclose(L, -1);
    return held;
}

/* {[1] = …, n = …}. Gives. Raises what cannot be sent. */
static pierrot_term *pack(struct pr_lua *lua, lua_State *L, int n_args)
{
    int error;
    lua_createtable(L, n_args, 1);
    for (int i = 1; i <= n_args; i++) {
        lua_pushvalue(L, i);
        lua_rawseti(L, -2, i);
    }
    lua_pushinteger(L, n_args);
    lua_setfield(L, -2, "n");
    pierrot_term *args = pr_copy_to_term(lua, L, lua_gettop(L), &error);
    if (!args)
        pr_copy_raise(lua, L, lua_gettop(L), error);
    lua_pop(L, 1);
    return args;
}

/* With the text of a term on top. */
static int fail(lua_State *L, int error, const pierrot_term *what)
{
    luaL_where(L, 1);
    if (pierrot_term_type(what) == PIERROT_STRING) {
        size_t len;
        const char *text = pierrot_as_string(what, &len);
        lua_pushlstring(L, text, len);
    } else {
        lua_pushstring(L, pierrot_strerror(error));
    }
    lua_concat(L, 2);
    return lua_error(L);
}

static int call(lua_State *L)
{
    struct pr_lua *lua = pr_lua_enter(L);
    const pierrot_function *function = lua_touserdata(L, lua_upvalueindex(2));
    pierrot *rt = lua->scheduler->runtime;
    int n_args = lua_gettop(L);
    luaL_checkstack(L, 8, NULL);
    pierrot_term **args = hold(L), **result = hold(L);
    *args = pack(lua, L, n_args);
    int error = function->call(rt, function->ud, *args, result);
    if (error)
        return fail(L, error, *result);
    if (*result)
        pr_push_term(L, *result);
    else
        lua_pushnil(L);
    return 1;
}

static int open_module(lua_State *L)
{
    const pierrot_function *function = lua_touserdata(L, lua_upvalueindex(2));
    lua_newtable(L);
    for (; function && function->name; function++) {
        lua_pushvalue(L, lua_upvalueindex(1));
        lua_pushlightuserdata(L, (void *)function);
        lua_pushcclosure(L, call, 2);
        lua_setfield(L, -2, function->name);
    }
    return 1;
}

void pr_open_host(struct pr_lua *lua, lua_State *L)
{
    const pierrot_options *options = &lua->scheduler->runtime->options;
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushlightuserdata(L, lua);
    lua_pushlightuserdata(L, (void *)options->functions);
    lua_pushcclosure(L, open_module, 2);
    lua_setfield(L, -2, "pierrot.host");
    lua_pop(L, 1);
}

int pr_host_prepare(struct pr_lua *lua, lua_State *L)
{
    const pierrot_options *options = &lua->scheduler->runtime->options;
    int top = lua_gettop(L);
    int error = options->open ? options->open(options->open_ud, L) : 0;
    lua_settop(L, top);
    return error;
}
