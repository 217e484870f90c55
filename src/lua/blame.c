/* SPDX-License-Identifier: MIT */
#include "lua/blame.h"

#include <string.h>

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

/* The level of the innermost frame of the user's; *called is the one above it. */
static int find_user(struct pr_lua *lua, lua_State *L, lua_Debug *called)
{
    lua_Debug frame;
    int level = 1;
    luaL_checkstack(L, 8, NULL);
    lua_getstack(L, 0, called);
    while (lua_getstack(L, level, &frame) && is_internal(lua, L, &frame)) {
        *called = frame;
        level++;
    }
    return level;
}

/* The field of the table on top that holds the function below it, pushed. */
static int push_field_name(lua_State *L)
{
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        if (lua_type(L, -2) == LUA_TSTRING && lua_rawequal(L, -1, -4)) {
            lua_pop(L, 1);
            return 1;
        }
        lua_pop(L, 1);
    }
    return 0;
}

static int is_ours(lua_State *L, int name)
{
    return lua_type(L, name) == LUA_TSTRING && strncmp(lua_tostring(L, name), "pierrot", 7) == 0;
}

/* The name of the function on top in one of the library's loaded modules, pushed; or nothing. */
static int push_public_name(lua_State *L)
{
    int function = lua_gettop(L);
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushnil(L);
    while (lua_next(L, function + 1)) {
        if (is_ours(L, -2) && lua_istable(L, -1)) {
            lua_pushvalue(L, function);
            lua_insert(L, -2);
            if (push_field_name(L))
                return 1;
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
    return 0;
}

int pr_argument_error(struct pr_lua *lua, lua_State *L, int arg, const char *text)
{
    lua_Debug called;
    int level = find_user(lua, L, &called);
    lua_getinfo(L, "nf", &called);
    const char *name = push_public_name(L) ? lua_tostring(L, -1) : called.name;
    luaL_where(L, level);
    lua_pushfstring(L, "bad argument #%d to '%s' (%s)", arg, name ? name : "?", text);
    lua_concat(L, 2);
    return lua_error(L);
}

void pr_check_any(struct pr_lua *lua, lua_State *L, int arg)
{
    if (lua_isnone(L, arg))
        pr_argument_error(lua, L, arg, "value expected");
}

int pr_user_error(struct pr_lua *lua, lua_State *L, const char *text)
{
    lua_Debug called;
    luaL_where(L, find_user(lua, L, &called));
    lua_pushstring(L, text);
    lua_concat(L, 2);
    return lua_error(L);
}
