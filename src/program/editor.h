/* SPDX-License-Identifier: MIT
 *
 * How a line is read: by libedit on a terminal, where the program was built with it, else plainly.
 * All functions are called by the one thread that reads (console.h). */
#ifndef PR_PROGRAM_EDITOR_H
#define PR_PROGRAM_EDITOR_H

#include <stddef.h>

#include "pierrot.h"

enum editor_end {
    EDITOR_LINE,
    EDITOR_EOF,       /* the input has ended */
    EDITOR_INTERRUPT, /* Ctrl-C: what was typed is dropped */
    EDITOR_CLOSED     /* host->is_closing */
};

struct editor_host {
    /* {n, {word, …}}: what the last n bytes of the text may become. Gives; NULL: nothing. */
    pierrot_term *(*complete)(const char *text, size_t len);
    int (*is_closing)(void);
};

struct editor {
    /* What the other functions get; NULL: it cannot be used. Lends: host, for good. */
    void *(*open)(const struct editor_host *host);
    /* Reads a line, without its end. Gives: the line (free), with EDITOR_LINE only. */
    enum editor_end (*read)(void *state, const char *prompt, char **line);
    /* Adds a line to those that can be called back. */
    void (*remember)(void *state, const char *line);
    void (*close)(void *state);
};

extern const struct editor editor_plain;
#ifdef PIERROT_LIBEDIT
extern const struct editor editor_libedit;
#endif

#endif
