/* SPDX-License-Identifier: MIT
 *
 * A flat table, the common message, is copied without anything beside it. The first table inside a
 * table brings a work list: tables still to be filled, oldest first, and a map from those seen to
 * their copies. So depth costs nothing but the list, and what is shared stays shared. */
#include "lua/copy.h"

#include <math.h>
#include <string.h>

#include "lua/ident.h"

/* What a message holds beside tables. */
static int is_scalar(lua_State *L, int index)
{
    switch (lua_type(L, index)) {
    case LUA_TNIL:
    case LUA_TBOOLEAN:
    case LUA_TNUMBER:
    case LUA_TSTRING:
        return 1;
    case LUA_TLIGHTUSERDATA:
        return pr_to_id(L, index) != 0;
    default:
        return 0;
    }
}

/* Entries to make room for beside the array part; only tables without one are counted. */
static int count_pairs(lua_State *L, int table)
{
    int n = 0;
    lua_pushnil(L);
    while (lua_next(L, table)) {
        lua_pop(L, 1);
        n++;
    }
    return n;
}

static void push_empty(lua_State *L, int source)
{
    size_t n_array = lua_rawlen(L, source);
    int n_pairs = n_array == 0 ? count_pairs(L, source) : 0;
    lua_createtable(L, n_array < INT32_MAX ? (int)n_array : INT32_MAX, n_pairs);
}

/* ------------------------------------------------------- Lua to Lua, one state */

/* Positions on the stack of the running copy. */
struct lua_copy {
    lua_State *L;
    int seen;   /* table: source -> copy; 0: not made yet */
    int list;   /* table: 2k-1 -> source, 2k -> copy */
    lua_Integer n_listed;
    lua_Integer n_done;
};

static void begin_list(struct lua_copy *copy, int source, int target)
{
    lua_State *L = copy->L;
    lua_createtable(L, 0, 4);
    lua_createtable(L, 8, 0);
    copy->list = lua_gettop(L);
    copy->seen = copy->list - 1;
    lua_pushvalue(L, source);
    lua_pushvalue(L, target);
    lua_rawset(L, copy->seen);
}

/* The table on top is replaced by its copy, which is filled later. */
static void replace_by_copy(struct lua_copy *copy)
{
    lua_State *L = copy->L;
    int source = lua_gettop(L);
    lua_pushvalue(L, source);
    if (lua_rawget(L, copy->seen) == LUA_TNIL) {
        lua_pop(L, 1);
        push_empty(L, source);
        lua_pushvalue(L, source);
        lua_pushvalue(L, -2);
        lua_rawset(L, copy->seen);
        lua_pushvalue(L, source);
        lua_rawseti(L, copy->list, 2 * copy->n_listed + 1);
        lua_pushvalue(L, -1);
        lua_rawseti(L, copy->list, 2 * copy->n_listed + 2);
        copy->n_listed++;
    }
    lua_replace(L, source);
}

/* Copies the entries; tables among them are listed. The key is on top of `target`… and so is, when it
 * is the first inner table, the list: so fill works on absolute positions. */
static int fill(struct lua_copy *copy, int source, int target)
{
    lua_State *L = copy->L;
    lua_pushnil(L);
    int key = lua_gettop(L);
    while (lua_next(L, source)) {
        if (!is_scalar(L, -1)) {
            if (lua_type(L, -1) != LUA_TTABLE)
                return PIERROT_EINVAL;
            if (!copy->list) {
                /* The list goes below the key, which is where the loop expects it. */
                begin_list(copy, source, target);
                lua_rotate(L, key, 2);
                copy->seen = key;
                copy->list = key + 1;
                key += 2;
            }
            replace_by_copy(copy);
        }
        if (lua_isinteger(L, key)) {
            lua_rawseti(L, target, lua_tointeger(L, key));
        } else if (is_scalar(L, key)) {
            lua_pushvalue(L, key);
            lua_rotate(L, -2, 1);
            lua_rawset(L, target);
        } else {
            /* A table as a key: it is copied like a value. */
            if (lua_type(L, key) != LUA_TTABLE)
                return PIERROT_EINVAL;
            return PIERROT_ELIMIT;
        }
    }
    return 0;
}

/* The stack of `begin_list` inside fill: it pushed two tables above key and value. */

static int fill_listed(struct lua_copy *copy)
{
    lua_State *L = copy->L;
    while (copy->n_done < copy->n_listed) {
        lua_rawgeti(L, copy->list, 2 * copy->n_done + 1);
        lua_rawgeti(L, copy->list, 2 * copy->n_done + 2);
        copy->n_done++;
        int top = lua_gettop(L);
        int error = fill(copy, top - 1, top);
        if (error)
            return error;
        lua_settop(L, top - 2);
    }
    return 0;
}

static int copy_table(lua_State *L, int index)
{
    struct lua_copy copy = {.L = L};
    luaL_checkstack(L, 20, "too deep");
    int source = lua_absindex(L, index);
    push_empty(L, source);
    int target = lua_gettop(L);
    int error = fill(&copy, source, target);
    if (!error)
        error = fill_listed(&copy);
    lua_settop(L, error ? target - 1 : target);
    return error;
}
