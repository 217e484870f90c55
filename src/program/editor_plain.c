/* SPDX-License-Identifier: MIT
 *
 * Reading without editing: from a pipe or a file, and where there is no libedit. The input is read
 * byte by byte, as a shell does: what follows the line belongs to whoever reads next. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program/console.h"
#include "program/editor.h"

struct plain {
    const struct editor_host *host;
    char *line;
    size_t len, n_room;
};

static void *open_plain(const struct editor_host *host)
{
    struct plain *plain = calloc(1, sizeof *plain);
    if (plain)
        plain->host = host;
    return plain;
}

static void close_plain(void *state)
{
    struct plain *plain = state;
    free(plain->line);
    free(plain);
}

static int append(struct plain *plain, unsigned char byte)
{
    if (plain->len + 1 >= plain->n_room) {
        size_t n_room = plain->n_room ? 2 * plain->n_room : 256;
        char *bigger = realloc(plain->line, n_room);
        if (!bigger)
            return 0;
        plain->line = bigger;
        plain->n_room = n_room;
    }
    plain->line[plain->len++] = (char)byte;
    return 1;
}

static enum editor_end give(struct plain *plain, char **line)
{
    if (!append(plain, '\0'))
        return EDITOR_EOF;
    *line = plain->line;
    plain->line = NULL;
    plain->n_room = 0;
    return EDITOR_LINE;
}

static enum editor_end read_plain(void *state, const char *prompt, char **line)
{
    struct plain *plain = state;
    unsigned char byte;
    plain->len = 0;
    if (console_input_is_terminal())
        console_write(STDOUT_FILENO, prompt, strlen(prompt));
    for (;;) {
        switch (console_next(&byte)) {
        case CONSOLE_BYTE:
            if (byte == '\n')
                return give(plain, line);
            if (!append(plain, byte))
                return EDITOR_EOF;
            break;
        case CONSOLE_END:
            return plain->len > 0 ? give(plain, line) : EDITOR_EOF;
        case CONSOLE_INTERRUPT:
            if (console_input_is_terminal())
                console_write(STDOUT_FILENO, "\n", 1); /* the terminal shows ^C */
            return EDITOR_INTERRUPT;
        case CONSOLE_OUTPUT:
        case CONSOLE_WOKEN:
            if (plain->host->is_closing())
                return EDITOR_CLOSED;
            break;
        }
    }
}

static void remember_plain(void *state, const char *line)
{
    (void)state;
    (void)line;
}

const struct editor editor_plain = {open_plain, read_plain, remember_plain, close_plain};
