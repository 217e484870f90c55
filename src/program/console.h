/* SPDX-License-Identifier: MIT
 *
 * The terminal as all threads of the program see it while there is a prompt: one thread reads from
 * it, and anybody may write. While a line is being edited what others write is kept, and that
 * thread is woken to show it above the line. Ctrl-C comes in here as well. One for the program. */
#ifndef PR_PROGRAM_CONSOLE_H
#define PR_PROGRAM_CONSOLE_H

#include <stddef.h>

enum console_event {
    CONSOLE_BYTE,      /* a byte of the input */
    CONSOLE_END,       /* the input has ended */
    CONSOLE_INTERRUPT, /* Ctrl-C */
    CONSOLE_OUTPUT,    /* somebody has written while a line is edited: see console_show */
    CONSOLE_WOKEN      /* by console_wake */
};

/* Ready for use: from now on, where there is a terminal, SIGINT is an event, and what is written to
 * stdout passes through console_write. 0 or an errno. Thread: the program's first, before any other. */
int console_open(void);

/* Writes what is still kept and gives SIGINT back. Thread: the program's first. */
void console_close(void);

/* Whether the input, and the output, is a terminal. Thread: any. */
int console_input_is_terminal(void);
int console_output_is_terminal(void);

/* Columns of the terminal; 80 when unknown. Thread: any. */
size_t console_columns(void);

/* Writes to the descriptor (1 or 2), or keeps the text while a line is edited. Thread: any. */
void console_write(int fd, const char *text, size_t len);

/* Makes console_next return CONSOLE_WOKEN. Thread: any. */
void console_wake(void);

/* ---- The reading thread alone ---- */

/* Waits for the next event. Without `byte` it does not look at the input. */
enum console_event console_next(unsigned char *byte);

/* Whether the program was stopped and goes on since this was asked last. */
int console_was_continued(void);

/* What others write is kept from here on; the cursor is in the first column. */
void console_begin_line(void);

/* Writes what is kept. For use with the cursor in the first column. */
void console_show(void);

/* Others write themselves again. For use with the cursor in the first column. */
void console_end_line(void);

#endif
