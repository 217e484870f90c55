/* SPDX-License-Identifier: MIT */
#include "lua/handler.h"

#include <string.h>

#include "lua/class.h"
#include "lua/copy.h"
#include "lua/ident.h"
#include "lua/scalar.h"

/* Requests with more elements than this cannot be spread over arguments; those that are terms are not
 * with more than there is room for in any C function. */
enum { MAX_ARGUMENTS = 200, MAX_SPREAD = 8 };

void pr_handler_push_state(struct pr_lua *lua, lua_State *L, const struct pr_lua_process *server)
{
    if (server->state_place)
        pr_store_push(lua, L, server->state_place);
    else
        lua_pushnil(L);
}

/* What this address stands for is a nil. */
static const char nil_state = 0;

void pr_handler_push_nil_state(lua_State *L)
{
    lua_pushlightuserdata(L, (void *)&nil_state);
}

void pr_handler_set_state(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server)
{
    if (lua_touserdata(L, -1) == &nil_state) {
        lua_pop(L, 1);
        lua_pushnil(L);
    }
    if (server->state_place)
        pr_store_set(lua, L, server->state_place);
    else
        server->state_place = pr_store_put(lua, L);
}

void pr_handler_push_from(lua_State *L, pierrot_from from)
{
    lua_createtable(L, 2, 0);
    pr_push_id(L, from.pid.id);
    lua_rawseti(L, -2, 1);
    pr_push_id(L, from.ref.id);
    lua_rawseti(L, -2, 2);
}

/* The largest integer key of a request, 1 at least; 0: there is a key or a value that is no scalar; or -1:
 * it is too large. */
static int last_element(lua_State *L, int request, int scalars_only)
{
    lua_Integer last = 1;
    lua_pushnil(L);
    while (lua_next(L, request)) {
        int is_plain = !scalars_only || pr_is_scalar(L, -1);
        lua_pop(L, 1);
        lua_Integer at = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
        if (!is_plain || (at == 0 && scalars_only && !pr_is_scalar(L, -1))) {
            lua_pop(L, 1);
            return 0;
        }
        if (at > last)
            last = at;
        if (at > MAX_ARGUMENTS) {
            lua_pop(L, 1);
            return -1;
        }
    }
    return (int)last;
}

enum pr_pushed pr_handler_push_elements(lua_State *L, int request, int scalars_only)
{
    luaL_checkstack(L, 4, NULL);
    int last = last_element(L, request, scalars_only);
    if (last <= 0)
        return last == 0 ? PR_NOT_SCALARS : PR_TOO_MANY;
    luaL_checkstack(L, last, NULL);
    for (int i = 2; i <= last; i++)
        lua_rawgeti(L, request, i);
    return PR_PUSHED;
}

int pr_handler_pick(lua_State *L, int request, int (*get)(lua_State *, int))
{
    int is_picked = 0;
    int table = lua_gettop(L);
    if (lua_type(L, request) == LUA_TTABLE)
        lua_rawgeti(L, request, 1);
    else if (lua_type(L, request) == LUA_TSTRING)
        lua_pushvalue(L, request);
    else
        lua_pushnil(L);
    int is_underscore = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "_") == 0;
    if (!lua_isnil(L, -1) && !is_underscore) {
        is_picked = get(L, table) != LUA_TNIL;
    }
    if (!is_picked) {
        lua_settop(L, table);
        lua_pushliteral(L, "_");
        get(L, table);
    }
    lua_replace(L, table);
    return is_picked;
}

int pr_handler_push_arguments(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                              int request, const pierrot_from *from)
{
    int base = lua_gettop(L) - 1;
    luaL_checkstack(L, 8, NULL);
    if (lua_type(L, -1) != LUA_TTABLE && !lua_isnil(L, -1)) {
        lua_pushvalue(L, request);
        if (from)
            pr_handler_push_from(L, *from);
        pr_handler_push_state(lua, L, server);
        return lua_gettop(L) - base - 1;
    }
    int is_picked = lua_isnil(L, -1) ? 0 : pr_handler_pick(L, request, lua_gettable);
    if (lua_isnil(L, -1)) {
        lua_settop(L, base);
        return -1;
    }
    pr_handler_push_state(lua, L, server);
    if (from)
        pr_handler_push_from(L, *from);
    if (!is_picked)
        lua_pushvalue(L, request);
    else if (lua_type(L, request) == LUA_TTABLE) {
        server->class_->has_names = 1;
        if (pr_handler_push_elements(L, request, 0) == PR_TOO_MANY)
            luaL_error(L, "a request with more than %d elements needs the catch-all",
                       MAX_ARGUMENTS);
    }
    return lua_gettop(L) - base - 1;
}

int pr_handler_can_spread(const struct pierrot_term *value)
{
    if (value->tag != PR_VALUE_TERM)
        return 0;
    const pierrot_term *request = value->as.pointer;
    if (request->tag != PIERROT_TABLE)
        return 0;
    const struct pr_table *table = request->as.table;
    if (table->n_pairs > 0 || table->n_array == 0 || table->n_array > MAX_SPREAD)
        return 0;
    for (uint32_t i = 1; i < table->n_array; i++)
        if (table->array[i].tag == PIERROT_TABLE)
            return 0;
    return table->array[0].tag == PIERROT_STRING && !pr_cell_is_bytes(&table->array[0], "_", 1);
}

int pr_handler_spread(struct pr_lua *lua, lua_State *L, const struct pr_lua_process *server,
                      const pierrot_term *request, const pierrot_from *from)
{
    const struct pr_table *table = request->as.table;
    int callback = lua_gettop(L);
    if (lua_type(L, callback) != LUA_TTABLE)
        return -1;
    pr_push_scalar(L, &table->array[0]);
    if (lua_rawget(L, callback) == LUA_TNIL) {
        lua_pop(L, 1);
        return -1;
    }
    lua_replace(L, callback);
    pr_handler_push_state(lua, L, server);
    if (from)
        pr_handler_push_from(L, *from);
    for (uint32_t i = 1; i < table->n_array; i++)
        pr_push_scalar(L, &table->array[i]);
    return lua_gettop(L) - callback;
}
