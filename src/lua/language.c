/* SPDX-License-Identifier: MIT
 *
 * Opening and closing the Lua state of a scheduler. */
#include "lua/language.h"

#include <lualib.h>
#include <string.h>

#include "lua/binding.h"
#include "lua/client.h"
#include "lua/collector.h"
#include "lua/embedded.h"
#include "lua/failure.h"
#include "lua/heap.h"
#include "lua/hook.h"
#include "lua/host.h"
#include "lua/kind.h"
#include "lua/logging.h"
#include "lua/luv.h"
#include "lua/pattern.h"
#include "lua/receive.h"
#include "lua/running.h"
#include "lua/server.h"
#include "lua/remote.h"
#include "lua/spawn.h"
#include "lua/system.h"

/* -------------------------------------------------------------- embedded modules */

static const struct pr_embedded *find_embedded(const char *name)
{
    for (size_t i = 0; i < pr_n_embedded; i++)
        if (strcmp(pr_embedded[i].name, name) == 0)
            return &pr_embedded[i];
    return NULL;
}

/* Copies those of the globals that are Lua's: functions, the libraries, _VERSION. */
static void copy_globals(lua_State *L, int to)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushglobaltable(L);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        int is_own = lua_type(L, -2) == LUA_TSTRING && !lua_isuserdata(L, -1);
        if (is_own && lua_istable(L, -1)) {
            lua_pushvalue(L, -2);
            lua_rawget(L, -5);
            is_own = lua_rawequal(L, -1, -2);
            lua_pop(L, 1);
        }
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        if (is_own)
            lua_rawset(L, to);
        else
            lua_pop(L, 2);
    }
    lua_pop(L, 2);
}

/* The globals of pierrot's own modules: as they were when the first of them was loaded. A script, or
 * somebody at the prompt, that makes a global called `table` or `type` breaks nothing here. */
static void push_environment(lua_State *L)
{
    static const char key;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &key) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_createtable(L, 0, 48);
    copy_globals(L, lua_gettop(L));
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
}

/* A package searcher: modules of pierrot's own come from the library. */
static int search_embedded(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const struct pr_embedded *found = find_embedded(name);
    if (!found) {
        lua_pushfstring(L, "no module '%s' in pierrot", name);
        return 1;
    }
    if (luaL_loadbufferx(L, (const char *)found->bytes, found->len, found->chunkname, "t"))
        return lua_error(L);
    push_environment(L);
    lua_setupvalue(L, -2, 1);
    lua_pushstring(L, found->chunkname);
    return 2;
}

int pr_lua_load_embedded(lua_State *L, const char *name)
{
    lua_pushcfunction(L, search_embedded);
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
    if (!lua_isfunction(L, -1))
        return luaL_error(L, "no module '%s' in pierrot", name);
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
    return 1;
}

/* embedded(name): the source of a module of pierrot's own, or nil; without one the list of names. */
static int l_embedded(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) {
        lua_createtable(L, (int)pr_n_embedded, 0);
        for (size_t i = 0; i < pr_n_embedded; i++) {
            lua_pushstring(L, pr_embedded[i].name);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        return 1;
    }
    const struct pr_embedded *found = find_embedded(luaL_checkstring(L, 1));
    if (found)
        lua_pushlstring(L, (const char *)found->bytes, found->len);
    else
        lua_pushnil(L);
    return 1;
}

/* Before the searchers for files, so that a script called pierrot.lua does not hide the module. */
static void add_searcher(lua_State *L)
{
    lua_getglobal(L, LUA_LOADLIBNAME);
    lua_getfield(L, -1, "searchers");
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    for (lua_Integer i = n; i >= 2; i--) {
        lua_rawgeti(L, -1, i);
        lua_rawseti(L, -2, i + 1);
    }
    lua_pushcfunction(L, search_embedded);
    lua_rawseti(L, -2, 2);
    lua_pop(L, 2);
}

static void set_path(lua_State *L, const char *field, const char *path)
{
    if (!path)
        return;
    lua_getglobal(L, LUA_LOADLIBNAME);
    lua_pushstring(L, path);
    lua_setfield(L, -2, field);
    lua_pop(L, 1);
}

/* ------------------------------------------------------- functions written in Lua */

/* Text for an exit object that nobody caught. */
static int exit_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "pierrot.inspect");
    lua_call(L, 1, 1);
    lua_getfield(L, 1, "reason");
    lua_call(L, 1, 1);
    lua_pushliteral(L, "exit: ");
    lua_insert(L, -2);
    lua_concat(L, 2);
    return 1;
}

static const char explain_code[] = "return require('pierrot.unsendable')(...)";
static const char boot_code[] = "return require('pierrot.carry').boot(...)";

static uint32_t keep_code(struct pr_lua *lua, lua_State *L, const char *code, const char *name)
{
    if (luaL_loadbufferx(L, code, strlen(code), name, "t") != LUA_OK)
        lua_error(L);
    return pr_store_put(lua, L);
}

static void keep_functions(struct pr_lua *lua, lua_State *L)
{
    lua->find_unsendable_place = keep_code(lua, L, explain_code, "=pierrot");
    lua->boot_place = keep_code(lua, L, boot_code, "=pierrot");
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, exit_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "exit");
    lua_setfield(L, -2, "__name");
    lua->exit_meta_place = pr_store_put(lua, L);
    pr_server_open(lua, L);
}

/* ------------------------------------------------------------------------- open */

