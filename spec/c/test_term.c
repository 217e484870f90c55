/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <pthread.h>

#include "base/spare.h"
#include "term/table.h"
#include "term/term.h"
#include "test.h"
#include "test_heap.h"

/* ---- shorthands ---- */

static pierrot_term *text(const char *string)
{
    return pierrot_string(string, strlen(string));
}

static int set_field(pierrot_term *table, const char *field, pierrot_term *value)
{
    return pierrot_table_set(table, text(field), value);
}

static int set_at(pierrot_term *table, int64_t index, int64_t value)
{
    return pierrot_table_set(table, pierrot_int(index), pierrot_int(value));
}

/* {1, 2, …, n} */
static pierrot_term *sequence(int n)
{
    pierrot_term *table = pierrot_table();
    for (int i = 1; i <= n; i++)
        CHECK_INT(pierrot_table_append(table, pierrot_int(i)), 0);
    return table;
}

static int64_t int_at(const pierrot_term *table, int64_t index)
{
    return pierrot_as_int(pierrot_table_at(table, index));
}

static int64_t int_field(const pierrot_term *table, const char *field)
{
    return pierrot_as_int(pierrot_table_field(table, field));
}

static size_t count_entries(const pierrot_term *table)
{
    const pierrot_term *key, *value;
    size_t cursor = 0, n = 0;
    while (pierrot_table_next(table, &cursor, &key, &value)) {
        CHECK(pierrot_table_get(table, key) == value);
        n++;
    }
    return n;
}

/* A table that is its own field "self", as the converters of messages build it. */
static pierrot_term *cycle(void)
{
    struct pr_arena *arena = pr_arena_new(pr_heap_current(), 0);
    struct pierrot_term key, self = {0};
    if (!arena || pr_arena_table(arena, 0, 1, &arena->root) != 0 ||
        pr_arena_string(arena, "self", 4, &key) != 0) {
        CHECK(!"memory");
        return NULL;
    }
    key.flags = 0;
    self.tag = PIERROT_TABLE;
    self.as.table = arena->root.as.table;
    CHECK_INT(pr_arena_add_pair(arena, self.as.table, &key, &self), 0);
    return &arena->root;
}

/* A cycle of n tables, each the field "next" of the one before. */
static pierrot_term *ring(int n)
{
    struct pr_arena *arena = pr_arena_new(pr_heap_current(), 0);
    struct pierrot_term key = {0}, first = {0}, cell = {0}, next = {0};
    pr_arena_string(arena, "next", 4, &key);
    pr_arena_table(arena, 0, 1, &first);
    cell = first;
    for (int i = 1; i < n; i++) {
        pr_arena_table(arena, 0, 1, &next);
        pr_arena_add_pair(arena, cell.as.table, &key, &next);
        cell = next;
    }
    pr_arena_add_pair(arena, cell.as.table, &key, &first);
    arena->root.tag = PIERROT_TABLE;
    arena->root.as.table = first.as.table;
    return &arena->root;
}

/* {{{…}, 1}, 1}: set from the inside outwards. */
static pierrot_term *nested(int depth)
{
    pierrot_term *inner = pierrot_table();
    for (int i = 1; i < depth; i++) {
        pierrot_term *outer = pierrot_table();
        if (pierrot_table_append(outer, inner) != 0) {
            pierrot_term_free(outer);
            return NULL;
        }
        inner = outer;
    }
    return inner;
}

static struct test_heap heap;

/* ---- scalars and strings ---- */

TEST(scalars_read_as_what_they_were_made_of)
{
    test_heap_init(&heap);
    pierrot_term *integer = pierrot_int(INT64_MIN), *number = pierrot_num(1.5);
    pierrot_term *pid = pierrot_pid_term(pr_pid_make(7, 3)),
                 *ref = pierrot_ref_term(pr_ref_make(1, 9));

    CHECK(pierrot_term_type(integer) == PIERROT_INT && pierrot_as_int(integer) == INT64_MIN);
    CHECK(pierrot_term_type(number) == PIERROT_NUMBER && pierrot_as_number(number) == 1.5);
    CHECK(pierrot_as_number(integer) == (double)INT64_MIN);
    CHECK(pierrot_term_type(pid) == PIERROT_PID && pierrot_as_pid(pid).id == pr_pid_make(7, 3).id);
    CHECK(pierrot_term_type(ref) == PIERROT_REF && pierrot_as_ref(ref).id == pr_ref_make(1, 9).id);
    CHECK(pierrot_term_type(pierrot_nil()) == PIERROT_NIL);
    CHECK(pierrot_as_bool(pierrot_bool(2)) == 1 && pierrot_as_bool(pierrot_bool(0)) == 0);

    pierrot_term_free(integer);
    pierrot_term_free(number);
    pierrot_term_free(pid);
    pierrot_term_free(ref);
    test_heap_fini(&heap);
}

