/* SPDX-License-Identifier: MIT
 *
 * The store of values that C holds, and the pool of coroutines. The tables of 256 lie on the stack
 * of a thread that never runs, so reading a place is one table access. Places with the bit IN_SLOT
 * are slots of the stack of another one: what comes last and goes first, as in a conversation, is
 * just moved there and back. */
#include <string.h>

#include "lua/copy.h"
#include "lua/hook.h"
#include "lua/running.h"
#include "lua/state.h"

enum { CHUNK_BITS = 8, CHUNK = 1 << CHUNK_BITS };

#define IN_SLOT ((uint32_t)1 << 31)

/* The slot at the bottom holds what is in the free ones. */
enum { EMPTY_SLOT = 1, LAST_SLOT = EMPTY_SLOT + PR_STORE_SLOTS };

/* A thread that never runs and that the registry holds. */
static lua_State *new_stack(lua_State *L, const void *key)
{
    lua_State *stack = lua_newthread(L);
    lua_sethook(stack, NULL, 0, 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, key);
    return stack;
}

void pr_store_open(struct pr_lua *lua, lua_State *L)
{
    struct pr_store *store = &lua->store;
    lua->chunks = new_stack(L, &lua->chunks);
    lua->slots = new_stack(L, &lua->slots);
    if (!lua_checkstack(lua->slots, PR_STORE_SLOTS + 4))
        (void)lua_newuserdatauv(L, PR_HEAP_NEVER, 0); /* raises, and in L */
    lua_pushboolean(lua->slots, 0);
    store->top_slot = EMPTY_SLOT;
}

/* Room for more places: a table with a preallocated array part. */
static void grow(struct pr_lua *lua, lua_State *L)
{
    struct pr_store *store = &lua->store;
    struct pr_heap *heap = &lua->owner->heap;
    uint32_t n = store->n_places, n_new = n + CHUNK;
    if (!lua_checkstack(lua->chunks, 10))
        luaL_error(L, "too many values are waiting");
    /* The table is made and filled on L: an error leaves the store as it was. */
    lua_createtable(L, CHUNK, 0);
    for (int i = 1; i <= CHUNK; i++) {
        lua_pushboolean(L, 0);
        lua_rawseti(L, -2, i);
    }
    if (store->n_places != n) { /* a finalizer that ran there needed places and has made them */
        lua_pop(L, 1);
        return;
    }
    uint32_t *next_free =
        pr_realloc(heap, store->next_free, n * sizeof *next_free, n_new * sizeof *next_free);
    if (!next_free)
        luaL_error(L, "not enough memory");
    store->next_free = next_free;
    lua_xmove(L, lua->chunks, 1);
    /* Place 0 means `none`. */
    for (uint32_t place = n_new - 1; place >= n && place > 0; place--) {
        next_free[place] = store->free;
        store->free = place;
    }
    store->n_places = n_new;
}

void pr_store_reserve(struct pr_lua *lua, lua_State *L)
{
    while (!lua->store.free) {
        luaL_checkstack(L, 3, "too many values");
        grow(lua, L);
    }
}

uint32_t pr_store_put(struct pr_lua *lua, lua_State *L)
{
    struct pr_store *store = &lua->store;
    if (!store->free)
        pr_store_reserve(lua, L);
    uint32_t place = store->free;
    store->free = store->next_free[place];
    store->n_used++;
    pr_store_set(lua, L, place);
    return place;
}

uint32_t pr_store_put_slot(struct pr_lua *lua, lua_State *L)
{
    struct pr_store *store = &lua->store;
    store->n_slots_used++;
    store->n_used++;
    lua_xmove(L, lua->slots, 1);
    if (store->top_slot < LAST_SLOT)
        return ++store->top_slot | IN_SLOT;
    uint16_t slot = store->free_slot;
    store->free_slot = store->next_slot[slot];
    lua_replace(lua->slots, slot);
    return slot | IN_SLOT;
}

