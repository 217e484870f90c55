/* SPDX-License-Identifier: MIT */
#include "lua/running.h"

#include "lua/process.h"

/* Closing values of a process that ends get so many ticks of the watchdog, and as many count hooks. */
enum { CLOSE_TICKS = 20, CLOSE_COUNT = 100000 };

/* Preemption by count: instructions in a slice. */
enum { SLICE_COUNT = 20000 };

_Thread_local struct pr_running pr_running;

static void hook(lua_State *L, lua_Debug *ar);

/* Puts the user's hook back. The signal handler may run at any point here: it sets `armed` last and
 * does nothing while it is set. */
static void disarm(lua_State *L)
{
    if (pr_running.armed != L)
        return;
    lua_sethook(L, pr_running.user_hook, pr_running.user_mask, pr_running.user_count);
    pr_running.armed = NULL;
}

/* On the scheduler's thread, in the signal handler or in the watch over closing values. lua_sethook
 * is safe there: it only walks the list of calls of the running state and stores words. */
static void arm(lua_State *L)
{
    lua_Hook old = lua_gethook(L);
    if (old != hook) {
        pr_running.user_hook = old;
        pr_running.user_mask = lua_gethookmask(L);
        pr_running.user_count = lua_gethookcount(L);
    }
    lua_sethook(L, hook, LUA_MASKCOUNT, 1);
    pr_running.armed = L;
}

void pr_interrupt(void)
{
    lua_State *L = pr_running.L;
    if (L && !pr_running.armed)
        arm(L);
}

static void hook(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    if (pr_running.close_ticks > 0) {
        pr_running.armed = NULL;
        lua_sethook(L, hook, LUA_MASKCOUNT, CLOSE_COUNT);
        if (--pr_running.close_ticks == 0) {
            pr_running.close_ticks = CLOSE_TICKS; /* for the next handler */
            luaL_error(L, "closing values took too long");
        }
        return;
    }
    disarm(L);
    if (lua_gethook(L) == hook) /* left over from an earlier slice */
        lua_sethook(L, NULL, 0, 0);
    if (pr_running.L != L || !pr_running.chain_yields || !lua_isyieldable(L))
        return;
    pr_running.yield = PR_YIELD_PREEMPT;
    lua_yield(L, 0);
}

/* The whole slice is over: where the chain cannot yield, the next count tries again. */
static void count_hook(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    if (pr_running.close_ticks > 0 || pr_running.L != L || !pr_running.chain_yields ||
        !lua_isyieldable(L))
        return;
    pr_running.yield = PR_YIELD_PREEMPT;
    lua_yield(L, 0);
}

int pr_resume(lua_State *co, lua_State *from, int n_args, int *n_results)
{
    lua_State *outer = pr_running.L;
    int outer_yields = pr_running.chain_yields;
    pr_running.yield = PR_YIELD_USER;
    pr_running.chain_yields = from ? outer_yields && lua_isyieldable(from) : 1;
    if (pr_running.counts && !lua_gethook(co))
        lua_sethook(co, count_hook, LUA_MASKCOUNT, SLICE_COUNT);
    pr_running.L = co;
    int status = lua_resume(co, from, n_args, n_results);
    pr_running.L = outer;
    atomic_signal_fence(memory_order_seq_cst);
    if (pr_running.armed == co)
        disarm(co);
    pr_running.chain_yields = outer_yields;
    return status;
}

/* ------------------------------------------------------------------ waiting */

void pr_check_can_wait(struct pr_lua *lua, lua_State *L)
{
    if (lua->host && lua->owner->current == &lua->host->process)
        return;
    if (L != pr_running.L)
        luaL_error(L, "cannot wait in a coroutine that was resumed by a saved copy of "
                      "coroutine.resume or coroutine.wrap");
    if (!pr_running.chain_yields || !lua_isyieldable(L))
        luaL_error(L, "cannot wait here: Lua cannot yield across a C function (a table.sort "
                      "comparator, a string.gsub callback, a module's main chunk under require)");
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
    struct pr_running outer = pr_running;
    host->state = PR_WAITING;
    lua->host_woken = 0;
    lua->owner->current = NULL;
    pr_running.L = NULL;
    pr_lua_host_recheck(lua);
    pr_scheduler_run(lua->scheduler, is_host_woken, lua);
    outer.n_waiting = pr_running.n_waiting;
    pr_running = outer;
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
    if (n >= 0)
        return n;
    if (lua->host && lua->owner->current == &lua->host->process)
        return host_wait(lua, L, context, try_fn);
    pr_running.yield = PR_YIELD_WAIT;
    return lua_yieldk(L, 0, context, k);
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

static int never(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    return luaL_error(L, "a dead process was resumed");
}

int pr_die(struct pr_lua *lua, lua_State *L)
{
    (void)lua;
    if (pr_running.L == L && pr_running.chain_yields && lua_isyieldable(L)) {
        pr_running.yield = PR_YIELD_WAIT;
        return lua_yieldk(L, 0, 0, never);
    }
    return luaL_error(L, "the process was ended");
}

/* ------------------------------------------------------------------- closing */

/* __close handlers of a process that ends run here, not preemptible: the count hook, and the watchdog's
 * when it is on, end those that do not end by themselves. */
void pr_close_coroutine(lua_State *co)
{
    lua_State *outer = pr_running.L;
    int outer_yields = pr_running.chain_yields;
    pr_running.chain_yields = 0;
    pr_running.close_ticks = CLOSE_TICKS;
    pr_running.L = co;
    lua_sethook(co, hook, LUA_MASKCOUNT, CLOSE_COUNT);
    lua_resetthread(co);
    lua_sethook(co, NULL, 0, 0);
    pr_running.L = outer;
    if (pr_running.armed == co)
        pr_running.armed = NULL;
    pr_running.close_ticks = 0;
    pr_running.chain_yields = outer_yields;
}
