/* SPDX-License-Identifier: MIT
 *
 * A flat table, the common message, is copied without anything beside it. The first table inside a
 * table brings a work list: tables still to be filled, oldest first, and a map from those seen to
 * their copies. So depth costs nothing but the list, and what is shared stays shared. */
#include "lua/copy.h"

#include <lualib.h>
#include <stdio.h>
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

/* A running copy. On its stack lie, from `seen` on: the map from source to copy, the work list
 * (2k-1: source, 2k: copy), both nil until the first inner table, then the copy of the root. */
struct lua_copy {
    lua_State *L;
    int seen;
    lua_Integer n_listed;
    lua_Integer n_done;
};

static void begin_list(struct lua_copy *copy, int root)
{
    lua_State *L = copy->L;
    lua_createtable(L, 0, 4);
    lua_replace(L, copy->seen);
    lua_createtable(L, 8, 0);
    lua_replace(L, copy->seen + 1);
    lua_pushvalue(L, root);
    lua_pushvalue(L, copy->seen + 2);
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
        lua_rawseti(L, copy->seen + 1, 2 * copy->n_listed + 1);
        lua_pushvalue(L, -1);
        lua_rawseti(L, copy->seen + 1, 2 * copy->n_listed + 2);
        copy->n_listed++;
    }
    lua_replace(L, source);
}

/* The value on top becomes its copy. 0 or PIERROT_EINVAL. */
static int copy_top(struct lua_copy *copy, int root)
{
    if (is_scalar(copy->L, -1))
        return 0;
    if (lua_type(copy->L, -1) != LUA_TTABLE)
        return PIERROT_EINVAL;
    if (lua_isnil(copy->L, copy->seen))
        begin_list(copy, root);
    replace_by_copy(copy);
    return 0;
}

/* Copies the entries of one table; tables among them are listed. */
static int fill(struct lua_copy *copy, int source, int target)
{
    lua_State *L = copy->L;
    lua_pushnil(L);
    int key = lua_gettop(L);
    while (lua_next(L, source)) {
        if (copy_top(copy, source) != 0)
            return PIERROT_EINVAL;
        if (lua_isinteger(L, key)) {
            lua_rawseti(L, target, lua_tointeger(L, key));
            continue;
        }
        lua_pushvalue(L, key);
        if (lua_type(L, key) != LUA_TSTRING && copy_top(copy, source) != 0)
            return PIERROT_EINVAL;
        lua_insert(L, -2);
        lua_rawset(L, target);
    }
    return 0;
}

static int fill_listed(struct lua_copy *copy)
{
    lua_State *L = copy->L;
    int top = lua_gettop(L);
    while (copy->n_done < copy->n_listed) {
        lua_rawgeti(L, copy->seen + 1, 2 * copy->n_done + 1);
        lua_rawgeti(L, copy->seen + 1, 2 * copy->n_done + 2);
        copy->n_done++;
        if (fill(copy, top + 1, top + 2) != 0)
            return PIERROT_EINVAL;
        lua_settop(L, top);
    }
    return 0;
}

/* Leaves the copy on top of L, or nothing. */
static int copy_table(lua_State *L, int index)
{
    int source = lua_absindex(L, index), base = lua_gettop(L);
    luaL_checkstack(L, 20, "no room to copy a message");
    lua_settop(L, base + 2);
    struct lua_copy copy = {.L = L, .seen = base + 1};
    push_empty(L, source);
    int error = fill(&copy, source, base + 3);
    if (!error)
        error = fill_listed(&copy);
    if (!error)
        lua_copy(L, base + 3, base + 1);
    lua_settop(L, error ? base : base + 1);
    return error;
}

int pr_copy(lua_State *from, int index, lua_State *to)
{
    if (is_scalar(from, index)) {
        lua_pushvalue(from, index);
    } else {
        if (lua_type(from, index) != LUA_TTABLE)
            return PIERROT_EINVAL;
        int error = copy_table(from, index);
        if (error)
            return error;
    }
    if (from != to)
        lua_xmove(from, to, 1);
    return 0;
}

/* -------------------------------------------------------------- Lua to terms */

