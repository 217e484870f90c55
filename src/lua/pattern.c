/* SPDX-License-Identifier: MIT
 *
 * Patterns of receive and match. Those with functions in them are matched by Lua code, where they
 * can be preempted; the rest here. */
#include "lua/pattern.h"

#include "lua/blame.h"
#include "lua/ident.h"

/* Patterns nested deeper than this are not: they are cyclic. */
enum { MAX_PATTERN_DEPTH = 100 };

/* pierrot.any is this address; the metatable of one_of stands under the other in the registry. */
static const char any_key = 0, one_of_key = 0;

int pr_pattern_is_any(const void *address)
{
    return address == &any_key;
}

static int is_any(lua_State *L, int index)
{
    return lua_type(L, index) == LUA_TLIGHTUSERDATA && lua_touserdata(L, index) == &any_key;
}

static int is_one_of(lua_State *L, int index)
{
    if (!lua_getmetatable(L, index))
        return 0;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &one_of_key);
    int is = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return is;
}

static int match(lua_State *L, int pattern, int value, int depth);

/* How many alternatives there are, nils (anything) among them. */
static lua_Integer count_alternatives(lua_State *L, int pattern)
{
    lua_pushliteral(L, "n");
    lua_rawget(L, pattern);
    lua_Integer n = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return n;
}

static int match_one_of(lua_State *L, int pattern, int value, int depth)
{
    lua_Integer n = count_alternatives(L, pattern);
    for (lua_Integer i = 1; i <= n; i++) {
        int is_match = lua_rawgeti(L, pattern, i) == LUA_TNIL || match(L, lua_gettop(L), value, depth);
        lua_pop(L, 1);
        if (is_match)
            return 1;
    }
    return 0;
}

static int match_table(lua_State *L, int pattern, int value, int depth)
{
    if (is_one_of(L, pattern))
        return match_one_of(L, pattern, value, depth);
    if (lua_type(L, value) != LUA_TTABLE)
        return 0;
    lua_pushnil(L);
    while (lua_next(L, pattern)) {
        int inner = lua_gettop(L);
        lua_pushvalue(L, -2);
        lua_rawget(L, value);
        int is_match = match(L, inner, inner + 1, depth);
        lua_settop(L, inner - 1);
        if (!is_match) {
            lua_pop(L, 1);
            return 0;
        }
    }
    return 1;
}

static int match(lua_State *L, int pattern, int value, int depth)
{
    if (depth > MAX_PATTERN_DEPTH)
        return pr_user_error(PR_LUA(L), L, "a pattern is nested too deeply");
    luaL_checkstack(L, 6, "a pattern is nested too deeply");
    if (is_any(L, pattern))
        return !lua_isnil(L, value);
    if (lua_type(L, pattern) == LUA_TTABLE)
        return match_table(L, pattern, value, depth + 1);
    return lua_rawequal(L, pattern, value);
}

int pr_pattern_match(lua_State *L, int pattern, int value)
{
    return lua_isnil(L, pattern) || match(L, pattern, value, 0);
}

/* Whether there is a function anywhere in a pattern: those are Lua's to match. */
static int has_function(lua_State *L, int pattern, int depth)
{
    if (lua_type(L, pattern) == LUA_TFUNCTION)
        return 1;
    if (lua_type(L, pattern) != LUA_TTABLE)
        return 0;
    if (depth > MAX_PATTERN_DEPTH)
        return pr_user_error(PR_LUA(L), L, "a pattern is nested too deeply");
    luaL_checkstack(L, 4, "a pattern is nested too deeply");
    lua_pushnil(L);
    while (lua_next(L, pattern)) {
        if (has_function(L, lua_gettop(L), depth + 1)) {
            lua_pop(L, 2);
            return 1;
        }
        lua_pop(L, 1);
    }
    return 0;
}

int pr_pattern_has_function(lua_State *L, int pattern)
{
    return has_function(L, pattern, 0);
}

/* The oldest of the refs that the alternatives have, if all have one. */
static pierrot_ref ref_of_alternatives(struct pr_lua *lua, lua_State *L, int pattern)
{
    pierrot_ref oldest = {0};
    lua_Integer n = count_alternatives(L, pattern);
    luaL_checkstack(L, 6, NULL);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, pattern, i);
        int is_nested = lua_type(L, -1) == LUA_TTABLE && is_one_of(L, lua_gettop(L));
        pierrot_ref ref = is_nested ? (pierrot_ref){0} : pr_pattern_ref(lua, L, lua_gettop(L));
        lua_pop(L, 1);
        if (!ref.id || pr_ref_home(ref) != lua->owner->index)
            return (pierrot_ref){0};
        if (!oldest.id || pr_ref_number(ref) < pr_ref_number(oldest))
            oldest = ref;
    }
    return oldest;
}

pierrot_ref pr_pattern_ref(struct pr_lua *lua, lua_State *L, int pattern)
{
    pierrot_ref newest = pr_to_ref(L, pattern);
    if (newest.id || lua_type(L, pattern) != LUA_TTABLE)
        return newest;
    if (is_one_of(L, pattern))
        return ref_of_alternatives(lua, L, pattern);
    lua_pushnil(L);
    while (lua_next(L, pattern)) {
        pierrot_ref ref = pr_to_ref(L, -1);
        lua_pop(L, 1);
        if (ref.id && pr_ref_home(ref) == lua->owner->index &&
            (!newest.id || pr_ref_number(ref) > pr_ref_number(newest)))
            newest = ref;
    }
    return newest;
}

static int l_has_function(lua_State *L)
{
    lua_settop(L, 1);
    lua_pushboolean(L, has_function(L, 1, 0));
    return 1;
}

static int l_match(lua_State *L)
{
    lua_settop(L, 2);
    lua_pushboolean(L, pr_pattern_match(L, 1, 2));
    return 1;
}

static int l_one_of(lua_State *L)
{
    int n = lua_gettop(L);
    lua_createtable(L, n, 1);
    lua_insert(L, 1);
    for (int i = n; i >= 1; i--)
        lua_rawseti(L, 1, i);
    lua_pushinteger(L, n);
    lua_setfield(L, 1, "n");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &one_of_key);
    lua_setmetatable(L, 1);
    return 1;
}

/* match_one(value-level): what a pattern is, for the Lua side: "any", "one_of" or nil. */
static int l_pattern_kind(lua_State *L)
{
    lua_settop(L, 1);
    if (is_any(L, 1))
        lua_pushliteral(L, "any");
    else if (lua_istable(L, 1) && is_one_of(L, 1))
        lua_pushliteral(L, "one_of");
    else
        lua_pushnil(L);
    return 1;
}

void pr_open_pattern(struct pr_lua *lua, lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"has_function", l_has_function},
        {"match", l_match},
        {"one_of", l_one_of},
        {"pattern_kind", l_pattern_kind},
        {NULL, NULL},
    };
    pr_lua_register(L, lua, functions);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "pierrot.one_of");
    lua_setfield(L, -2, "__name");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &one_of_key);
    lua_pushlightuserdata(L, (void *)&any_key);
    lua_setfield(L, -2, "any");
}
