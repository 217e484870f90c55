/* SPDX-License-Identifier: MIT
 *
 * The hard part is that output comes from everywhere: print on any scheduler, io.write, the log.
 * All of it passes through C's stdout, or the sink of the log; so stdout becomes a stream of our
 * own (where the C library can do that), and both end in console_write. Its lock is the last one
 * taken: nothing is called under it but write. */
#include "program/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* What is kept is bounded: who writes more than this while a line is edited, loses the rest. */
enum { KEPT_MAX = 1 << 20 };

static struct {
    int wake[2];               /* (I) a pipe: read end, write end */
    int input_is_terminal;     /* (I) */
    int output_is_terminal;    /* (I) */
    int errors_are_terminal;   /* (I) */
    struct termios at_start;   /* (I) modes to leave behind */
    struct sigaction before;   /* (I) what SIGINT did */
    atomic_int is_interrupted; /* (A) */
    atomic_int is_continued;   /* (A) */
    pthread_mutex_t lock;
    int has_line;    /* (M) a line is edited */
    int is_mid_line; /* (M) the last byte written to the terminal was no line end */
    char *kept;      /* (M) of n_kept bytes, room for n_room */
    size_t n_kept, n_room;
} console = {.wake = {-1, -1}, .lock = PTHREAD_MUTEX_INITIALIZER};

/* --------------------------------------------------------------------- output */

static void write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return; /* there is nowhere left to complain */
        if (n > 0) {
            text += n;
            len -= (size_t)n;
        }
    }
}

/* Under the lock. */
static void write_now(int fd, const char *text, size_t len)
{
    if (len == 0)
        return;
    write_all(fd, text, len);
    if (fd == STDOUT_FILENO ? console.output_is_terminal : console.errors_are_terminal)
        console.is_mid_line = text[len - 1] != '\n';
}

/* Under the lock. Whether there was room. */
static int keep(const char *text, size_t len)
{
    if (len > KEPT_MAX - console.n_kept)
        return 0;
    if (console.n_room - console.n_kept < len) {
        size_t n_room = 2 * (console.n_kept + len);
        char *bigger = realloc(console.kept, n_room);
        if (!bigger)
            return 0;
        console.kept = bigger;
        console.n_room = n_room;
    }
    memcpy(console.kept + console.n_kept, text, len);
    console.n_kept += len;
    return 1;
}

void console_write(int fd, const char *text, size_t len)
{
    int is_shown = fd == STDOUT_FILENO || console.errors_are_terminal;
    pthread_mutex_lock(&console.lock);
    int is_kept = console.has_line && is_shown;
    if (is_kept)
        keep(text, len);
    else
        write_now(fd, text, len);
    pthread_mutex_unlock(&console.lock);
    if (is_kept)
        console_wake();
}

/* Under the lock. */
static void write_kept(void)
{
    write_now(STDOUT_FILENO, console.kept, console.n_kept);
    console.n_kept = 0;
    if (console.is_mid_line)
        write_now(STDOUT_FILENO, "\n", 1);
}

void console_show(void)
{
    pthread_mutex_lock(&console.lock);
    write_kept();
    pthread_mutex_unlock(&console.lock);
}

void console_begin_line(void)
{
    pthread_mutex_lock(&console.lock);
    write_kept();
    console.has_line = 1;
    pthread_mutex_unlock(&console.lock);
}

void console_end_line(void)
{
    pthread_mutex_lock(&console.lock);
    console.is_mid_line = 0;
    write_kept();
    console.has_line = 0;
    pthread_mutex_unlock(&console.lock);
}

#ifdef __GLIBC__
static ssize_t write_cookie(void *cookie, const char *text, size_t len)
{
    (void)cookie;
    console_write(STDOUT_FILENO, text, len);
    return (ssize_t)len;
}

/* Lua's io library takes stdout as it finds it when a state is opened. Never closed: what Lua's
 * finalizers print comes last of all. */