static void open_core(struct pr_lua *lua, lua_State *L)
{
    lua_newtable(L);
    pr_open_receive(lua, L);
    pr_open_sleep(lua, L);
    pr_open_pattern(lua, L);
    pr_open_client(lua, L);
    pr_open_calls(lua, L);
    pr_open_reads(lua, L);
    pr_open_spawn(lua, L);
    pr_open_remote(lua, L);
    pr_open_binding(lua, L);
    pr_open_logging(lua, L);
    pr_open_failure(lua, L);
    pr_open_system(lua, L);
    pr_open_timers(lua, L);
    pr_open_standing(lua, L);
    pr_open_info(lua, L);
    pr_open_script(lua, L);
    lua_pushboolean(L, lua->is_module);
    lua_setfield(L, -2, "is_module");
    lua_pushcfunction(L, l_embedded);
    lua_setfield(L, -2, "embedded");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &pr_core_key);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "pierrot.core");
    lua_pop(L, 2);
}

static int open_protected(lua_State *L)
{
    struct pr_lua *lua = lua_touserdata(L, 1);
    const pierrot_options *options = &lua->scheduler->runtime->options;
    pr_store_open(lua, L);
    lua->scratch = lua_newthread(L);
    lua_sethook(lua->scratch, NULL, 0, 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &lua->scratch);
    if (!lua->is_module) {
        luaL_openlibs(L);
        set_path(L, "path", options->path);
        set_path(L, "cpath", options->cpath);
        pr_collector_open(lua, L);
    }
    add_searcher(L);
    pr_luv_offer(lua, L);
    open_core(lua, L);
    pr_open_coroutine(lua, L);
    pr_open_hook(lua, L);
    pr_open_base(lua, L);
    keep_functions(lua, L);
    if (lua->is_module)
        return 0;
    pr_open_host(lua, L);
    lua_pushinteger(L, pr_host_prepare(lua, L));
    return 1;
}

static int make_side(lua_State *L)
{
    static const char key;
    struct pr_lua **side = lua_touserdata(L, 1);
    struct pr_lua *lua = lua_newuserdatauv(L, sizeof *lua, 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
    *side = memset(lua, 0, sizeof *lua);
    return 0;
}

/* What our functions have as upvalue. A host's state has them for longer than it has a runtime, and its
 * last finalizers may call them: there it is part of the state. NULL: out of memory. */
static struct pr_lua *new_side(struct pr_scheduler *scheduler, lua_State *host_state)
{
    struct pr_lua *side = NULL;
    if (!host_state)
        return pr_zalloc(&scheduler->owner.heap, sizeof *side);
    lua_pushcfunction(host_state, make_side);
    lua_pushlightuserdata(host_state, &side);
    if (lua_pcall(host_state, 1, 0, 0) != LUA_OK)
        lua_pop(host_state, 1);
    return side;
}

static void free_side(struct pr_lua *lua)
{
    static struct pr_owner nobody;
    if (lua->is_module)
        *lua = (struct pr_lua){.is_module = 1, .owner = &nobody};
    else
        pr_free(&lua->owner->heap, lua, sizeof *lua);
}

static void close_state(struct pr_scheduler *scheduler)
{
    struct pr_lua *lua = scheduler->language_state;
    struct pr_heap *heap = &scheduler->owner.heap;
    if (!lua)
        return;
    pr_luv_close(lua);
    if (lua->is_module) {
        pr_heap_leave_host(lua);
        pr_hook_leave(lua);
        lua_pushnil(lua->main);
        lua_rawsetp(lua->main, LUA_REGISTRYINDEX, &lua->chunks);
        lua_pushnil(lua->main);
        lua_rawsetp(lua->main, LUA_REGISTRYINDEX, &lua->slots);
        lua_pushnil(lua->main);
        lua_rawsetp(lua->main, LUA_REGISTRYINDEX, &lua->scratch);
    } else if (lua->main) {
        lua_close(lua->main);
    }
    pr_server_close(lua);
    pr_term_drop(lua->timer_word, heap);
    pr_free(heap, lua->store.next_free, lua->store.n_places * sizeof *lua->store.next_free);
    free_side(lua);
    scheduler->language_state = NULL;
}

static int open_state(struct pr_scheduler *scheduler, void *host_state)
{
    struct pr_lua *lua = new_side(scheduler, host_state);
    if (!lua)
        return PIERROT_ENOMEM;
    scheduler->language_state = lua;
    lua->scheduler = scheduler;
    lua->owner = &scheduler->owner;
    lua->is_module = host_state != NULL;
    lua->collector.due_at = UINT64_MAX;
    pr_map_init(&lua->classes);
    pr_running.counts = scheduler->runtime->options.preempt == PIERROT_PREEMPT_COUNT;
    lua->main = host_state ? host_state : pr_heap_new_state(lua);
    if (!lua->main)
        return PIERROT_ENOMEM;
    if (host_state)
        pr_heap_enter_host(lua);
    lua_State *L = lua->main;
    lua_pushcfunction(L, open_protected);
    lua_pushlightuserdata(L, lua);
    int status = lua_pcall(L, 1, 1, 0);
    int error = status == LUA_OK ? (int)lua_tointeger(L, -1) : 0;
    lua_pop(L, 1);
    if (status != LUA_OK)
        return status == LUA_ERRMEM ? PIERROT_ENOMEM : PIERROT_ELUA;
    if (error)
        return error;
    return lua->is_module ? pr_lua_host_new(lua) : 0;
}

static void drop_local(struct pr_owner *owner, int64_t place)
{
    pr_store_drop(pr_lua_of(owner), (uint32_t)place);
}

static pierrot_term *local_to_term(struct pr_owner *owner, int64_t place)
{
    return pr_store_to_term(pr_lua_of(owner), (uint32_t)place);
}

const struct pr_language pr_lua_language = {
    .open = open_state,
    .close = close_state,
    .collect = pr_collector_turn,
    .drop_local = drop_local,
    .local_to_term = local_to_term,
    .interrupt = pr_interrupt,
};
