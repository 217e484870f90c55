/* SPDX-License-Identifier: MIT */
#include "lua/callers.h"

#include "lua/state.h"

/* (dictionary): its field "$callers", or nil. */
static int push_field(lua_State *L)
{
    lua_pushliteral(L, "$callers");
    lua_rawget(L, 1);
    return 1;
}

int pr_lua_push_callers(struct pr_lua *lua, struct pr_lua_process *process)
{
    lua_State *L = lua->scratch;
    if (!process->dictionary_place || !lua_checkstack(L, 6))
        return 0;
    lua_pushcfunction(L, push_field);
    pr_store_push(lua, L, process->dictionary_place);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK && lua_type(L, -1) == LUA_TTABLE)
        return 1;
    lua_pop(L, 1);
    return 0;
}
