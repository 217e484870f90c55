/* SPDX-License-Identifier: MIT
 *
 * The main process of a runtime, as the thread that made it runs it. */
#ifndef PR_LUA_EMBED_H
#define PR_LUA_EMBED_H

#include "lua/state.h"

/* How a main process ended. */
enum pr_main_end {
    PR_MAIN_CLEAN,
    PR_MAIN_CRASHED,
    PR_MAIN_HALTED /* the program was told to end meanwhile */
};

/* Runs the function on top of scheduler 0's main Lua state as the main process, until it has ended
 * or a halt was requested. Pops it. 0 or an error; *end tells how it ended. Thread: the creator. */
int pr_main_run(pierrot *rt, enum pr_main_end *end);

/* Stops the supervision trees of the main process and the applications, in order (pierrot.ending);
 * the milliseconds that are left of the time. Thread: the creator, outside of slices. */
int pr_main_stop_trees(pierrot *rt, int timeout_ms);

/* Runs scheduler 0 until a halt is requested. Thread: the creator. */
void pr_main_wait_halt(pierrot *rt);

/* The Lua side of scheduler 0. */
struct pr_lua *pr_main_lua(pierrot *rt);

/* Sets the global arg as lua does. Protected; 0 or PIERROT_ENOMEM. */
int pr_main_set_arg(pierrot *rt, int argc, char **argv, int script);

#endif