/* The arena under construction, freed by __gc when an error of Lua's jumps out. */
struct term_copy {
    lua_State *L;
    struct pr_lua *lua;
    struct pr_arena *arena;
    int seen; /* map: source -> struct pr_table; then the list; nil until needed */
    lua_Integer n_listed;
    lua_Integer n_done;
    int is_lenient; /* what cannot be sent becomes its inspect text */
};

#define GUARD "pierrot.arena"

static int collect_guard(lua_State *L)
{
    struct pr_arena **arena = lua_touserdata(L, 1);
    if (*arena)
        pr_arena_free(*arena, (*arena)->heap);
    *arena = NULL;
    return 0;
}

static int make_guard(lua_State *L)
{
    struct pr_arena **held = lua_newuserdatauv(L, sizeof *held, 0);
    *held = NULL;
    if (luaL_newmetatable(L, GUARD)) {
        lua_pushcfunction(L, collect_guard);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return 1;
}

/* From now on Lua may raise: the arena hangs in a value of Lua's, which is made protected, as nothing
 * holds the arena yet. 0 or PIERROT_ENOMEM. */
static int guard(struct term_copy *copy, int position)
{
    lua_State *L = copy->L;
    lua_pushcfunction(L, make_guard);
    if (lua_pcall(L, 0, 1, 0) != LUA_OK) {
        lua_pop(L, 1);
        return PIERROT_ENOMEM;
    }
    *(struct pr_arena **)lua_touserdata(L, -1) = copy->arena;
    lua_replace(L, position);
    return 0;
}

static void release_guard(struct term_copy *copy, int position)
{
    struct pr_arena **held = lua_touserdata(copy->L, position);
    if (held)
        *held = NULL;
}

static int table_cell(struct term_copy *copy, int source, struct pierrot_term *cell)
{
    size_t n_array = lua_rawlen(copy->L, source);
    int n_pairs = n_array == 0 ? count_pairs(copy->L, source) : 0;
    if (n_array > UINT32_MAX)
        return PIERROT_ELIMIT;
    return pr_arena_table(copy->arena, (uint32_t)n_array, (uint32_t)n_pairs, cell);
}

static int begin_term_list(struct term_copy *copy, int root, struct pr_table *table)
{
    lua_State *L = copy->L;
    int error = guard(copy, copy->seen + 2);
    if (error)
        return error;
    lua_createtable(L, 0, 4);
    lua_replace(L, copy->seen);
    lua_createtable(L, 8, 0);
    lua_replace(L, copy->seen + 1);
    lua_pushvalue(L, root);
    lua_pushlightuserdata(L, table);
    lua_rawset(L, copy->seen);
    return 0;
}

/* The table on top as a cell; it is filled later. */
static int list_table(struct term_copy *copy, int root, struct pr_table *table,
                      struct pierrot_term *cell)
{
    lua_State *L = copy->L;
    int error = lua_isnil(L, copy->seen) ? begin_term_list(copy, root, table) : 0;
    if (error)
        return error;
    int source = lua_gettop(L);
    lua_pushvalue(L, source);
    if (lua_rawget(L, copy->seen) == LUA_TLIGHTUSERDATA) {
        *cell = (struct pierrot_term){.tag = PIERROT_TABLE, .as.table = lua_touserdata(L, -1)};
        lua_pop(L, 1);
        return 0;
    }
    lua_pop(L, 1);
    error = table_cell(copy, source, cell);
    if (error)
        return error;
    lua_pushvalue(L, source);
    lua_pushlightuserdata(L, cell->as.table);
    lua_rawset(L, copy->seen);
    lua_pushvalue(L, source);
    lua_rawseti(L, copy->seen + 1, 2 * copy->n_listed + 1);
    lua_pushlightuserdata(L, cell->as.table);
    lua_rawseti(L, copy->seen + 1, 2 * copy->n_listed + 2);
    copy->n_listed++;
    return 0;
}

/* Text in place of a function and the like, as inspect shows them. */
static int inspect_cell(struct term_copy *copy, int index, struct pierrot_term *cell)
{
    char text[64];
    int len = snprintf(text, sizeof text, "%s: %p", luaL_typename(copy->L, index),
                       lua_topointer(copy->L, index));
    return pr_arena_string(copy->arena, text, (size_t)len, cell);
}

/* A value that is no table as a cell. */
static int scalar_cell(struct term_copy *copy, int index, struct pierrot_term *cell)
{
    lua_State *L = copy->L;
    uint64_t id;
    size_t len;
    switch (lua_type(L, index)) {
    case LUA_TNIL:
        *cell = pr_cell_nil();
        return 0;
    case LUA_TBOOLEAN:
        *cell = pr_cell_bool(lua_toboolean(L, index));
        return 0;
    case LUA_TNUMBER:
        *cell = lua_isinteger(L, index) ? pr_cell_int(lua_tointeger(L, index))
                                        : pr_cell_num(lua_tonumber(L, index));
        return 0;
    case LUA_TSTRING: {
        const char *bytes = lua_tolstring(L, index, &len);
        return pr_arena_string(copy->arena, bytes, len, cell);
    }
    case LUA_TLIGHTUSERDATA:
        id = pr_to_id(L, index);
        if (pr_id_is_pid(id)) {
            *cell = pr_cell_pid((pierrot_pid){id});
            return 0;
        }
        if (pr_id_is_ref(id)) {
            *cell = pr_cell_ref((pierrot_ref){id});
            return 0;
        }
        break;
    default:
        break;
    }
    return copy->is_lenient ? inspect_cell(copy, index, cell) : PIERROT_EINVAL;
}

/* The value on top as a cell, popped or not is the caller's affair. */
static int top_cell(struct term_copy *copy, int root, struct pr_table *table,
                    struct pierrot_term *cell)
{
    if (lua_type(copy->L, -1) == LUA_TTABLE)
        return list_table(copy, root, table, cell);
    return scalar_cell(copy, lua_gettop(copy->L), cell);
}

static int fill_term(struct term_copy *copy, int source, struct pr_table *table)
{
    lua_State *L = copy->L;
    struct pierrot_term key, value;
    lua_pushnil(L);
    int at = lua_gettop(L);
    while (lua_next(L, source)) {
        int error = top_cell(copy, source, table, &value);
        lua_settop(L, at);
        if (error)
            return error;
        if (lua_isinteger(L, at) &&
            lua_tointeger(L, at) == (lua_Integer)table->n_array + 1) {
            error = pr_arena_append(copy->arena, table, &value);
        } else {
            lua_pushvalue(L, at);
            error = top_cell(copy, source, table, &key);
            lua_settop(L, at);
            if (!error)
                error = pr_arena_add_pair(copy->arena, table, &key, &value);
        }
        if (error)
            return error;
    }
    return 0;
}

static int fill_listed_terms(struct term_copy *copy)
{
    lua_State *L = copy->L;
    int top = lua_gettop(L);
    while (copy->n_done < copy->n_listed) {
        lua_rawgeti(L, copy->seen + 1, 2 * copy->n_done + 1);
        lua_rawgeti(L, copy->seen + 1, 2 * copy->n_done + 2);
        struct pr_table *table = lua_touserdata(L, -1);
        copy->n_done++;
        int error = fill_term(copy, top + 1, table);
        if (error)
            return error;
        lua_settop(L, top);
    }
    return 0;
}

static int build_table(struct term_copy *copy, int source)
{
    struct pierrot_term cell;
    int error = table_cell(copy, source, &cell);
    if (!error)
        error = fill_term(copy, source, cell.as.table);
    if (!error)
        error = fill_listed_terms(copy);
    if (error)
        return error;
    cell.flags |= PR_CELL_ROOT;
    copy->arena->root = cell;
    return 0;
}

static pierrot_term *scalar_root(struct pr_lua *lua, lua_State *L, int index, int *error)
{
    struct pr_heap *heap = &lua->owner->heap;
    struct term_copy copy = {.L = L, .lua = lua};
    struct pierrot_term cell;
    pierrot_term *root = NULL;
    if (lua_type(L, index) == LUA_TSTRING) {
        size_t len;
        const char *bytes = lua_tolstring(L, index, &len);
        *error = len >= UINT32_MAX ? PIERROT_ELIMIT : 0;
        root = *error ? NULL : pr_term_new_string(heap, bytes, len);
    } else {
        *error = scalar_cell(&copy, index, &cell);
        root = *error ? NULL : pr_term_new_scalar(heap, &cell);
    }
    if (!root && !*error)
        *error = PIERROT_ENOMEM;
    return root;
}

static pierrot_term *to_term(struct pr_lua *lua, lua_State *L, int index, int is_lenient, int *error)
{
    struct pr_heap *heap = &lua->owner->heap;
    int base = lua_gettop(L), source = lua_absindex(L, index);
    luaL_checkstack(L, 20, "no room to copy a message");
    struct term_copy copy = {.L = L, .lua = lua, .seen = base + 1, .is_lenient = is_lenient};
    copy.arena = pr_arena_new(heap, 96 + 16 * lua_rawlen(L, source));
    if (!copy.arena) {
        *error = PIERROT_ENOMEM;
        return NULL;
    }
    lua_settop(L, base + 3);
    *error = build_table(&copy, source);
    release_guard(&copy, base + 3);
    lua_settop(L, base);
    if (!*error)
        return &copy.arena->root;
    pr_arena_free(copy.arena, heap);
    return NULL;
}

pierrot_term *pr_copy_to_term(struct pr_lua *lua, lua_State *L, int index, int *error)
{
    if (lua_type(L, index) != LUA_TTABLE)
        return scalar_root(lua, L, index, error);
    return to_term(lua, L, index, 0, error);
}

/* -------------------------------------------------------------- terms to Lua */

static void push_cell(lua_State *L, const struct pierrot_term *cell)
{
    switch ((pierrot_type)cell->tag) {
    case PIERROT_NIL:
        lua_pushnil(L);
        return;
    case PIERROT_BOOL:
        lua_pushboolean(L, (int)cell->as.integer);
        return;
    case PIERROT_INT:
        lua_pushinteger(L, cell->as.integer);
        return;
    case PIERROT_NUMBER:
        lua_pushnumber(L, cell->as.number);
        return;
    case PIERROT_PID:
    case PIERROT_REF:
        pr_push_id(L, cell->as.id);
        return;
    case PIERROT_STRING:
        lua_pushlstring(L, cell->as.bytes, cell->len);
        return;
    case PIERROT_TABLE:
        break;
    }
    PR_ASSERT(0);
}

/* As struct lua_copy: seen maps a struct pr_table to its Lua table; the list holds (2k-1) the former
 * and (2k) the latter. */
struct term_push {
    lua_State *L;
    int seen;
    lua_Integer n_listed;
    lua_Integer n_done;
};

static void push_empty_for(lua_State *L, const struct pr_table *table)
{
    lua_createtable(L, table->n_array < INT32_MAX ? (int)table->n_array : INT32_MAX,
                    table->n_pairs < INT32_MAX ? (int)table->n_pairs : INT32_MAX);
}

static void push_inner(struct term_push *push, const struct pr_table *root, struct pr_table *table)
{
    lua_State *L = push->L;
    if (lua_isnil(L, push->seen)) {
        lua_createtable(L, 0, 4);
        lua_replace(L, push->seen);
        lua_createtable(L, 8, 0);
        lua_replace(L, push->seen + 1);
        lua_pushvalue(L, push->seen + 2);
        lua_rawsetp(L, push->seen, root);
    }
    if (lua_rawgetp(L, push->seen, table) != LUA_TNIL)
        return;
    lua_pop(L, 1);
    push_empty_for(L, table);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, push->seen, table);
    lua_pushlightuserdata(L, table);
    lua_rawseti(L, push->seen + 1, 2 * push->n_listed + 1);
    lua_pushvalue(L, -1);
    lua_rawseti(L, push->seen + 1, 2 * push->n_listed + 2);
    push->n_listed++;
}

