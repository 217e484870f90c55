/* SPDX-License-Identifier: MIT
 *
 * Lua's collector pays for what is allocated as it is allocated: a step for each kilobyte while a cycle
 * lasts. In a large heap a step takes a hundred times as long as allocating that kilobyte, so a slice of
 * 20 us becomes one of 2 ms, and a process that is interrupted in a step goes behind all that used up
 * theirs. So a slice may allocate some kilobytes on credit, and the steps are taken between slices.
 *
 * Fewer steps for a kilobyte would not do: what is written to while a cycle lasts is marked once more at
 * its end, in one go, and a cycle that lasts longer has more of that. */
#include "lua/collector.h"

/* A cycle begins when the heap is twice as large as at the end of the last one. Lua begins one by
 * itself a little later, where no slice ends in time, and steps by itself when the credit is used up:
 * its parameters say twice as well, and some more. */
enum { PAUSE = 220, STEP_MUL = 20, STEP_BITS = 10, STEP = 1 << STEP_BITS };

/* What may be allocated before Lua steps by itself. Those that only answer something do not wait for
 * the collector, unless half of it is used up: then it takes a step before each of them. */
enum { CREDIT = 64 * 1024, URGENT = CREDIT / 2 };

/* The value of due_at where the collector is not ours. */
#define NEVER UINT64_MAX

static const char witness_key = 0; /* registry: the metatable of the witness */

/* ---------------------------------------------------------------------- the witness */

/* An object that nobody holds: that it is finalized says that a cycle has ended, whoever drove it. */

static int on_cycle_ended(lua_State *L)
{
    struct pr_collector *collector = lua_touserdata(L, lua_upvalueindex(1));
    collector->has_ended = 1;
    if (collector->due_at != NEVER)
        collector->due_at = 0;
    return 0;
}

static int make_witness(lua_State *L)
{
    lua_newuserdatauv(L, 0, 0);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &witness_key);
    lua_setmetatable(L, -2);
    return 0;
}

/* Without memory there is none until the next cycle, which may then begin too early. */
static void put_witness(struct pr_lua *lua)
{
    lua_State *L = lua->scratch;
    if (!lua_checkstack(L, 1))
        return;
    lua_pushcfunction(L, make_witness);
    if (lua_pcall(L, 0, 0, 0) != LUA_OK)
        lua_pop(L, 1);
}

/* ----------------------------------------------------------------------- the cycle */

static uint64_t heap_size(struct pr_lua *lua)
{
    return (uint64_t)lua_gc(lua->scratch, LUA_GCCOUNT) * 1024;
}

static void end_cycle(struct pr_lua *lua)
{
    struct pr_collector *collector = &lua->collector;
    uint64_t size = heap_size(lua);
    collector->is_in_cycle = collector->has_ended = 0;
    collector->threshold = size * 2;
    collector->due_at = lua->memory.n_allocated + size;
    put_witness(lua);
}

/* Who has switched to the generational mode has the collector to himself. Lua tells the mode only by
 * changing it: so this is asked once a cycle, and never again where the answer is yes. */
static int is_generational(lua_State *L)
{
    if (lua_gc(L, LUA_GCINC, 0, 0, 0) != LUA_GCGEN)
        return 0;
    lua_gc(L, LUA_GCGEN, 0, 0);
    return 1;
}

/* Whether it is time, and a cycle begins. */
static int begin_cycle(struct pr_lua *lua)
{
    struct pr_collector *collector = &lua->collector;
    uint64_t size = heap_size(lua);
    if (size < collector->threshold) { /* much was allocated and freed at once */
        collector->due_at = lua->memory.n_allocated + collector->threshold - size;
        return 0;
    }
    if (is_generational(lua->scratch)) {
        collector->due_at = NEVER;
        return 0;
    }
    collector->is_in_cycle = 1;
    collector->due_at = lua->memory.n_allocated;
    return 1;
}

/* What has been allocated and not been paid for by a step. More than the credit it cannot be: beyond
 * that Lua steps by itself. */
static uint64_t owed(struct pr_lua *lua)
{
    struct pr_collector *collector = &lua->collector;
    uint64_t n_allocated = lua->memory.n_allocated;
    if (n_allocated > collector->due_at + CREDIT)
        collector->due_at = n_allocated - CREDIT;
    return n_allocated > collector->due_at ? n_allocated - collector->due_at : 0;
}

static void step(struct pr_lua *lua)
{
    lua_State *L = lua->scratch;
    uint64_t paid = lua->collector.due_at + STEP;
    if (lua_gc(L, LUA_GCSTEP, 0)) {
        end_cycle(lua);
        return;
    }
    lua->collector.has_ended = 0; /* but for the finalizers of others */
    lua->collector.due_at = paid;
    /* As if so many kilobytes less had been allocated. */
    lua_gc(L, LUA_GCSTEP, -(int)((CREDIT + STEP - owed(lua)) / 1024));
}

static int is_stopped(struct pr_lua *lua)
{
    if (lua_gc(lua->scratch, LUA_GCISRUNNING))
        return 0;
    lua->collector.due_at = lua->memory.n_allocated + CREDIT; /* it asks again */
    return 1;
}

int pr_collector_turn(struct pr_scheduler *scheduler, int is_free)
{
    struct pr_lua *lua = scheduler->language_state;
    if (!lua || lua->memory.n_allocated < lua->collector.due_at)
        return 0;
    if (lua->collector.has_ended)
        end_cycle(lua);
    if (is_stopped(lua) || (!lua->collector.is_in_cycle && !begin_cycle(lua)))
        return 0;
    if (!is_free && owed(lua) < URGENT)
        return 0;
    step(lua);
    return 1;
}

void pr_collector_open(struct pr_lua *lua, lua_State *L)
{
    lua_createtable(L, 0, 1);
    lua_pushlightuserdata(L, &lua->collector);
    lua_pushcclosure(L, on_cycle_ended, 1);
    lua_setfield(L, -2, "__gc");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &witness_key);
    lua_gc(L, LUA_GCINC, PAUSE, STEP_MUL, STEP_BITS);
    end_cycle(lua);
}
