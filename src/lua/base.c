/* SPDX-License-Identifier: MIT
 *
 * What differs in Lua's own library: how pids and refs print; and in the program, print in one
 * piece and os.exit from any thread. */
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

#include "lua/binding.h"
#include "lua/ident.h"

static int id_tostring(lua_State *L)
{
    uint64_t id = pr_to_id(L, 1);
    char text[PR_IDENT_SIZE];
    if (!id) {
        lua_pushfstring(L, "userdata: %p", lua_touserdata(L, 1));
        return 1;
    }
    lua_pushlstring(L, text, (size_t)pr_ident_print(id, text, sizeof text));
    return 1;
}

/* The metatable of all light userdata. */
static void open_idents(lua_State *L)
{
    lua_pushlightuserdata(L, NULL);
    if (!lua_getmetatable(L, -1))
        lua_newtable(L);
    lua_pushcfunction(L, id_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

static int l_print(lua_State *L)
{
    luaL_Buffer line;
    int n = lua_gettop(L);
    luaL_buffinit(L, &line);
    for (int i = 1; i <= n; i++) {
        if (i > 1)
            luaL_addchar(&line, '\t');
        luaL_tolstring(L, i, NULL);
        luaL_addvalue(&line);
    }
    luaL_addchar(&line, '\n');
    luaL_pushresult(&line);
    size_t len;
    const char *text = lua_tolstring(L, -1, &len);
    fwrite(text, 1, len, stdout);
    fflush(stdout);
    return 0;
}

/* Other threads run: nothing of the program's may be taken down around them. The program itself may
 * leave its terminal in order by at_quick_exit. */
static int l_exit(lua_State *L)
{
    int status = lua_isboolean(L, 1) ? (lua_toboolean(L, 1) ? EXIT_SUCCESS : EXIT_FAILURE)
                                     : (int)luaL_optinteger(L, 1, EXIT_SUCCESS);
    fflush(NULL);
    quick_exit(status);
}

void pr_open_base(struct pr_lua *lua, lua_State *L)
{
    open_idents(L);
    if (!lua->scheduler->runtime->options.program)
        return;
    lua_pushcfunction(L, l_print);
    lua_setglobal(L, "print");
    lua_getglobal(L, LUA_OSLIBNAME);
    lua_pushcfunction(L, l_exit);
    lua_setfield(L, -2, "exit");
    lua_pop(L, 1);
}
