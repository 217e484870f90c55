/* SPDX-License-Identifier: MIT
 *
 * What no runtime for Lua can do without when two coroutines send each other messages: a call of a
 * C function, a copy of the message, a yield and a resume. There is nothing else here: no process,
 * no identity, no mailbox beyond a ring of places, no pattern, no timer, no link, no preemption,
 * and no check of anything. What a workload takes in this program (bench/floor.lua) is below what
 * it can take in any that runs stock Lua. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lualib.h>

enum { MAX_PROCESSES = 1100, RING = 256, GRAIN = 16, MAX_SMALL = 256, SLAB = 64 * 1024 };

struct process {
    lua_State *co;
    int slots; /* of its ring, on the stack of `box`: the slot before the first one */
    unsigned n_put, n_taken;
    int is_waiting;
};

static struct process processes[MAX_PROCESSES];
static int n_processes, current, sleeper;
static lua_State *box;

/* Those that are ready to run, in a ring. */
static int ready[MAX_PROCESSES + 1];
static int ready_head, ready_tail;

/* -------------------------------------------------------------------- allocation */

/* Small pieces come from lists: malloc would take a tenth of a message. */
struct piece {
    struct piece *next;
};

static struct piece *free_pieces[MAX_SMALL / GRAIN + 1];

static void *allocate_small(size_t size)
{
    static char *at, *end;
    size_t class_ = (size + GRAIN - 1) / GRAIN;
    struct piece *piece = free_pieces[class_];
    if (piece) {
        free_pieces[class_] = piece->next;
        return piece;
    }
    if ((size_t)(end - at) < class_ * GRAIN) {
        at = malloc(SLAB);
        if (!at)
            return NULL;
        end = at + SLAB;
    }
    at += class_ * GRAIN;
    return at - class_ * GRAIN;
}

static void *allocate(void *ud, void *ptr, size_t old_size, size_t new_size)
{
    (void)ud;
    if (new_size == 0) {
        if (ptr && old_size > MAX_SMALL) {
            free(ptr);
        } else if (ptr) {
            struct piece *piece = ptr;
            piece->next = free_pieces[(old_size + GRAIN - 1) / GRAIN];
            free_pieces[(old_size + GRAIN - 1) / GRAIN] = piece;
        }
        return NULL;
    }
    if (ptr && old_size > MAX_SMALL && new_size > MAX_SMALL)
        return realloc(ptr, new_size);
    char *moved = new_size > MAX_SMALL ? malloc(new_size) : allocate_small(new_size);
    if (moved && ptr) {
        for (size_t i = 0; i < old_size && i < new_size; i++)
            moved[i] = ((char *)ptr)[i];
        allocate(ud, ptr, old_size, 0);
    }
    return moved;
}

/* -------------------------------------------------------------------- scheduling */

static void make_ready(int process)
{
    ready[ready_tail] = process;
    ready_tail = ready_tail == MAX_PROCESSES ? 0 : ready_tail + 1;
}

/* By a timerfd in an epoll set, as event loops do. */
static void sleep_till_next_ms(void)
{
    static int timer = -1, set;
    struct epoll_event event = {.events = EPOLLIN};
    struct itimerspec at = {{0, 0}, {0, 0}};
    uint64_t n_expired;
    if (timer < 0) {
        timer = timerfd_create(CLOCK_MONOTONIC, 0);
        set = epoll_create1(0);
        epoll_ctl(set, EPOLL_CTL_ADD, timer, &event);
    }
    clock_gettime(CLOCK_MONOTONIC, &at.it_value);
    at.it_value.tv_nsec = (at.it_value.tv_nsec / 1000000 + 1) * 1000000;
    if (at.it_value.tv_nsec >= 1000000000) {
        at.it_value.tv_nsec -= 1000000000;
        at.it_value.tv_sec++;
    }
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
    epoll_wait(set, &event, 1, -1);
    if (read(timer, &n_expired, sizeof n_expired) < 0)
        abort();
}

/* run(): till nobody is ready and nobody sleeps. */
static int l_run(lua_State *L)
{
    for (;;) {
        if (ready_head == ready_tail) {
            if (sleeper < 0)
                return 0;
            sleep_till_next_ms();
            make_ready(sleeper);
            sleeper = -1;
        }
        current = ready[ready_head];
        ready_head = ready_head == MAX_PROCESSES ? 0 : ready_head + 1;
        int n_results;
        lua_State *co = processes[current].co;
        if (lua_resume(co, NULL, 0, &n_results) > LUA_YIELD)
            return luaL_error(L, "%s", lua_tostring(co, -1));
    }
}