static void push_entry(struct term_push *push, const struct pr_table *root,
                       const struct pierrot_term *cell)
{
    if (cell->tag == PIERROT_TABLE)
        push_inner(push, root, cell->as.table);
    else
        push_cell(push->L, cell);
}

static void fill_lua(struct term_push *push, const struct pr_table *table, int target)
{
    lua_State *L = push->L;
    for (uint32_t i = 0; i < table->n_array; i++) {
        push_entry(push, table, &table->array[i]);
        lua_rawseti(L, target, (lua_Integer)i + 1);
    }
    for (uint32_t i = 0; i < table->n_pairs; i++) {
        push_entry(push, table, &table->pairs[2 * i]);
        push_entry(push, table, &table->pairs[2 * i + 1]);
        lua_rawset(L, target);
    }
}

void pr_push_term(lua_State *L, const pierrot_term *term)
{
    luaL_checkstack(L, 12, "no room for a message");
    if (term->tag != PIERROT_TABLE) {
        push_cell(L, term);
        return;
    }
    int base = lua_gettop(L);
    struct term_push push = {.L = L, .seen = base + 1};
    lua_settop(L, base + 2);
    push_empty_for(L, term->as.table);
    fill_lua(&push, term->as.table, base + 3);
    while (push.n_done < push.n_listed) {
        lua_rawgeti(L, push.seen + 1, 2 * push.n_done + 1);
        const struct pr_table *table = lua_touserdata(L, -1);
        lua_rawgeti(L, push.seen + 1, 2 * push.n_done + 2);
        push.n_done++;
        fill_lua(&push, table, base + 5);
        lua_settop(L, base + 3);
    }
    lua_copy(L, base + 3, base + 1);
    lua_settop(L, base + 1);
}

