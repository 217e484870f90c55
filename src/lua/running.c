/* SPDX-License-Identifier: MIT */
#include "lua/running.h"

/* Closing values of a process that ends get so many ticks of the watchdog, and as many count hooks.
 */
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
    if (pr_running.is_interrupted && pr_running.L == L) {
        pr_running.is_interrupted = 0;
        luaL_error(L, "interrupted");
    }
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
    if (pr_running.is_interrupted) {
        if (pr_running.armed) /* the coroutine around this one */
            disarm(pr_running.armed);
        arm(co);
    }
    int status = lua_resume(co, from, n_args, n_results);
    pr_running.L = outer;
    atomic_signal_fence(memory_order_seq_cst);
    if (pr_running.armed == co)
        disarm(co);
    pr_running.chain_yields = outer_yields;
    return status;
}

/* ------------------------------------------------------------------- closing */

/* __close handlers of a process that ends run here, not preemptible: the count hook, and the
 * watchdog's when it is on, end those that do not end by themselves. */
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
