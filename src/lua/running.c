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

/* Where Lua cannot yield (a table.sort comparator, a gsub callback) a process that another
 * scheduler ends, or pierrot_free, would go on until it returns, perhaps never. So the signal is taken in here, and
 * when the process has not returned after a while an error ends what runs: through C functions, as
 * any error, and again at each instruction where a pcall catches it.
 *
 * An error raised by a hook leaves a coroutine in which no hook runs any more: nothing could end
 * its closing values, so they do not run. That is why there is a while. */
#define END_AFTER_NS UINT64_C(500000000)

static int must_end(void)
{
    struct pr_owner *owner = pr_owner_here();
    if (!owner || !owner->current)
        return 0;
    pr_signal_poll(owner);
    int is_over = owner->current->flags & PR_EXITING || pr_scheduler_must_stop(pr_scheduler_of(owner));
    if (!is_over)
        return 0;
    uint64_t now = pr_clock_real_ns();
    if (!pr_running.end_at_ns)
        pr_running.end_at_ns = now + END_AFTER_NS;
    return now >= pr_running.end_at_ns;
}

static void end_here(lua_State *L)
{
    pr_running.is_ending = 1;
    arm(L);
    luaL_error(L, "the process was ended");
}

void pr_interrupt(void)
{
    lua_State *L = pr_running.L;
    if (L && !pr_running.armed)
        arm(L);
}

/* The function at the bottom of the stack: while values are closed, the handler that runs. */
static const void *bottom_function(lua_State *L)
{
    lua_Debug ar;
    int level = 0;
    while (lua_getstack(L, level, &ar))
        level++;
    if (level == 0 || !lua_checkstack(L, 1) || !lua_getstack(L, level - 1, &ar) ||
        !lua_getinfo(L, "f", &ar))
        return NULL;
    const void *function = lua_topointer(L, -1);
    lua_pop(L, 1);
    return function;
}

/* A handler whose budget is used up gets an error, and where its own pcall catches that another one
 * at each instruction until it is left. The next handler has a budget of its own. */
static void watch_closing(lua_State *L)
{
    pr_running.armed = NULL;
    lua_sethook(L, hook, LUA_MASKCOUNT, CLOSE_COUNT);
    int is_used_up = --pr_running.close_ticks == 0;
    if (is_used_up)
        pr_running.close_ticks = CLOSE_TICKS;
    if (!is_used_up && !pr_running.overdue)
        return;
    const void *handler = bottom_function(L);
    if (is_used_up || pr_running.overdue == handler) {
        pr_running.overdue = handler;
        lua_sethook(L, hook, LUA_MASKCOUNT, 1);
        luaL_error(L, "closing values took too long");
    }
    pr_running.overdue = NULL;
}

static void hook(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    if (pr_running.close_ticks > 0) {
        watch_closing(L);
        return;
    }
    disarm(L);
    if (pr_running.is_interrupted && pr_running.L == L) {
        pr_running.is_interrupted = 0;
        luaL_error(L, "interrupted");
    }
    if (lua_gethook(L) == hook) /* left over from an earlier slice */
        lua_sethook(L, NULL, 0, 0);
    if (pr_running.L != L)
        return;
    if (!pr_running.chain_yields || !lua_isyieldable(L)) {
        if (must_end())
            end_here(L);
        return;
    }
    pr_running.yield = PR_YIELD_PREEMPT;
    lua_yield(L, 0);
}

/* The whole slice is over: where the chain cannot yield, the next count tries again. */
static void count_hook(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    if (pr_running.close_ticks > 0 || pr_running.L != L)
        return;
    if (!pr_running.chain_yields || !lua_isyieldable(L)) {
        if (must_end())
            end_here(L);
        return;
    }
    pr_running.yield = PR_YIELD_PREEMPT;
    lua_yield(L, 0);
}

int pr_resume(lua_State *co, lua_State *from, int n_args, int *n_results)
{
    lua_State *outer = pr_running.L;
    int outer_yields = pr_running.chain_yields;
    pr_running.yield = PR_YIELD_USER;
    if (!from) {
        pr_running.is_ending = 0;
        pr_running.end_at_ns = 0;
    }
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
    if (pr_running.is_ending && from)
        arm(outer); /* the inner one has ended: now this one */
    else if (pr_running.is_ending && status != LUA_YIELD)
        pr_running.cut = co;
    return status;
}

/* ------------------------------------------------------------------- closing */

/* __close handlers of a process that ends run here, not preemptible: the count hook, and the
 * watchdog's when it is on, end those that do not end by themselves. */
void pr_close_coroutine(lua_State *co)
{
    if (pr_running.cut == co) {
        pr_running.cut = NULL;
        return;
    }
    lua_State *outer = pr_running.L;
    int outer_yields = pr_running.chain_yields;
    pr_running.chain_yields = 0;
    pr_running.close_ticks = CLOSE_TICKS;
    pr_running.overdue = NULL;
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