static int push_root(lua_State *L)
{
    pr_push_term(L, lua_touserdata(L, 1));
    return 1;
}

int pr_push_root(struct pr_lua *lua, lua_State *L, pierrot_term *root)
{
    luaL_checkstack(L, 4, NULL);
    if (!root) {
        lua_pushnil(L);
    } else if (pr_value_is_scalar(root)) {
        push_cell(L, root);
        pr_term_drop(root, &lua->owner->heap);
    } else {
        /* Protected: Lua may raise while it makes strings and tables, and the root must be freed. */
        lua_pushcfunction(L, push_root);
        lua_pushlightuserdata(L, root);
        int status = lua_pcall(L, 1, 1, 0);
        pr_term_drop(root, &lua->owner->heap);
        if (status != LUA_OK)
            lua_error(L);
    }
    return 1;
}

/* -------------------------------------------------------- values of signals */

/* Where the user's code stands: below the files of the library itself. */
static void push_users_line(lua_State *L)
{
    lua_Debug ar;
    for (int level = 1; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline > 0 && strncmp(ar.short_src, "pierrot/", 8) != 0) {
            lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
            return;
        }
    }
    lua_pushliteral(L, "");
}

int pr_copy_error(struct pr_lua *lua, lua_State *L, int index)
{
    index = lua_absindex(L, index);
    luaL_checkstack(L, 4, NULL);
    pr_store_push(lua, L, lua->find_unsendable_place);
    lua_pushvalue(L, index);
    lua_call(L, 1, 1);
    push_users_line(L);
    lua_insert(L, -2);
    lua_concat(L, 2);
    return lua_error(L);
}

