/* SPDX-License-Identifier: MIT
 *
 * A unit test is one executable: it includes this header once, defines tests by TEST(name) { … },
 * and gets a main that runs all of them, or those whose names stand on the command line ("list"
 * lists them). A failed CHECK prints where and goes on; a failed REQUIRE leaves the function. */
#ifndef PR_TEST_H
#define PR_TEST_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct test {
    const char *name;
    void (*run)(void);
    struct test *next;
};

static struct test *test_first, **test_end = &test_first;
static int test_n_failures; /* of the test that runs */

/* The name is a sentence_with_underscores. */
#define TEST(sentence)                                                                             \
    static void sentence(void);                                                                    \
    static struct test test_##sentence = {.name = #sentence, .run = sentence};                     \
    __attribute__((constructor)) static void register_##sentence(void)                             \
    {                                                                                              \
        *test_end = &test_##sentence;                                                              \
        test_end = &test_##sentence.next;                                                          \
    }                                                                                              \
    static void sentence(void)

#define TEST_FAILED(...)                                                                           \
    do {                                                                                           \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                            \
        fprintf(stderr, __VA_ARGS__);                                                              \
        fputc('\n', stderr);                                                                       \
        test_n_failures++;                                                                         \
    } while (0)

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            TEST_FAILED("%s", #condition);                                                         \
    } while (0)

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            TEST_FAILED("%s", #condition);                                                         \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#define CHECK_INT(actual, expected)                                                                \
    do {                                                                                           \
        int64_t actual_ = (int64_t)(actual), expected_ = (int64_t)(expected);                      \
        if (actual_ != expected_)                                                                  \
            TEST_FAILED("%s is %" PRId64 ", expected %" PRId64, #actual, actual_, expected_);      \
    } while (0)

#define CHECK_TEXT(actual, expected)                                                               \
    do {                                                                                           \
        const char *actual_ = (actual), *expected_ = (expected);                                   \
        if (strcmp(actual_, expected_) != 0)                                                       \
            TEST_FAILED("%s is '%s', expected '%s'", #actual, actual_, expected_);                 \
    } while (0)

static inline int test_is_chosen(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return 1;
    }
    return argc < 2;
}

static inline int test_list(void)
{
    for (struct test *test = test_first; test; test = test->next)
        puts(test->name);
    return 0;
}

int main(int argc, char **argv)
{
    int n_passed = 0, n_failed = 0;
    if (argc == 2 && strcmp(argv[1], "list") == 0)
        return test_list();
    for (struct test *test = test_first; test; test = test->next) {
        if (!test_is_chosen(test->name, argc, argv))
            continue;
        test_n_failures = 0;
        test->run();
        if (test_n_failures > 0) {
            fprintf(stderr, "FAILED %s\n", test->name);
            n_failed++;
        } else {
            n_passed++;
        }
    }
    printf("%d passed, %d failed\n", n_passed, n_failed);
    return n_failed > 0 || n_passed == 0;
}

#endif