TEST(the_wrong_type_reads_as_nothing)
{
    test_heap_init(&heap);
    pierrot_term *string = text("7");
    size_t len = 5;

    CHECK(pierrot_as_int(string) == 0 && pierrot_as_number(string) == 0.0);
    CHECK(pierrot_as_pid(string).id == 0 && pierrot_as_ref(string).id == 0);
    CHECK_TEXT(pierrot_as_string(NULL, &len), "");
    CHECK_INT(len, 0);
    CHECK(pierrot_table_len(string) == 0 && !pierrot_table_at(string, 1));
    CHECK(pierrot_as_bool(string) == 1);
    CHECK(pierrot_as_bool(NULL) == 0 && pierrot_as_bool(pierrot_nil()) == 0);
    CHECK(!pierrot_is_string(NULL, "") && !pierrot_is_string(pierrot_nil(), "nil"));

    pierrot_term_free(string);
    test_heap_fini(&heap);
}

TEST(strings_hold_any_bytes_and_end_with_a_nul)
{
    test_heap_init(&heap);
    for (size_t len = 0; len < 300; len++) {
        char bytes[300] = {0};
        memset(bytes, 'x', len / 2);
        size_t read_len = 0;

        pierrot_term *string = pierrot_string(bytes, len);
        const char *read = pierrot_as_string(string, &read_len);

        CHECK_INT(read_len, len);
        CHECK(memcmp(read, bytes, len) == 0 && read[len] == '\0');
        CHECK(pierrot_is_string(string, "") == (len == 0));
        pierrot_term_free(string);
    }
    test_heap_fini(&heap);
}

TEST(a_scalar_is_one_small_allocation)
{
    test_heap_init(&heap);

    pierrot_term *integer = pierrot_int(1);

    CHECK_INT(pr_heap_live(&heap.heap), pr_spare_size(sizeof(struct pr_arena)));
    pierrot_term_free(integer);
    test_heap_fini(&heap);
}

TEST(constants_live_for_ever)
{
    test_heap_init(&heap);
    pierrot_term *normal = pr_term_hold(PR_TERM(normal));

    pierrot_term_free(normal);
    pierrot_term_free(normal);
    pr_term_drop(normal, &heap.heap);

    CHECK(pierrot_is_string(normal, "normal"));
    CHECK(pr_term_copy(&heap.heap, pierrot_nil()) == pierrot_nil());
    test_heap_fini(&heap);
}

TEST(a_term_lives_until_its_last_holder_drops_it)
{
    test_heap_init(&heap);
    pierrot_term *string = text("held");
    pr_term_hold(string);

    pr_term_drop(string, &heap.heap);

    CHECK(pierrot_is_string(string, "held"));
    pr_term_drop(string, &heap.heap);
    pr_term_drop(NULL, &heap.heap);
    test_heap_fini(&heap);
}

/* ---- tables: setting and getting ---- */

TEST(a_table_answers_what_was_set)
{
    test_heap_init(&heap);
    pierrot_term *table = pierrot_table();

    CHECK_INT(set_field(table, "name", text("x")), 0);
    CHECK_INT(set_at(table, 1, 10), 0);
    CHECK_INT(pierrot_table_set(table, pierrot_num(2.5), pierrot_bool(1)), 0);
    CHECK_INT(pierrot_table_set(table, pierrot_bool(0), pierrot_int(4)), 0);
    CHECK_INT(pierrot_table_set(table, pierrot_pid_term(pr_pid_make(1, 1)), pierrot_int(5)), 0);

    struct pierrot_term half = pr_cell_num(2.5), no = pr_cell_bool(0), yes = pr_cell_bool(1);
    struct pierrot_term pid = pr_cell_pid(pr_pid_make(1, 1));
    CHECK(pierrot_is_string(pierrot_table_field(table, "name"), "x"));
    CHECK_INT(int_at(table, 1), 10);
    CHECK(pierrot_as_bool(pierrot_table_get(table, &half)));
    CHECK_INT(pierrot_as_int(pierrot_table_get(table, &no)), 4);
    CHECK_INT(pierrot_as_int(pierrot_table_get(table, &pid)), 5);
    CHECK(!pierrot_table_get(table, &yes) && !pierrot_table_field(table, "nam"));
    CHECK(!pierrot_table_at(table, 0) && !pierrot_table_at(table, 2));
    CHECK(!pierrot_table_get(table, NULL) && !pierrot_table_get(table, pierrot_nil()));
    CHECK_INT(count_entries(table), 5);
    pierrot_term_free(table);
    test_heap_fini(&heap);
}

TEST(setting_again_replaces_and_nil_removes)
{
    test_heap_init(&heap);
    pierrot_term *table = sequence(3);
    set_field(table, "a", pierrot_int(1));
    set_field(table, "b", pierrot_int(2));

    CHECK_INT(set_field(table, "a", pierrot_int(9)), 0);
    CHECK_INT(set_at(table, 2, 20), 0);
    CHECK_INT(set_field(table, "b", pierrot_nil()), 0);
    CHECK_INT(set_field(table, "no such", pierrot_nil()), 0);
    CHECK_INT(pierrot_table_append(table, pierrot_nil()), 0);

    CHECK_INT(int_field(table, "a"), 9);
    CHECK_INT(int_at(table, 2), 20);
    CHECK(!pierrot_table_field(table, "b"));
    CHECK_INT(count_entries(table), 4);
    pierrot_term_free(table);
    test_heap_fini(&heap);
}

