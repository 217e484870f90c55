/* SPDX-License-Identifier: MIT
 *
 * Which Lua state runs on this thread, how it can be interrupted, and how a process gives way.
 *
 * A slice that lasts too long is ended by a one-shot count hook, set by a signal handler on the
 * very thread that runs (as stock `lua` does for Ctrl-C), on the state that runs at that moment.
 * The hook yields when the whole chain of coroutines up to the process can yield; else it clears
 * itself and the next tick tries again. A user's hook is kept meanwhile and put back.
 *
 * A yield by the system (waiting, preempted) passes through the user's coroutines: our `resume`
 * hands it outwards, and resumes inwards again when the process goes on. */
#ifndef PR_LUA_RUNNING_H
#define PR_LUA_RUNNING_H

#include "lua/state.h"

enum pr_yield {
    PR_YIELD_USER,   /* coroutine.yield */
    PR_YIELD_WAIT,   /* the process waits */
    PR_YIELD_PREEMPT /* the process gives way */
};

struct pr_running {
    lua_State *volatile L;     /* NULL: no process runs */
    lua_State *volatile armed; /* the state with our one-shot hook; NULL: none */
    volatile int chain_yields; /* all coroutines from the process to L can yield */
    enum pr_yield yield;       /* what the last yield was */
    int counts;                /* preemption by count: every state has a count hook */
    int n_waiting;             /* coroutines of users in which a process waits, at most */
    uint64_t end_at_ns;        /* a dead process that cannot yield is cut off then; 0: not yet known */
    int is_ending;             /* it is being cut off */
    lua_State *callback;       /* of luv's, that runs: nothing waits in it; NULL: none */
    lua_State *cut;            /* a process's coroutine that was: its hooks are dead */
    int close_ticks;           /* > 0: closing values run, for so many more ticks */
    const void *overdue;       /* the handler that is being cut short; NULL: none */
    int is_interrupted;        /* the slice is to begin with an error: see pr_lua_interrupt */
    lua_Hook user_hook;        /* of the armed state */
    int user_mask;
    int user_count;
};

extern _Thread_local struct pr_running pr_running;

/* Runs `co` as the body of a process (the chain starts there), or (from not NULL) as a coroutine of
 * the user's in the state `from`. Returns as lua_resume. */
int pr_resume(lua_State *co, lua_State *from, int n_args, int *n_results);

/* The handler's part of preemption. */
void pr_interrupt(void);

/* Replaces the functions of the coroutine library, and debug.sethook's view of hooks. */
void pr_open_coroutine(struct pr_lua *lua, lua_State *L);

/* Runs the closing values of a dead or suspended coroutine, within a budget of ticks. */
void pr_close_coroutine(lua_State *co);

#endif