static void replace_stdout(void)
{
    FILE *stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_cookie});
    if (!stream)
        return;
    fflush(stdout);
    setvbuf(stream, NULL, _IOLBF, BUFSIZ);
    stdout = stream;
}
#else
static void replace_stdout(void)
{
}
#endif

/* ---------------------------------------------------------------------- input */

void console_wake(void)
{
    int before = errno;
    if (write(console.wake[1], "", 1) < 0)
        errno = before; /* full: it is woken anyway */
    errno = before;
}

static void on_interrupt(int number)
{
    (void)number;
    atomic_store_explicit(&console.is_interrupted, 1, memory_order_relaxed);
    console_wake();
}

/* After a stop (Ctrl-Z) the shell has had the terminal. */
static void on_continue(int number)
{
    (void)number;
    atomic_store_explicit(&console.is_continued, 1, memory_order_relaxed);
    console_wake();
}

int console_was_continued(void)
{
    return atomic_exchange_explicit(&console.is_continued, 0, memory_order_relaxed);
}

static void drain(void)
{
    char bytes[64];
    while (read(console.wake[0], bytes, sizeof bytes) > 0)
        ;
}

static int has_output(void)
{
    pthread_mutex_lock(&console.lock);
    int has = console.n_kept > 0;
    pthread_mutex_unlock(&console.lock);
    return has;
}

static enum console_event woken(void)
{
    drain();
    if (atomic_exchange_explicit(&console.is_interrupted, 0, memory_order_relaxed))
        return CONSOLE_INTERRUPT;
    int shows = atomic_load_explicit(&console.is_continued, memory_order_relaxed) || has_output();
    return shows ? CONSOLE_OUTPUT : CONSOLE_WOKEN;
}

enum console_event console_next(unsigned char *byte)
{
    struct pollfd sources[] = {{console.wake[0], POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    for (;;) {
        if (poll(sources, byte ? 2 : 1, -1) < 0) {
            if (errno == EINTR)
                continue;
            return CONSOLE_END;
        }
        if (sources[0].revents)
            return woken();
        ssize_t n = read(STDIN_FILENO, byte, 1);
        if (n == 1)
            return CONSOLE_BYTE;
        if (n == 0 || (errno != EINTR && errno != EAGAIN))
            return CONSOLE_END;
    }
}

/* ---------------------------------------------------------------- open, close */

int console_input_is_terminal(void)
{
    return console.input_is_terminal;
}

int console_output_is_terminal(void)
{
    return console.output_is_terminal;
}

size_t console_columns(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return 80;
    return size.ws_col;
}

/* os.exit, from whatever process: the terminal is left as it was found. */
static void leave(void)
{
    if (pthread_mutex_trylock(&console.lock) == 0 && console.n_kept > 0) {
        write_all(STDOUT_FILENO, "\r\n", 2);
        write_all(STDOUT_FILENO, console.kept, console.n_kept);
    }
    if (console.input_is_terminal)
        tcsetattr(STDIN_FILENO, TCSANOW, &console.at_start);
}

int console_open(void)
{
    struct sigaction interrupt = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
    struct sigaction go_on = {.sa_handler = on_continue, .sa_flags = SA_RESTART};
    if (pipe2(console.wake, O_CLOEXEC | O_NONBLOCK) < 0)
        return errno;
    console.input_is_terminal =
        isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &console.at_start) == 0;
    console.output_is_terminal = isatty(STDOUT_FILENO);
    console.errors_are_terminal = isatty(STDERR_FILENO);
    setvbuf(stdin, NULL, _IONBF, 0); /* what a script does not read is the prompt's */
    if (console.output_is_terminal)
        replace_stdout();
    at_quick_exit(leave);
    if (console.input_is_terminal) {
        sigaction(SIGINT, &interrupt, &console.before);
        sigaction(SIGCONT, &go_on, NULL);
    }
    return 0;
}

void console_close(void)
{
    if (console.input_is_terminal)
        sigaction(SIGINT, &console.before, NULL);
    fflush(stdout);
    console_show();
    free(console.kept);
    console.kept = NULL;
    console.n_room = 0;
}
