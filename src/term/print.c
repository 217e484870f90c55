/* SPDX-License-Identifier: MIT */
#include "term/print.h"

#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "term/table.h"

/* ---- text ---- */

void pr_text_init(struct pr_text *text, char *buffer, size_t size)
{
    *text = (struct pr_text){.buffer = buffer, .size = size};
}

void pr_text_add(struct pr_text *text, const char *bytes, size_t len)
{
    if (text->len < text->size && len > 0) {
        size_t room = text->size - text->len;
        memcpy(text->buffer + text->len, bytes, len < room ? len : room);
    }
    text->len += len;
}

void pr_text_addf(struct pr_text *text, const char *format, ...)
{
    size_t room = text->len < text->size ? text->size - text->len : 0;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(room ? text->buffer + text->len : NULL, room, format, args);
    va_end(args);
    if (len > 0)
        text->len += (size_t)len;
}

static int is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* The length of the UTF-8 character at `bytes`, 0 when there is none. */
static size_t utf8_len(const char *bytes, size_t len)
{
    unsigned char first = (unsigned char)bytes[0];
    size_t n = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first > 0xf4 || n == 0 || n > len)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if (!is_continuation(bytes[i]))
            return 0;
    }
    /* Overlong forms, surrogates, and what lies above U+10FFFF. */
    unsigned char second = n > 2 ? (unsigned char)bytes[1] : 0;
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
        (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
        return 0;
    return n;
}

static size_t utf8_len_by_first(char byte)
{
    unsigned char first = (unsigned char)byte;
    return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Where to cut, at most `at`, so that no character is split; bytes that are no UTF-8 may be cut
 * anywhere. The byte at `at` itself is not looked at: vsnprintf may have ended the text there. */
static size_t cut_before(const char *buffer, size_t at)
{
    size_t start = at;
    while (start > 0 && at - start < 3 && is_continuation(buffer[start - 1]))
        start--;
    if (start > 0 && at - start + 1 < utf8_len_by_first(buffer[start - 1]))
        return start - 1;
    return at;
}

void pr_text_end(struct pr_text *text)
{
    if (text->size == 0)
        return;
    size_t end = text->len;
    if (end >= text->size)
        end = cut_before(text->buffer, text->size - 1);
    text->buffer[end] = '\0';
}

static void add_text(struct pr_text *text, const char *string)
{
    pr_text_add(text, string, strlen(string));
}

/* ---- scalars ---- */

static const char *short_escape(char byte)
{
    switch (byte) {
    case '\n':
        return "\\n";
    case '\t':
        return "\\t";
    case '\r':
        return "\\r";
    case '\\':
        return "\\\\";
    case '"':
        return "\\\"";
    default:
        return NULL;
    }
}

static int is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* One character; its length in bytes. */
static size_t print_char(struct pr_text *text, const char *bytes, size_t len)
{
    unsigned char byte = (unsigned char)bytes[0];
    const char *escape = short_escape(bytes[0]);
    size_t n = utf8_len(bytes, len);
    if (escape)
        add_text(text, escape);
    else if (byte == 0 && (len < 2 || !is_digit(bytes[1])))
        add_text(text, "\\0"); /* before a digit it would read as another number */
    else if (byte < 0x20 || byte == 0x7f || n == 0)
        pr_text_addf(text, "\\x%02x", byte);
    else
        pr_text_add(text, bytes, n);
    return n ? n : 1;
}

static int is_plain(char byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

void pr_print_string(struct pr_text *text, const char *bytes, size_t len)
{
    pr_text_add(text, "\"", 1);
    for (size_t at = 0; at < len;) {
        size_t n_plain = 0;
        while (at + n_plain < len && is_plain(bytes[at + n_plain]))
            n_plain++;
        pr_text_add(text, bytes + at, n_plain);
        at += n_plain;
        if (at < len)
            at += print_char(text, bytes + at, len - at);
    }
    pr_text_add(text, "\"", 1);
}

void pr_print_number(struct pr_text *text, double number)
{
    char digits[40];
    if (isnan(number) || isinf(number)) {
        add_text(text, isnan(number) ? "nan" : number > 0 ? "inf" : "-inf");
        return;
    }
    /* 14 digits are Lua's, 17 always read back. */
    for (int precision = 14; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, number);
        if (strtod(digits, NULL) == number)
            break;
    }
    char *point = strchr(digits, localeconv()->decimal_point[0]);
    if (point)
        *point = '.';
    add_text(text, digits);
    if (digits[strspn(digits, "-0123456789")] == '\0')
        add_text(text, ".0");
}

static int is_keyword(const char *bytes, size_t len)
{
    static const char *const keywords[] = {"and",   "break", "do",       "else", "elseif", "end",
                                           "false", "for",   "function", "goto", "if",     "in",
                                           "local", "nil",   "not",      "or",   "repeat", "return",
                                           "then",  "true",  "until",    "while"};
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
        if (strlen(keywords[i]) == len && memcmp(keywords[i], bytes, len) == 0)
            return 1;
    }
    return 0;
}

