/* SPDX-License-Identifier: MIT
 *
 * Lua processes started from C, by the name of a module. */
#include <string.h>

#include "lua/copy.h"
#include "lua/process.h"
#include "lua/server.h"
#include "lua/spawn.h"

struct named {
    struct pr_lua *lua;
    const char *module;
    const char *function;
    const pierrot_term *arg;
    struct pr_process *monitor;
    pierrot_pid pid;
    pierrot_ref ref;
    int error;
};

static const char call_code[] = "local module, name, arg = ...\n"
                                "return require(module)[name](arg)";

/* Runs protected. */
static int spawn_named(lua_State *L)
{
    struct named *named = lua_touserdata(L, 1);
    struct pr_spawn_options options = {.monitor = named->monitor};
    struct pr_lua_process *made;
    lua_pushstring(L, named->module);
    lua_pushstring(L, named->function);
    if (named->arg)
        pr_push_term(L, named->arg);
    else
        lua_pushnil(L);
    if (luaL_loadbufferx(L, call_code, strlen(call_code), "=pierrot", "t") != LUA_OK)
        return lua_error(L);
    named->error = pr_spawn_plain(named->lua, L, 3, &options, &made, &named->ref);
    if (!named->error)
        named->pid = made->process.pid;
    return 0;
}

int pr_spawn_named(struct pr_lua *lua, const char *module, const char *function,
                   const pierrot_term *arg, pierrot_pid *pid, pierrot_ref *ref)
{
    struct named named = {.lua = lua,
                          .module = module,
                          .function = function,
                          .arg = arg,
                          .monitor = lua->owner->current};
    lua_State *L = lua->scratch;
    if (!lua_checkstack(L, 4))
        return PIERROT_ENOMEM;
    lua_pushcfunction(L, spawn_named);
    lua_pushlightuserdata(L, &named);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        lua_pop(L, 1);
        return PIERROT_ENOMEM;
    }
    if (named.error)
        return named.error;
    *pid = named.pid;
    *ref = named.ref;
    return 0;
}

/* ------------------------------------------------------------ servers for hosts */

static const char start_code[] = "local module, arg, name, reply = ...\n"
                                 "local pid, why = require('pierrot.gen_server').start(\n"
                                 "  module, arg, { name = name })\n"
                                 "reply(pid, why)";

struct start {
    struct pr_host_visit visit;
    const char *module;
    const pierrot_term *arg;
    const pierrot_spawn_options *options;
};

static int start_there(struct pr_owner *owner, struct pr_host_visit *visit)
{
    (void)owner;
    (void)visit;
    (void)start_code;
    return PIERROT_EINVAL;
}

int pierrot_start(pierrot *rt, const char *module, pierrot_term *arg,
                  const pierrot_spawn_options *options, pierrot_pid *pid)
{
    struct start start = {
        .visit.run = start_there, .module = module, .arg = arg, .options = options};
    (void)pid;
    int error = pr_host_visit(rt, rt->system.owners[0], &start.visit);
    pierrot_term_free(arg);
    return error;
}
