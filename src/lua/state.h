/* SPDX-License-Identifier: MIT
 *
 * The Lua side of a scheduler: its state, and what hangs on it. One thread, the scheduler's, uses
 * all of it. C functions find it as their first upvalue. */
#ifndef PR_LUA_STATE_H
#define PR_LUA_STATE_H

#include <stdatomic.h>

#include <lauxlib.h>
#include <lua.h>

#include "sched/runner.h"

struct pr_lua_process;
struct pr_class;
struct pr_luv;
struct pr_kept_plan;
struct pr_user_hook;

/* Finished coroutines kept for reuse. */
#define PR_POOL_MAX 256

/* Calls nested in calls on one C stack; each costs some of Lua's limit of 200. */
#define PR_NEST_MAX 8

/* So many messages on their way are held as Lua values; the last of them for some only (encode.c).
 */
#define PR_STORE_SLOTS   256
#define PR_STORE_RESERVE 32

/* Values that C holds, in tables of 256: a table is traversed by the collector in one go. Messages
 * on their way lie in the slots of a stack: that takes half of what an entry of a table takes, 3 %
 * of a send. */
struct pr_store {
    uint32_t *next_free; /* [n_places] list of free places */
    uint32_t n_places;
    uint32_t free; /* first free place; 0: none (place 0 is never used) */
    uint32_t n_used;
    uint16_t next_slot[PR_STORE_SLOTS + 2]; /* list of free slots, all below top_slot */
    uint16_t free_slot;                     /* 0: none (the first slot is kept empty) */
    uint16_t top_slot;                      /* the last in use, or the first of all */
    uint16_t n_slots_used;
};

struct pr_pooled {
    lua_State *co;
    uint32_t place; /* where the store holds it */
};

/* So many bytes nobody gets: asking for them is a way to fail. */
#define PR_HEAP_NEVER ((size_t)1 << 62)

/* How much was allocated, for max_heap (heap.h). */
struct pr_lua_memory {
    struct pr_pool *pool;    /* (I) */
    uint64_t n_allocated;    /* bytes, ever */
    uint64_t interrupt_at;   /* end the slice at so many; UINT64_MAX: never */
    uint64_t interrupt_step; /* … and again after so many more */
    lua_Alloc host_alloc;    /* of the state of a host; NULL: it is our own */
    void *host_ud;
};

/* When the garbage collector has its turns (collector.h). */
struct pr_collector {
    uint64_t due_at;    /* it has nothing to do before n_allocated is that; in a cycle: paid for */
    uint64_t threshold; /* bytes: a cycle begins when the heap is that large */
    uint8_t is_in_cycle;
    uint8_t has_ended; /* a cycle did, not by a step between slices */
};

struct pr_lua {
    struct pr_lua_memory memory;
    struct pr_collector collector;
    struct pr_scheduler *scheduler; /* (I) */
    struct pr_owner *owner;         /* (I) the same */
    lua_State *main;                /* (I) the main state */
    lua_State *chunks;              /* (I) never runs: its stack holds the tables of the store */
    lua_State *slots;               /* (I) the same: the messages on their way */
    lua_State *scratch;             /* (I) for protected calls between slices */
    struct pr_store store;
    struct pr_pooled pool[PR_POOL_MAX];
    uint32_t n_pooled;
    struct pr_map classes;       /* of gen_server modules, by address of the table */
    struct pr_lua_process *host; /* main process of a stock interpreter, or NULL */
    pierrot_pid script;          /* the main process otherwise, the last one */
    pierrot_pid acting_script;   /* a process whose hooks are as the script's, that of a test */
    struct pr_user_hook *script_hook; /* held by the registry; NULL: none (hook.h) */
    struct pr_lua_now *now;           /* calls nested on this stack, innermost first */
    int n_nested;                     /* how many */
    int is_lent;                      /* a process that waits has lent its stack (wait.c) */
    const struct pr_process *closing; /* a dead one whose closing values run, or NULL */
    int nest_budget;                  /* calls that may be nested before others get a turn */
    int n_sent;              /* messages sent in this slice, without waiting for an answer */
    int host_woken;          /* the host's process had its turn */
    int is_module;           /* the state belongs to a host program */
    uint32_t activate_place; /* C functions of the engine of servers */
    uint32_t conclude_place;
    uint32_t boot_place;            /* Lua function that makes whole what was carried here */
    uint32_t find_unsendable_place; /* Lua function that explains what cannot be sent */
    uint32_t exit_meta_place;       /* metatable of exit objects */
    struct pr_kept_plan *kept_plan; /* of a receive that waits (receive.c); never NULL */
    pierrot_term *timer_word;       /* what a timer sent last, when it was a word; or NULL */
    struct pr_luv *luv;             /* NULL: no script has required it */
};

