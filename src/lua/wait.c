/* SPDX-License-Identifier: MIT */
#include "lua/wait.h"

#include <string.h>

#include "lua/blame.h"
#include "lua/ident.h"
#include "lua/process.h"
#include "lua/wait_lend.h"

uint64_t pr_check_deadline(struct pr_lua *lua, lua_State *L, int arg)
{
    if (lua_isnoneornil(L, arg))
        return UINT64_MAX;
    if (lua_type(L, arg) == LUA_TSTRING && strcmp(lua_tostring(L, arg), "infinity") == 0)
        return UINT64_MAX;
    if (lua_type(L, arg) != LUA_TNUMBER)
        pr_type_error(L, arg, "milliseconds");
    double ms = lua_tonumber(L, arg);
    if (!(ms >= 0))
        pr_argument_error(lua, L, arg, "milliseconds expected, got a negative number or NaN");
    return pr_clock_deadline(pr_scheduler_now(lua->scheduler), ms);
}

static void give_up(struct pr_lua *lua)
{
    struct pr_lua_process *self = pr_lua_current(lua);
    pr_wait_alarm_clear(lua, self);
    self->scanned = NULL;
    self->process.flags &= (uint8_t)~PR_WAKE_ON_MESSAGE;
}

static const char *why_not(lua_State *L)
{
    if (pr_running.callback)
        return "cannot wait in a callback of luv's: let it send a message to its process";
    if (L != pr_running.L)
        return "cannot wait in a coroutine that was resumed by a saved copy of coroutine.resume or "
               "coroutine.wrap";
    return "cannot wait here: Lua cannot yield across a C function (a table.sort comparator, a "
           "string.gsub callback, a module's main chunk under require)";
}

/* A finalizer runs in whatever process allocates, in the midst of any C function: one that goes
 * through the mailbox, or has just set the alarm of its wait. It cannot yield, and Lua's collector
 * answers no question meanwhile. */
static int is_in_finalizer(lua_State *L)
{
    return !pr_can_yield(L) && lua_gc(L, LUA_GCCOUNT) < 0;
}

void pr_check_can_take(struct pr_lua *lua, lua_State *L)
{
    if (is_in_finalizer(L))
        pr_user_error(lua, L, "a finalizer cannot take messages of the process that it runs in");
}

int pr_can_wait(struct pr_lua *lua, lua_State *L)
{
    if (pr_running.callback)
        return 0;
    if (pr_can_yield(L))
        return 1;
    return lua->host && lua->owner->current == &lua->host->process && !is_in_finalizer(L);
}

void pr_check_can_wait(struct pr_lua *lua, lua_State *L)
{
    if (pr_can_wait(lua, L))
        return;
    if (is_in_finalizer(L))
        pr_user_error(lua, L, "cannot wait here: a finalizer runs in the midst of others' code");
    give_up(lua);
    pr_user_error(lua, L, why_not(L));
}

static int is_host_woken(void *ud)
{
    struct pr_lua *lua = ud;
    return lua->host_woken;
}

/* The main process of a stock interpreter: others run while it waits. */
static void run_others(struct pr_lua *lua, lua_State *L)
{
    struct pr_process *host = &lua->host->process;
    lua_State *L_outer = pr_running_leave();
    struct pr_running outer = pr_running;
    host->state = PR_WAITING;
    lua->host_woken = 0;
    lua->owner->current = NULL;
    pr_lua_host_recheck(lua);
    pr_scheduler_run(lua->scheduler, is_host_woken, lua);
    outer.n_waiting = pr_running.n_waiting;
    pr_running = outer;
    pr_running.L = L_outer;
    lua->owner->current = host;
    host->state = PR_RUNNING;
    pr_lua_host_raise(lua, L);
}

static int host_wait(struct pr_lua *lua, lua_State *L, lua_KContext context, pr_try_fn try_fn)
{
    int n;
    do {
        run_others(lua, L);
        n = try_fn(L, context);
    } while (n < 0);
    return n;
}

