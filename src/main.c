/* SPDX-License-Identifier: MIT
 *
 * The pierrot program: reads the command line, makes a runtime, hands it the work (lua/program.h),
 * and stops it in order. Stands on the public API and that one header. */
#include "pierrot.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lua/program.h"
#include "program/console.h"
#include "program/terminal.h"

/* A report has at most 8 KiB. */
enum { MAX_SCHEDULERS = 1024, STOP_TIMEOUT_MS = 5000, LOG_LINE_MAX = 16384 };

/* What the command line may ask for besides running something. */
enum outcome { RUN, DONE, FAILED };

/* ThreadSanitizer keeps a signal back until the program calls something of its own; Lua that spins
 * never does. */
#ifdef __SANITIZE_THREAD__
#define DEFAULT_PREEMPT PIERROT_PREEMPT_COUNT
#else
#define DEFAULT_PREEMPT PIERROT_PREEMPT_SIGNAL
#endif

enum { OPTION_NO_HALT = UCHAR_MAX + 1, OPTION_PREEMPT };

static const struct option long_options[] = {
    {"schedulers", required_argument, NULL, 's'},
    {"no-halt", no_argument, NULL, OPTION_NO_HALT},
    {"preempt", required_argument, NULL, OPTION_PREEMPT},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static const char help_text[] =
    "usage: pierrot [options] [script [args]]\n"
    "\n"
    "Runs a Lua script as the main process of a runtime of actors. Without a script and\n"
    "without -e it runs what comes from standard input, as it does for the script \"-\".\n"
    "\n"
    "  -e CODE               run CODE\n"
    "  -l MODULE             require MODULE into the global of that name\n"
    "  -i                    be interactive after the script\n"
    "  -s, --schedulers N    the number of schedulers; default: the cores\n"
    "      --no-halt         go on after the main process has ended\n"
    "      --preempt HOW     signal (default), count, or off\n"
    "  -h, --help            print this and end\n"
    "  -V, --version         print the version and end\n";

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

/* The first thing on the command line that is no option is the script; all behind it is its own.
 * With nothing to run there is a prompt on a terminal, and else standard input is run. */
static void set_script(struct pr_program *program, int index)
{
    int runs_code = 0;
    for (int i = 0; i < program->n_steps; i++)
        runs_code |= program->steps[i].kind == PR_PROGRAM_EXECUTE;
    program->script_index = index;
    if (index < program->argc)
        program->script = program->argv[index];
    else if (!runs_code && !program->interactive && isatty(STDIN_FILENO))
        program->interactive = 1;
    else if (!runs_code && !program->interactive)
        program->script = "-";
}

/* `steps` has room for one step an argument. Complaints go to stderr, here and in getopt_long. */
static enum outcome parse(pierrot_options *options, struct pr_program *program,
                          struct pr_program_step *steps)
{
    int option;
    while ((option = getopt_long(program->argc, program->argv, "+e:l:is:hV", long_options, NULL)) !=
           -1) {
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
                return FAILED;
            break;
        case OPTION_PREEMPT:
            if (parse_preempt(optarg, &options->preempt) < 0)
                return FAILED;
            break;
        case OPTION_NO_HALT:
            program->no_halt = 1;
            break;
        case 'h':
            fputs(help_text, stdout);
            return DONE;
        case 'V':
            puts("pierrot " PIERROT_VERSION);
            return DONE;
        default:
            fputs("pierrot: see --help for the options\n", stderr);
            return FAILED;
        }
    }
    set_script(program, optind);
    return RUN;
}

/* The prompt's line is not to be written over. */
static void log_to_console(void *ud, pierrot_level level, const char *text, size_t len)
{
    char line[LOG_LINE_MAX];
    (void)ud;
    (void)level;
    if (len > sizeof line - 1)
        len = sizeof line - 1;
    memcpy(line, text, len);
    if (len == 0 || line[len - 1] != '\n')
        line[len++] = '\n';
    console_write(STDERR_FILENO, line, len);
}

/* One write, so that lines of several OS processes do not mix either. */
static void log_to_stderr(void *ud, pierrot_level level, const char *text, size_t len)
{
    (void)ud;
    (void)level;
    struct iovec parts[] = {{(void *)text, len}, {"\n", 1}};
    int has_end = len > 0 && text[len - 1] == '\n';
    if (writev(STDERR_FILENO, parts, has_end ? 1 : 2) < 0)
        return; /* there is nowhere left to complain */
}

static int start_prompt(pierrot_options *options)
{
    int error = console_open();
    if (error)
        fprintf(stderr, "pierrot: cannot start the prompt: %s\n", strerror(error));
    options->log = log_to_console;
    return error;
}

static int run(pierrot_options *options, struct pr_program *program)
{
    pierrot *rt;
    if (program->interactive && start_prompt(options) != 0)
        return EXIT_FAILURE;
    int error = pierrot_new(options, &rt);
    if (error < 0) {
        fprintf(stderr, "pierrot: cannot start: %s\n", pierrot_strerror(error));
        return EXIT_FAILURE;
    }
    int status = EXIT_FAILURE;
    error = program->interactive ? terminal_start(rt, &program->terminal) : 0;
    if (error)
        fprintf(stderr, "pierrot: cannot start the prompt: %s\n", pierrot_strerror(error));
    else
        status = pr_program_run(rt, program);
    pierrot_stop(rt, STOP_TIMEOUT_MS);
    if (program->interactive)
        terminal_stop();
    pierrot_free(rt);
    if (program->interactive)
        console_close();
    return status;
}

int main(int argc, char **argv)
{
    pierrot_options options;
    pierrot_options_init(&options);
    options.schedulers = 0;
    options.preempt = DEFAULT_PREEMPT;
    options.program = 1;
    options.log = log_to_stderr;

    struct pr_program_step *steps = calloc((size_t)argc + 1, sizeof(*steps));
    if (!steps) {
        fputs("pierrot: out of memory\n", stderr);
        return EXIT_FAILURE;
    }
    struct pr_program program = {.steps = steps, .argc = argc, .argv = argv};
    enum outcome outcome = parse(&options, &program, steps);
    int status = outcome == RUN      ? run(&options, &program)
                 : outcome == FAILED ? EXIT_FAILURE
                                     : EXIT_SUCCESS;
    free(steps);
    return status;
}