/* spawn(function) -> its number. The number of those before is forgotten by run. */
static int l_spawn(lua_State *L)
{
    struct process *process = &processes[n_processes];
    if (!process->co) {
        process->co = lua_newthread(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, process);
        process->slots = lua_gettop(box);
        luaL_checkstack(box, RING, NULL);
        lua_settop(box, process->slots + (n_processes < 2 ? RING : 1));
    }
    lua_settop(process->co, 0);
    lua_pushvalue(L, 1);
    lua_xmove(L, process->co, 1);
    process->n_put = process->n_taken = 0;
    process->is_waiting = 0;
    make_ready(n_processes);
    lua_pushinteger(L, n_processes++);
    return 1;
}

static int l_reset(lua_State *L)
{
    (void)L;
    n_processes = 0;
    sleeper = -1;
    return 0;
}

/* ---------------------------------------------------------------------- messages */

/* Tables of scalars, the only ones that are sent here; their keys may be anything, so each is asked
 * for the next one, and each value must be one that can be sent. */
static void push_copy(lua_State *L, int index)
{
    if (lua_type(L, index) != LUA_TTABLE) {
        lua_pushvalue(L, index);
        return;
    }
    lua_createtable(L, (int)lua_rawlen(L, index), 0);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        if (lua_type(L, -1) > LUA_TSTRING)
            luaL_error(L, "cannot send that");
        if (lua_isinteger(L, -2)) {
            lua_rawseti(L, -3, lua_tointeger(L, -2));
        } else {
            lua_pushvalue(L, -2);
            lua_insert(L, -2);
            lua_rawset(L, -4);
        }
    }
}

static int put_k(lua_State *L, int status, lua_KContext to)
{
    struct process *process = &processes[to];
    (void)status;
    if (process->n_put - process->n_taken == RING) {
        make_ready(current);
        return lua_yieldk(L, 0, to, put_k);
    }
    lua_xmove(L, box, 1);
    lua_replace(box, process->slots + 1 + (int)(process->n_put++ % RING));
    if (process->is_waiting) {
        process->is_waiting = 0;
        make_ready((int)to);
    }
    return 0;
}

/* send(process, message) */
static int l_send(lua_State *L)
{
    push_copy(L, 2);
    return put_k(L, LUA_OK, lua_tointeger(L, 1));
}

/* Whether the message on top has what the pattern at 1 has, where the pattern does not say `any`,
 * the light userdata 0. */
static int matches(lua_State *L)
{
    int message = lua_gettop(L);
    if (lua_type(L, 1) != LUA_TTABLE)
        return lua_isnoneornil(L, 1) || lua_rawequal(L, 1, message);
    if (lua_type(L, message) != LUA_TTABLE)
        return 0;
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        if (lua_type(L, -1) != LUA_TLIGHTUSERDATA || lua_touserdata(L, -1)) {
            lua_pushvalue(L, -2);
            lua_rawget(L, message);
            if (!lua_rawequal(L, -1, -2))
                return 0;
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
    return 1;
}

static int receive_k(lua_State *L, int status, lua_KContext context)
{
    struct process *process = &processes[current];
    (void)status;
    if (process->n_put == process->n_taken) {
        process->is_waiting = 1;
        return lua_yieldk(L, 0, context, receive_k);
    }
    lua_pushvalue(box, process->slots + 1 + (int)(process->n_taken++ % RING));
    lua_xmove(box, L, 1);
    if (!matches(L))
        return luaL_error(L, "a message that nobody wants");
    return 1;
}

/* receive([pattern]): the next message. */
static int l_receive(lua_State *L)
{
    lua_settop(L, 1);
    return receive_k(L, LUA_OK, 0);
}

static int l_make_ref(lua_State *L)
{
    static uintptr_t n;
    lua_pushlightuserdata(L, (void *)++n);
    return 1;
}

/* tick(): at the next whole millisecond. */
static int l_tick(lua_State *L)
{
    sleeper = current;
    return lua_yield(L, 0);
}

/* now() -> ms */
static int l_now(lua_State *L)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    lua_pushnumber(L, (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6);
    return 1;
}

int main(int argc, char **argv)
{
    static const luaL_Reg functions[] = {
        {"run", l_run},   {"spawn", l_spawn},     {"reset", l_reset},
        {"send", l_send}, {"receive", l_receive}, {"make_ref", l_make_ref},
        {"tick", l_tick}, {"now", l_now},         {NULL, NULL}};
    lua_State *L = lua_newstate(allocate, NULL);
    if (!L || argc != 2)
        return 2;
    luaL_openlibs(L);
    luaL_newlib(L, functions);
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "any");
    lua_setglobal(L, "floor");
    box = lua_newthread(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &box);
    if (luaL_dofile(L, argv[1]) == LUA_OK)
        return 0;
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    return 1;
}
