/* SPDX-License-Identifier: MIT
 *
 * luv is not linked to: require finds its file on package.cpath as ever, and a searcher of ours, which
 * comes before the one for C modules, gives luv the scheduler's loop and a way in for callbacks before
 * it is opened. Then each function and method is replaced by one of ours (luv_call.c), and what would
 * take the loop out of the scheduler's hands by one that refuses.
 *
 * The hard part is the end. A state that closes with a handle of luv's still in the loop, or a request
 * under way, leaves libuv with freed memory. So luv is closed first: when the scheduler ends, or, in
 * the state of a host program, where finalizers run in any order, before the first finalizer of luv's
 * that would free what is in use. */
#include "lua/luv.h"

#include <lualib.h>
#include <string.h>

#include "lua/luv_call.h"
#include "lua/luv_event.h"
#include "lua/luv_file.h"
#include "lua/luv_handle.h"
#include "lua/luv_names.h"
#include "lua/luv_owner.h"
#include "lua/luv_queue.h"

/* ------------------------------------------------------------------------- the end */

/* Nobody waits for these any more; a lookup of a name may take long. */
static void forget_requests(struct pr_luv_owner *owner)
{
    while (!pr_list_is_empty(&owner->requests)) {
        struct pr_luv_request *request =
            PR_CONTAINER_OF(owner->requests.head, struct pr_luv_request, of_owner);
        pr_list_remove(&owner->requests, &request->of_owner);
        request->owner = NULL;
        if (request->request && request->request->type != UV_FS)
            (void)uv_cancel(request->request);
    }
}

static void release(struct pr_luv *luv, struct pr_luv_owner *owner)
{
    pr_luv_call_drop_all(luv, owner);
    pr_luv_handle_close_all(luv, owner);
    pr_luv_file_close_all(luv, owner);
    forget_requests(owner);
    pr_luv_owner_remove(luv, owner);
}

void pr_luv_leave(struct pr_lua *lua, struct pr_lua_process *process)
{
    struct pr_luv_owner *owner = pr_luv_owner_find(lua->luv, process->process.pid);
    if (owner)
        release(lua->luv, owner);
}

static struct pr_map_node *any_of(const struct pr_map *map)
{
    for (uint32_t i = 0; i < map->n_buckets; i++) {
        if (map->buckets[i])
            return map->buckets[i];
    }
    return NULL;
}

/* The first that is not closing. */
static struct pr_luv_handle *any_open(struct pr_luv *luv)
{
    for (uint32_t i = 0; i < luv->handles.n_buckets; i++) {
        for (struct pr_map_node *node = luv->handles.buckets[i]; node; node = node->next) {
            struct pr_luv_handle *handle = PR_CONTAINER_OF(node, struct pr_luv_handle, node);
            if (!uv_is_closing(handle->handle))
                return handle;
        }
    }
    return NULL;
}

/* What luv itself had closing is gone after one turn; what is known here when it has reported. */
static void empty_loop(struct pr_luv *luv)
{
    uv_loop_t *loop = luv->lua->scheduler->loop;
    uv_run(loop, UV_RUN_NOWAIT);
    while (luv->handles.n_nodes > 0 || !pr_list_is_empty(&luv->requests))
        uv_run(loop, UV_RUN_ONCE);
}

void pr_luv_close(struct pr_lua *lua)
{
    struct pr_luv *luv = lua->luv;
    struct pr_luv_handle *handle;
    struct pr_map_node *node;
    if (!luv)
        return;
    luv->is_closing = 1;
    while ((node = any_of(&luv->owners)) != NULL)
        release(luv, PR_CONTAINER_OF(node, struct pr_luv_owner, node));
    while ((handle = any_open(luv)) != NULL) /* children of the system's that still run */
        pr_luv_handle_close(luv, handle);
    empty_loop(luv);
    struct pr_heap *heap = &lua->owner->heap;
    pr_pool_free(&lua->scheduler->pool, luv->spare_handle, sizeof *luv->spare_handle);
    pr_pool_free(&lua->scheduler->pool, luv->spare_request, sizeof *luv->spare_request);
    pr_map_fini(&luv->owners, heap);
    pr_map_fini(&luv->handles, heap);
    pr_map_fini(&luv->files, heap);
    luv->lua = NULL;
    lua->luv = NULL;
}

static int is_in_use(const struct pr_luv *luv, const void *userdata)
{
    for (const struct pr_node *node = luv->requests.head; node; node = node->next) {
        const struct pr_luv_request *request =
            PR_CONTAINER_OF(node, const struct pr_luv_request, node);
        if (request->object == userdata || request->request == userdata)
            return 1;
    }
    return 0;
}