/* Where the registry holds the table of C functions. */
extern const char pr_core_key;

/* Whether a state of a host's has ever been entered: those keep what they like in their extra
 * space, which in states of our own is the Lua side. */
extern atomic_int pr_lua_has_hosts;

/* The Lua side of the scheduler; for functions made by pr_lua_register. Reading the upvalue takes
 * 25 instructions, 4 % of a round trip of two messages. relaxed: it is set before a host's state
 * gets the first of these functions. */
static inline struct pr_lua *pr_lua_side(lua_State *L)
{
    if (atomic_load_explicit(&pr_lua_has_hosts, memory_order_relaxed))
        return lua_touserdata(L, lua_upvalueindex(1));
    return *(struct pr_lua **)lua_getextraspace(L);
}
#define PR_LUA(L) pr_lua_side(L)

/* The same for functions that act for a process: raises where none runs, in a finalizer. */
static inline struct pr_lua *pr_lua_enter(lua_State *L)
{
    struct pr_lua *lua = PR_LUA(L);
    if (!lua->owner->current)
        luaL_error(L, "no process runs: a finalizer cannot use pierrot");
    return lua;
}
#define PR_SELF(L) pr_lua_enter(L)

static inline struct pr_lua *pr_lua_of(struct pr_owner *owner)
{
    return pr_scheduler_of(owner)->language_state;
}

/* Adds functions to the table on top, each with the Lua side as upvalue. */
void pr_lua_register(lua_State *L, struct pr_lua *lua, const luaL_Reg *functions);

/* ---- the store; Thread: owner ---- */

/* Keeps the value on top of L and pops it; its place. Raises a memory error. */
uint32_t pr_store_put(struct pr_lua *lua, lua_State *L);

/* The same for a message on its way, while pr_store_has_slot. Never fails. */
uint32_t pr_store_put_slot(struct pr_lua *lua, lua_State *L);

/* Pushes the value of a place and drops the place, when it is the slot that was filled last: it can
 * be put back there at once. Whether it is. Never fails. */
int pr_store_lift(struct pr_lua *lua, lua_State *L, uint32_t place);

static inline int pr_store_has_slot(const struct pr_lua *lua)
{
    return lua->store.n_slots_used < PR_STORE_SLOTS;
}

static inline int pr_store_has_plenty(const struct pr_lua *lua)
{
    return lua->store.n_slots_used < PR_STORE_SLOTS - PR_STORE_RESERVE;
}

/* A message that stays for longer, and is on top of L, popped: its place from now on, no slot unless
 * half of them are free. Raises a memory error, and its place is as it was. */
uint32_t pr_store_move(struct pr_lua *lua, lua_State *L, uint32_t place);

/* Makes the slots. Raises a memory error. */
void pr_store_open(struct pr_lua *lua, lua_State *L);

/* Makes sure that the next pr_store_put cannot fail. Raises a memory error. */
void pr_store_reserve(struct pr_lua *lua, lua_State *L);

/* Pushes the value; there must be a free stack slot. Never fails. */
void pr_store_push(struct pr_lua *lua, lua_State *L, uint32_t place);

/* The same, and forgets it. Never fails. */
void pr_store_take(struct pr_lua *lua, lua_State *L, uint32_t place);

/* Replaces the value by the one on top, popped. Never fails. */
void pr_store_set(struct pr_lua *lua, lua_State *L, uint32_t place);

/* Forgets the value. Place 0 is none. Never fails. */
void pr_store_drop(struct pr_lua *lua, uint32_t place);

/* The value as a term; what cannot be sent in it as text. Gives; never NULL. */
pierrot_term *pr_store_to_term(struct pr_lua *lua, uint32_t place);

/* ---- the pool ---- */

/* A coroutine to run a function in, with the store's hold of it. Raises a memory error in L. */
struct pr_pooled pr_pool_take(struct pr_lua *lua, lua_State *L);

/* One whose last resume returned LUA_OK comes back; any other is dropped. */
void pr_pool_give(struct pr_lua *lua, struct pr_pooled pooled);
void pr_pool_drop(struct pr_lua *lua, struct pr_pooled pooled);

#endif
