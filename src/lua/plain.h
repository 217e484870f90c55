/* SPDX-License-Identifier: MIT
 *
 * A slice of a process that runs a function, and has no callbacks. */
#ifndef PR_LUA_PLAIN_H
#define PR_LUA_PLAIN_H

#include "lua/process.h"
#include "lua/running.h"

/* The two sides of pr_plain_run: the number of arguments to resume with; what the slice came to. */
int pr_plain_begin(struct pr_lua_process *process);
enum pr_slice_end pr_plain_end(struct pr_lua *lua, struct pr_lua_process *process, int status);

/* Inline for the reason that pr_resume is. */
static inline enum pr_slice_end pr_plain_run(struct pr_lua *lua, struct pr_lua_process *process)
{
    int n_results, n_args = pr_plain_begin(process);
    int status = pr_resume(process->body.co, NULL, n_args, &n_results);
    return pr_plain_end(lua, process, status);
}

#endif
