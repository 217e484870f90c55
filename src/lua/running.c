/* SPDX-License-Identifier: MIT */
#include "lua/running.h"

#include "lua/holding.h"
#include "lua/stack.h"

/* Count hooks that closing values get for a tick. */
enum { CLOSE_COUNT = 100000 };

/* Preemption by count: instructions in a slice. */
enum { SLICE_COUNT = 20000 };

/* A line with a user's hook stands for so many: Lua counts those of the hook itself as well, but
 * then without an event for the count, so that a short loop may never have one. */
enum { LINE_COUNT = 10 };

enum { PUT_OFF_MAX = 100 };

_Thread_local struct pr_running pr_running;

static void hook(lua_State *L, lua_Debug *ar);
static void count_hook(lua_State *L, lua_Debug *ar);

/* What a state has where the user has set none; NULL: nothing. */
static lua_Hook hook_without_users(void)
{
    return pr_running.counts ? count_hook : NULL;
}

/* The signal handler may run at any point, also while hooks are changed here: it does nothing then,
 * and the next tick asks again. */
static void hold_back_handler(void)
{
    pr_running.is_changing = 1;
    atomic_signal_fence(memory_order_seq_cst);
}

static void let_handler(void)
{
    atomic_signal_fence(memory_order_seq_cst);
    pr_running.is_changing = 0;
}

/* Puts the user's hook back. */
static void disarm(lua_State *L)
{
    hold_back_handler();
    lua_sethook(L, pr_running.user_hook, pr_running.user_mask, pr_running.user_count);
    pr_running.armed = NULL;
    let_handler();
}

/* The hook has been left by an earlier slice. */
static void clear_left_over(lua_State *L)
{
    hold_back_handler();
    if (pr_running.armed != L)
        lua_sethook(L, hook_without_users(), LUA_MASKCOUNT, SLICE_COUNT);
    let_handler();
}

/* A process that gives way within the event for a count goes on behind the check for a new line: a
 * line of one instruction would be lost to a user's line hook. With one it gives way at a new line,
 * which any loop and any call comes to. */
static int waits_for_line(void)
{
    return pr_running.user_hook && (pr_running.user_mask & LUA_MASKLINE) && !pr_running.is_ending;
}

/* Sets the one-shot hook beside the user's, which goes on getting its events meanwhile. lua_sethook
 * is safe in the handler: it only walks the list of calls of the running state and stores words. */
static void set_hook(lua_State *L)
{
    if (waits_for_line())
        lua_sethook(L, hook, pr_running.user_mask, pr_running.user_count);
    else
        lua_sethook(L, hook, pr_running.user_mask | LUA_MASKCOUNT, 1);
}

/* In the handler, or held back from it. */
static void arm(lua_State *L)
{
    int is_none = lua_gethook(L) == hook; /* left over from an earlier slice */
    pr_running.user_hook = is_none ? hook_without_users() : lua_gethook(L);
    pr_running.user_mask = is_none ? LUA_MASKCOUNT : lua_gethookmask(L);
    pr_running.user_count = is_none ? SLICE_COUNT : lua_gethookcount(L);
    set_hook(L);
    pr_running.n_unheard = 0;
    pr_running.armed = L;
}

/* Outside of the handler. */
static void arm_now(lua_State *L)
{
    hold_back_handler();
    arm(L);
    let_handler();
}

lua_State *pr_running_leave(void)
{
    lua_State *L = pr_running.L;
    pr_running.L = NULL;
    atomic_signal_fence(memory_order_seq_cst);
    if (pr_running.armed)
        disarm(pr_running.armed);
    return L;
}

void pr_running_set_hook(lua_State *L, lua_Hook function, int mask, int count)
{
    if (!function && pr_running.counts) { /* it may be running, and must not be without */
        function = count_hook;
        mask = LUA_MASKCOUNT;
        count = SLICE_COUNT;
    }
    hold_back_handler();
    lua_sethook(L, function, mask, count);
    if (pr_running.armed == L)
        pr_running.armed = NULL; /* the next tick asks again */
    let_handler();
}