int pr_store_lift(struct pr_lua *lua, lua_State *L, uint32_t place)
{
    struct pr_store *store = &lua->store;
    if (place != (store->top_slot | IN_SLOT))
        return 0;
    store->top_slot--;
    store->n_slots_used--;
    store->n_used--;
    lua_xmove(lua->slots, L, 1);
    return 1;
}

void pr_store_push(struct pr_lua *lua, lua_State *L, uint32_t place)
{
    lua_State *from = lua->slots;
    if (place & IN_SLOT) {
        lua_pushvalue(from, (int)(place & ~IN_SLOT));
    } else {
        from = lua->chunks;
        lua_rawgeti(from, (int)(place >> CHUNK_BITS) + 1, (place & (CHUNK - 1)) + 1);
    }
    lua_xmove(from, L, 1);
}

void pr_store_take(struct pr_lua *lua, lua_State *L, uint32_t place)
{
    if (pr_store_lift(lua, L, place))
        return;
    pr_store_push(lua, L, place);
    pr_store_drop(lua, place);
}

uint32_t pr_store_move(struct pr_lua *lua, lua_State *L, uint32_t place)
{
    if (!(place & IN_SLOT) || lua->store.n_slots_used < PR_STORE_SLOTS / 2) {
        lua_pop(L, 1);
        return place;
    }
    uint32_t moved = pr_store_put(lua, L);
    pr_store_drop(lua, place);
    return moved;
}

void pr_store_set(struct pr_lua *lua, lua_State *L, uint32_t place)
{
    lua_xmove(L, lua->chunks, 1);
    lua_rawseti(lua->chunks, (int)(place >> CHUNK_BITS) + 1, (place & (CHUNK - 1)) + 1);
}

void pr_store_drop(struct pr_lua *lua, uint32_t place)
{
    struct pr_store *store = &lua->store;
    if (!place)
        return;
    store->n_used--;
    if (place == (store->top_slot | IN_SLOT)) {
        store->top_slot--;
        store->n_slots_used--;
        lua_pop(lua->slots, 1);
    } else if (place & IN_SLOT) {
        uint16_t slot = (uint16_t)place;
        lua_copy(lua->slots, EMPTY_SLOT, slot);
        store->next_slot[slot] = store->free_slot;
        store->free_slot = slot;
        store->n_slots_used--;
    } else {
        lua_pushboolean(lua->chunks, 0);
        lua_rawseti(lua->chunks, (int)(place >> CHUNK_BITS) + 1, (place & (CHUNK - 1)) + 1);
        store->next_free[place] = store->free;
        store->free = place;
    }
}

pierrot_term *pr_store_to_term(struct pr_lua *lua, uint32_t place)
{
    if (!lua_checkstack(lua->scratch, 4))
        return PR_TERM(enomem);
    pr_store_push(lua, lua->scratch, place);
    pierrot_term *term = pr_copy_to_reason(lua, lua->scratch, -1);
    lua_pop(lua->scratch, 1);
    return term;
}

struct pr_pooled pr_pool_take(struct pr_lua *lua, lua_State *L)
{
    if (lua->n_pooled > 0)
        return lua->pool[--lua->n_pooled];
    pr_store_reserve(lua, L);
    luaL_checkstack(L, 1, "too many coroutines");
    struct pr_pooled pooled;
    pooled.co = lua_newthread(L);
    /* A new thread inherits the hook of the state it is made on. */
    lua_sethook(pooled.co, NULL, 0, 0);
    pooled.place = pr_store_put(lua, L);
    return pooled;
}

void pr_pool_give(struct pr_lua *lua, struct pr_pooled pooled)
{
    lua_settop(pooled.co, 0);
    if (pr_running.apply_hook)
        pr_hook_forget(pooled.co);
    if (lua->n_pooled < PR_POOL_MAX)
        lua->pool[lua->n_pooled++] = pooled;
    else
        pr_store_drop(lua, pooled.place);
}

void pr_pool_drop(struct pr_lua *lua, struct pr_pooled pooled)
{
    pr_store_drop(lua, pooled.place);
}