TEST(a_float_key_with_an_integer_value_is_that_integer)
{
    test_heap_init(&heap);
    pierrot_term *table = pierrot_table();
    struct pierrot_term one = pr_cell_num(1.0), minus_zero = pr_cell_num(-0.0);

    pierrot_table_set(table, pierrot_num(1.0), pierrot_int(7));
    set_at(table, 0, 8);
    pierrot_table_set(table, pierrot_num(0x1p63), pierrot_int(9));

    CHECK_INT(int_at(table, 1), 7);
    CHECK_INT(pierrot_as_int(pierrot_table_get(table, &one)), 7);
    CHECK_INT(pierrot_as_int(pierrot_table_get(table, &minus_zero)), 8);
    CHECK_INT(pierrot_table_len(table), 1);
    CHECK(!pierrot_table_at(table, INT64_MAX) && !pierrot_table_at(table, INT64_MIN));
    pierrot_term_free(table);
    test_heap_fini(&heap);
}

TEST(the_length_counts_the_sequence_however_it_was_built)
{
    test_heap_init(&heap);
    pierrot_term *table = pierrot_table();
    for (int i = 20; i >= 2; i--)
        CHECK_INT(set_at(table, i, i), 0);
    CHECK_INT(pierrot_table_len(table), 0);

    CHECK_INT(set_at(table, 1, 1), 0);

    CHECK_INT(pierrot_table_len(table), 20);
    CHECK_INT(table->as.table->n_pairs, 0);
    CHECK_INT(pierrot_table_append(table, pierrot_int(21)), 0);
    for (int i = 1; i <= 21; i++)
        CHECK_INT(int_at(table, i), i);
    pierrot_term_free(table);
    test_heap_fini(&heap);
}

TEST(a_hole_in_the_sequence_ends_it_and_keeps_the_rest)
{
    test_heap_init(&heap);
    pierrot_term *table = sequence(30);

    CHECK_INT(pierrot_table_set(table, pierrot_int(11), pierrot_nil()), 0);

    CHECK_INT(pierrot_table_len(table), 10);
    CHECK_INT(count_entries(table), 29);
    CHECK_INT(int_at(table, 30), 30);
    CHECK_INT(set_at(table, 11, 11), 0);
    CHECK_INT(pierrot_table_len(table), 30);
    pierrot_term_free(table);
    test_heap_fini(&heap);
}

TEST(random_setting_and_removing_agrees_with_an_array)
{
    enum { N_KEYS = 120 };
    static int64_t expected[N_KEYS];
    uint64_t state = 42;
    test_heap_init(&heap);
    pierrot_term *table = pierrot_table();
    memset(expected, 0, sizeof expected);

    for (int i = 0; i < 20000; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        int key = (int)(state >> 40) % N_KEYS;
        expected[key] = state >> 33 & 1 ? i + 1 : 0;
        pierrot_term *value = expected[key] ? pierrot_int(i + 1) : pierrot_nil();
        /* Small keys make the sequence come and go. */
        REQUIRE(pierrot_table_set(table, pierrot_int(key < 20 ? key : key * 1000), value) == 0);
        REQUIRE(i % 16 != 0 || pr_table_check(table->as.table));
    }

    size_t n = 0;
    for (int key = 0; key < N_KEYS; key++) {
        n += expected[key] != 0;
        CHECK_INT(int_at(table, key < 20 ? key : key * 1000), expected[key]);
    }
    CHECK_INT(count_entries(table), n);
    pierrot_term_free(table);
    test_heap_fini(&heap);
}

TEST(a_large_table_is_found_by_its_index)
{
    enum { N = 20000 };
    test_heap_init(&heap);
    pierrot_term *table = pierrot_table();
    char key[32];
    for (int i = 0; i < N; i++) {
        snprintf(key, sizeof key, "key %d", i);
        REQUIRE(set_field(table, key, pierrot_int(i)) == 0);
    }

    for (int i = 0; i < N; i++) {
        snprintf(key, sizeof key, "key %d", i);
        CHECK_INT(int_field(table, key), i);
    }

    CHECK(table->as.table->index != NULL);
    CHECK(!pierrot_table_field(table, "key"));
    pierrot_term_free(table);
    test_heap_fini(&heap);
}

TEST(setting_takes_tables_without_copying_them)
{
    test_heap_init(&heap);
    pierrot_term *outer = pierrot_table(), *inner = sequence(2000);
    int64_t before = pr_heap_live(&heap.heap);

    CHECK_INT(set_field(outer, "inner", inner), 0);

    CHECK(pr_heap_live(&heap.heap) <= before);
    CHECK_INT(int_at(pierrot_table_field(outer, "inner"), 2000), 2000);
    pierrot_term_free(outer);
    test_heap_fini(&heap);
}

