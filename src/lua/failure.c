/* SPDX-License-Identifier: MIT */
#include "lua/failure.h"

#include "lua/closing.h"
#include "lua/copy.h"
#include "lua/process.h"

/* What a report shows of it is less. */
enum { TEXT_MAX = 4096 };

/* In the registry: texts by the tables of reasons, which are weak. */
static const char texts_key;

/* ------------------------------------------------------------------ of a value */

static int shown(lua_State *L)
{
    luaL_tolstring(L, 1, NULL);
    return 1;
}

/* Runs protected: the text of the value at 1, or an error. */
static int show(lua_State *L)
{
    struct pr_lua *lua = lua_touserdata(L, 2);
    struct pr_pooled body = pr_pool_take(lua, L);
    if (!lua_checkstack(body.co, 4)) {
        pr_pool_give(lua, body);
        return luaL_error(L, "not enough memory");
    }
    lua_pushcfunction(body.co, shown);
    lua_pushvalue(L, 1);
    lua_xmove(L, body.co, 1);
    if (pr_call_briefly(body.co, 1) != LUA_OK) {
        pr_pool_drop(lua, body);
        return luaL_error(L, "it does not");
    }
    lua_xmove(body.co, L, 1);
    pr_pool_give(lua, body);
    return 1;
}

/* As stock lua: a string is its own text, whatever its metatable says. Nothing of the user's runs. */
static int shows_itself(lua_State *L, int index)
{
    int type = lua_type(L, index);
    if (type == LUA_TSTRING || type == LUA_TLIGHTUSERDATA ||
        luaL_getmetafield(L, index, "__tostring") == LUA_TNIL)
        return 0;
    lua_pop(L, 1);
    return 1;
}

/* Pushes the text of the value on top of L. Whether there is one, and somebody to read it. */
static int push_text(struct pr_lua *lua, lua_State *L)
{
    if (!shows_itself(L, -1) || pr_is_exit_object(lua, L, -1) ||
        !pr_log_wants(&lua->owner->system->log, PIERROT_ERROR))
        return 0;
    lua_pushcfunction(L, show);
    lua_pushvalue(L, -2);
    lua_pushlightuserdata(L, lua);
    if (lua_pcall(L, 2, 1, 0) == LUA_OK)
        return 1;
    lua_pop(L, 1);
    return 0;
}

void pr_failure_note(struct pr_lua *lua, lua_State *L, pierrot_term *reason)
{
    size_t len;
    if (!push_text(lua, L))
        return;
    const char *text = lua_tolstring(L, -1, &len);
    pr_note_set(reason, text, len < TEXT_MAX ? len : TEXT_MAX);
    lua_pop(L, 1);
}

/* --------------------------------------------------------------- of a Lua reason */

/* texts[the value at `index`] = the text on top, which is popped. */
static void set_text(lua_State *L, int index)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &texts_key);
    lua_pushvalue(L, index);
    lua_pushvalue(L, -3);
    lua_rawset(L, -3);
    lua_pop(L, 2);
}

void pr_failure_pushed(lua_State *L, const pierrot_term *reason)
{
    luaL_checkstack(L, 6, NULL);
    pr_push_scalar(L, pr_note_get(reason));
    set_text(L, lua_gettop(L) - 1);
}

/* failure_text(reason): how the value of an error showed itself where the process failed; nil: as any
 * value does. */
static int l_failure_text(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &texts_key);
    lua_pushvalue(L, 1);
    lua_rawget(L, -2);
    return 1;
}

/* note_failure(reason, value): the reason, a table made here, is one of an error with that value. */
static int l_note_failure(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    if (push_text(PR_SELF(L), L))
        set_text(L, 1);
    return 0;
}

void pr_open_failure(struct pr_lua *lua, lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"failure_text", l_failure_text},
        {"note_failure", l_note_failure},
        {NULL, NULL},
    };
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &texts_key);
    pr_lua_register(L, lua, functions);
}
