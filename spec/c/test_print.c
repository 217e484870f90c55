/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>

#include "term/print.h"
#include "test.h"
#include "test_heap.h"

static struct test_heap heap;

static pierrot_term *text(const char *string)
{
    return pierrot_string(string, strlen(string));
}

/* The text of a term; good until the next call. Takes: term. */
static const char *printed(pierrot_term *term)
{
    static char buffer[20000];
    size_t len = pierrot_term_print(term, buffer, sizeof buffer);
    CHECK(len == strlen(buffer));
    pierrot_term_free(term);
    return buffer;
}

static const char *printed_string(const char *bytes, size_t len)
{
    return printed(pierrot_string(bytes, len));
}

TEST(scalars_print_as_lua_writes_them)
{
    test_heap_init(&heap);
    CHECK_TEXT(printed(NULL), "nil");
    CHECK_TEXT(printed(pierrot_nil()), "nil");
    CHECK_TEXT(printed(pierrot_bool(1)), "true");
    CHECK_TEXT(printed(pierrot_bool(0)), "false");
    CHECK_TEXT(printed(pierrot_int(-42)), "-42");
    CHECK_TEXT(printed(pierrot_int(INT64_MIN)), "-9223372036854775808");
    CHECK_TEXT(printed(pierrot_pid_term(pr_pid_make(42, 3))), "<0.42.3>");
    CHECK_TEXT(printed(pierrot_ref_term(pr_ref_make(1, 9))), "#Ref<0.1.9>");
    CHECK_TEXT(printed(text("hello")), "\"hello\"");
    test_heap_fini(&heap);
}

