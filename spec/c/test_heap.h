/* SPDX-License-Identifier: MIT
 *
 * A heap for tests: checks that blocks are freed with the size they were allocated with, and fails
 * at the n-th allocation. TEST_EACH_FAILURE runs a scenario with n = 1, 2, … until none fails any
 * more. */
#ifndef PR_TEST_HEAP_H
#define PR_TEST_HEAP_H

#include <stdlib.h>

#include "base/alloc.h"

struct test_heap {
    struct pr_heap heap;
    struct pr_heap others;   /* as other threads see it */
    long n_until_failure; /* 0: never */
    int has_failed;
    long n_wrong_sizes;
};

/* Before each block, for its size; as wide as malloc aligns. */
#define TEST_HEAP_PREFIX 16

static inline int test_heap_fails(struct test_heap *test_heap)
{
    if (test_heap->n_until_failure == 0 || --test_heap->n_until_failure > 0)
        return 0;
    test_heap->has_failed = 1;
    return 1;
}

static inline void *test_heap_alloc(void *ud, void *ptr, size_t old_size, size_t new_size)
{
    struct test_heap *test_heap = ud;
    char *block = ptr ? (char *)ptr - TEST_HEAP_PREFIX : NULL;
    if (block && memcmp(block, &old_size, sizeof old_size) != 0)
        test_heap->n_wrong_sizes++;
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    if (test_heap_fails(test_heap))
        return NULL;
    block = realloc(block, TEST_HEAP_PREFIX + new_size);
    memcpy(block, &new_size, sizeof new_size);
    return block + TEST_HEAP_PREFIX;
}

/* Makes it this thread's heap too. */
static inline void test_heap_init(struct test_heap *test_heap)
{
    *test_heap = (struct test_heap){.n_until_failure = 0};
    pr_heap_init(&test_heap->others, test_heap_alloc, test_heap);
    pr_heap_init_own(&test_heap->heap, &test_heap->others);
    pr_heap_set_current(&test_heap->heap);
}

/* Demands that nothing is left. */
#define test_heap_fini(test_heap)                                                                  \
    do {                                                                                           \
        pr_heap_set_current(NULL);                                                                 \
        CHECK_INT(pr_heap_live(&(test_heap)->heap), 0);                                            \
        CHECK_INT((test_heap)->n_wrong_sizes, 0);                                                  \
    } while (0)

/* scenario(struct test_heap *) must survive each failure and leave nothing behind. */
#define TEST_EACH_FAILURE(scenario)                                                                \
    do {                                                                                           \
        int has_failed_ = 1;                                                                       \
        for (long n_ = 1; has_failed_ && test_n_failures == 0; n_++) {                             \
            struct test_heap heap_;                                                                \
            test_heap_init(&heap_);                                                                \
            heap_.n_until_failure = n_;                                                            \
            scenario(&heap_);                                                                      \
            has_failed_ = heap_.has_failed;                                                        \
            test_heap_fini(&heap_);                                                                \
        }                                                                                          \
    } while (0)

#endif
