/* SPDX-License-Identifier: MIT
 *
 * Sizes are those of Lua 5.4 on a 64-bit machine, roughly. Functions and tables that are near the
 * loaded modules, by fields and upvalues, are left out. */
#include "lua/heap.h"

#include "lua/class.h"
#include "lua/running.h"
#include "lua/stack.h"

enum {
    TABLE_SIZE = 56,
    SLOT_SIZE = 16,
    NODE_SIZE = 40,
    STRING_SIZE = 25,
    FUNCTION_SIZE = 32,
    USERDATA_SIZE = 40,
    THREAD_SIZE = 1000,
    FRAME_SIZE = 100,
    FRAMES_MAX = 500, /* that are looked into; finding one costs what is above it */
    /* From the table of loaded modules: a module, its functions, their upvalues, those of these. Of
     * tables so many entries. */
    MODULE_LEVELS = 4,
    ENTRIES_MAX = 500
};

/* ------------------------------------------------------------------------ counting */

/* Every allocation comes by here. A process that may have got too much is to end its slice soon;
 * where it cannot, it is asked again. */
static void count(struct pr_lua_memory *memory, void *ptr, size_t old_size, size_t new_size)
{
    size_t grown = !ptr ? new_size : new_size > old_size ? new_size - old_size : 0;
    memory->n_allocated += grown;
    if (memory->n_allocated < memory->interrupt_at)
        return;
    memory->interrupt_at = memory->n_allocated + memory->interrupt_step;
    pr_interrupt_from_here();
}

/* What is large, changes its size, or may be too much. */
__attribute__((noinline)) static void *allocate_slowly(struct pr_lua_memory *memory, void *ptr,
                                                       size_t old_size, size_t new_size)
{
    if (new_size == 0) {
        if (ptr)
            pr_pool_free(memory->pool, ptr, old_size);
        return NULL;
    }
    if (new_size >= PR_HEAP_NEVER)
        return NULL;
    count(memory, ptr, old_size, new_size);
    if (!ptr)
        return pr_pool_alloc(memory->pool, new_size);
    return pr_pool_realloc(memory->pool, ptr, old_size, new_size);
}

/* Lua's allocator over the scheduler's pool. Without a pointer old_size tells a kind of object. The
 * short way for small pieces calls nothing, so that it saves no registers: a table made and collected
 * takes 6 % less. */
static void *allocate(void *ud, void *ptr, size_t old_size, size_t new_size)
{
    struct pr_lua_memory *memory = ud;
    struct pr_pool *pool = memory->pool;
    if (new_size == 0 && ptr && old_size <= pool->max_size) {
        pr_pool_free(pool, ptr, old_size);
        return NULL;
    }
    if (ptr || new_size - 1 >= pool->max_size ||
        memory->n_allocated + new_size >= memory->interrupt_at)
        return allocate_slowly(memory, ptr, old_size, new_size);
    memory->n_allocated += new_size;
    return pr_pool_alloc(pool, new_size);
}

static void *allocate_in_host(void *ud, void *ptr, size_t old_size, size_t new_size)
{
    struct pr_lua_memory *memory = ud;
    if (new_size >= PR_HEAP_NEVER)
        return NULL;
    if (new_size > 0)
        count(memory, ptr, old_size, new_size);
    return memory->host_alloc(memory->host_ud, ptr, old_size, new_size);
}

atomic_int pr_lua_has_hosts;

lua_State *pr_heap_new_state(struct pr_lua *lua)
{
    lua->memory.pool = &lua->scheduler->pool;
    lua->memory.interrupt_at = UINT64_MAX;
    lua_State *L = lua_newstate(allocate, &lua->memory);
    if (L)
        *(struct pr_lua **)lua_getextraspace(L) = lua;
    return L;
}

void pr_heap_enter_host(struct pr_lua *lua)
{
    atomic_store_explicit(&pr_lua_has_hosts, 1, memory_order_relaxed);
    lua->memory.interrupt_at = UINT64_MAX;
    lua->memory.host_alloc = lua_getallocf(lua->main, &lua->memory.host_ud);
    lua_setallocf(lua->main, allocate_in_host, &lua->memory);
}

void pr_heap_leave_host(struct pr_lua *lua)
{
    if (lua->memory.host_alloc)
        lua_setallocf(lua->main, lua->memory.host_alloc, lua->memory.host_ud);
}

/* ------------------------------------------------------------------------- the walk */

struct walk {
    lua_State *L;
    struct pr_lua *lua;
    struct pr_lua_process *process;
    int seen; /* table: address -> true */
    int list; /* what is still to be looked into */
    lua_Integer n_listed;
    size_t size, limit;
};

