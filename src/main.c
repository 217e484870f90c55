/* SPDX-License-Identifier: MIT
 *
 * The pierrot program: makes a runtime, hands it what the command line asks for (lua/program.h),
 * and stops it in order. It stands on the public API and that one header. */
#include "pierrot.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lua/program.h"
#include "program/console.h"
#include "program/options.h"
#include "program/terminal.h"

/* A report has at most 8 KiB. */
enum { STOP_TIMEOUT_MS = 5000, FREE_TIMEOUT_S = 2, LOG_LINE_MAX = 16384 };

/* ThreadSanitizer keeps a signal back until the program calls something of its own; Lua that spins
 * never does. */
#ifdef __SANITIZE_THREAD__
#define DEFAULT_PREEMPT PIERROT_PREEMPT_COUNT
#else
#define DEFAULT_PREEMPT PIERROT_PREEMPT_SIGNAL
#endif

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

static void *end_all_the_same(void *status)
{
    sleep(FREE_TIMEOUT_S);
    if (ftrylockfile(stdout) == 0) {
        fflush(stdout);
        funlockfile(stdout);
    }
    _exit((int)(intptr_t)status);
}

/* A C function that waits for ever on another scheduler's thread, as io.read may, cannot be freed. */
static void limit_free(int status)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, end_all_the_same, (void *)(intptr_t)status) == 0)
        pthread_detach(thread);
}

static int run(pierrot_options *options, struct pr_program *program)
{
    pierrot *rt;
    if (program->interactive && start_prompt(options) != 0)
        return EXIT_FAILURE;
    program->keeps_interrupt = program->interactive && console_input_is_terminal();
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
    if (pierrot_stop(rt, STOP_TIMEOUT_MS) != 0)
        limit_free(status);
    if (program->interactive)
        terminal_stop();
    pierrot_free(rt);
    if (program->interactive)
        console_close();
    return status;
}

/* libuv, and others, take for granted that 0, 1 and 2 are nothing of theirs. What was closed reads
 * as empty, and takes what is written. */
static void open_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        /* The lowest that is free, so it is this one. */
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            return;
    }
}

/* What ends the program waits until it can do so in order: one that came while its handler is put in
 * place would be lost. The mask before. */
static sigset_t hold_signals(void)
{
    sigset_t ending, before;
    sigemptyset(&before);
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &ending, &before);
    return before;
}

int main(int argc, char **argv)
{
    sigset_t mask = hold_signals();
    pierrot_options options;
    open_standard_files();
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
    struct pr_program program = {.argc = argc, .argv = argv, .mask = &mask};
    int status = EXIT_SUCCESS;
    switch (options_parse(&options, &program, steps)) {
    case OUTCOME_RUN:
        status = run(&options, &program);
        break;
    case OUTCOME_DONE:
        break;
    case OUTCOME_FAILED:
        status = EXIT_FAILURE;
        break;
    }
    free(steps);
    return status;
}
