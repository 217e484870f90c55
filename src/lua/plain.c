/* SPDX-License-Identifier: MIT */
#include "lua/plain.h"

#include "lua/crash.h"
#include "lua/holding.h"

int pr_plain_begin(struct pr_lua_process *process)
{
    int n_args = process->n_args;
    process->n_args = 0;
    pr_running.is_interrupted = process->is_interrupted;
    process->is_interrupted = 0;
    return n_args;
}

/* While the program ends, its trees first, the main process does not go on from where it was
 * stopped: from an io.read that the signal ended, as if that were the end of the input. It waits
 * until it is told itself. */
static int stays_behind(struct pr_lua *lua, struct pr_process *process)
{
    const struct pierrot *runtime = lua->scheduler->runtime;
    if (process->pid.id != lua->script.id || process->flags & PR_TOLD_TO_STOP ||
        !runtime->options.program ||
        !atomic_load_explicit(&runtime->halt_requested, memory_order_relaxed))
        return 0;
    process->flags |= PR_WAKE_ON_MESSAGE;
    return 1;
}

enum pr_slice_end pr_plain_end(struct pr_lua *lua, struct pr_lua_process *process, int status)
{
    lua_State *co = process->body.co;
    process->is_interrupted |= (uint8_t)pr_running.is_interrupted;
    pr_running.is_interrupted = 0;
    if (status == LUA_YIELD)
        return pr_running.yield == PR_YIELD_WAIT || stays_behind(lua, &process->process)
                   ? PR_SLICE_WAITS
                   : PR_SLICE_USED_UP;
    pr_holding_tell(co); /* no hook comes after a C function that was the last thing it called */
    if (status == LUA_OK) {
        pr_pool_give(lua, process->body);
        process->body.co = NULL;
        pr_process_exit(lua->owner, &process->process, PR_TERM(normal));
    } else {
        pr_process_exit(lua->owner, &process->process, pr_crash_reason(lua, co));
    }
    return PR_SLICE_ENDED;
}