int pr_wait(struct pr_lua *lua, lua_State *L, lua_KContext context, pr_try_fn try_fn,
            lua_KFunction k)
{
    int n = try_fn(L, context);
    return n >= 0 ? n : pr_wait_on(lua, L, context, try_fn, k);
}

/* The wait is given up. A call or a question that was sent stays with the process, and its answer
 * is dropped there. */
static int interrupt(struct pr_lua *lua, lua_State *L)
{
    pr_running.is_interrupted = 0;
    give_up(lua);
    return luaL_error(L, "interrupted");
}

int pr_wait_apart(struct pr_lua *lua, lua_State *L, lua_KContext context, pr_try_fn try_fn,
                  lua_KFunction k)
{
    if (lua->host && lua->owner->current == &lua->host->process)
        return host_wait(lua, L, context, try_fn);
    /* Who has lent its stack may have been killed as well: nothing of it runs any more. */
    if (pr_running.is_interrupted && !(lua->owner->current->flags & PR_EXITING))
        return interrupt(lua, L);
    pr_running.yield = PR_YIELD_WAIT;
    return lua_yieldk(L, 0, context, k);
}

int pr_wait_on(struct pr_lua *lua, lua_State *L, lua_KContext context, pr_try_fn try_fn,
               lua_KFunction k)
{
    int n = pr_wait_lend(lua, L) ? try_fn(L, context) : -1;
    return n >= 0 ? n : pr_wait_apart(lua, L, context, try_fn, k);
}

static int gave_way(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    lua_pushboolean(L, 1);
    return 1;
}

static int try_gave_way(lua_State *L, lua_KContext context)
{
    return gave_way(L, LUA_YIELD, context);
}

int pr_give_way(struct pr_lua *lua, lua_State *L)
{
    pr_check_can_wait(lua, L);
    if (lua->host && lua->owner->current == &lua->host->process) {
        lua->host->has_to_wake = 1;
        return host_wait(lua, L, 0, try_gave_way);
    }
    pr_running.yield = PR_YIELD_PREEMPT;
    return lua_yieldk(L, 0, 0, gave_way);
}

/* A message to one that has many counts for more, up to a slice of its own: senders in their
 * hundreds would fill a mailbox beyond what the cache holds before its owner has a turn. With 1,000
 * of them a message costs 320 ns so, and 690 at one price for all. */
enum { SENDS_PER_SLICE = 500, WAITING_PER_SEND = 32 };

static int price(uint32_t n_waiting)
{
    uint32_t price = 1 + n_waiting / WAITING_PER_SEND;
    return price < SENDS_PER_SLICE ? (int)price : SENDS_PER_SLICE;
}

static int sent(lua_State *L, int status, lua_KContext context)
{
    (void)L;
    (void)status;
    (void)context;
    return 1;
}

int pr_end_send(struct pr_lua *lua, lua_State *L, uint32_t n_waiting)
{
    const struct pr_scheduler *scheduler = lua->scheduler;
    if (lua->n_sent < SENDS_PER_SLICE) /* it may be unable to give way, for long */
        lua->n_sent += price(n_waiting);
    if (lua->n_sent < SENDS_PER_SLICE || !(scheduler->ready.head || scheduler->used_up.head))
        return 1;
    if (!pr_can_yield(L))
        return 1;
    pr_running.yield = PR_YIELD_PREEMPT;
    return lua_yieldk(L, 0, 0, sent);
}

static int never(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    return luaL_error(L, "a dead process was resumed");
}

int pr_die(struct pr_lua *lua, lua_State *L)
{
    (void)lua;
    if (pr_can_yield(L)) {
        pr_running.yield = PR_YIELD_WAIT;
        return lua_yieldk(L, 0, 0, never);
    }
    return luaL_error(L, "the process was ended");
}
