/* SPDX-License-Identifier: MIT
 *
 * pierrot as a module of a stock interpreter. The runtime hangs in a value of the registry, whose
 * finalizer ends it when the state closes. */
#include <stdio.h>
#include <string.h>

#include "lua/kind.h"
#include "lua/language.h"
#include "lua/running.h"
#include "pierrot_lua.h"

static const char runtime_key = 0;

static int close_runtime(lua_State *L)
{
    pierrot **rt = lua_touserdata(L, 1);
    if (*rt) {
        struct pr_owner *owner = &(*rt)->schedulers[0]->owner;
        pr_owner_set_here(owner);
        pr_lua_host_leave(pr_lua_of(owner));
        pr_runtime_free(*rt);
        pr_owner_set_here(NULL);
    }
    *rt = NULL;
    return 0;
}

static void log_to_stderr(void *ud, pierrot_level level, const char *text, size_t len)
{
    (void)ud;
    (void)level;
    fwrite(text, 1, len, stderr);
    if (len == 0 || text[len - 1] != '\n')
        fputc('\n', stderr);
}

static void open_runtime(lua_State *L)
{
    pierrot_options options;
    pierrot_options_init(&options);
    options.log = log_to_stderr;
    pierrot **rt = lua_newuserdatauv(L, sizeof *rt, 0);
    *rt = NULL;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, close_runtime);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    lua_State *main = lua_tothread(L, -1);
    lua_pop(L, 1);
    int error = pr_runtime_new(&options, &pr_lua_language, main, rt);
    if (error)
        luaL_error(L, "cannot start pierrot: %s", pierrot_strerror(error));
    lua_rawsetp(L, LUA_REGISTRYINDEX, &runtime_key);
}

/* configure(schedulers, preempt): before first use. */
static int configure(lua_State *L)
{
    static const char *const names[] = {"off", "signal", "count", NULL};
    lua_rawgetp(L, LUA_REGISTRYINDEX, &runtime_key);
    pierrot **rt = lua_touserdata(L, -1);
    int schedulers = (int)luaL_checkinteger(L, 1);
    int preempt = luaL_checkoption(L, 2, NULL, names);
    int error = pr_runtime_configure(*rt, schedulers, (pierrot_preempt)preempt);
    if (error)
        return luaL_error(L, "cannot configure pierrot: %s", pierrot_strerror(error));
    pr_running.counts = preempt == PIERROT_PREEMPT_COUNT;
    return 0;
}

static int open_module(lua_State *L, const char *name)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &runtime_key);
    if (lua_isnil(L, -1)) {
        open_runtime(L);
        lua_rawgetp(L, LUA_REGISTRYINDEX, &pr_core_key);
        lua_pushcfunction(L, configure);
        lua_setfield(L, -2, "configure");
    }
    /* Someone (busted does) may have emptied package.loaded meanwhile: the functions are the same.
     */
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &pr_core_key);
    lua_setfield(L, -2, "pierrot.core");
    /* `require` is about to set package.loaded[name]; the embedded file is what it must be. */
    return pr_lua_load_embedded(L, name);
}

int luaopen_pierrot(lua_State *L)
{
    return open_module(L, "pierrot");
}

/* For those that require a part before the whole. */
#define MODULES(X)                                                                                 \
    X(gen_server)                                                                                  \
    X(bucket)                                                                                      \
    X(registry)                                                                                    \
    X(supervisor)                                                                                  \
    X(dynamic_supervisor)                                                                          \
    X(task_supervisor)                                                                             \
    X(application)                                                                                 \
    X(agent)                                                                                       \
    X(task)                                                                                        \
    X(sys)                                                                                         \
    X(logger)                                                                                      \
    X(tcp)                                                                                         \
    X(testing)

#define OPEN(name)                                                                                 \
    PIERROT_API int luaopen_pierrot_##name(lua_State *L);                                          \
    int luaopen_pierrot_##name(lua_State *L)                                                       \
    {                                                                                              \
        return open_module(L, "pierrot." #name);                                                   \
    }
MODULES(OPEN)