static int is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

int pr_print_is_name(const char *bytes, size_t len)
{
    if (len == 0 || !is_letter(bytes[0]))
        return 0;
    for (size_t i = 1; i < len; i++) {
        if (!is_letter(bytes[i]) && !is_digit(bytes[i]))
            return 0;
    }
    return !is_keyword(bytes, len);
}

static void print_scalar(struct pr_text *text, const pierrot_term *term)
{
    char ident[PR_IDENT_SIZE];
    switch ((pierrot_type)term->tag) {
    case PIERROT_NIL:
    case PIERROT_TABLE:
        add_text(text, "nil");
        return;
    case PIERROT_BOOL:
        add_text(text, term->as.integer ? "true" : "false");
        return;
    case PIERROT_INT:
        pr_text_addf(text, "%lld", (long long)term->as.integer);
        return;
    case PIERROT_NUMBER:
        pr_print_number(text, term->as.number);
        return;
    case PIERROT_PID:
    case PIERROT_REF:
    case PIERROT_SOCKET:
        pr_ident_print(term->as.id, ident, sizeof ident);
        add_text(text, ident);
        return;
    case PIERROT_STRING:
        pr_print_string(text, term->as.bytes, term->len);
        return;
    }
}

/* ---- the order of keys ---- */

enum rank {
    RANK_NAME,
    RANK_STRING,
    RANK_NUMBER,
    RANK_BOOL,
    RANK_PID,
    RANK_REF,
    RANK_SOCKET,
    RANK_TABLE
};

static int is_name(const pierrot_term *key)
{
    return key->tag == PIERROT_STRING && pr_print_is_name(key->as.bytes, key->len);
}

static enum rank rank_of(const pierrot_term *key)
{
    switch ((pierrot_type)key->tag) {
    case PIERROT_STRING:
        return is_name(key) ? RANK_NAME : RANK_STRING;
    case PIERROT_INT:
    case PIERROT_NUMBER:
        return RANK_NUMBER;
    case PIERROT_PID:
        return RANK_PID;
    case PIERROT_REF:
        return RANK_REF;
    case PIERROT_SOCKET:
        return RANK_SOCKET;
    case PIERROT_TABLE:
        return RANK_TABLE;
    case PIERROT_BOOL:
    case PIERROT_NIL:
        break; /* the last one is no key */
    }
    return RANK_BOOL;
}

