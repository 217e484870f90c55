/* SPDX-License-Identifier: MIT
 *
 * The command line: what it asks for, and what is wrong with it. */
#ifndef PR_PROGRAM_OPTIONS_H
#define PR_PROGRAM_OPTIONS_H

#include "lua/program.h"
#include "pierrot.h"

enum outcome {
    OUTCOME_RUN,
    OUTCOME_DONE,  /* help or the version was asked for, and is written */
    OUTCOME_FAILED /* a complaint is on stderr */
};

/* Reads program->argv into the rest of `program` and into `options`. `steps` has room for one step
 * an argument; program->steps is that. */
enum outcome options_parse(pierrot_options *options, struct pr_program *program,
                           struct pr_program_step *steps);

#endif
