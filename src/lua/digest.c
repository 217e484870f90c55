/* SPDX-License-Identifier: MIT */
#include "lua/digest.h"

#include <string.h>

#include "lua/ident.h"

/* Of a longer string its length and so many bytes. */
enum { BYTES_MAX = 64 };

/* What a digest is of: the same value means another thing as a message and as the first field of
 * one. */
enum place { WHOLE, FIRST_FIELD };

/* An integer and a float of the same value are one. */
static uint64_t digest_number(lua_State *L)
{
    int is_integer;
    lua_Integer integer = lua_tointegerx(L, -1, &is_integer);
    if (is_integer)
        return pr_hash_mix((uint64_t)integer);
    lua_Number number = lua_tonumber(L, -1);
    uint64_t bits = 0;
    memcpy(&bits, &number, sizeof number < sizeof bits ? sizeof number : sizeof bits);
    return ~pr_hash_mix(bits);
}

static uint64_t digest_string(lua_State *L)
{
    size_t len;
    const char *bytes = lua_tolstring(L, -1, &len);
    return pr_hash_bytes(bytes, len < BYTES_MAX ? len : BYTES_MAX, len);
}

/* Of the value on top. Tables all have the same. */
static uint64_t digest_value(lua_State *L, enum place place)
{
    uint64_t value = 0;
    int type = lua_type(L, -1);
    if (type == LUA_TNUMBER)
        value = digest_number(L);
    else if (type == LUA_TSTRING)
        value = digest_string(L);
    else if (type == LUA_TBOOLEAN)
        value = (uint64_t)lua_toboolean(L, -1);
    else if (type == LUA_TLIGHTUSERDATA)
        value = (uint64_t)(uintptr_t)lua_touserdata(L, -1);
    uint64_t digest = pr_hash_mix(value + ((uint64_t)type << 1 | place));
    return digest ? digest : 1;
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

uint64_t pr_digest_message(lua_State *L, int index)
{
    enum place place = push_told(L, index);
    uint64_t digest = digest_value(L, place);
    lua_pop(L, 1);
    return digest;
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
    uint64_t digest = is_plain(L) ? digest_value(L, place) : 0;
    lua_pop(L, 1);
    return digest;
}
