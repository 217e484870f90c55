/* SPDX-License-Identifier: MIT
 *
 * Lua does not say how large an object is, so sizes are those that its objects have in Lua 5.4, near
 * enough. What belongs to all is left out: the globals, and the modules that are loaded. */
#include "lua/heap.h"

/* Bytes of objects of Lua's, without what they contain. */
enum {
    STRING_BYTES = 25,
    TABLE_BYTES = 56,
    ITEM_BYTES = 16,
    PAIR_BYTES = 40,
    FUNCTION_BYTES = 40,
    UPVALUE_BYTES = 48,
    USERDATA_BYTES = 40,
    THREAD_BYTES = 1000
};

/* On the stack of L: a table whose keys were met, and the list of those that are to be looked into. */
struct measure {
    struct pr_lua *lua;
    struct pr_lua_process *process;
    lua_State *L;
    int seen, list;
    lua_Integer n_listed;
    uint64_t bytes, limit;
};

/* The value on top, popped, is met: the first time it is listed. */
static void meet(struct measure *m)
{
    lua_State *L = m->L;
    int type = lua_type(L, -1);
    if (type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER ||
        type == LUA_TLIGHTUSERDATA) {
        lua_pop(L, 1);
        return;
    }
    lua_pushvalue(L, -1);
    int is_known = lua_rawget(L, m->seen) != LUA_TNIL;
    lua_pop(L, 1);
    if (is_known) {
        lua_pop(L, 1);
        return;
    }
    lua_pushvalue(L, -1);
    lua_pushboolean(L, 1);
    lua_rawset(L, m->seen);
    lua_rawseti(L, m->list, ++m->n_listed);
}

static void look_into_table(struct measure *m)
{
    lua_State *L = m->L;
    uint64_t n_items = lua_rawlen(L, -1), n = 0;
    int table = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, table)) {
        n++;
        meet(m);
        lua_pushvalue(L, -1);
        meet(m);
    }
    m->bytes += TABLE_BYTES + ITEM_BYTES * n_items + PAIR_BYTES * (n > n_items ? n - n_items : 0);
}

static void look_into_function(struct measure *m)
{
    m->bytes += FUNCTION_BYTES;
    for (int i = 1; lua_getupvalue(m->L, -1, i); i++) {
        m->bytes += UPVALUE_BYTES;
        meet(m);
    }
}

/* The value that was pushed on another thread of the state. */
static void meet_from(struct measure *m, lua_State *co)
{
    lua_xmove(co, m->L, 1);
    meet(m);
}

static void look_into_frame(struct measure *m, lua_State *co, lua_Debug *ar)
{
    if (lua_getinfo(co, "f", ar))
        meet_from(m, co);
    for (int step = 1; step >= -1; step -= 2) /* locals and temporaries, then what is in ... */
        for (int i = step; lua_getlocal(co, ar, i); i += step)
            meet_from(m, co);
}

static void look_into_thread(struct measure *m, lua_State *co)
{
    lua_Debug ar;
    if (co == m->L || co == m->lua->main || !lua_checkstack(co, 2))
        return;
    m->bytes += THREAD_BYTES;
    for (int level = 0; lua_getstack(co, level, &ar); level++)
        look_into_frame(m, co, &ar);
    for (int i = lua_gettop(co); i > 0; i--) { /* one that was not begun has its arguments here */
        lua_pushvalue(co, i);
        meet_from(m, co);
    }
}

/* The value on top, popped. */
static void look_into(struct measure *m)
{
    lua_State *L = m->L;
    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
        m->bytes += STRING_BYTES + lua_rawlen(L, -1);
        break;
    case LUA_TTABLE:
        look_into_table(m);
        break;
    case LUA_TFUNCTION:
        if (!lua_iscfunction(L, -1))
            look_into_function(m);
        break;
    case LUA_TUSERDATA:
        m->bytes += USERDATA_BYTES + lua_rawlen(L, -1);
        break;
    case LUA_TTHREAD:
        look_into_thread(m, lua_tothread(L, -1));
        break;
    default:
        break;
    }
    lua_pop(L, 1);
}

/* What belongs to all counts as met, and is not looked into. */
static void leave_out_shared(struct measure *m)
{
    lua_State *L = m->L;
    lua_pushglobaltable(L);
    lua_pushboolean(L, 1);
    lua_rawset(L, m->seen);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pushboolean(L, 1);
        lua_rawset(L, m->seen); /* takes the module for a key */
        /* the name is left on top for lua_next */
    }
    lua_pop(L, 1);
}

static void meet_place(struct measure *m, uint32_t place)
{
    if (place) {
        pr_store_push(m->lua, m->L, place);
        meet(m);
    }
}

/* Runs protected. */
static int run_measure(lua_State *L)
{
    struct measure *m = lua_touserdata(L, 1);
    luaL_checkstack(L, 20, NULL);
    m->L = L;
    lua_newtable(L);
    m->seen = lua_gettop(L);
    lua_newtable(L);
    m->list = lua_gettop(L);
    leave_out_shared(m);
    meet_place(m, m->process->state_place);
    meet_place(m, m->process->dictionary_place);
    if (m->process->body.co) {
        lua_pushthread(m->process->body.co);
        meet_from(m, m->process->body.co);
    }
    for (lua_Integer i = 1; i <= m->n_listed && m->bytes <= m->limit; i++) {
        lua_rawgeti(L, m->list, i);
        look_into(m);
    }
    return 0;
}

uint64_t pr_heap_now(struct pr_lua *lua)
{
    return (uint64_t)lua_gc(lua->main, LUA_GCCOUNT) * 1024 +
           (uint64_t)lua_gc(lua->main, LUA_GCCOUNTB);
}

void pr_heap_check(struct pr_lua *lua, struct pr_lua_process *process, uint64_t before)
{
    struct pr_process_extra *extra = process->process.extra;
    uint64_t now = pr_heap_now(lua);
    if (now > before)
        extra->n_grown += now - before;
    if (extra->n_grown <= extra->max_heap || process->process.flags & PR_EXITING)
        return;
    struct measure measure = {.lua = lua, .process = process, .limit = extra->max_heap};
    lua_State *L = lua->scratch;
    if (!lua_checkstack(L, 4))
        return;
    lua_pushcfunction(L, run_measure);
    lua_pushlightuserdata(L, &measure);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        lua_pop(L, 1);
        return;
    }
    extra->n_grown = 0;
    if (measure.bytes > extra->max_heap)
        pr_process_exit(lua->owner, &process->process, PR_TERM(killed));
}