/* Raises an error for which no message handler is called. One would run within this hook, where no
 * hook is called: nothing could end one that loops. Lua has such an error for want of memory alone.
 */
static void cut_short(lua_State *L)
{
    lua_newuserdatauv(L, PR_HEAP_NEVER, 0);
}

/* Where Lua cannot yield (a table.sort comparator, a gsub callback, the message handler of an
 * xpcall) a process that another scheduler ends, or pierrot_free, would go on until it returns,
 * perhaps never. So the signal is taken in here, and when the process has not returned after a
 * while an error ends what runs: through C functions, as any error, and again at each instruction
 * where a pcall catches it.
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
    int is_over =
        owner->current->flags & PR_EXITING || pr_scheduler_must_stop(pr_scheduler_of(owner));
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
    arm_now(L);
    cut_short(L);
}

/* Interrupts `co`, which is about to run. Where the interrupt came while C code ran, the hook still
 * waits in the state that runs there, and would not run until `co` returns: with the hook left
 * there nothing could interrupt `co`. */
static void arm_inner(lua_State *co)
{
    lua_State *outer = pr_running.armed;
    hold_back_handler();
    if (outer)
        lua_sethook(outer, pr_running.user_hook, pr_running.user_mask, pr_running.user_count);
    arm(co);
    let_handler();
}

/* To set a hook takes a walk over all calls, which may last longer than a tick: where that is done
 * at each one, a function that has called itself very often stands still. So at the 4th, 8th, 16th,
 * … */
static int must_ask_again(void)
{
    unsigned n = ++pr_running.n_unheard;
    return n >= 4 && (n & (n - 1)) == 0;
}

/* A hook that has not run after some ticks is set once more: when Lua is about to find that a state
 * has no hooks (luaG_traceexec), it takes a function for one without a trap, even though a hook has
 * been set in that moment, and does not look again for as long as the function loops. */
static void interrupt(void)
{
    lua_State *L = pr_running.L, *armed = pr_running.armed;
    if (!L)
        return;
    if (!armed)
        arm(L);
    else if (armed == L && lua_gethook(L) == hook && must_ask_again())
        set_hook(L);
}

void pr_interrupt(void)
{
    if (!pr_running.is_changing)
        interrupt();
}

void pr_interrupt_from_here(void)
{
    hold_back_handler();
    interrupt();
    let_handler();
}

/* The function at the bottom of the stack: while values are closed, the handler that runs. */
static const void *bottom_function(lua_State *L)
{
    lua_Debug ar;
    if (!lua_checkstack(L, 1) || !pr_bottom_frame(L, &ar) || !lua_getinfo(L, "f", &ar))
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
        pr_running.close_ticks = PR_CLOSE_TICKS;
    if (!is_used_up && !pr_running.overdue)
        return;
    const void *handler = bottom_function(L);
    if (is_used_up || pr_running.overdue == handler) {
        pr_running.overdue = handler;
        lua_sethook(L, hook, LUA_MASKCOUNT, 1);
        cut_short(L);
    }
    pr_running.overdue = NULL;
}

static int can_give_way(lua_State *L)
{
    return pr_running.L == L && pr_running.chain_yields && lua_isyieldable(L);
}

/* The process gives way, if the chain of coroutines can. */
static void give_way(lua_State *L)
{
    if (!can_give_way(L)) {
        if (must_end())
            end_here(L);
        return;
    }
    pr_running.yield = PR_YIELD_PREEMPT;
    pr_running.stopped = L;
    lua_yield(L, 0);
}

static int is_in_mask(int mask, int event)
{
    return mask & (1 << (event == LUA_HOOKTAILCALL ? LUA_HOOKCALL : event));
}

/* A process that gives way at the first instruction of a function is called for it again when it
 * goes on. With a user's hook for calls the next chance is taken, unless there is none for long. */