static int compare_bytes(const pierrot_term *a, const pierrot_term *b)
{
    uint32_t len = a->len < b->len ? a->len : b->len;
    int order = memcmp(a->as.bytes, b->as.bytes, len);
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

static int compare_numbers(const pierrot_term *a, const pierrot_term *b)
{
    if (a->tag == PIERROT_INT && b->tag == PIERROT_INT)
        return (a->as.integer > b->as.integer) - (a->as.integer < b->as.integer);
    double number_a = pierrot_as_number(a);
    double number_b = pierrot_as_number(b);
    if (number_a != number_b)
        return number_a < number_b ? -1 : 1;
    return (a->tag > b->tag) - (a->tag < b->tag); /* large ones that round to the same */
}

static int is_before(const pierrot_term *a, const pierrot_term *b)
{
    enum rank rank_a = rank_of(a), rank_b = rank_of(b);
    if (rank_a != rank_b)
        return rank_a < rank_b;
    if (rank_a == RANK_NUMBER)
        return compare_numbers(a, b) < 0;
    if (a->tag == PIERROT_STRING)
        return compare_bytes(a, b) < 0;
    return rank_a != RANK_TABLE && a->as.id < b->as.id;
}

/* ---- tables ---- */

struct printer {
    struct pr_text *text;
    int n_tables; /* printed in all: shared tables may make a term endless that is small in memory
                   */
    int depth;
    const struct pr_table *path[PR_PRINT_DEPTH]; /* [depth]: the tables around */
};

struct pair_list {
    const pierrot_term *pairs[PR_PRINT_ITEMS]; /* sorted by key */
    uint32_t n;
};

/* How many of the list come before `pair`. */
static uint32_t position_of(const struct pair_list *list, const pierrot_term *pair)
{
    uint32_t low = 0, high = list->n;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (is_before(list->pairs[middle], pair))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Keeps the first `limit` ones in order, so that a large table needs no memory to be sorted. */
static void insert_pair(struct pair_list *list, uint32_t limit, const pierrot_term *pair)
{
    if (list->n == limit && (limit == 0 || !is_before(pair, list->pairs[limit - 1])))
        return;
    uint32_t at = position_of(list, pair);
    if (list->n < limit)
        list->n++;
    memmove(&list->pairs[at + 1], &list->pairs[at], (list->n - 1 - at) * sizeof *list->pairs);
    list->pairs[at] = pair;
}

/* The pairs to be shown; those that belong to the sequence up to `len` are not among them. */
static void select_pairs(const struct pr_table *table, uint64_t len, uint32_t limit,
                         struct pair_list *list)
{
    list->n = 0;
    for (uint32_t i = 0; i < table->n_pairs; i++) {
        const pierrot_term *pair = &table->pairs[(size_t)i * 2];
        if (pair->tag != PIERROT_INT || pair->as.integer < 1 || (uint64_t)pair->as.integer > len)
            insert_pair(list, limit, pair);
    }
}

static void print_value(struct printer *printer, const pierrot_term *value);

static void print_key(struct printer *printer, const pierrot_term *key)
{
    if (is_name(key)) {
        pr_text_add(printer->text, key->as.bytes, key->len);
    } else {
        add_text(printer->text, "[");
        print_value(printer, key);
        add_text(printer->text, "]");
    }
    add_text(printer->text, " = ");
}

static void print_pairs(struct printer *printer, const struct pair_list *list, int is_first)
{
    for (uint32_t i = 0; i < list->n; i++) {
        if (!is_first || i > 0)
            add_text(printer->text, ", ");
        print_key(printer, list->pairs[i]);
        print_value(printer, list->pairs[i] + 1);
    }
}

static void print_entries(struct printer *printer, const struct pr_table *table)
{
    struct pair_list list;
    uint64_t len = pr_table_len(table);
    uint64_t n_entries = (uint64_t)table->n_array + table->n_pairs;
    uint32_t n_shown = len < PR_PRINT_ITEMS ? (uint32_t)len : PR_PRINT_ITEMS;
    for (uint32_t i = 1; i <= n_shown; i++) {
        if (i > 1)
            add_text(printer->text, ", ");
        print_value(printer, pr_table_at(table, i));
    }
    select_pairs(table, len, PR_PRINT_ITEMS - n_shown, &list);
    print_pairs(printer, &list, n_shown == 0);
    if (n_shown + list.n < n_entries)
        add_text(printer->text, ", …");
}

static int is_around(const struct printer *printer, const struct pr_table *table)
{
    for (int i = 0; i < printer->depth; i++) {
        if (printer->path[i] == table)
            return 1;
    }
    return 0;
}

static void print_table(struct printer *printer, const struct pr_table *table)
{
    struct pr_text *text = printer->text;
    if (table->n_array == 0 && table->n_pairs == 0) {
        add_text(text, "{}");
    } else if (is_around(printer, table)) {
        add_text(text, "<cycle>");
    } else if (printer->depth == PR_PRINT_DEPTH || printer->n_tables == PR_PRINT_TABLES) {
        add_text(text, "{…}");
    } else {
        printer->path[printer->depth++] = table;
        printer->n_tables++;
        add_text(text, "{");
        print_entries(printer, table);
        add_text(text, "}");
        printer->depth--;
    }
}

/* Recursion ends at PR_PRINT_DEPTH. */
static void print_value(struct printer *printer, const pierrot_term *value)
{
    const struct pr_table *table = pr_table_of(value);
    if (table)
        print_table(printer, table);
    else
        print_scalar(printer->text, value);
}

void pr_print_term(struct pr_text *text, const pierrot_term *term)
{
    struct printer printer;
    printer.text = text;
    printer.n_tables = printer.depth = 0;
    print_value(&printer, term ? term : PR_TERM(nil));
}

size_t pierrot_term_print(const pierrot_term *term, char *buffer, size_t size)
{
    struct pr_text text;
    pr_text_init(&text, buffer, buffer ? size : 0);
    pr_print_term(&text, term);
    pr_text_end(&text);
    return text.len;
}