TEST(a_long_string_is_taken_without_copying)
{
    test_heap_init(&heap);
    static char bytes[100000];
    memset(bytes, 'b', sizeof bytes);
    pierrot_term *table = pierrot_table(), *string = pierrot_string(bytes, sizeof bytes);
    pierrot_term *key = pierrot_string(bytes, sizeof bytes);
    const char *lies_at = string->as.bytes;

    CHECK_INT(pierrot_table_append(table, string), 0);
    CHECK_INT(pierrot_table_set(table, key, pierrot_int(1)), 0);

    CHECK(pierrot_table_at(table, 1)->as.bytes == lies_at);
    CHECK_INT(pierrot_as_int(pierrot_table_get(table, pierrot_table_at(table, 1))), 1);
    pierrot_term_free(table);
    test_heap_fini(&heap);
}

TEST(a_held_value_is_copied_and_stays_with_its_holder)
{
    test_heap_init(&heap);
    pierrot_term *table = pierrot_table(), *held = sequence(3);
    pr_term_hold(held);

    CHECK_INT(pierrot_table_append(table, held), 0);

    CHECK(pierrot_term_equal(pierrot_table_at(table, 1), held));
    CHECK(pierrot_table_at(table, 1)->as.table != held->as.table);
    pierrot_term_free(held);
    pierrot_term_free(table);
    test_heap_fini(&heap);
}

TEST(constants_can_be_keys_and_values)
{
    test_heap_init(&heap);
    pierrot_term *table = pierrot_table();

    CHECK_INT(pierrot_table_set(table, PR_TERM(normal), PR_TERM(shutdown)), 0);

    CHECK(pierrot_is_string(pierrot_table_field(table, "normal"), "shutdown"));
    pierrot_term_free(table);
    test_heap_fini(&heap);
}

TEST(one_term_may_be_key_and_value_at_once)
{
    test_heap_init(&heap);
    pierrot_term *table = pierrot_table(), *string = text("both");

    CHECK_INT(pierrot_table_set(table, string, string), 0);

    CHECK(pierrot_is_string(pierrot_table_field(table, "both"), "both"));
    pierrot_term_free(table);
    test_heap_fini(&heap);
}

/* ---- tables: what is refused ---- */

TEST(bad_keys_are_refused_and_everything_is_taken)
{
    test_heap_init(&heap);
    pierrot_term *table = pierrot_table();

    CHECK_INT(pierrot_table_set(table, pierrot_nil(), pierrot_int(1)), PIERROT_EINVAL);
    CHECK_INT(pierrot_table_set(table, pierrot_num(NAN), pierrot_int(1)), PIERROT_EINVAL);
    CHECK_INT(pierrot_table_set(table, pierrot_table(), pierrot_int(1)), PIERROT_EINVAL);
    CHECK_INT(pierrot_table_set(table, NULL, pierrot_int(1)), PIERROT_ENOMEM);
    CHECK_INT(pierrot_table_set(table, pierrot_int(1), NULL), PIERROT_ENOMEM);
    CHECK_INT(pierrot_table_set(NULL, pierrot_int(1), pierrot_int(1)), PIERROT_ENOMEM);
    CHECK_INT(pierrot_table_append(table, NULL), PIERROT_ENOMEM);
    CHECK_INT(pierrot_table_append(NULL, pierrot_int(1)), PIERROT_ENOMEM);

    CHECK_INT(count_entries(table), 0);
    pierrot_term_free(table);
    test_heap_fini(&heap);
}

TEST(what_is_no_table_of_ones_own_cannot_be_set)
{
    test_heap_init(&heap);
    pierrot_term *table = pierrot_table(), *string = text("no table");
    pierrot_table_append(table, sequence(1));
    pierrot_term *lent = (pierrot_term *)pierrot_table_at(table, 1);

    CHECK_INT(set_at(string, 1, 1), PIERROT_EINVAL);
    CHECK_INT(set_at(lent, 1, 2), PIERROT_EINVAL);
    CHECK_INT(set_at(pierrot_nil(), 1, 2), PIERROT_EINVAL);
    pr_term_hold(table);
    CHECK_INT(set_at(table, 1, 2), PIERROT_EINVAL);
    pierrot_term_free(table);
    CHECK_INT(pierrot_table_append(table, lent), PIERROT_EINVAL);

    CHECK_INT(int_at(lent, 1), 1);
    pierrot_term_free(lent); /* not the caller's: nothing happens */
    pierrot_term_free(string);
    pierrot_term_free(table);
    test_heap_fini(&heap);
}

TEST(a_table_is_not_set_into_itself)
{
    test_heap_init(&heap);
    pierrot_term *outer = pierrot_table(), *inner = pierrot_table();

    CHECK_INT(pierrot_table_append(outer, outer), PIERROT_EINVAL);
    CHECK_INT(pierrot_table_set(outer, outer, outer), PIERROT_EINVAL);
    CHECK_INT(pierrot_table_append(outer, inner), 0);
    CHECK_INT(pierrot_table_append(inner, outer), PIERROT_EINVAL);

    CHECK_INT(count_entries(outer), 1);
    pierrot_term_free(outer);
    test_heap_fini(&heap);
}

/* ---- copies ---- */