/* Whether the value on top was seen before; it is now. */
static int mark(struct walk *walk)
{
    lua_State *L = walk->L;
    const void *address = lua_topointer(L, -1);
    if (lua_rawgetp(L, walk->seen, address) != LUA_TNIL) {
        lua_pop(L, 1);
        return 1;
    }
    lua_pop(L, 1);
    lua_pushboolean(L, 1);
    lua_rawsetp(L, walk->seen, address);
    return 0;
}

/* Counts the value on top, which is popped. */
static void add(struct walk *walk)
{
    lua_State *L = walk->L;
    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
        if (!mark(walk))
            walk->size += STRING_SIZE + lua_rawlen(L, -1);
        break;
    case LUA_TTABLE:
    case LUA_TFUNCTION:
    case LUA_TUSERDATA:
    case LUA_TTHREAD:
        if (mark(walk))
            break;
        lua_rawseti(L, walk->list, ++walk->n_listed);
        return;
    default:
        break;
    }
    lua_pop(L, 1);
}

static void add_table(struct walk *walk, int table)
{
    lua_State *L = walk->L;
    lua_Unsigned n_array = lua_rawlen(L, table);
    walk->size += TABLE_SIZE;
    lua_pushnil(L);
    while (walk->size <= walk->limit && lua_next(L, table)) {
        int is_slot = lua_isinteger(L, -2) && (lua_Unsigned)lua_tointeger(L, -2) - 1 < n_array;
        walk->size += is_slot ? SLOT_SIZE : NODE_SIZE;
        add(walk);
        lua_pushvalue(L, -1);
        add(walk);
    }
}

static void add_function(struct walk *walk, int function)
{
    lua_State *L = walk->L;
    walk->size += FUNCTION_SIZE;
    for (int i = 1; lua_getupvalue(L, function, i); i++) {
        walk->size += SLOT_SIZE;
        add(walk);
    }
}

/* Values n = 1, 2, … or -1, -2, … of a frame. */
static void add_locals(struct walk *walk, lua_State *co, const lua_Debug *ar, int step)
{
    for (int n = step; walk->size <= walk->limit && lua_checkstack(co, 1); n += step) {
        if (!lua_getlocal(co, ar, n))
            return;
        lua_xmove(co, walk->L, 1);
        add(walk);
    }
}

static void add_frame(struct walk *walk, lua_State *co, int level)
{
    lua_Debug ar;
    if (!lua_getstack(co, level, &ar) || !lua_checkstack(co, 1))
        return;
    lua_getinfo(co, "f", &ar);
    lua_xmove(co, walk->L, 1);
    add(walk);
    add_locals(walk, co, &ar, 1);
    add_locals(walk, co, &ar, -1);
}

static void add_stack(struct walk *walk, lua_State *co)
{
    int n_frames = pr_count_frames(co);
    walk->size += THREAD_SIZE + (size_t)n_frames * FRAME_SIZE;
    for (int i = 0; i < n_frames && i < FRAMES_MAX; i++)
        add_frame(walk, co, i);
    if (n_frames > FRAMES_MAX)
        add_frame(walk, co, n_frames - 1);
    int n_values = n_frames > 0 ? 0 : lua_gettop(co); /* it has not begun */
    for (int i = 1; i <= n_values && lua_checkstack(co, 1); i++) {
        lua_pushvalue(co, i);
        lua_xmove(co, walk->L, 1);
        add(walk);
    }
}

/* What is listed, until it is too much. */
static void look(struct walk *walk)
{
    lua_State *L = walk->L;
    while (walk->n_listed > 0 && walk->size <= walk->limit) {
        lua_rawgeti(L, walk->list, walk->n_listed);
        lua_pushnil(L);
        lua_rawseti(L, walk->list, walk->n_listed--);
        int value = lua_gettop(L);
        if (lua_type(L, value) == LUA_TTABLE)
            add_table(walk, value);
        else if (lua_type(L, value) == LUA_TFUNCTION)
            add_function(walk, value);
        else if (lua_type(L, value) == LUA_TTHREAD)
            add_stack(walk, lua_tothread(L, value));
        else
            walk->size += USERDATA_SIZE + lua_rawlen(L, value);
        lua_settop(L, value - 1);
    }
}

