/* SPDX-License-Identifier: MIT
 *
 * A process that is about to wait lends its C stack to the only one that is ready. */
#ifndef PR_LUA_WAIT_LEND_H
#define PR_LUA_WAIT_LEND_H

#include "lua/plain.h"

/* Who runs on a lent stack lends nothing in its turn, nor does a process with accounts of its own
 * of what runs in its slice (the host's among them, whose state is no body). */
static inline int pr_wait_lends(struct pr_lua *lua, lua_State *L, const struct pr_lua_process *self)
{
    return !(lua->is_lent || lua->n_nested > 0 || self->body.co != L || self->is_server ||
             self->process.sys || pr_running.armed || pr_running.is_interrupted);
}

/* As the kind's `run`, at once for what is like the lender. */
static inline enum pr_slice_end pr_wait_run_lent(struct pr_lua *lua, struct pr_process *process,
                                                 const struct pr_kind *kind)
{
    struct pr_lua_process *self = pr_lua_process_of(process);
    if (process->kind != kind || process->sys || self->is_server)
        return process->kind->run(lua->owner, process);
    lua->n_sent = 0;
    return pr_plain_run(lua, self);
}

/* Whether others have run on this stack meanwhile, one after the other, and have woken this one: it
 * is time for another look. Else pr_wait_apart.
 *
 * Inline for the reason that pr_resume is: six returns less, and a round trip of two messages takes
 * 8 % less. */
static inline int pr_wait_lend(struct pr_lua *lua, lua_State *L)
{
    struct pr_lua_process *self = pr_lua_current(lua);
    struct pr_process *next;
    int is_woken = 0;
    if (!pr_wait_lends(lua, L, self))
        return 0;
    lua->is_lent = 1;
    (void)pr_running_leave(); /* an interrupt of who runs is none of the lender's */
    while (!is_woken && self->process.state == PR_RUNNING &&
           (next = pr_scheduler_begin_lent(lua->scheduler)) != NULL) {
        enum pr_slice_end end = pr_wait_run_lent(lua, next, self->process.kind);
        is_woken = pr_scheduler_end_lent(lua->scheduler, &self->process, next, end);
    }
    pr_running.L = L;
    lua->is_lent = 0;
    lua->n_sent = 0;
    /* As at the begin of a slice: C code of a user's may yield, the script have set another hook. */
    pr_running.yield = PR_YIELD_USER;
    if (pr_running.apply_hook)
        pr_running.apply_hook(L);
    if (self->process.state != PR_RUNNING) /* an interrupt waits as well until it has its turn */
        return 0;
    pr_running.is_interrupted = self->is_interrupted;
    self->is_interrupted = 0;
    return is_woken && !pr_running.is_interrupted;
}

#endif
