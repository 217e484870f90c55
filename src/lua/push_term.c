/* SPDX-License-Identifier: MIT
 *
 * Terms to Lua values, in the manner of copy.c: the work list maps a struct pr_table to its table.
 */
#include "lua/copy.h"
#include "lua/failure.h"
#include "lua/ident.h"

void pr_push_scalar(lua_State *L, const pierrot_term *cell)
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
    case PIERROT_SOCKET:
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

/* As struct lua_copy: seen maps a struct pr_table to its Lua table; the list holds (2k-1) the
 * former and (2k) the latter. */
struct term_push {
    lua_State *L;
    int seen;
    lua_Integer n_listed;
    lua_Integer n_done;
};

/* Where there are holes, the room for items is the length that the source had. */
static void push_empty_for(lua_State *L, const struct pr_table *table)
{
    uint32_t n_array = table->n_pairs > 0 ? table->cap_array : table->n_array;
    lua_createtable(L, n_array < INT32_MAX ? (int)n_array : INT32_MAX,
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
        pr_push_scalar(push->L, cell);
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

/* The common message, a sequence without tables in it. Whether it is one. */
static int push_flat(lua_State *L, const struct pr_table *table)
{
    if (table->n_pairs > 0 || table->n_array > INT32_MAX)
        return 0;
    for (uint32_t i = 0; i < table->n_array; i++)
        if (table->array[i].tag == PIERROT_TABLE)
            return 0;
    lua_createtable(L, (int)table->n_array, 0);
    for (uint32_t i = 0; i < table->n_array; i++) {
        pr_push_scalar(L, &table->array[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static void push_table(lua_State *L, const pierrot_term *term)
{
    if (push_flat(L, term->as.table))
        return;
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

void pr_push_term(lua_State *L, const pierrot_term *term)
{
    luaL_checkstack(L, 12, "no room for a message");
    if (term->tag != PIERROT_TABLE) {
        pr_push_scalar(L, term);
        return;
    }
    push_table(L, term);
    if (term->flags & PR_CELL_NOTED)
        pr_failure_pushed(L, term);
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
        pr_push_scalar(L, root);
        pr_term_drop(root, &lua->owner->heap);
    } else {
        /* Protected: Lua may raise while it makes strings and tables, and the root must be freed.
         */
        lua_pushcfunction(L, push_root);
        lua_pushlightuserdata(L, root);
        int status = lua_pcall(L, 1, 1, 0);
        pr_term_drop(root, &lua->owner->heap);
        if (status != LUA_OK)
            lua_error(L);
    }
    return 1;
}