static int raise_error(struct pr_lua *lua, lua_State *L, int index, int error)
{
    if (error == PIERROT_EINVAL)
        return pr_copy_error(lua, L, index);
    return luaL_error(L, "cannot send: %s", pierrot_strerror(error));
}

static int encode_scalar(lua_State *L, int index, struct pierrot_term *value)
{
    uint64_t id;
    switch (lua_type(L, index)) {
    case LUA_TNIL:
        *value = pr_cell_nil();
        return 1;
    case LUA_TBOOLEAN:
        *value = pr_cell_bool(lua_toboolean(L, index));
        return 1;
    case LUA_TNUMBER:
        *value = lua_isinteger(L, index) ? pr_cell_int(lua_tointeger(L, index))
                                         : pr_cell_num(lua_tonumber(L, index));
        return 1;
    case LUA_TLIGHTUSERDATA:
        id = pr_to_id(L, index);
        if (!id)
            return 0;
        *value = pr_id_is_pid(id) ? pr_cell_pid((pierrot_pid){id}) : pr_cell_ref((pierrot_ref){id});
        return 1;
    default:
        return 0;
    }
}

struct pierrot_term pr_encode(struct pr_lua *lua, lua_State *L, int index,
                              const struct pr_process *target)
{
    struct pierrot_term value;
    int error;
    if (encode_scalar(L, index, &value))
        return value;
    if (target && target->kind->takes_local) {
        pr_store_reserve(lua, L);
        luaL_checkstack(L, 1, "no room for a message");
        error = pr_copy(L, index, L);
        if (error)
            raise_error(lua, L, index, error);
        return (struct pierrot_term){.tag = PR_VALUE_LOCAL,
                                     .as.integer = pr_store_put(lua, L)};
    }
    pierrot_term *root = pr_copy_to_term(lua, L, index, &error);
    if (!root)
        raise_error(lua, L, index, error);
    return pr_value_of_term(root);
}

