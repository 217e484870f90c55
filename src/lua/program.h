/* SPDX-License-Identifier: MIT
 *
 * What the command line asks for, in the order in which it is to be done: the way from src/main.c,
 * which knows options, to the Lua layer, which knows how to load and run. */
#ifndef PR_PROGRAM_H
#define PR_PROGRAM_H

#include <signal.h>

#include "pierrot.h"

enum pr_program_kind {
    PR_PROGRAM_EXECUTE = 'e', /* -e CODE */
    PR_PROGRAM_LOAD = 'l'     /* -l MODULE, also NAME=MODULE as in lua: the global NAME */
};

struct pr_program_step {
    int kind; /* enum pr_program_kind */
    const char *text;
};

struct pr_program {
    const struct pr_program_step *steps; /* in order, before the script */
    int n_steps;
    const char *script; /* a path, "-" for standard input, NULL for none */
    const char
        *command; /* "new", "test": pierrot.command.<that> in place of a script; NULL: none */
    int argc;     /* the whole command line, for the global `arg` */
    char **argv;
    int script_index; /* arg[0] is argv[script_index]; argc without a script: then argv[0], as lua
                       */
    int interactive;  /* a prompt after the steps and the script */
    int keeps_interrupt;  /* SIGINT is not to end the program */
    pierrot_pid terminal; /* what reads its lines, see pierrot.repl.session */
    int no_halt;          /* go on after the main process ended */
    const sigset_t *mask; /* of signals, from when SIGTERM and SIGINT end the program in order; NULL:
                             as it is */
};

/* Runs all steps and then the script in one process, the main process of `rt`, with `arg` set as
 * lua does; a step that fails keeps the later ones from running. Returns when that process has
 * ended (with no_halt: when the program is told to end): the exit status, 0 or 1. What went wrong
 * was reported to the log. The runtime still runs: the caller stops it. Thread: the one that made
 * the runtime. Lends: program and all it points to. */
int pr_program_run(pierrot *rt, const struct pr_program *program);

#endif
