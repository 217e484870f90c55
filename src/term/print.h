/* SPDX-License-Identifier: MIT
 *
 * Values as one line of text, the way the prompt and reports show them:
 *   nil true 3 1.5 "text\n" <0.4.0> #Ref<0.0.9> {1, 2, name = "x", ["a b"] = true, [2.5] = {}}
 * At most PR_PRINT_ITEMS entries of a table, PR_PRINT_DEPTH levels and PR_PRINT_TABLES tables are
 * shown, "…" stands for the rest; a table inside itself prints as <cycle>. Names sort before other
 * keys of pairs, each group in order, so that equal tables print alike. */
#ifndef PR_PRINT_H
#define PR_PRINT_H

#include "term/term.h"

#define PR_PRINT_ITEMS  50
#define PR_PRINT_DEPTH  20
#define PR_PRINT_TABLES 1000

/* Text that grows in a buffer of fixed size; len counts what there would be, as snprintf does. */
struct pr_text {
    char *buffer;
    size_t size;
    size_t len;
};

void pr_text_init(struct pr_text *text, char *buffer, size_t size);
void pr_text_add(struct pr_text *text, const char *bytes, size_t len);
void pr_text_addf(struct pr_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Ends the buffer with a NUL (if size is not 0), cutting at a whole UTF-8 character. */
void pr_text_end(struct pr_text *text);

/* A quoted string with escapes (\n \t \r \\ \" \0 \xHH), UTF-8 as it is. */
void pr_print_string(struct pr_text *text, const char *bytes, size_t len);

/* Floats as Lua prints them, but that they read back exactly ("0.1", "1.0", "1e+20", "inf", "nan").
 */
void pr_print_number(struct pr_text *text, double number);

/* Whether bytes are a Lua name (and no keyword), so that {name = …} can be written. */
int pr_print_is_name(const char *bytes, size_t len);

void pr_print_term(struct pr_text *text, const pierrot_term *term);

#endif
