/* SPDX-License-Identifier: MIT
 *
 * pty FILE PROGRAM ARGUMENTS...: runs a program on a terminal of its own and does what FILE says,
 * line by line:
 *
 *   expect TEXT   wait until the program has written TEXT, after what the expect before has found
 *   send TEXT     type TEXT
 *   go            wait until the program has connected to port $PORT, and close the connection
 *   end           wait until the program has ended
 *
 * `go` is how a process of the program is told that something was seen: it waits for the end of a
 * connection to that port of 127.0.0.1, and not for time. The program must leave the terminal as it
 * was: that is looked at in the end.
 *
 * In TEXT \n, \t, \e, \\ and \xHH stand for bytes. All that the program writes goes to stdout, and
 * its exit status is this one's. 97: what is expected has not come, see stderr. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { FAILED = 97, PATIENCE_MS = 20000 };

static int terminal;
static pid_t program;
static char *seen; /* what was written since the last match */
static size_t n_seen;

static void fail(const char *what, const char *text)
{
    fprintf(stderr, "pty: %s '%s'; since the last match:\n%.*s\n", what, text, (int)n_seen,
            seen ? seen : "");
    kill(program, SIGKILL);
    exit(FAILED);
}

/* Reads once; 0 at the end of the output. */
static int read_more(const char *text)
{
    char bytes[4096];
    struct pollfd source = {terminal, POLLIN, 0};
    if (poll(&source, 1, PATIENCE_MS) <= 0)
        fail("this has not come:", text);
    ssize_t n = read(terminal, bytes, sizeof bytes);
    if (n <= 0)
        return 0; /* EIO: nobody has it open any more */
    fwrite(bytes, 1, (size_t)n, stdout);
    fflush(stdout);
    seen = realloc(seen, n_seen + (size_t)n);
    if (!seen)
        exit(FAILED);
    memcpy(seen + n_seen, bytes, (size_t)n);
    n_seen += (size_t)n;
    return 1;
}

static void expect(const char *text, size_t len)
{
    for (;;) {
        char *found = n_seen ? memmem(seen, n_seen, text, len) : NULL;
        if (found) {
            size_t n_done = (size_t)(found - seen) + len;
            memmove(seen, seen + n_done, n_seen - n_done);
            n_seen -= n_done;
            return;
        }
        if (!read_more(text))
            fail("the program has ended before it wrote", text);
    }
}

static void type(const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(terminal, text, len);
        if (n < 0)
            fail("cannot type", text);
        text += n;
        len -= (size_t)n;
    }
}

static size_t unescape(char *text)
{
    char *to = text;
    for (char *from = text; *from; from++) {
        unsigned byte;
        if (*from != '\\') {
            *to++ = *from;
        } else if (*++from == 'x' && sscanf(from + 1, "%2x", &byte) == 1) {
            *to++ = (char)byte;
            from += 2;
        } else {
            *to++ = *from == 'n' ? '\n' : *from == 't' ? '\t' : *from == 'e' ? '\033' : *from;
        }
    }
    *to = '\0';
    return (size_t)(to - text);
}

static int listener;

/* $PORT in the environment of the program is where this listens. */
static void open_listener(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    char port[8];
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, len) < 0 ||
        listen(listener, 8) < 0 || getsockname(listener, (struct sockaddr *)&address, &len) < 0)
        exit(FAILED);
    snprintf(port, sizeof port, "%d", ntohs(address.sin_port));
    setenv("PORT", port, 1);
}

static void go(void)
{
    struct pollfd source = {listener, POLLIN, 0};
    if (poll(&source, 1, PATIENCE_MS) <= 0)
        fail("nobody waits for", "go");
    close(accept(listener, NULL, NULL));
}

static void follow(FILE *file)
{
    char *line = NULL;
    size_t n_room = 0;
    ssize_t len;
    while ((len = getline(&line, &n_room, file)) > 0) {
        if (line[len - 1] == '\n')
            line[len - 1] = '\0';
        if (strncmp(line, "expect ", 7) == 0)
            expect(line + 7, unescape(line + 7));
        else if (strncmp(line, "send ", 5) == 0)
            type(line + 5, unescape(line + 5));
        else if (strcmp(line, "go") == 0)
            go();
        else if (strcmp(line, "end") == 0)
            while (read_more("the end"))
                ;
        else
            fail("no such step:", line);
    }
    free(line);
}

/* Line by line and with an echo, as a terminal begins. */
static void check_modes(void)
{
    struct termios modes;
    tcflag_t wanted = ICANON | ECHO | ISIG;
    if (tcgetattr(terminal, &modes) == 0 && (modes.c_lflag & wanted) != wanted)
        fail("the terminal was left in", "a mode of the program's");
}

int main(int argc, char **argv)
{
    struct winsize size = {.ws_row = 50, .ws_col = 200};
    FILE *file = argc > 2 ? fopen(argv[1], "r") : NULL;
    int status = 0;
    if (!file)
        return FAILED;
    open_listener();
    program = forkpty(&terminal, NULL, NULL, &size);
    if (program < 0)
        return FAILED;
    if (program == 0) {
        execvp(argv[2], argv + 2);
        _exit(FAILED);
    }
    follow(file);
    fclose(file);
    check_modes();
    close(terminal);
    free(seen);
    while (waitpid(program, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
