/* SPDX-License-Identifier: MIT */
#include "lua/luv_callback.h"

enum { BOX = 1, PID, FUNCTION, KEPT, WHAT, KIND };

static int never_called(lua_State *L)
{
    (void)L;
    return 0;
}

static void push_value(lua_State *L, int index)
{
    if (index)
        lua_pushvalue(L, index);
    else
        lua_pushnil(L);
}

void pr_luv_callback_push(lua_State *L, int box, const struct pr_luv_callback *callback,
                          int function, int kept)
{
    luaL_checkstack(L, KIND + 1, NULL);
    lua_pushvalue(L, box);
    lua_pushinteger(L, (lua_Integer)callback->pid.id);
    push_value(L, function);
    push_value(L, kept);
    lua_pushlightuserdata(L, callback->what);
    lua_pushinteger(L, callback->kind);
    lua_pushcclosure(L, never_called, KIND);
}

void pr_luv_callback_set(lua_State *L, int index, void *what)
{
    if (lua_tocfunction(L, index) != never_called)
        return;
    index = lua_absindex(L, index);
    lua_pushlightuserdata(L, what);
    lua_setupvalue(L, index, WHAT);
}

struct pr_luv *pr_luv_callback_get(lua_State *L, int index, struct pr_luv_callback *callback)
{
    if (lua_tocfunction(L, index) != never_called)
        return NULL;
    index = lua_absindex(L, index);
    lua_getupvalue(L, index, PID);
    callback->pid.id = (uint64_t)lua_tointeger(L, -1);
    lua_pop(L, 1);
    lua_getupvalue(L, index, WHAT);
    callback->what = lua_touserdata(L, -1);
    lua_pop(L, 1);
    lua_getupvalue(L, index, KIND);
    callback->kind = (enum pr_luv_kind)lua_tointeger(L, -1);
    lua_pop(L, 1);
    lua_getupvalue(L, index, BOX);
    struct pr_luv *luv = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return luv;
}

void pr_luv_callback_push_function(lua_State *L, int index)
{
    lua_getupvalue(L, index, FUNCTION);
}
