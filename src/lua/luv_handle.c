/* SPDX-License-Identifier: MIT */
#include "lua/luv_handle.h"

#include "lua/luv_callback.h"
#include "lua/luv_queue.h"

static uint64_t hash_of(const uv_handle_t *handle)
{
    return pr_hash_mix((uint64_t)(uintptr_t)handle);
}

struct pr_luv_handle *pr_luv_handle_find(struct pr_luv *luv, const uv_handle_t *handle)
{
    uint64_t hash = hash_of(handle);
    struct pr_map_node *node = pr_map_first(&luv->handles, hash);
    for (; node; node = node->next) {
        struct pr_luv_handle *found = PR_CONTAINER_OF(node, struct pr_luv_handle, node);
        if (found->handle == handle)
            return found;
    }
    return NULL;
}

struct pr_luv_handle *pr_luv_handle_reserve(struct pr_luv *luv, lua_State *L)
{
    pr_store_reserve(luv->lua, L);
    if (!luv->spare_handle)
        luv->spare_handle = pr_pool_alloc(&luv->lua->scheduler->pool, sizeof *luv->spare_handle);
    if (!luv->spare_handle || pr_map_reserve(&luv->handles, &luv->lua->owner->heap) != 0)
        luaL_error(L, "not enough memory");
    return luv->spare_handle;
}

void pr_luv_handle_adopt(struct pr_luv *luv, lua_State *L, struct pr_luv_owner *owner, int index)
{
    struct pr_luv_handle *handle = luv->spare_handle;
    uv_handle_t *made = *(uv_handle_t **)lua_touserdata(L, index);
    luv->spare_handle = NULL;
    lua_pushvalue(L, index);
    *handle = (struct pr_luv_handle){.node.hash = hash_of(made), .owner = owner, .handle = made};
    handle->place = pr_store_put(luv->lua, L);
    pr_map_insert(&luv->handles, &handle->node);
    pr_list_append(&owner->handles, &handle->of_owner);
}

void pr_luv_handle_forget(struct pr_luv *luv, struct pr_luv_handle *handle)
{
    if (handle->owner)
        pr_list_remove(&handle->owner->handles, &handle->of_owner);
    pr_map_remove(&luv->handles, &luv->lua->owner->heap, &handle->node);
    pr_store_drop(luv->lua, handle->place);
    pr_pool_free(&luv->lua->scheduler->pool, handle, sizeof *handle);
}

/* ------------------------------------------------------------------------- closing */

/* Runs protected: luv's close(handle, callback), so that luv lets go of what it keeps. */
static int close_protected(lua_State *L)
{
    struct pr_luv *luv = lua_touserdata(L, 1);
    struct pr_luv_handle *handle = lua_touserdata(L, 2);
    struct pr_luv_callback closed = {.kind = PR_LUV_CLOSED, .what = handle};
    luaL_checkstack(L, 12, NULL);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &pr_luv_key);
    lua_pushcfunction(L, luv->close);
    pr_store_push(luv->lua, L, handle->place);
    pr_luv_callback_push(L, 3, &closed, 0, 0);
    lua_call(L, 2, 0);
    return 0;
}

void pr_luv_handle_close(struct pr_luv *luv, struct pr_luv_handle *handle)
{
    lua_State *L = luv->lua->scratch;
    if (uv_is_closing(handle->handle))
        return;
    pr_luv_call_drop_events(luv, handle);
    if (handle->handle->type == UV_TTY)
        (void)uv_tty_set_mode((uv_tty_t *)handle->handle, UV_TTY_MODE_NORMAL);
    if (lua_checkstack(L, 4)) {
        lua_pushcfunction(L, close_protected);
        lua_pushlightuserdata(L, luv);
        lua_pushlightuserdata(L, handle);
        if (lua_pcall(L, 2, 0, 0) == LUA_OK)
            return;
        lua_pop(L, 1);
    }
    /* Without memory luv does not hear of it, and keeps its own until the state is closed. */
    if (!uv_is_closing(handle->handle)) {
        uv_close(handle->handle, NULL);
        pr_luv_handle_forget(luv, handle);
    }
}

void pr_luv_handle_close_all(struct pr_luv *luv, struct pr_luv_owner *owner)
{
    while (!pr_list_is_empty(&owner->handles)) {
        struct pr_luv_handle *handle =
            PR_CONTAINER_OF(owner->handles.head, struct pr_luv_handle, of_owner);
        pr_list_remove(&owner->handles, &handle->of_owner);
        handle->owner = NULL;
        if (handle->handle->type != UV_PROCESS || !uv_is_active(handle->handle))
            pr_luv_handle_close(luv, handle);
    }
}

/* ------------------------------------------------------------------------- reading */

static int is_stream(const uv_handle_t *handle)
{
    return handle->type == UV_TCP || handle->type == UV_NAMED_PIPE || handle->type == UV_TTY;
}

void pr_luv_handle_pause(struct pr_luv_handle *handle)
{
    if (is_stream(handle->handle)) {
        uv_stream_t *stream = (uv_stream_t *)handle->handle;
        handle->alloc_cb = stream->alloc_cb;
        handle->read_cb = stream->read_cb;
        handle->is_paused = stream->read_cb && uv_read_stop(stream) == 0;
    } else if (handle->handle->type == UV_UDP) {
        uv_udp_t *udp = (uv_udp_t *)handle->handle;
        handle->alloc_cb = udp->alloc_cb;
        handle->recv_cb = udp->recv_cb;
        handle->is_paused = udp->recv_cb && uv_udp_recv_stop(udp) == 0;
    }
}

void pr_luv_handle_go_on(struct pr_luv_handle *handle)
{
    if (!handle->is_paused)
        return;
    handle->is_paused = 0;
    if (uv_is_closing(handle->handle))
        return;
    if (is_stream(handle->handle))
        (void)uv_read_start((uv_stream_t *)handle->handle, handle->alloc_cb, handle->read_cb);
    else
        (void)uv_udp_recv_start((uv_udp_t *)handle->handle, handle->alloc_cb, handle->recv_cb);
}
