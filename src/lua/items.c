/* SPDX-License-Identifier: MIT
 *
 * What info tells of a process in Lua beyond what it tells of any: its dictionary, where it is in
 * its code. Nothing here raises: code of Lua's runs protected, on a state of its own. */
#include "lua/items.h"

#include <string.h>

#include "lua/callers.h"
#include "lua/copy.h"
#include "lua/server.h"

static int push_where(lua_State *L)
{
    lua_State *co = lua_touserdata(L, 1);
    lua_Debug ar;
    if (lua_toboolean(L, 2)) {
        luaL_traceback(L, co, NULL, 0);
        return 1;
    }
    for (int level = 0; lua_getstack(co, level, &ar); level++) {
        lua_getinfo(co, "Sln", &ar);
        if (*ar.what != 'C') {
            lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
            return 1;
        }
    }
    lua_pushliteral(L, "?");
    return 1;
}

static int where_cell(struct pr_lua *lua, lua_State *co, int is_trace, struct pr_arena *arena,
                      struct pierrot_term *cell)
{
    lua_State *L = lua->scratch;
    size_t len = 0;
    const char *text = "";
    if (!lua_checkstack(L, 6))
        return PIERROT_ENOMEM;
    lua_pushcfunction(L, push_where);
    lua_pushlightuserdata(L, co);
    lua_pushboolean(L, is_trace);
    if (lua_pcall(L, 2, 1, 0) == LUA_OK)
        text = lua_tolstring(L, -1, &len);
    int error = pr_arena_string(arena, text, len, cell);
    lua_pop(L, 1);
    return error;
}

static int dictionary_cell(struct pr_lua *lua, struct pr_lua_process *process,
                           struct pr_arena *arena, struct pierrot_term *cell)
{
    lua_State *L = lua->scratch;
    if (!process->dictionary_place || !lua_checkstack(L, 4))
        return pr_arena_table(arena, 0, 0, cell);
    pr_store_push(lua, L, process->dictionary_place);
    pierrot_term *copy = pr_copy_to_reason(lua, L, -1);
    lua_pop(L, 1);
    int error = pr_term_copy_into(arena, copy, cell);
    pr_term_drop(copy, &lua->owner->heap);
    return error;
}

static int callers_cell(struct pr_lua *lua, struct pr_lua_process *process, struct pr_arena *arena,
                        struct pierrot_term *cell)
{
    lua_State *L = lua->scratch;
    if (!pr_lua_push_callers(lua, process))
        return pr_arena_table(arena, 0, 0, cell);
    pierrot_term *copy = pr_copy_to_reason(lua, L, -1);
    lua_pop(L, 1);
    int error = pr_term_copy_into(arena, copy, cell);
    pr_term_drop(copy, &lua->owner->heap);
    return error;
}

int pr_lua_info(struct pr_lua *lua, struct pr_lua_process *process, const char *item,
                struct pr_arena *arena, struct pierrot_term *cell)
{
    lua_State *co = process->body.co;
    if (strcmp(item, "dictionary") == 0)
        return dictionary_cell(lua, process, arena, cell);
    if (strcmp(item, "callers") == 0)
        return callers_cell(lua, process, arena, cell);
    if (strcmp(item, "memory") == 0) {
        *cell = pr_cell_int((int64_t)sizeof *process + (co ? 1100 : 0) +
                            (int64_t)process->process.mailbox.n_messages * PR_PIECE_SIZE);
        return 0;
    }
    if (strcmp(item, "current_function") == 0 && co)
        return where_cell(lua, co, 0, arena, cell);
    if (strcmp(item, "current_stacktrace") == 0 && co)
        return where_cell(lua, co, 1, arena, cell);
    if (strcmp(item, "initial_call") == 0) {
        const char *name = pr_server_module_name(process);
        if (!name)
            name = process->is_server ? "gen_server" : "function";
        return pr_arena_string(arena, name, strlen(name), cell);
    }
    return PIERROT_ENOTFOUND;
}
