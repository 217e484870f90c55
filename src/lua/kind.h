/* SPDX-License-Identifier: MIT
 *
 * The kind of process that Lua's are: how one is made, runs its slices and ends. */
#ifndef PR_LUA_KIND_H
#define PR_LUA_KIND_H

#include "lua/process.h"

struct pr_spawn_options {
    struct pr_process *link;    /* or NULL */
    struct pr_process *monitor; /* or NULL */
    const char *name;           /* or NULL */
    size_t name_len;
    uint64_t max_queue, max_heap;
    struct pr_lineage *lineage; /* takes; NULL: that of the current process */
    int is_orphan;              /* without ancestors */
};

/* A new process that is not ready yet; options are in force. 0; EEXIST (the name), ENOMEM, ELIMIT.
 */
int pr_lua_process_new(struct pr_lua *lua, const struct pr_spawn_options *options, int is_server,
                       struct pr_lua_process **made, pierrot_ref *ref);

/* A plain Lua process here goes on with the error "interrupted", in the middle of what it does or
 * waits for, as if the code had raised it there; it can be caught. Whether there is such a process.
 * Thread: owner. */
int pr_lua_interrupt(struct pr_lua *lua, pierrot_pid pid);

/* The main process of a stock interpreter is made with its state, and leaves with it. */
int pr_lua_host_new(struct pr_lua *lua);
void pr_lua_host_leave(struct pr_lua *lua);

#endif