TEST(a_copy_is_equal_and_independent)
{
    test_heap_init(&heap);
    pierrot_term *table = sequence(5);
    set_field(table, "inner", sequence(2));
    set_field(table, "name", text("x"));

    pierrot_term *copy = pierrot_term_copy(table);

    CHECK(pierrot_term_equal(table, copy));
    CHECK_INT(set_at(copy, 1, 100), 0);
    CHECK(!pierrot_term_equal(table, copy));
    pierrot_term_free(table);
    CHECK_INT(int_at(pierrot_table_field(copy, "inner"), 2), 2);
    pierrot_term_free(copy);
    test_heap_fini(&heap);
}

TEST(a_small_copy_is_one_allocation)
{
    test_heap_init(&heap);
    pierrot_term *table = pierrot_table();
    pierrot_table_append(table, text("put"));
    pierrot_table_append(table, text("a key of some length"));
    set_field(table, "value", sequence(3));
    pierrot_term *copy = pierrot_term_copy(table);

    CHECK(pr_arena_of(copy)->last == &pr_arena_of(copy)->first);
    pierrot_term_free(copy);
    pierrot_term_free(table);
    test_heap_fini(&heap);
}

TEST(a_copy_keeps_sharing)
{
    test_heap_init(&heap);
    struct pr_arena *arena = pr_arena_new(&heap.heap, 0);
    struct pierrot_term inner = {0}, string = {0};
    static char bytes[1000];
    memset(bytes, 'x', sizeof bytes);
    pr_arena_table(arena, 3, 0, &arena->root);
    pr_arena_table(arena, 0, 0, &inner);
    pr_arena_string(arena, bytes, sizeof bytes, &string);
    for (int i = 0; i < 100; i++) {
        pr_arena_append(arena, arena->root.as.table, &inner);
        pr_arena_append(arena, arena->root.as.table, &string);
    }

    pierrot_term *copy = pierrot_term_copy(&arena->root);

    CHECK(pierrot_table_at(copy, 1)->as.table == pierrot_table_at(copy, 199)->as.table);
    CHECK(pierrot_table_at(copy, 1)->as.table != inner.as.table);
    CHECK(pierrot_table_at(copy, 2)->as.bytes == pierrot_table_at(copy, 200)->as.bytes);
    CHECK(pierrot_table_at(copy, 2)->as.bytes != string.as.bytes);
    pierrot_term_free(copy);
    pierrot_term_free(&arena->root);
    test_heap_fini(&heap);
}

TEST(a_copy_keeps_cycles)
{
    test_heap_init(&heap);
    pierrot_term *itself = cycle(), *long_ring = ring(100);

    pierrot_term *copy = pierrot_term_copy(itself);
    pierrot_term *ring_copy = pierrot_term_copy(long_ring);

    CHECK(pierrot_table_field(copy, "self")->as.table == copy->as.table);
    CHECK(copy->as.table != itself->as.table);
    const pierrot_term *at = ring_copy;
    for (int i = 0; i < 100; i++)
        at = pierrot_table_field(at, "next");
    CHECK(at->as.table == ring_copy->as.table);
    pierrot_term_free(itself);
    pierrot_term_free(copy);
    pierrot_term_free(long_ring);
    pierrot_term_free(ring_copy);
    test_heap_fini(&heap);
}

TEST(a_copy_makes_borrowed_bytes_its_own)
{
    test_heap_init(&heap);
    char bytes[] = "lent";
    struct pierrot_term cell = pr_cell_borrow(bytes, 4);
    struct pr_arena *arena = pr_arena_new(&heap.heap, 0);
    pr_arena_table(arena, 1, 0, &arena->root);
    pr_arena_append(arena, arena->root.as.table, &cell);

    pierrot_term *copy = pierrot_term_copy(&arena->root);
    pierrot_term *string = pr_term_copy(&heap.heap, &cell);
    bytes[0] = 'x';

    CHECK(pierrot_is_string(pierrot_table_at(copy, 1), "lent"));
    CHECK_INT(pierrot_table_at(copy, 1)->flags, 0);
    CHECK(pierrot_is_string(string, "lent"));
    pierrot_term_free(copy);
    pierrot_term_free(string);
    pierrot_term_free(&arena->root);
    test_heap_fini(&heap);
}

TEST(depth_costs_no_stack_in_copy_equal_and_free)
{
    test_heap_init(&heap);
    pierrot_term *deep = nested(1000000);

    pierrot_term *copy = pierrot_term_copy(deep);

    REQUIRE(copy);
    CHECK(pierrot_term_equal(deep, copy));
    pierrot_term_free(deep);
    pierrot_term *other = nested(999999);
    CHECK(!pierrot_term_equal(copy, other));
    pierrot_term_free(other);
    pierrot_term_free(copy);
    test_heap_fini(&heap);
}