void pr_push_value(struct pr_lua *lua, lua_State *L, const struct pierrot_term *value)
{
    luaL_checkstack(L, 1, "no room for a message");
    if (value->tag == PR_VALUE_LOCAL)
        pr_store_push(lua, L, (uint32_t)value->as.integer);
    else
        pr_push_term(L, pr_value_cell(value));
}

/* The common tuple: scalars and strings, straight into one arena. NULL: there is a table in it, or no
 * memory. */
static pierrot_term *scalar_tuple(struct pr_lua *lua, lua_State *L, int first, int n)
{
    size_t bytes = 0;
    for (int i = first; i < first + n; i++) {
        if (!is_scalar(L, i))
            return NULL;
        bytes += lua_type(L, i) == LUA_TSTRING ? lua_rawlen(L, i) + 9 : 0;
    }
    struct pr_heap *heap = &lua->owner->heap;
    struct pr_arena *arena = pr_arena_new(heap, bytes + sizeof(struct pr_table) + 16 * (size_t)n);
    struct term_copy copy = {.L = L, .lua = lua, .arena = arena};
    struct pierrot_term cell, item;
    if (!arena)
        return NULL;
    int error = pr_arena_table(arena, (uint32_t)n, 0, &cell);
    for (int i = first; i < first + n && !error; i++) {
        error = scalar_cell(&copy, i, &item);
        if (!error)
            error = pr_arena_append(arena, cell.as.table, &item);
    }
    if (error) {
        pr_arena_free(arena, heap);
        return NULL;
    }
    cell.flags |= PR_CELL_ROOT;
    arena->root = cell;
    return &arena->root;
}

pierrot_term *pr_copy_tuple(struct pr_lua *lua, lua_State *L, int first, int n)
{
    pierrot_term *tuple = scalar_tuple(lua, L, first, n);
    int error;
    if (tuple)
        return tuple;
    luaL_checkstack(L, 3, NULL);
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        lua_pushvalue(L, first + i);
        lua_rawseti(L, -2, i + 1);
    }
    tuple = pr_copy_to_term(lua, L, -1, &error);
    if (!tuple)
        raise_error(lua, L, -1, error);
    lua_pop(L, 1);
    return tuple;
}

/* ------------------------------------------------------------------- reasons */

/* Runs protected: a reason is made where an error may not get out. */
static int reason_of(lua_State *L)
{
    struct pr_lua *lua = lua_touserdata(L, 2);
    pierrot_term **reason = lua_touserdata(L, 3);
    int error;
    *reason = to_term(lua, L, 1, 1, &error);
    return 0;
}

pierrot_term *pr_copy_to_reason(struct pr_lua *lua, lua_State *L, int index)
{
    pierrot_term *reason = NULL;
    index = lua_absindex(L, index);
    if (lua_type(L, index) != LUA_TTABLE) {
        struct pr_heap *heap = &lua->owner->heap;
        struct pr_arena *arena = pr_arena_new(heap, lua_rawlen(L, index) + 32);
        struct term_copy copy = {.L = L, .lua = lua, .arena = arena, .is_lenient = 1};
        if (arena && scalar_cell(&copy, index, &arena->root) == 0) {
            arena->root.flags |= PR_CELL_ROOT;
            return &arena->root;
        }
        if (arena)
            pr_arena_free(arena, heap);
        return PR_TERM(enomem);
    }
    if (!lua_checkstack(L, 8))
        return PR_TERM(enomem);
    lua_pushcfunction(L, reason_of);
    lua_pushvalue(L, index);
    lua_pushlightuserdata(L, lua);
    lua_pushlightuserdata(L, &reason);
    if (lua_pcall(L, 3, 0, 0) != LUA_OK)
        lua_pop(L, 1);
    return reason ? reason : PR_TERM(enomem);
}
