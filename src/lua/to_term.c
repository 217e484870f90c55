/* SPDX-License-Identifier: MIT
 *
 * Lua values to terms, in the manner of copy.c: the work list maps a table to its struct pr_table.
 */
#include <lualib.h>
#include <stdio.h>
#include <string.h>

#include "lua/copy.h"
#include "lua/ident.h"
#include "lua/lend.h"
#include "lua/scalar.h"

/* The arena under construction, freed by __gc when an error of Lua's jumps out. */
struct term_copy {
    lua_State *L;
    struct pr_lua *lua;
    struct pr_arena *arena;
    int seen; /* map: source -> struct pr_table; then the list; nil until needed */
    lua_Integer n_listed;
    lua_Integer n_done;
    int is_lenient; /* what cannot be sent becomes its inspect text */
    /* For reports: the beginning of a value, whatever its size. */
    int is_limited;
    size_t n_tables_left, bytes_left;
};

/* More entries of a table than are printed, as many tables; of strings so many bytes in all, and of
 * each some, at most. */
enum {
    LIMIT_ITEMS = PR_PRINT_ITEMS + 1,
    LIMIT_TABLES = PR_PRINT_TABLES,
    LIMIT_BYTES = 1 << 16,
    LIMIT_STRING = 2000,
    LIMIT_STRING_LATE = 32
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

/* From now on Lua may raise: the arena hangs in a value of Lua's, which is made protected, as
 * nothing holds the arena yet. 0 or PIERROT_ENOMEM. */
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
    if (copy->is_limited)
        return pr_arena_table(copy->arena, 0, 0, cell);
    int n_array = pr_array_room(copy->L, source);
    int n_pairs = n_array == 0 ? pr_count_pairs(copy->L, source) : 0;
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
    if (error || (copy->is_limited && copy->n_tables_left-- == 0))
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

/* A string as a cell. */
static int string_cell(struct term_copy *copy, int index, struct pierrot_term *cell)
{
    size_t len;
    const char *bytes = lua_tolstring(copy->L, index, &len);
    if (copy->is_limited) {
        size_t limit = copy->bytes_left > 0 ? LIMIT_STRING : LIMIT_STRING_LATE;
        len = len < limit ? len : limit;
        copy->bytes_left -= len < copy->bytes_left ? len : copy->bytes_left;
    }
    return pr_arena_string(copy->arena, bytes, len, cell);
}

/* A value that is no table as a cell. */
static int scalar_cell(struct term_copy *copy, int index, struct pierrot_term *cell)
{
    int type = lua_type(copy->L, index);
    if (type == LUA_TSTRING)
        return string_cell(copy, index, cell);
    if (pr_read_word(copy->L, index, type, cell))
        return 0;
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
    int at = lua_gettop(L), n = 0;
    while (lua_next(L, source)) {
        if (copy->is_limited && n++ >= LIMIT_ITEMS) {
            lua_settop(L, at - 1);
            return 0;
        }
        int error = top_cell(copy, source, table, &value);
        lua_settop(L, at);
        if (error)
            return error;
        if (lua_isinteger(L, at) && lua_tointeger(L, at) == (lua_Integer)table->n_array + 1) {
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

enum strictness { STRICT, LENIENT, LIMITED };

static pierrot_term *to_term(struct pr_lua *lua, lua_State *L, int index,
                             enum strictness strictness, int *error)
{
    struct pr_heap *heap = &lua->owner->heap;
    int base = lua_gettop(L), source = lua_absindex(L, index);
    luaL_checkstack(L, 20, "no room to copy a message");
    struct term_copy copy = {.L = L, .lua = lua, .seen = base + 1,
                             .is_lenient = strictness != STRICT,
                             .is_limited = strictness == LIMITED,
                             .n_tables_left = LIMIT_TABLES,
                             .bytes_left = LIMIT_BYTES};
    size_t room = copy.is_limited ? 0 : (size_t)pr_array_room(L, source);
    copy.arena = pr_arena_new(heap, 96 + 16 * room);
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

/* ------------------------------------------------------------- short sequences */

/* The common message, {tag, …}: a few scalars and nothing else. */
enum { SHORT_MAX = 8, SHORT_BYTES = 100 };

/* The entries of a table that holds 1..n, few, of scalars and nothing else; -1 when it does not.
 * Their strings are the table's. */
static int read_short(lua_State *L, int source, struct pierrot_term *cells)
{
    int n = 0;
    lua_pushnil(L);
    while (lua_next(L, source)) {
        if (n == SHORT_MAX || !lua_isinteger(L, -2) || lua_tointeger(L, -2) != n + 1 ||
            !pr_lend_scalar(L, -1, &cells[n])) {
            lua_pop(L, 2);
            return -1;
        }
        n++;
        lua_pop(L, 1);
    }
    return n;
}

/* A copy of the cells and their strings, in one block. NULL: no memory. */
static pierrot_term *build_short(struct pr_heap *heap, const struct pierrot_term *cells, int n)
{
    size_t room = sizeof(struct pr_table) + (size_t)n * sizeof *cells;
    for (int i = 0; i < n; i++)
        room += cells[i].tag == PIERROT_STRING ? ((size_t)cells[i].len + 8) & ~(size_t)7 : 0;
    struct pr_arena *arena = pr_arena_new_exact(heap, room);
    struct pierrot_term cell;
    if (!arena)
        return NULL;
    (void)pr_arena_table(arena, (uint32_t)n, 0, &cell); /* there is room for all of it */
    struct pr_table *table = cell.as.table;
    for (int i = 0; i < n; i++) {
        table->array[i] = cells[i];
        if (cells[i].tag == PIERROT_STRING)
            (void)pr_arena_string(arena, cells[i].as.bytes, cells[i].len, &table->array[i]);
    }
    table->n_array = (uint32_t)n;
    cell.flags |= PR_CELL_ROOT;
    arena->root = cell;
    return &arena->root;
}

pierrot_term *pr_copy_short(struct pr_lua *lua, lua_State *L, int index)
{
    struct pierrot_term cells[SHORT_MAX];
    int n = read_short(L, lua_absindex(L, index), cells);
    for (int i = 0; i < n; i++)
        if (cells[i].tag == PIERROT_STRING && cells[i].len > SHORT_BYTES)
            return NULL;
    return n < 0 ? NULL : build_short(&lua->owner->heap, cells, n);
}

pierrot_term *pr_copy_to_term(struct pr_lua *lua, lua_State *L, int index, int *error)
{
    struct pierrot_term cells[SHORT_MAX];
    if (lua_type(L, index) != LUA_TTABLE)
        return scalar_root(lua, L, index, error);
    luaL_checkstack(L, 4, "no room to copy a message");
    int n = read_short(L, lua_absindex(L, index), cells);
    if (n < 0)
        return to_term(lua, L, index, STRICT, error);
    pierrot_term *root = build_short(&lua->owner->heap, cells, n);
    *error = root ? 0 : PIERROT_ENOMEM;
    return root;
}

/* The common tuple: scalars and strings, straight into one arena. NULL: there is a table in it, or
 * no memory. */
static pierrot_term *scalar_tuple(struct pr_lua *lua, lua_State *L, int first, int n)
{
    size_t bytes = 0;
    for (int i = first; i < first + n; i++) {
        if (!pr_is_scalar(L, i))
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
        pr_copy_raise(lua, L, -1, error);
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
    *reason = to_term(lua, L, 1, lua_toboolean(L, 4) ? LIMITED : LENIENT, &error);
    return 0;
}

static pierrot_term *scalar_reason(struct pr_lua *lua, lua_State *L, int index, int is_limited)
{
    size_t size = lua_rawlen(L, index);
    if (is_limited && size > LIMIT_STRING)
        size = LIMIT_STRING;
    struct pr_arena *arena = pr_arena_new(&lua->owner->heap, size + 32);
    struct term_copy copy = {.L = L,
                             .lua = lua,
                             .arena = arena,
                             .is_lenient = 1,
                             .is_limited = is_limited,
                             .bytes_left = LIMIT_BYTES};
    if (arena && scalar_cell(&copy, index, &arena->root) == 0) {
        arena->root.flags |= PR_CELL_ROOT;
        return &arena->root;
    }
    if (arena)
        pr_arena_free(arena, &lua->owner->heap);
    return PR_TERM(enomem);
}

static pierrot_term *lenient_copy(struct pr_lua *lua, lua_State *L, int index, int is_limited)
{
    pierrot_term *reason = NULL;
    index = lua_absindex(L, index);
    if (lua_type(L, index) != LUA_TTABLE)
        return scalar_reason(lua, L, index, is_limited);
    if (!lua_checkstack(L, 8))
        return PR_TERM(enomem);
    lua_pushcfunction(L, reason_of);
    lua_pushvalue(L, index);
    lua_pushlightuserdata(L, lua);
    lua_pushlightuserdata(L, &reason);
    lua_pushboolean(L, is_limited);
    if (lua_pcall(L, 4, 0, 0) != LUA_OK)
        lua_pop(L, 1);
    return reason ? reason : PR_TERM(enomem);
}

pierrot_term *pr_copy_to_reason(struct pr_lua *lua, lua_State *L, int index)
{
    return lenient_copy(lua, L, index, 0);
}

pierrot_term *pr_copy_for_report(struct pr_lua *lua, lua_State *L, int index)
{
    return lenient_copy(lua, L, index, 1);
}