static int is_put_off(int mask)
{
    int is = (mask & LUA_MASKCALL) && pr_running.just_called && pr_running.n_put_off < PUT_OFF_MAX;
    pr_running.n_put_off = is ? pr_running.n_put_off + 1 : 0;
    return is;
}

static void hook(lua_State *L, lua_Debug *ar)
{
    if (pr_running.close_ticks > 0) {
        watch_closing(L);
        return;
    }
    if (pr_running.armed != L) {
        clear_left_over(L);
        return;
    }
    lua_Hook user = pr_running.user_hook;
    int at_line = user && waits_for_line();
    if (ar->event != (at_line ? LUA_HOOKLINE : LUA_HOOKCOUNT)) {
        if (user && is_in_mask(pr_running.user_mask, ar->event))
            user(L, ar);
        return;
    }
    if (user && is_put_off(pr_running.user_mask)) {
        if (at_line)
            user(L, ar);
        pr_running.just_called = 0;
        return;
    }
    /* Without a hook of the user's ours stays (leave_for_mark): to set it again takes a walk over
     * all calls. */
    if ((!user || user == count_hook) && !pr_running.is_interrupted && can_give_way(L))
        pr_running.armed = NULL;
    else
        disarm(L);
    if (at_line)
        user(L, ar);
    if (pr_running.is_interrupted && pr_running.L == L) {
        pr_running.is_interrupted = 0;
        luaL_error(L, "interrupted");
    }
    if (pr_running.L == L) {
        pr_holding_tell(L);
        give_way(L);
    }
}

lua_Hook pr_running_get_hook(lua_State *L, int *mask, int *count)
{
    hold_back_handler();
    int is_armed = pr_running.armed == L;
    lua_Hook function = is_armed ? pr_running.user_hook : lua_gethook(L);
    *mask = is_armed ? pr_running.user_mask : lua_gethookmask(L);
    *count = is_armed ? pr_running.user_count : lua_gethookcount(L);
    let_handler();
    return pr_running_is_own(function) ? NULL : function;
}

/* ------------------------------------------------------------- preemption by count */

/* The whole slice is over: where the chain cannot yield, the next count tries again. */
static void count_hook(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    if (pr_running.close_ticks == 0 && pr_running.L == L)
        give_way(L);
}

int pr_running_is_own(lua_Hook function)
{
    return function == hook || function == count_hook;
}

void pr_running_count(lua_State *L, int event, int n, int mask)
{
    if (!pr_running.counts || pr_running.is_interrupted)
        return;
    if (event == LUA_HOOKCOUNT)
        pr_running.slice_left -= n;
    else if (event == LUA_HOOKLINE)
        pr_running.slice_left -= LINE_COUNT;
    if (pr_running.slice_left > 0 ||
        event != (mask & LUA_MASKLINE ? LUA_HOOKLINE : LUA_HOOKCOUNT) || is_put_off(mask))
        return;
    pr_running.slice_left = SLICE_COUNT;
    count_hook(L, NULL);
}

/* ----------------------------------------------------------------------- resuming */

/* Lua marks the call that a hook has stopped, and forgets the mark at the next event for a count or
 * a line there, which it leaves out: the first line of a hook that is set later. So there is a
 * count as soon as the coroutine goes on. */
static void leave_for_mark(lua_State *co)
{
    pr_running.stopped = NULL;
    lua_Hook function = lua_gethook(co);
    if (!function || function == count_hook)
        lua_sethook(co, hook, LUA_MASKCOUNT, 1);
}

/* `co` has returned to `outer`, or to C code where that is NULL. */
static void go_back(lua_State *co, lua_State *outer, int outer_yields)
{
    pr_running.L = outer;
    atomic_signal_fence(memory_order_seq_cst);
    if (pr_running.armed == co)
        disarm(co);
    if (pr_running.stopped == co)
        leave_for_mark(co);
    pr_running.chain_yields = outer_yields;
    if (pr_running.is_ending && outer)
        arm_now(outer); /* the inner one has ended: now this one */
}

