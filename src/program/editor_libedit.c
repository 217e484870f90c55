/* SPDX-License-Identifier: MIT
 *
 * Line editing by libedit: its commands as in Emacs, ~/.editrc, lines called back and searched
 * (Ctrl-R), completion by Tab. libedit waits for a character by a function of ours, so that what
 * others write can be shown above the line, and Ctrl-C ends it.
 *
 * libedit works in the locale of its thread alone; the program's stays "C", as Lua expects it. */
#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "program/console.h"
#include "program/editor.h"
#include "program/history.h"

enum { LISTED_MAX = 200 };

struct edit {
    const struct editor_host *host;
    EditLine *line;
    History *history;
    FILE *in, *out;
    locale_t locale;
    const char *prompt;
    size_t columns; /* as libedit knows it */
    mbstate_t partial;
    enum editor_end end; /* why the input gave no more characters */
};

static struct edit *edit_of(EditLine *line)
{
    void *edit = NULL;
    el_get(line, EL_CLIENTDATA, &edit);
    return edit;
}

static char *get_prompt(EditLine *line)
{
    return (char *)edit_of(line)->prompt;
}

/* ------------------------------------------------- what others write meanwhile */

/* Columns that a character takes at column n. */
static size_t width_at(wchar_t character, size_t n)
{
    int width = wcwidth(character);
    if (character == L'\t')
        return 8 - n % 8;
    return width < 0 ? 2 : (size_t)width; /* control characters show as ^X */
}

/* Rows between the first of the prompt and that of the cursor. */
static size_t rows_above(struct edit *edit)
{
    const LineInfoW *info = el_wline(edit->line);
    size_t n = strlen(edit->prompt);
    for (const wchar_t *at = info->buffer; at < info->cursor; at++)
        n += width_at(*at, n);
    return n / console_columns();
}

static void show_output(struct edit *edit)
{
    size_t rows = rows_above(edit);
    fputc('\r', edit->out);
    if (rows > 0)
        fprintf(edit->out, "\033[%zuA", rows);
    fputs("\033[J", edit->out);
    fflush(edit->out);
    console_show();
    if (console_was_continued()) {
        el_set(edit->line, EL_PREP_TERM, 0);
        el_set(edit->line, EL_PREP_TERM, 1);
    }
    el_set(edit->line, EL_REFRESH);
}

/* --------------------------------------------------------------------- reading */

static int decode(struct edit *edit, unsigned char byte, wchar_t *character)
{
    size_t n = mbrtowc(character, (const char *)&byte, 1, &edit->partial);
    if (n == (size_t)-2)
        return 0;
    if (n == (size_t)-1) {
        memset(&edit->partial, 0, sizeof edit->partial);
        *character = L'?';
    }
    return 1;
}

static void follow_size(struct edit *edit)
{
    size_t columns = console_columns();
    if (columns != edit->columns)
        el_resize(edit->line);
    edit->columns = columns;
}

static int stop_reading(struct edit *edit, enum editor_end end)
{
    edit->end = end;
    return -1;
}

/* What libedit calls for a character: 1, or -1 when there is none. */
static int get_character(EditLine *line, wchar_t *character)
{
    struct edit *edit = edit_of(line);
    unsigned char byte;
    for (;;) {
        switch (console_next(&byte)) {
        case CONSOLE_BYTE:
            follow_size(edit);
            if (decode(edit, byte, character))
                return 1;
            break;
        case CONSOLE_END:
            return stop_reading(edit, EDITOR_EOF);
        case CONSOLE_INTERRUPT:
            return stop_reading(edit, EDITOR_INTERRUPT);
        case CONSOLE_OUTPUT:
            show_output(edit);
            /* fallthrough */
        case CONSOLE_WOKEN:
            if (edit->host->is_closing())
                return stop_reading(edit, EDITOR_CLOSED);
            break;
        }
    }
}

static char *copy_line(const char *text, int len)
{
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    return strndup(text, (size_t)len);
}

static enum editor_end read_line(void *state, const char *prompt, char **line)
{
    struct edit *edit = state;
    int len = 0;
    edit->prompt = prompt;
    edit->end = EDITOR_LINE;
    memset(&edit->partial, 0, sizeof edit->partial);
    console_begin_line();
    follow_size(edit);
    /* Before the prompt is seen: keys typed at once are libedit's, not the terminal's own. */
    el_set(edit->line, EL_PREP_TERM, 1);
    const char *text = el_gets(edit->line, &len);
    if (!text || len <= 0 || edit->end != EDITOR_LINE) {
        fputs(edit->end == EDITOR_INTERRUPT ? "^C\r\n" : "\r\n", edit->out);
        fflush(edit->out);
        console_end_line();
        return edit->end == EDITOR_LINE ? EDITOR_EOF : edit->end;
    }
    *line = copy_line(text, len);
    console_end_line();
    return *line ? EDITOR_LINE : EDITOR_EOF;
}

/* ------------------------------------------------------------------ completion */

static const char *word_at(const pierrot_term *words, size_t i, size_t *len)
{
    return pierrot_as_string(pierrot_table_at(words, (int64_t)i), len);
}

/* Length of what all words begin with. */
static size_t common_length(const pierrot_term *words)
{
    size_t common, len;
    const char *first = word_at(words, 1, &common);
    for (size_t i = 2; i <= pierrot_table_len(words); i++) {
        const char *word = word_at(words, i, &len);
        size_t same = 0;
        while (same < common && same < len && word[same] == first[same])
            same++;
        common = same;
    }
    while (common > 0 && ((unsigned char)first[common] & 0xc0) == 0x80)
        common--; /* not in the middle of a character */
    return common;
}

