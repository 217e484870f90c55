/* SPDX-License-Identifier: MIT */
#include "lua/digest.h"

#include "lua/ident.h"
#include "lua/lend.h"

/* Of a longer string its length and so many bytes. */
enum { BYTES_MAX = 64 };

/* The same value means another thing as a message and as the first field of one. */
enum place { WHOLE, FIRST_FIELD };

/* Tables all have the same. */
static uint64_t digest_cell(struct pierrot_term cell, enum place place)
{
    uint64_t len = cell.tag == PIERROT_STRING ? cell.len : 0;
    if (len > BYTES_MAX)
        cell.len = BYTES_MAX;
    uint64_t digest = pr_hash_mix(pierrot_term_hash(&cell) + (len << 1 | place));
    return digest ? digest : 1;
}

/* The value on top; the cell borrows a string. What is no scalar is a table. */
static struct pierrot_term cell_on_top(lua_State *L)
{
    struct pierrot_term cell;
    return pr_lend_scalar(L, -1, &cell) ? cell : (struct pierrot_term){.tag = PIERROT_TABLE};
}

/* Pushes what the digest of a value is made of. */
static enum place push_told(lua_State *L, int index)
{
    if (lua_type(L, index) != LUA_TTABLE) {
        lua_pushvalue(L, index);
        return WHOLE;
    }
    lua_rawgeti(L, index, 1);
    return FIRST_FIELD;
}

uint64_t pr_digest_message(lua_State *L)
{
    enum place place = push_told(L, lua_gettop(L));
    uint64_t digest = digest_cell(cell_on_top(L), place);
    lua_pop(L, 1);
    return digest;
}

uint64_t pr_digest_term(const pierrot_term *message)
{
    if (message->tag != PIERROT_TABLE)
        return digest_cell(*message, WHOLE);
    if (message->as.table->n_array > 0)
        return digest_cell(message->as.table->array[0], FIRST_FIELD);
    return 0;
}

/* Whether what is on top, in a pattern, is matched by equal values alone: it is none of nil, a
 * table, any, and what no message holds. */
static int is_plain(lua_State *L)
{
    int type = lua_type(L, -1);
    return type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TBOOLEAN ||
           (type == LUA_TLIGHTUSERDATA && pr_to_id(L, -1) != 0);
}

uint64_t pr_digest_pattern(lua_State *L, int index)
{
    /* Alternatives have a metatable. */
    if (lua_type(L, index) == LUA_TTABLE && lua_getmetatable(L, index)) {
        lua_pop(L, 1);
        return 0;
    }
    enum place place = push_told(L, index);
    uint64_t digest = is_plain(L) ? digest_cell(cell_on_top(L), place) : 0;
    lua_pop(L, 1);
    return digest;
}