TEST(numbers_read_back_exactly)
{
    static const struct {
        double number;
        const char *expected;
    } cases[] = {{0.1, "0.1"},
                 {1.0, "1.0"},
                 {-3.0, "-3.0"},
                 {1e20, "1e+20"},
                 {1e100, "1e+100"},
                 {1.5, "1.5"},
                 {-0.0, "-0.0"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {INFINITY, "inf"},
                 {-INFINITY, "-inf"},
                 {NAN, "nan"},
                 {-NAN, "nan"},
                 {123456789012345678.0, "1.2345678901234568e+17"}};
    test_heap_init(&heap);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_TEXT(printed(pierrot_num(cases[i].number)), cases[i].expected);
    test_heap_fini(&heap);
}

TEST(strings_are_escaped_and_utf8_stays)
{
    test_heap_init(&heap);
    CHECK_TEXT(printed(text("a\n\t\r\\\"b")), "\"a\\n\\t\\r\\\\\\\"b\"");
    CHECK_TEXT(printed_string("a\0b", 3), "\"a\\0b\"");
    CHECK_TEXT(printed_string("a\0001", 3), "\"a\\x001\"");
    CHECK_TEXT(printed_string("\0", 1), "\"\\0\"");
    CHECK_TEXT(printed(text("\x01\x7f")), "\"\\x01\\x7f\"");
    CHECK_TEXT(printed(text("Grüße, 世界 🙂")), "\"Grüße, 世界 🙂\"");
    CHECK_TEXT(printed(text("\xff\xc3(")), "\"\\xff\\xc3(\"");
    CHECK_TEXT(printed(text("\xc0\xaf")), "\"\\xc0\\xaf\"");
    CHECK_TEXT(printed(text("\xed\xa0\x80")), "\"\\xed\\xa0\\x80\"");
    CHECK_TEXT(printed(text("\xe4\xb8")), "\"\\xe4\\xb8\"");
    test_heap_fini(&heap);
}

TEST(tables_print_the_sequence_then_names_then_other_keys)
{
    test_heap_init(&heap);
    pierrot_term *table = pierrot_table();
    pierrot_table_set(table, pierrot_num(2.5), pierrot_table());
    pierrot_table_set(table, text("a b"), pierrot_bool(1));
    pierrot_table_set(table, text("name"), text("x"));
    pierrot_table_set(table, text("end"), pierrot_int(0));
    pierrot_table_set(table, text("_a1"), pierrot_int(0));
    pierrot_table_set(table, pierrot_int(-1), pierrot_int(0));
    pierrot_table_set(table, pierrot_bool(0), pierrot_int(0));
    pierrot_table_append(table, pierrot_int(1));
    pierrot_table_append(table, pierrot_int(2));

    CHECK_TEXT(printed(table), "{1, 2, _a1 = 0, name = \"x\", [\"a b\"] = true, [\"end\"] = 0, "
                               "[-1] = 0, [2.5] = {}, [false] = 0}");
    CHECK_TEXT(printed(pierrot_table()), "{}");
    test_heap_fini(&heap);
}

TEST(equal_tables_print_alike)
{
    test_heap_init(&heap);
    struct pr_arena *arena = pr_arena_new(&heap.heap, 0);
    pr_arena_table(arena, 0, 3, &arena->root);
    for (int i = 3; i >= 1; i--) {
        struct pierrot_term cell = pr_cell_int(i);
        pr_arena_add_pair(arena, arena->root.as.table, &cell, &cell);
    }

    CHECK_TEXT(printed(&arena->root), "{1, 2, 3}");
    test_heap_fini(&heap);
}

TEST(long_tables_are_cut)
{
    test_heap_init(&heap);
    pierrot_term *sequence = pierrot_table(), *pairs = pierrot_table();
    char expected_sequence[500] = "{", expected_pairs[1500] = "{", item[32];
    for (int i = 1; i <= 60; i++)
        pierrot_table_append(sequence, pierrot_int(i));
    for (int i = 99; i >= 10; i--) {
        snprintf(item, sizeof item, "k%d", i);
        pierrot_table_set(pairs, text(item), pierrot_int(i));
    }
    for (int i = 1; i <= PR_PRINT_ITEMS; i++) {
        snprintf(item, sizeof item, "%d, ", i);
        strcat(expected_sequence, item);
        snprintf(item, sizeof item, "k%d = %d, ", i + 9, i + 9);
        strcat(expected_pairs, item);
    }
    strcat(expected_sequence, "…}");
    strcat(expected_pairs, "…}");

    CHECK_TEXT(printed(sequence), expected_sequence);
    CHECK_TEXT(printed(pairs), expected_pairs);
    test_heap_fini(&heap);
}

/* n levels of {x, x}. */
static pierrot_term *doubled(int n)
{
    struct pr_arena *arena = pr_arena_new(pr_heap_current(), 0);
    struct pierrot_term inner = pr_cell_int(1), outer = {0};
    for (int i = 0; i < n; i++) {
        pr_arena_table(arena, 2, 0, &outer);
        pr_arena_append(arena, outer.as.table, &inner);
        pr_arena_append(arena, outer.as.table, &inner);
        inner = outer;
    }
    arena->root.tag = PIERROT_TABLE;
    arena->root.as = inner.as;
    return &arena->root;
}

TEST(deep_and_wide_terms_are_cut)
{
    test_heap_init(&heap);
    pierrot_term *deep = pierrot_table();
    char expected[2 * PR_PRINT_DEPTH + 10] = "";
    for (int i = 0; i < 100; i++) {
        pierrot_term *outer = pierrot_table();
        pierrot_table_append(outer, deep);
        deep = outer;
    }
    memset(expected, '{', PR_PRINT_DEPTH);
    strcat(expected, "{…}");
    memset(expected + strlen(expected), '}', PR_PRINT_DEPTH);

    CHECK_TEXT(printed(deep), expected);
    CHECK(strlen(printed(doubled(PR_PRINT_DEPTH))) < 12 * PR_PRINT_TABLES);
    test_heap_fini(&heap);
}

TEST(a_table_inside_itself_prints_as_a_cycle_and_a_shared_one_twice)
{
    test_heap_init(&heap);
    struct pr_arena *arena = pr_arena_new(&heap.heap, 0);
    pr_arena_table(arena, 2, 0, &arena->root);
    struct pierrot_term self = arena->root, one = pr_cell_int(1);
    self.flags = 0;
    pr_arena_append(arena, self.as.table, &one);
    pr_arena_append(arena, self.as.table, &self);

    CHECK_TEXT(printed(&arena->root), "{1, <cycle>}");
    CHECK_TEXT(printed(doubled(2)), "{{1, 1}, {1, 1}}");
    test_heap_fini(&heap);
}

TEST(a_short_buffer_gets_whole_characters_and_the_length_is_the_full_one)
{
    struct pierrot_term term = pr_cell_borrow("aü世", 6);
    static const char *const expected[] = {"",     "\"",   "\"a",    "\"a",     "\"aü",
                                           "\"aü", "\"aü", "\"aü世", "\"aü世\""};
    char buffer[10];
    for (size_t size = 1; size <= 9; size++) {
        memset(buffer, '!', sizeof buffer);

        size_t len = pierrot_term_print(&term, buffer, size);

        CHECK_INT(len, 8);
        CHECK_TEXT(buffer, expected[size - 1]);
        CHECK(buffer[size] == '!');
    }
    CHECK_INT(pierrot_term_print(&term, NULL, 0), 8);
}

TEST(formatted_text_is_cut_at_whole_characters_too)
{
    char buffer[4];
    struct pr_text out;
    pr_text_init(&out, buffer, sizeof buffer);

    pr_text_addf(&out, "%s", "a世b");
    pr_text_end(&out);

    CHECK_TEXT(buffer, "a");
    CHECK_INT(out.len, 5);
}

TEST(names_are_what_lua_takes_for_one)
{
    CHECK(pr_print_is_name("x", 1) && pr_print_is_name("_9aZ", 4) && pr_print_is_name("ends", 4));
    CHECK(!pr_print_is_name("", 0) && !pr_print_is_name("9a", 2) && !pr_print_is_name("a b", 3));
    CHECK(!pr_print_is_name("end", 3) && !pr_print_is_name("goto", 4) && !pr_print_is_name("é", 2));
}

TEST(pids_are_parsed_as_they_print)
{
    CHECK(pr_pid_parse("<0.42.3>").id == pr_pid_make(42, 3).id);
    CHECK(pr_pid_parse("0.42.3").id == pr_pid_make(42, 3).id);
    CHECK(pr_pid_parse("<0.42.3").id == 0 && pr_pid_parse("0.42").id == 0);
    CHECK(pr_pid_parse("1.42.3").id == 0 && pr_pid_parse("0.99999999.3").id == 0);
    CHECK(pr_pid_parse("x").id == 0 && pr_pid_parse("").id == 0);
}
