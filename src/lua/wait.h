/* SPDX-License-Identifier: MIT
 *
 * How a process waits, gives way and dies in the middle of a C function that Lua code called. */
#ifndef PR_LUA_WAIT_H
#define PR_LUA_WAIT_H

#include "lua/running.h"

/* A timeout argument: milliseconds as a deadline; UINT64_MAX for none, "infinity", math.huge.
 * Raises for what is no time. */
uint64_t pr_check_deadline(struct pr_lua *lua, lua_State *L, int arg);

/* Whether the process can yield in L now. */
static inline int pr_can_yield(lua_State *L)
{
    return L == pr_running.L && pr_running.chain_yields && lua_isyieldable(L);
}

/* Raises unless messages of the process can be taken now, without a wait: always where it can
 * yield. */
void pr_check_can_take(struct pr_lua *lua, lua_State *L);

/* Whether the process can wait in L now. */
int pr_can_wait(struct pr_lua *lua, lua_State *L);

/* Raises unless it can. */
void pr_check_can_wait(struct pr_lua *lua, lua_State *L);

/* One look at what the process waits for: the number of results pushed, or -1: go on waiting. */
typedef int (*pr_try_fn)(lua_State *L, lua_KContext context);

/* Lets the process wait until `try` has results; `k` must be `return pr_wait(L, context, try, k)`.
 * For use as `return pr_wait(…)`. In a host's main process it runs the scheduler meanwhile. */
int pr_wait(struct pr_lua *lua, lua_State *L, lua_KContext context, pr_try_fn try_fn,
            lua_KFunction k);

/* The same where a first look was in vain. */
int pr_wait_on(struct pr_lua *lua, lua_State *L, lua_KContext context, pr_try_fn try_fn,
               lua_KFunction k);

/* Its second part, for who keeps something only where the C stack goes; the first is pr_wait_lend
 * (wait_lend.h). */
int pr_wait_apart(struct pr_lua *lua, lua_State *L, lua_KContext context, pr_try_fn try_fn,
                  lua_KFunction k);

/* Gives way to others; use as return value. */
int pr_give_way(struct pr_lua *lua, lua_State *L);

/* A message was sent that nobody answers, to one that has `n_waiting` now and is to have its turn.
 * A process that only sends is ahead of those that it sends to: after some hundreds it gives way,
 * or their mailboxes would grow for as long as a slice lasts. Use as return value with the result
 * on top. */
int pr_end_send(struct pr_lua *lua, lua_State *L, uint32_t n_waiting);

/* The current process is EXITING: unwinds L for good; use as return value. */
int pr_die(struct pr_lua *lua, lua_State *L);

/* Whether something has ended the current process, whose code is not to go on. Its closing values
 * are: one that has told others goes on as in a process that lives. */
static inline int pr_must_die(const struct pr_lua *lua)
{
    const struct pr_process *current = lua->owner->current;
    return current->flags & PR_EXITING && lua->closing != current;
}

/* After something that may have ended the current process. */
#define PR_CHECK_ALIVE(lua, L)                                                                     \
    do {                                                                                           \
        if (pr_must_die(lua))                                                                      \
            return pr_die((lua), (L));                                                             \
    } while (0)

#endif