TEST(a_copy_of_a_table_with_an_index_can_be_changed)
{
    test_heap_init(&heap);
    pierrot_term *table = pierrot_table();
    for (int i = 0; i < 100; i++)
        set_at(table, i * 1000 + 500, i);
    CHECK_INT(int_at(table, 1500), 1);

    pierrot_term *copy = pierrot_term_copy(table);
    for (int i = 0; i < 50; i++)
        pierrot_table_set(copy, pierrot_int(i * 1000 + 500), pierrot_nil());

    for (int i = 0; i < 100; i++)
        CHECK_INT(int_at(copy, i * 1000 + 500), i < 50 ? 0 : i);
    CHECK(pr_table_check(copy->as.table) && pr_table_check(table->as.table));
    CHECK_INT(count_entries(table), 100);
    pierrot_term_free(table);
    pierrot_term_free(copy);
    test_heap_fini(&heap);
}

/* ---- equality and hashes ---- */

TEST(scalars_are_equal_as_in_lua)
{
    struct pierrot_term one = pr_cell_int(1), float_one = pr_cell_num(1.0), nan = pr_cell_num(NAN);
    struct pierrot_term big = pr_cell_int(INT64_MAX), float_big = pr_cell_num(0x1p63);
    struct pierrot_term pid = pr_cell_pid((pierrot_pid){1}), ref = pr_cell_ref((pierrot_ref){1});

    CHECK(pierrot_term_equal(&one, &float_one) && pierrot_term_equal(&float_one, &one));
    CHECK(!pierrot_term_equal(&big, &float_big) && !pierrot_term_equal(&nan, &nan));
    CHECK(!pierrot_term_equal(&one, &pid) && !pierrot_term_equal(&pid, &ref));
    CHECK(!pierrot_term_equal(&one, pierrot_bool(1)));
    CHECK(pierrot_term_equal(NULL, NULL) && pierrot_term_equal(NULL, pierrot_nil()));
    CHECK(pierrot_term_equal(pierrot_nil(), NULL) && !pierrot_term_equal(pierrot_bool(0), NULL));
    CHECK(pierrot_term_equal(PR_TERM(kill), PR_TERM(kill)));
    CHECK(!pierrot_term_equal(PR_TERM(kill), PR_TERM(killed)));
}

TEST(equal_keys_have_equal_hashes)
{
    struct pierrot_term one = pr_cell_int(1), float_one = pr_cell_num(1.0), two = pr_cell_int(2);
    struct pierrot_term zero = pr_cell_int(0), minus_zero = pr_cell_num(-0.0);
    struct pierrot_term kill = pr_cell_borrow("kill", 4);

    CHECK(pierrot_term_hash(&one) == pierrot_term_hash(&float_one));
    CHECK(pierrot_term_hash(&zero) == pierrot_term_hash(&minus_zero));
    CHECK(pierrot_term_hash(&kill) == pierrot_term_hash(PR_TERM(kill)));
    CHECK(pierrot_term_hash(&one) != pierrot_term_hash(&two));
    CHECK(pierrot_term_hash(NULL) == pierrot_term_hash(pierrot_nil()));
}

TEST(tables_are_equal_by_content_however_they_were_built)
{
    test_heap_init(&heap);
    struct pr_arena *arena = pr_arena_new(&heap.heap, 0);
    pr_arena_table(arena, 0, 3, &arena->root);
    for (int i = 3; i >= 1; i--) {
        struct pierrot_term cell = pr_cell_int(i);
        pr_arena_add_pair(arena, arena->root.as.table, &cell, &cell);
    }
    pierrot_term *table = sequence(3), *longer = sequence(4), *other = sequence(2);
    set_field(other, "x", pierrot_int(3));

    CHECK(pierrot_term_equal(table, &arena->root) && pierrot_term_equal(&arena->root, table));
    CHECK_INT(pierrot_table_len(&arena->root), 3);
    CHECK(!pierrot_term_equal(table, longer) && !pierrot_term_equal(longer, table));
    CHECK(!pierrot_term_equal(table, other) && !pierrot_term_equal(other, table));
    CHECK(!pierrot_term_equal(table, pierrot_nil()) && !pierrot_term_equal(NULL, table));

    pierrot_term_free(table);
    pierrot_term_free(longer);
    pierrot_term_free(other);
    pierrot_term_free(&arena->root);
    test_heap_fini(&heap);
}

TEST(cycles_of_different_lengths_are_equal_when_no_path_tells_them_apart)
{
    test_heap_init(&heap);
    pierrot_term *a = ring(101), *b = ring(97), *c = cycle();

    CHECK(pierrot_term_equal(a, b));
    CHECK(!pierrot_term_equal(a, c));

    pierrot_term_free(a);
    pierrot_term_free(b);
    pierrot_term_free(c);
    test_heap_fini(&heap);
}

/* n levels of {x, x}: as a tree it has 2^n leaves. */
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

TEST(sharing_does_not_multiply_the_work_of_comparing)
{
    test_heap_init(&heap);
    pierrot_term *a = doubled(200), *b = doubled(200), *c = doubled(199);

    CHECK(pierrot_term_equal(a, b));
    CHECK(!pierrot_term_equal(a, c));

    pierrot_term_free(a);
    pierrot_term_free(b);
    pierrot_term_free(c);
    test_heap_fini(&heap);
}

/* ---- heaps and threads ---- */