/* The table or function on top, and those that it leads to: they are left out. Pops it. */
static void leave_out(struct walk *walk, int levels)
{
    lua_State *L = walk->L;
    int value = lua_gettop(L), type = lua_type(L, -1), n = 0;
    int is_new = (type == LUA_TTABLE || type == LUA_TFUNCTION) && !mark(walk) && levels > 0;
    luaL_checkstack(L, 6, NULL);
    if (is_new && type == LUA_TTABLE) {
        lua_pushnil(L);
        while (n++ < ENTRIES_MAX && lua_next(L, value))
            leave_out(walk, levels - 1);
    } else if (is_new) {
        for (int i = 1; lua_getupvalue(L, value, i); i++)
            leave_out(walk, levels - 1);
    }
    lua_settop(L, value - 1);
}

static void add_term(struct walk *walk, const pierrot_term *root)
{
    if (!(root->flags & PR_CELL_ROOT) || root->flags & PR_CELL_STATIC)
        return;
    const struct pr_arena *arena = pr_arena_owner(pr_arena_of((pierrot_term *)root));
    for (const struct pr_block *block = &arena->first; block;
         block = atomic_load_explicit(&block->next, memory_order_acquire))
        walk->size += block->size;
}

static void add_mailbox(struct walk *walk)
{
    struct pr_signal *message = pr_mailbox_first(&walk->process->process.mailbox);
    for (; message && walk->size <= walk->limit; message = pr_mailbox_next(message)) {
        walk->size += sizeof *message;
        if (message->value.tag == PR_VALUE_LOCAL) {
            pr_store_push(walk->lua, walk->L, (uint32_t)message->value.as.integer);
            add(walk);
        } else if (message->value.tag == PR_VALUE_TERM) {
            add_term(walk, message->value.as.pointer);
        }
    }
}

/* Runs protected: the walk is at 1. */
static int walk_all(lua_State *L)
{
    struct walk *walk = lua_touserdata(L, 1);
    struct pr_lua_process *process = walk->process;
    luaL_checkstack(L, 40, NULL);
    lua_newtable(L);
    walk->seen = lua_gettop(L);
    lua_newtable(L);
    walk->list = lua_gettop(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    leave_out(walk, MODULE_LEVELS);
    if (process->class_) {
        pr_store_push(walk->lua, L, process->class_->place);
        leave_out(walk, MODULE_LEVELS - 1);
    }
    if (process->body.co)
        add_stack(walk, process->body.co);
    if (process->state_place) {
        pr_store_push(walk->lua, L, process->state_place);
        add(walk);
    }
    if (process->dictionary_place) {
        pr_store_push(walk->lua, L, process->dictionary_place);
        add(walk);
    }
    add_mailbox(walk);
    look(walk);
    return 0;
}

/* Without memory to look it is not found out. */
static int holds_too_much(struct pr_lua *lua, struct pr_lua_process *process, uint64_t max_bytes)
{
    lua_State *L = lua->scratch;
    struct walk walk = {.L = L, .lua = lua, .process = process, .limit = (size_t)max_bytes};
    if (!lua_checkstack(L, 4))
        return 0;
    lua_pushcfunction(L, walk_all);
    lua_pushlightuserdata(L, &walk);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK)
        lua_pop(L, 1);
    return walk.size > max_bytes;
}

/* -------------------------------------------------------------------------- slices */

int pr_heap_limit(struct pr_lua *lua, struct pr_lua_process *process, uint64_t max_bytes)
{
    struct pr_process_extra *extra = pr_process_extra(lua->owner, &process->process);
    if (!extra)
        return PIERROT_ENOMEM;
    extra->max_heap = max_bytes;
    process->process.sys |= PR_SYS_LIMITED;
    return 0;
}

uint64_t pr_heap_begin(struct pr_lua *lua, struct pr_lua_process *process)
{
    struct pr_process_extra *extra = process->process.extra;
    uint64_t left = extra->max_heap > extra->n_allocated ? extra->max_heap - extra->n_allocated : 0;
    lua->memory.interrupt_at = lua->memory.n_allocated + left;
    lua->memory.interrupt_step = extra->max_heap / 4 + 1;
    return lua->memory.n_allocated;
}

void pr_heap_end(struct pr_lua *lua, struct pr_lua_process *process, uint64_t begun)
{
    struct pr_process *base = &process->process;
    struct pr_process_extra *extra = base->extra;
    lua->memory.interrupt_at = UINT64_MAX;
    extra->n_allocated += lua->memory.n_allocated - begun;
    if (base->flags & PR_EXITING || extra->n_allocated < extra->max_heap)
        return;
    extra->n_allocated = 0;
    if (!holds_too_much(lua, process, extra->max_heap))
        return;
    extra->has_exceeded = 1;
    pr_process_exit(lua->owner, base, PR_TERM(killed));
}
