/* SPDX-License-Identifier: MIT */
#include "lua/luv_queue.h"

#include "lua/closing.h"
#include "lua/running.h"

static int take_protected(lua_State *L)
{
    struct pr_lua *lua = lua_touserdata(L, 1);
    struct pr_pooled *body = lua_touserdata(L, 2);
    *body = pr_pool_take(lua, L);
    return 0;
}

/* co NULL: out of memory. */
static struct pr_pooled take_body(struct pr_lua *lua)
{
    struct pr_pooled body = {NULL, 0};
    lua_State *L = lua->scratch;
    if (lua->n_pooled > 0)
        return pr_pool_take(lua, NULL);
    if (!lua_checkstack(L, 4))
        return body;
    lua_pushcfunction(L, take_protected);
    lua_pushlightuserdata(L, lua);
    lua_pushlightuserdata(L, &body);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK)
        lua_pop(L, 1);
    return body;
}

struct pr_luv_call *pr_luv_call_new(struct pr_luv *luv, struct pr_luv_owner *owner,
                                    struct pr_luv_handle *handle, lua_State *L, int n_args)
{
    struct pr_lua *lua = luv->lua;
    struct pr_pooled body = take_body(lua);
    if (!body.co)
        return NULL;
    struct pr_luv_call *call = pr_pool_alloc(&lua->scheduler->pool, sizeof *call);
    if (!call || !lua_checkstack(body.co, n_args + 1)) {
        pr_pool_free(&lua->scheduler->pool, call, sizeof *call);
        pr_pool_give(lua, body);
        return NULL;
    }
    *call = (struct pr_luv_call){.owner = owner, .handle = handle, .body = body, .n_args = n_args};
    lua_xmove(L, body.co, n_args + 1);
    pr_list_append(&owner->calls, &call->node);
    if (handle)
        pr_list_append(&handle->events, &call->of_handle);
    return call;
}

void pr_luv_call_begin(struct pr_luv_call *call)
{
    call->has_begun = 1;
    if (call->handle)
        pr_list_remove(&call->handle->events, &call->of_handle);
    call->handle = NULL;
}

static void forget(struct pr_luv *luv, struct pr_luv_call *call)
{
    if (call->handle)
        pr_list_remove(&call->handle->events, &call->of_handle);
    pr_list_remove(&call->owner->calls, &call->node);
    pr_pool_free(&luv->lua->scheduler->pool, call, sizeof *call);
}

void pr_luv_call_end(struct pr_luv *luv, struct pr_luv_call *call)
{
    pr_pool_give(luv->lua, call->body);
    forget(luv, call);
}

void pr_luv_call_drop(struct pr_luv *luv, struct pr_luv_call *call)
{
    struct pr_pooled body = call->body;
    int has_begun = call->has_begun;
    forget(luv, call);
    if (!has_begun) {
        pr_pool_give(luv->lua, body);
        return;
    }
    pr_close_coroutine(luv->lua, body.co);
    pr_pool_drop(luv->lua, body);
}

void pr_luv_call_drop_all(struct pr_luv *luv, struct pr_luv_owner *owner)
{
    while (!pr_list_is_empty(&owner->calls))
        pr_luv_call_drop(luv, PR_CONTAINER_OF(owner->calls.head, struct pr_luv_call, node));
}

void pr_luv_call_drop_events(struct pr_luv *luv, struct pr_luv_handle *handle)
{
    while (!pr_list_is_empty(&handle->events))
        pr_luv_call_drop(luv, PR_CONTAINER_OF(handle->events.head, struct pr_luv_call, of_handle));
}