TEST(a_value_from_another_heap_is_copied_and_freed_in_its_own)
{
    struct test_heap shared;
    test_heap_init(&shared);
    shared.heap.shared = &shared.heap;
    pierrot_term *from_host = sequence(10);
    test_heap_init(&heap);
    pierrot_term *table = pierrot_table();

    CHECK_INT(pierrot_table_append(table, from_host), 0);

    CHECK_INT(pr_heap_live(&shared.heap), 0);
    CHECK_INT(shared.n_wrong_sizes, 0);
    CHECK_INT(int_at(pierrot_table_at(table, 1), 10), 10);
    pierrot_term_free(table);
    test_heap_fini(&heap);
}

TEST(a_term_of_a_shared_heap_is_freed_there_by_whom_ever)
{
    struct test_heap shared;
    test_heap_init(&shared);
    shared.heap.shared = &shared.heap;
    pierrot_term *a = sequence(10), *b = sequence(1000);
    test_heap_init(&heap);

    pierrot_term_free(a);
    pr_term_drop(b, &heap.heap);

    CHECK_INT(pr_heap_live(&shared.heap), 0);
    CHECK_INT(shared.n_wrong_sizes, 0);
    test_heap_fini(&heap);
}

TEST(what_one_scheduler_builds_another_may_go_on_with)
{
    struct pr_heap shared, first, second;
    pr_heap_init(&shared, NULL, NULL);
    pr_heap_init_own(&first, &shared);
    pr_heap_init_own(&second, &shared);
    pr_heap_set_current(&first);
    pierrot_term *table = sequence(100);
    int64_t live = pr_heap_live(&first);

    pr_heap_set_current(&second);
    pierrot_table_append(table, sequence(1000));
    CHECK_INT(pr_heap_live(&first), live);
    pierrot_term_free(table);

    CHECK_INT(pr_heap_live(&first) + pr_heap_live(&second), 0);
    pr_heap_set_current(NULL);
}

TEST(what_a_scheduler_gave_a_host_goes_on_with_and_frees_for_all)
{
    struct pr_heap shared, own;
    pr_heap_init(&shared, NULL, NULL);
    pr_heap_init_own(&own, &shared);
    pr_heap_set_current(&own);
    pierrot_term *table = sequence(100);
    int64_t live = pr_heap_live(&own);

    pr_heap_set_current(NULL);
    pierrot_table_append(table, sequence(1000));
    pierrot_term_free(table);

    CHECK_INT(pr_heap_live(&own), live);
    CHECK_INT(pr_heap_live(&shared), -live);
}

enum { N_READERS = 3, N_SHARED_TABLES = 50, N_SHARED_KEYS = 40 };

static void *read_all(void *arg)
{
    const pierrot_term *tables = arg;
    intptr_t n_right = 0;
    for (int t = 1; t <= N_SHARED_TABLES; t++) {
        for (int key = 1; key <= N_SHARED_KEYS; key++)
            n_right += int_at(pierrot_table_at(tables, t), -key) == t * key;
    }
    return (void *)n_right;
}

TEST(several_threads_may_look_up_in_one_term)
{
    pthread_t threads[N_READERS];
    pierrot_term *tables = pierrot_table();
    int64_t before = pr_heap_live(pr_heap_current());
    for (int t = 1; t <= N_SHARED_TABLES; t++) {
        /* Built without lookups, so that no index is there yet. */
        struct pierrot_term cell = {0}, key, value;
        pr_arena_table(pr_arena_of(tables), 0, N_SHARED_KEYS, &cell);
        for (int i = 1; i <= N_SHARED_KEYS; i++) {
            key = pr_cell_int(-i);
            value = pr_cell_int(t * i);
            pr_arena_add_pair(pr_arena_of(tables), cell.as.table, &key, &value);
        }
        pr_arena_append(pr_arena_of(tables), tables->as.table, &cell);
    }

    for (int i = 0; i < N_READERS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, read_all, tables) == 0);

    for (int i = 0; i < N_READERS; i++) {
        void *n_right = NULL;
        pthread_join(threads[i], &n_right);
        CHECK_INT((intptr_t)n_right, N_SHARED_TABLES * N_SHARED_KEYS);
    }
    CHECK(pierrot_table_at(tables, 1)->as.table->index != NULL);
    int64_t alone = before - (int64_t)pr_arena_of(tables)->first.size;
    pierrot_term_free(tables);
    CHECK_INT(pr_heap_live(pr_heap_current()), alone);
}

static void *drop_some(void *arg)
{
    for (int i = 0; i < 1000; i++)
        pierrot_term_free(arg);
    return NULL;
}

TEST(holders_on_several_threads_drop_it_once)
{
    pthread_t threads[2];
    pierrot_term *string = text("shared");
    int64_t before = pr_heap_live(pr_heap_current()) - (int64_t)pr_arena_of(string)->first.size;
    for (int i = 1; i < 2000; i++)
        pr_term_hold(string);

    for (int i = 0; i < 2; i++)
        REQUIRE(pthread_create(&threads[i], NULL, drop_some, string) == 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);

    CHECK_INT(pr_heap_live(pr_heap_current()), before);
}

/* ---- the arena ---- */