void pr_running_begin_closing(lua_State *co)
{
    pr_running.L = co;
    lua_sethook(co, hook, LUA_MASKCOUNT, CLOSE_COUNT);
}

void pr_running_end_closing(lua_State *co)
{
    pr_running.L = NULL;
    atomic_signal_fence(memory_order_seq_cst);
    lua_sethook(co, NULL, 0, 0);
    if (pr_running.armed == co)
        pr_running.armed = NULL;
}

/* A closing value runs `co`. What was overdue until now. */
static const void *begin_inner(lua_State *co)
{
    const void *overdue = pr_running.overdue;
    pr_running.overdue = NULL;
    pr_running_begin_closing(co);
    return overdue;
}

/* Where that was cut short so is who ran it, at its next instruction: or it would begin with
 * another coroutine, which has a budget of its own. */
static void end_inner(lua_State *co, lua_State *from, const void *overdue)
{
    int is_cut = pr_running.overdue != NULL && from;
    pr_running_end_closing(co);
    pr_running.overdue = is_cut ? bottom_function(from) : overdue;
    if (is_cut)
        lua_sethook(from, hook, LUA_MASKCOUNT, 1);
}

static inline void begin(struct pr_resumed *resumed, lua_State *co, lua_State *from)
{
    resumed->outer = pr_running.L;
    resumed->outer_yields = pr_running.chain_yields;
    pr_running.yield = PR_YIELD_USER;
    if (!from)
        pr_running.slice_left = SLICE_COUNT;
    pr_running.chain_yields = from ? resumed->outer_yields && lua_isyieldable(from) : 1;
    if (pr_running.apply_hook)
        pr_running.apply_hook(co);
    if (pr_running.counts && !lua_gethook(co))
        lua_sethook(co, count_hook, LUA_MASKCOUNT, SLICE_COUNT);
    pr_running.L = co;
    if (pr_running.is_interrupted || pr_running.armed)
        arm_inner(co);
    resumed->overdue = pr_running.close_ticks > 0 ? begin_inner(co) : NULL;
}

static inline void end(const struct pr_resumed *resumed, lua_State *co, lua_State *from, int status)
{
    if (pr_running.close_ticks > 0)
        end_inner(co, from, resumed->overdue);
    if (!from) {
        if (pr_running.is_ending && status != LUA_OK && status != LUA_YIELD)
            pr_running.cut = co;
        pr_running.is_ending = 0;
        pr_running.end_at_ns = 0;
    }
    go_back(co, resumed->outer, resumed->outer_yields);
}

void pr_resume_begin(struct pr_resumed *resumed, lua_State *co, lua_State *from)
{
    begin(resumed, co, from);
}

void pr_resume_end(const struct pr_resumed *resumed, lua_State *co, lua_State *from, int status)
{
    end(resumed, co, from, status);
}

int pr_resume_nested(lua_State *co, int n_args, int *n_results)
{
    int is_interrupted = pr_running.is_interrupted, slice_left = pr_running.slice_left;
    pr_running.is_interrupted = 0;
    struct pr_resumed resumed;
    begin(&resumed, co, NULL);
    int status = lua_resume(co, NULL, n_args, n_results);
    end(&resumed, co, NULL, status);
    pr_running.is_interrupted = is_interrupted;
    pr_running.slice_left = slice_left;
    return status;
}

/* ------------------------------------------------------------------- closing */

int pr_reset_coroutine(lua_State *co)
{
    lua_State *outer = pr_running.L;
    int outer_yields = pr_running.chain_yields;
    pr_running.chain_yields = 0;
    pr_running.L = co;
    if (pr_running.armed)
        arm_inner(co);
    const void *overdue = pr_running.close_ticks > 0 ? begin_inner(co) : NULL;
    int status = lua_resetthread(co);
    if (pr_running.close_ticks > 0)
        end_inner(co, outer, overdue);
    go_back(co, outer, outer_yields);
    return status;
}