static void list_words(struct edit *edit, const pierrot_term *words)
{
    size_t n = pierrot_table_len(words), widest = 0, len;
    size_t n_shown = n < LISTED_MAX ? n : LISTED_MAX;
    for (size_t i = 1; i <= n_shown; i++) {
        word_at(words, i, &len);
        widest = len > widest ? len : widest;
    }
    size_t per_row = console_columns() / (widest + 2);
    per_row = per_row ? per_row : 1;
    for (size_t i = 1; i <= n_shown; i++) {
        const char *word = word_at(words, i, &len);
        int ends_row = i % per_row == 0 || i == n_shown;
        fputs(i % per_row == 1 || per_row == 1 ? "\r\n" : "", edit->out);
        fprintf(edit->out, "%-*s", ends_row ? 0 : (int)(widest + 2), word);
    }
    fputs(n > n_shown ? "\r\n…\r\n" : "\r\n", edit->out);
    fflush(edit->out);
}

static int apply(struct edit *edit, const pierrot_term *answer)
{
    const pierrot_term *words = pierrot_table_at(answer, 2);
    size_t n_typed = (size_t)pierrot_as_int(pierrot_table_at(answer, 1));
    size_t n = pierrot_table_len(words), len;
    if (n == 0)
        return CC_ERROR;
    const char *first = word_at(words, 1, &len);
    size_t common = common_length(words);
    if (common <= n_typed && n > 1) {
        list_words(edit, words);
        return CC_REDISPLAY;
    }
    char *text = common > n_typed ? strndup(first + n_typed, common - n_typed) : NULL;
    if (text && el_insertstr(edit->line, text) < 0)
        n = 0;
    free(text);
    return n ? CC_REFRESH : CC_ERROR;
}

static int is_indent(const LineInfo *info)
{
    const char *at = info->buffer;
    while (at < info->cursor && (*at == ' ' || *at == '\t'))
        at++;
    return at == info->cursor;
}

/* In front of a line there is nothing to complete: a Tab there is part of what was pasted. */
static unsigned char complete(EditLine *line, int character)
{
    struct edit *edit = edit_of(line);
    const LineInfo *info = el_line(line);
    (void)character;
    if (is_indent(info))
        return el_insertstr(line, "\t") < 0 ? CC_ERROR : CC_REFRESH;
    pierrot_term *answer =
        edit->host->complete(info->buffer, (size_t)(info->cursor - info->buffer));
    int result = answer ? apply(edit, answer) : CC_ERROR;
    pierrot_term_free(answer);
    return (unsigned char)result;
}

/* ----------------------------------------------------------------- open, close */

/* The user's locale, or one in which text is UTF-8. */
static locale_t use_locale(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (!locale || strcmp(nl_langinfo_l(CODESET, locale), "ANSI_X3.4-1968") == 0) {
        locale_t other = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
        if (other) {
            if (locale)
                freelocale(locale);
            locale = other;
        }
    }
    if (locale)
        uselocale(locale);
    return locale;
}

static void close_edit(void *state)
{
    struct edit *edit = state;
    if (edit->line)
        el_end(edit->line);
    if (edit->history)
        history_end(edit->history);
    if (edit->in)
        fclose(edit->in);
    if (edit->out)
        fclose(edit->out);
    uselocale(LC_GLOBAL_LOCALE);
    if (edit->locale)
        freelocale(edit->locale);
    free(edit);
}

static void bind_keys(EditLine *line)
{
    el_set(line, EL_EDITOR, "emacs");
    el_wset(line, EL_ADDFN, L"pierrot-complete", L"Complete a name", complete);
    el_set(line, EL_BIND, "^I", "pierrot-complete", NULL);
    el_set(line, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_set(line, EL_BIND, "\\e[3~", "ed-delete-next-char", NULL);
    el_set(line, EL_BIND, "\\e[H", "ed-move-to-beg", NULL);
    el_set(line, EL_BIND, "\\e[F", "ed-move-to-end", NULL);
    el_set(line, EL_BIND, "\\e[1;5C", "em-next-word", NULL);
    el_set(line, EL_BIND, "\\e[1;5D", "ed-prev-word", NULL);
    el_source(line, NULL);
}

static FILE *own_stream(int fd, const char *mode)
{
    int copy = dup(fd);
    FILE *stream = copy < 0 ? NULL : fdopen(copy, mode);
    if (!stream && copy >= 0)
        close(copy);
    return stream;
}

static void *open_edit(const struct editor_host *host)
{
    struct edit *edit = calloc(1, sizeof *edit);
    HistEvent event;
    if (!edit)
        return NULL;
    edit->host = host;
    edit->prompt = "";
    edit->locale = use_locale();
    edit->in = own_stream(STDIN_FILENO, "r");
    edit->out = own_stream(STDOUT_FILENO, "w");
    edit->history = history_init();
    if (edit->in && edit->out)
        edit->line = el_init("pierrot", edit->in, edit->out, edit->out);
    if (!edit->line || !edit->history) {
        close_edit(edit);
        return NULL;
    }
    history(edit->history, &event, H_SETSIZE, HISTORY_MAX);
    history(edit->history, &event, H_SETUNIQUE, 1);
    el_set(edit->line, EL_CLIENTDATA, edit);
    el_set(edit->line, EL_SIGNAL, 0);
    el_set(edit->line, EL_PROMPT, get_prompt);
    el_set(edit->line, EL_HIST, history, edit->history);
    el_set(edit->line, EL_GETCFN, get_character);
    bind_keys(edit->line);
    edit->columns = console_columns();
    return edit;
}

static void remember(void *state, const char *line)
{
    struct edit *edit = state;
    HistEvent event;
    if (*line)
        history(edit->history, &event, H_ENTER, line);
}

const struct editor editor_libedit = {open_edit, read_line, remember, close_edit};
