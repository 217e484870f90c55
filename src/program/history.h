/* SPDX-License-Identifier: MIT
 *
 * The lines typed at the prompt, in a file for the user alone (mode 0600): one a line, oldest
 * first. Each is added when it was typed, so that sessions side by side keep both theirs. */
#ifndef PR_PROGRAM_HISTORY_H
#define PR_PROGRAM_HISTORY_H

/* So many lines are read at most; a file of more than twice as many is cut to that. */
#define HISTORY_MAX 2000

struct history_file;

/* Opens the file, made with its folders where there is none, and calls `each` for its newest lines.
 * Gives: the file (history_file_close), NULL with errno set. Lends: the line. */
struct history_file *history_file_open(const char *path, void (*each)(void *ud, const char *line),
                                       void *ud);

/* Adds a line, unless it begins with a blank. */
void history_file_add(struct history_file *file, const char *line);

/* Takes: file, which may be NULL. */
void history_file_close(struct history_file *file);

#endif
