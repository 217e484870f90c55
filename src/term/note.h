/* SPDX-License-Identifier: MIT
 *
 * A note: a text that a root carries beside its value, for those who show it. Nothing that reads the
 * value comes upon it, and copies go without it. */
#ifndef PR_NOTE_H
#define PR_NOTE_H

#include "term/term.h"

/* Notes that on a root, a table with items, which nobody else holds as yet. Without memory, or where
 * there is no place for it, the root goes without. */
void pr_note_set(pierrot_term *root, const char *text, size_t len);

/* The note, a string; NULL: there is none. Lends. Thread: any holder. */
const pierrot_term *pr_note_get(const pierrot_term *root);

#endif
