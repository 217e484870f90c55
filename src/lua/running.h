/* SPDX-License-Identifier: MIT
 *
 * Which Lua state runs on this thread, how it can be interrupted, and how a process gives way.
 *
 * A slice that lasts too long is ended by a one-shot count hook, set by a signal handler on the
 * very thread that runs (as stock `lua` does for Ctrl-C), on the state that runs at that moment.
 * The hook yields when the whole chain of coroutines up to the process can yield; else it clears
 * itself and the next tick tries again. A user's hook (hook.h) is kept meanwhile, called for its
 * events and put back; with one for lines a process gives way at a new line only, so that each line
 * is told of once (but for a return that closes values: Lua does it again after a yield there).
 *
 * A yield by the system (waiting, preempted) passes through the user's coroutines: our `resume`
 * hands it outwards, and resumes inwards again when the process goes on. */
#ifndef PR_LUA_RUNNING_H
#define PR_LUA_RUNNING_H

#include <signal.h>

#include "lua/state.h"

enum pr_yield {
    PR_YIELD_USER,   /* coroutine.yield */
    PR_YIELD_WAIT,   /* the process waits */
    PR_YIELD_PREEMPT /* the process gives way */
};

/* Closing values of a process that ends get so many ticks of the watchdog, and as many count hooks.
 */
enum { PR_CLOSE_TICKS = 20 };

struct pr_running {
    lua_State *volatile L;             /* NULL: no process runs */
    lua_State *volatile armed;         /* the state with our one-shot hook; NULL: none */
    volatile int chain_yields;         /* all coroutines from the process to L can yield */
    volatile unsigned n_unheard;       /* ticks since our hook was set, that it has not run */
    volatile sig_atomic_t is_changing; /* hooks are being changed: the handler does nothing */
    enum pr_yield yield;               /* what the last yield was */
    int counts;                        /* preemption by count: every state has a count hook */
    int slice_left; /* by count, where the user has a hook as well: so many more */
    /* Called before a coroutine runs, to give it the user's hook (hook.h); NULL: there is none. */
    void (*apply_hook)(lua_State *co);
    int just_called;     /* the last event of a user's hook was a call */
    int n_put_off;       /* how often that was a reason not to give way, in a row */
    int n_waiting;       /* coroutines of users in which a process waits, or bodies, at most */
    uint64_t end_at_ns;  /* a dead process that cannot yield is cut off then; 0: not yet */
    int is_ending;       /* it is being cut off */
    lua_State *stopped;  /* the coroutine that our hook has just stopped; NULL: none */
    lua_State *callback; /* of luv's, that runs: nothing waits in it; NULL: none */
    lua_State *cut;      /* a process's coroutine that was: its hooks are dead */
    int close_ticks;     /* > 0: closing values run, for so many more ticks */
    const void *overdue; /* the handler that is being cut short; NULL: none */
    int is_interrupted;  /* the slice is to begin with an error: see pr_lua_interrupt */
    lua_Hook user_hook;  /* of the armed state */
    int user_mask;
    int user_count;
};

extern _Thread_local struct pr_running pr_running;

/* What goes on when a coroutine has returned. */
struct pr_resumed {
    lua_State *outer;
    int outer_yields;
    const void *overdue;
};

/* The two sides of pr_resume. */
void pr_resume_begin(struct pr_resumed *resumed, lua_State *co, lua_State *from);
void pr_resume_end(const struct pr_resumed *resumed, lua_State *co, lua_State *from, int status);

/* Runs `co` as the body of a process (the chain starts there), or (from not NULL) as a coroutine of
 * the user's in the state `from`. Returns as lua_resume.
 *
 * A yield is a longjmp over the calls that Lua has made: each return from a function that was
 * entered before lua_resume is mispredicted then, at some 7 ns. So between lua_resume and what it
 * goes back to there are as few functions as can be, and this is none. */
static inline int pr_resume(lua_State *co, lua_State *from, int n_args, int *n_results)
{
    struct pr_resumed resumed;
    pr_resume_begin(&resumed, co, from);
    int status = lua_resume(co, from, n_args, n_results);
    pr_resume_end(&resumed, co, from, status);
    return status;
}

/* The same for the body of another process that runs nested in what runs, whose interrupt and slice
 * are as they were. The caller sets `yield` back when it has read it. */
int pr_resume_nested(lua_State *co, int n_args, int *n_results);

/* The handler's part of preemption. */
void pr_interrupt(void);

/* The same where the handler itself may come in between. */
void pr_interrupt_from_here(void);

/* Others are to run on this thread before what runs goes on: nothing runs, and no interrupt waits.
 * What ran. */
lua_State *pr_running_leave(void);

/* lua_sethook and lua_gethook for the user's hooks, which do not see ours. */
void pr_running_set_hook(lua_State *L, lua_Hook function, int mask, int count);
lua_Hook pr_running_get_hook(lua_State *L, int *mask, int *count);

/* Whether this is a hook of ours, which gives way to one of a user's. */
int pr_running_is_own(lua_Hook function);

/* A user's hook with this mask has had an event; a count stands for `n` instructions. With
 * preemption by count the process gives way when its slice is over. */
void pr_running_count(lua_State *L, int event, int n, int mask);

/* Around what runs in `co` while close_ticks are left (closing.h): a hook looks after the budget.
 */
void pr_running_begin_closing(lua_State *co);
void pr_running_end_closing(lua_State *co);

/* Replaces the functions of the coroutine library. */
void pr_open_coroutine(struct pr_lua *lua, lua_State *L);

/* The coroutine of the user's in which a suspended one has stopped: what that waits for, or was
 * preempted in. NULL: there is none. */
lua_State *pr_inner_coroutine(lua_State *co);

/* lua_resetthread for a coroutine of the user's: its closing values cannot wait, but what ends the
 * process ends them. */
int pr_reset_coroutine(lua_State *co);

#endif
