/* SPDX-License-Identifier: MIT */
#include "program/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_SCHEDULERS = 1024 };

enum { OPTION_NO_HALT = UCHAR_MAX + 1, OPTION_PREEMPT };

static const struct option long_options[] = {
    {"schedulers", required_argument, NULL, 's'},
    {"no-halt", no_argument, NULL, OPTION_NO_HALT},
    {"preempt", required_argument, NULL, OPTION_PREEMPT},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

/* The ":" in front: no words of getopt's own. The "+": what follows the script is the script's. */
static const char short_options[] = "+:e:l:is:hV";

/* man/pierrot.1 says the same at length; a test compares them. */
static const char help_text[] =
    "usage: pierrot [options] [script [arguments]]\n"
    "       pierrot [options] new NAME\n"
    "       pierrot [options] test [busted's options]\n"
    "\n"
    "Runs a Lua script as the main process of a runtime of actors, and ends when that\n"
    "process has ended. Without a script and without -e there is a prompt on a terminal;\n"
    "else what comes from standard input is run, as it is for the script \"-\".\n"
    "\n"
    "  -e CODE               run CODE\n"
    "  -l MODULE             require MODULE into the global of that name; also NAME=MODULE\n"
    "  -i                    a prompt after all that is run\n"
    "  -s, --schedulers N    the number of schedulers, threads that run processes;\n"
    "                        default: the cores\n"
    "      --no-halt         go on after the main process has ended\n"
    "      --preempt HOW     how processes that do not give way are interrupted: signal\n"
    "                        (default), count (deterministic and slower), off\n"
    "  -h, --help            print this and end\n"
    "  -V, --version         print the version and end\n"
    "\n"
    "-e and -l are done in their order, before the script. The script has its arguments\n"
    "in the global `arg` and in `...`, as in lua.\n"
    "\n"
    "new NAME writes a small supervised project with its tests into the folder NAME;\n"
    "test runs the tests in spec/ by busted, each test in a process of its own. A script\n"
    "that is called so is run as ./new or ./test.\n"
    "\n"
    "Exit status: 0; 1 when the main process crashed or the command line is wrong; that\n"
    "of os.exit or pierrot.halt; 128 and the signal's number after SIGINT or SIGTERM.\n";

static void complain(const char *format, const char *text)
{
    fputs("pierrot: ", stderr);
    fprintf(stderr, format, text);
    fputs("; see pierrot --help\n", stderr);
}

static int parse_schedulers(const char *text, int *schedulers)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (errno || end == text || *end || n < 1 || n > MAX_SCHEDULERS) {
        fprintf(stderr, "pierrot: --schedulers wants a number from 1 to %d, not '%s'\n",
                MAX_SCHEDULERS, text);
        return PIERROT_EINVAL;
    }
    *schedulers = (int)n;
    return 0;
}

static int parse_preempt(const char *text, pierrot_preempt *preempt)
{
    static const char *const names[] = {
        [PIERROT_PREEMPT_OFF] = "off",
        [PIERROT_PREEMPT_SIGNAL] = "signal",
        [PIERROT_PREEMPT_COUNT] = "count",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0) {
            *preempt = (pierrot_preempt)i;
            return 0;
        }
    }
    fprintf(stderr, "pierrot: --preempt wants signal, count or off, not '%s'\n", text);
    return PIERROT_EINVAL;
}

/* getopt has stopped at what it does not know, or at an option without its argument. */
static void complain_of(const struct pr_program *program, int result)
{
    char name[] = "-?";
    const char *word = program->argv[optind - 1];
    name[1] = (char)optopt;
    if (strncmp(word, "--", 2) != 0)
        word = name;
    complain(result == ':' ? "the option %s wants an argument" : "there is no option %s", word);
}

/* A file of that name is a script. */
static int is_command(const char *word)
{
    struct stat status;
    if (strcmp(word, "new") != 0 && strcmp(word, "test") != 0)
        return 0;
    return stat(word, &status) < 0 || !S_ISREG(status.st_mode);
}

/* The first thing on the command line that is no option is the script; all behind it is its own.
 * With nothing to run there is a prompt on a terminal, and else standard input is run. */
static void set_script(struct pr_program *program, int index)
{
    int runs_code = program->interactive;
    for (int i = 0; i < program->n_steps; i++)
        runs_code |= program->steps[i].kind == PR_PROGRAM_EXECUTE;
    program->script_index = index;
    if (index < program->argc && is_command(program->argv[index]))
        program->command = program->argv[index];
    else if (index < program->argc)
        program->script = program->argv[index];
    else if (!runs_code && isatty(STDIN_FILENO))
        program->interactive = 1;
    else if (!runs_code)
        program->script = "-";
}

enum outcome options_parse(pierrot_options *options, struct pr_program *program,
                           struct pr_program_step *steps)
{
    int option;
    program->steps = steps;
    while ((option = getopt_long(program->argc, program->argv, short_options, long_options,
                                 NULL)) != -1) {
        switch (option) {
        case 'e':
        case 'l':
            steps[program->n_steps++] = (struct pr_program_step){option, optarg};
            break;
        case 'i':
            program->interactive = 1;
            break;
        case 's':
            if (parse_schedulers(optarg, &options->schedulers) < 0)
                return OUTCOME_FAILED;
            break;
        case OPTION_PREEMPT:
            if (parse_preempt(optarg, &options->preempt) < 0)
                return OUTCOME_FAILED;
            break;
        case OPTION_NO_HALT:
            program->no_halt = 1;
            break;
        case 'h':
            fputs(help_text, stdout);
            return OUTCOME_DONE;
        case 'V':
            puts("pierrot " PIERROT_VERSION);
            return OUTCOME_DONE;
        default:
            complain_of(program, option);
            return OUTCOME_FAILED;
        }
    }
    set_script(program, optind);
    return OUTCOME_RUN;
}