/* luv keeps what is in use, so that a finalizer of it runs only when the state closes. Upvalues: the
 * box, luv's finalizer, whether it is one of handles. */
static int collect(lua_State *L)
{
    struct pr_luv *luv = lua_touserdata(L, lua_upvalueindex(1));
    lua_CFunction raw = lua_tocfunction(L, lua_upvalueindex(2));
    void *userdata = lua_touserdata(L, 1);
    int is_handle = lua_toboolean(L, lua_upvalueindex(3));
    if (luv->lua && !luv->is_closing &&
        (is_in_use(luv, userdata) ||
         (is_handle && pr_luv_handle_find(luv, *(uv_handle_t **)userdata)))) {
        struct pr_owner *outer = pr_owner_here();
        pr_owner_set_here(luv->lua->owner);
        pr_luv_close(luv->lua);
        pr_owner_set_here(outer);
    }
    return raw(L);
}

/* ------------------------------------------------------------------------- opening */

/* Stack: box, table of functions. */
static void replace_functions(lua_State *L, int table, int is_module)
{
    lua_pushnil(L);
    while (lua_next(L, table)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
        const char *why = name && is_module ? pr_luv_refusal(name) : NULL;
        if (!name || !lua_iscfunction(L, -1)) {
            lua_pop(L, 1);
            continue;
        }
        if (why) {
            lua_pop(L, 1);
            pr_luv_call_push_refusal(L, name, why);
        } else {
            pr_luv_call_push(L, 1, name);
        }
        lua_setfield(L, table, name);
    }
}

static void replace_finalizer(lua_State *L, int metatable, int is_handle)
{
    lua_pushvalue(L, 1);
    if (lua_getfield(L, metatable, "__gc") == LUA_TNIL) {
        lua_pop(L, 2);
        return;
    }
    lua_pushboolean(L, is_handle);
    lua_pushcclosure(L, collect, 3);
    lua_setfield(L, metatable, "__gc");
}

/* The metatable on top is luv's. */
static void replace_methods(lua_State *L)
{
    int metatable = lua_gettop(L);
    luaL_checkstack(L, 12, NULL);
    lua_getfield(L, LUA_REGISTRYINDEX, "uv_handle");
    lua_pushvalue(L, metatable);
    lua_rawget(L, -2);
    int is_handle = lua_toboolean(L, -1);
    lua_settop(L, metatable);
    lua_getiuservalue(L, 1, PR_LUV_METATABLES);
    lua_pushvalue(L, metatable);
    lua_pushboolean(L, is_handle);
    lua_rawset(L, -3);
    if (lua_getfield(L, metatable, "__index") == LUA_TTABLE)
        replace_functions(L, lua_gettop(L), 0);
    replace_finalizer(L, metatable, is_handle);
    lua_settop(L, metatable);
}

static int is_luvs_name(const char *name)
{
    return strncmp(name, "uv_", 3) == 0 || strncmp(name, "luv_", 4) == 0;
}

/* Metatables lie in the registry by their names, which they also hold. */
static void replace_all_methods(lua_State *L)
{
    lua_pushnil(L);
    while (lua_next(L, LUA_REGISTRYINDEX)) {
        int top = lua_gettop(L);
        if (lua_type(L, -2) == LUA_TSTRING && is_luvs_name(lua_tostring(L, -2)) &&
            lua_istable(L, -1) && lua_getfield(L, -1, "__name") == LUA_TSTRING &&
            lua_rawequal(L, -1, -3)) {
            lua_settop(L, top);
            replace_methods(L);
        }
        lua_settop(L, top - 1);
    }
}

typedef void (*plain_fn)(void);
typedef int (*callback_fn)(lua_State *L, int n_args, int n_results, int flags);

/* Pushes a function of the library, as package.loadlib (upvalue 2 of the searcher and its loader) has
 * it; NULL: the library has none. */
static lua_CFunction load(lua_State *L, const char *path, const char *name)
{
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_pushstring(L, path);
    lua_pushstring(L, name);
    lua_call(L, 2, 1);
    return lua_tocfunction(L, -1);
}

/* Pushes the box, which is not in use yet. */
static struct pr_luv *make_box(lua_State *L)
{
    struct pr_luv *luv = lua_newuserdatauv(L, sizeof *luv, PR_LUV_N_VALUES);
    memset(luv, 0, sizeof *luv);
    lua_newtable(L);
    lua_setiuservalue(L, -2, PR_LUV_METATABLES);
    luv->L = lua_newthread(L);
    lua_sethook(luv->L, NULL, 0, 0);
    lua_setiuservalue(L, -2, PR_LUV_THREAD);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &pr_luv_key);
    return luv;
}

