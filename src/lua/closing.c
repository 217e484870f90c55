/* SPDX-License-Identifier: MIT */
#include "lua/closing.h"

#include "lua/running.h"
#include "lua/stack.h"

/* The coroutines of the user's that it has stopped in first: the innermost before the others. */
static void reset(lua_State *co)
{
    lua_State *inner = pr_inner_coroutine(co);
    if (inner)
        reset(inner);
    pr_running_begin_closing(co);
    lua_resetthread(co);
    pr_running_end_closing(co);
}

/* What ran until then: it may be a closing value itself, which has started a server that fails. */
struct outer {
    lua_State *L;
    int yields, close_ticks;
    const void *overdue;
};

/* What runs from here on is not preemptible: the count hook, and the watchdog's when it is on, end
 * what does not end by itself. */
static struct outer begin_brief(void)
{
    struct outer outer = {pr_running_leave(), pr_running.chain_yields, pr_running.close_ticks,
                          pr_running.overdue};
    pr_running.chain_yields = 0;
    pr_running.close_ticks = PR_CLOSE_TICKS;
    pr_running.overdue = NULL;
    return outer;
}

static void end_brief(struct outer outer)
{
    pr_running.L = outer.L;
    pr_running.close_ticks = outer.close_ticks;
    pr_running.overdue = outer.overdue;
    pr_running.chain_yields = outer.yields;
}

/* An error leaves a coroutine where it was raised: in a hook of the user's there is none again. */
static int are_hooks_dead(lua_State *co)
{
    if (pr_running.cut == co) {
        pr_running.cut = NULL;
        return 1;
    }
    return pr_running.apply_hook && lua_status(co) != LUA_YIELD && pr_is_in_hook(co);
}

/* __close handlers of a process that ends. */
int pr_close_coroutine(struct pr_lua *lua, lua_State *co)
{
    if (are_hooks_dead(co))
        return 0;
    struct outer outer = begin_brief();
    const struct pr_process *closing = lua->closing;
    lua->closing = lua->owner->current;
    reset(co);
    lua->closing = closing;
    end_brief(outer);
    return !pr_running.apply_hook;
}

int pr_call_briefly(lua_State *co, int n_args)
{
    struct outer outer = begin_brief();
    pr_running_begin_closing(co);
    int status = lua_pcall(co, n_args, 1, 0);
    pr_running_end_closing(co);
    end_brief(outer);
    return status;
}