TEST(an_arena_aligns_and_keeps_apart_what_it_gives)
{
    test_heap_init(&heap);
    struct pr_arena *arena = pr_arena_new(&heap.heap, 100);
    unsigned char *rooms[500];
    for (int i = 0; i < 500; i++) {
        rooms[i] = pr_arena_alloc(arena, (size_t)i * 5 + 1);
        REQUIRE(rooms[i] && (uintptr_t)rooms[i] % 8 == 0);
        memset(rooms[i], i & 255, (size_t)i * 5 + 1);
    }

    for (int i = 0; i < 500; i++)
        CHECK(rooms[i][0] == (i & 255) && rooms[i][i * 5] == (i & 255));

    pr_arena_free(arena, &heap.heap);
    test_heap_fini(&heap);
}

TEST(many_small_pieces_share_blocks)
{
    test_heap_init(&heap);
    struct pr_arena *arena = pr_arena_new(&heap.heap, 0);
    int n_blocks = 0;

    for (int i = 0; i < 10000; i++)
        REQUIRE(pr_arena_alloc(arena, 200));

    for (struct pr_block *block = &arena->first; block; block = block->next)
        n_blocks++;
    CHECK(n_blocks < 2000000 / (32 * 1024) + 20);
    pr_arena_free(arena, &heap.heap);
    test_heap_fini(&heap);
}

TEST(strings_from_4_gib_on_are_refused)
{
    test_heap_init(&heap);
    struct pr_arena *arena = pr_arena_new(&heap.heap, 0);
    struct pierrot_term cell;

    CHECK_INT(pr_arena_string(arena, "", (size_t)UINT32_MAX + 1, &cell), PIERROT_ELIMIT);
    CHECK(pierrot_string("", (size_t)UINT32_MAX + 1) == NULL);

    pr_arena_free(arena, &heap.heap);
    test_heap_fini(&heap);
}

/* ---- no memory ---- */

static void build_everything(struct test_heap *test_heap)
{
    static char bytes[500];
    int error = 0;
    pierrot_term *table = pierrot_table();
    for (int i = 0; i < 40 && !error; i++)
        error = set_at(table, i * 7, i);
    for (int i = 0; i < 12 && !error; i++)
        error = pierrot_table_append(table, sequence(0));
    if (!error)
        error = pierrot_table_set(table, pierrot_string(bytes, 300), pierrot_string(bytes, 500));
    if (!error)
        error = pierrot_table_set(table, pierrot_int(2), pierrot_nil());
    if (!error)
        error = set_field(table, "a field", pierrot_pid_term((pierrot_pid){1}));
    CHECK(error == 0 || (error == PIERROT_ENOMEM && test_heap->has_failed));
    CHECK(!table || pr_table_check(table->as.table));
    pierrot_term_free(table);
}

TEST(building_survives_every_failed_allocation)
{
    TEST_EACH_FAILURE(build_everything);
}

static void fail_to_set(struct test_heap *test_heap)
{
    long n = test_heap->n_until_failure;
    test_heap->n_until_failure = 0;
    pierrot_term *table = pierrot_table(), *held = sequence(3);
    for (int i = 1; i <= 60; i++)
        set_at(table, i, i);
    for (int i = 0; i < 20; i++)
        set_at(table, -i, i);
    pierrot_term *before = pierrot_term_copy(table);
    pr_term_hold(held);
    pierrot_term *key = text("key"), *hole = pierrot_int(30);

    test_heap->n_until_failure = n;
    int error = pierrot_table_set(table, key, held);
    if (!error) {
        pierrot_table_set(table, text("key"), pierrot_nil());
        error = pierrot_table_set(table, hole, pierrot_nil());
    } else {
        pierrot_term_free(hole);
    }

    test_heap->n_until_failure = 0;
    CHECK(!error || pierrot_table_len(table) == 60);
    CHECK(!error || pierrot_table_field(table, "key") || pierrot_term_equal(before, table));
    pierrot_term_free(held);
    pierrot_term_free(before);
    pierrot_term_free(table);
}

TEST(a_failed_set_leaves_the_table_as_it_was)
{
    TEST_EACH_FAILURE(fail_to_set);
}

static void copy_and_compare(struct test_heap *test_heap)
{
    long n = test_heap->n_until_failure;
    test_heap->n_until_failure = 0;
    pierrot_term *a = nested(100), *b = ring(150);
    for (int i = 0; i < 30; i++)
        set_at(a, i * 11 + 2, i);

    test_heap->n_until_failure = n;
    pierrot_term *copy = pierrot_term_copy(a);
    pierrot_term *ring_copy = pierrot_term_copy(b);

    CHECK(test_heap->has_failed || (copy && ring_copy));
    if (copy && ring_copy) {
        int is_equal = pierrot_term_equal(a, copy) && pierrot_term_equal(b, ring_copy);
        CHECK(is_equal || test_heap->has_failed);
    }
    test_heap->n_until_failure = 0;
    pierrot_term_free(a);
    pierrot_term_free(b);
    pierrot_term_free(copy);
    pierrot_term_free(ring_copy);
}

TEST(copying_and_comparing_survive_every_failed_allocation)
{
    TEST_EACH_FAILURE(copy_and_compare);
}