/* Gives luv the loop, and opens it: pushes its table. */
static void bind_luv(lua_State *L, struct pr_lua *lua, struct pr_luv *luv, const char *path)
{
    plain_fn set_loop = (plain_fn)load(L, path, "luv_set_loop");
    plain_fn set_callback = (plain_fn)load(L, path, "luv_set_callback");
    if (!set_loop || !set_callback)
        luaL_error(L, "luv in '%s' cannot be given a loop", path);
    ((void (*)(lua_State *, uv_loop_t *))set_loop)(luv->L, lua->scheduler->loop);
    ((void (*)(lua_State *, callback_fn))set_callback)(luv->L, pr_luv_deliver);
    lua_pop(L, 2);
    load(L, path, "luaopen_luv");
    lua_call(L, 0, 1);
}

/* Two libuvs of different versions may not even agree on what a loop is. */
static void check_version(lua_State *L, const char *path)
{
    lua_getfield(L, -1, "version");
    lua_call(L, 0, 1);
    if (lua_tointeger(L, -1) != (lua_Integer)uv_version())
        luaL_error(L, "luv in '%s' uses another libuv (%d) than pierrot (%d)", path,
                   (int)lua_tointeger(L, -1), (int)uv_version());
    lua_pop(L, 1);
}

/* The loader: name, path. Upvalues: the Lua side, package.loadlib. */
static int open_luv(lua_State *L)
{
    struct pr_lua *lua = PR_LUA(L);
    if (!lua->scheduler)
        return luaL_error(L, "pierrot has ended");
    if (lua->luv) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &pr_luv_key);
        lua_getiuservalue(L, -1, PR_LUV_MODULE);
        return 1;
    }
    const char *path = luaL_checkstring(L, 2);
    struct pr_luv *luv = make_box(L);
    lua_insert(L, 1);
    bind_luv(L, lua, luv, path);
    check_version(L, path);
    int module = lua_gettop(L);
    lua_getfield(L, module, "close");
    luv->close = lua_tocfunction(L, -1);
    lua_pop(L, 1);
    replace_functions(L, module, 1);
    lua_pushvalue(L, 1);
    lua_pushcclosure(L, pr_luv_walk, 1);
    lua_setfield(L, module, "walk");
    replace_all_methods(L);
    lua_pushvalue(L, module);
    lua_setiuservalue(L, 1, PR_LUV_MODULE);
    luv->lua = lua;
    lua->luv = luv;
    pr_pipe_signal_guard(lua->scheduler);
    return 1;
}

/* --------------------------------------------------------------------- being found */

/* Whether the state has a luv that we did not open: it keeps that. */
static int has_its_own(lua_State *L)
{
    int is_open = lua_getfield(L, LUA_REGISTRYINDEX, "luv_context") != LUA_TNIL;
    int is_ours = lua_rawgetp(L, LUA_REGISTRYINDEX, &pr_luv_key) != LUA_TNIL;
    lua_pop(L, 2);
    return is_open && !is_ours;
}

/* A package searcher. Upvalues: the Lua side, package.loadlib, package.searchpath. */
static int search(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    if (strcmp(name, "luv") != 0 || has_its_own(L))
        return 0;
    lua_pushvalue(L, lua_upvalueindex(3));
    lua_pushvalue(L, 1);
    lua_getglobal(L, LUA_LOADLIBNAME);
    lua_getfield(L, -1, "cpath");
    lua_remove(L, -2);
    lua_call(L, 2, 1);
    if (!lua_isstring(L, -1) || !load(L, lua_tostring(L, -1), "luaopen_luv"))
        return 0;
    lua_pop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_pushcclosure(L, open_luv, 2);
    lua_insert(L, -2);
    return 2;
}

/* Before the last two searchers, those for C modules. */
void pr_luv_offer(struct pr_lua *lua, lua_State *L)
{
    lua_getglobal(L, LUA_LOADLIBNAME);
    int package = lua_gettop(L);
    lua_getfield(L, package, "searchers");
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1), at = n > 1 ? n - 1 : n + 1;
    for (lua_Integer i = n; i >= at; i--) {
        lua_rawgeti(L, -1, i);
        lua_rawseti(L, -2, i + 1);
    }
    lua_pushlightuserdata(L, lua);
    lua_getfield(L, package, "loadlib");
    lua_getfield(L, package, "searchpath");
    lua_pushcclosure(L, search, 3);
    lua_rawseti(L, -2, at);
    lua_settop(L, package - 1);
}
