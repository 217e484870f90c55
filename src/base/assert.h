/* SPDX-License-Identifier: MIT
 *
 * PR_ASSERT states what can only be broken by a bug of pierrot's own; user input never reaches one.
 * Without side effects: release builds leave it out. */
#ifndef PR_ASSERT_H
#define PR_ASSERT_H

#include <stddef.h>

#ifdef PR_DEBUG
void pr_assert_failed(const char *condition, const char *file, int line) __attribute__((noreturn));
#define PR_ASSERT(condition)                                                                       \
    ((condition) ? (void)0 : pr_assert_failed(#condition, __FILE__, __LINE__))
#else
#define PR_ASSERT(condition) ((void)sizeof(condition))
#endif

/* The struct that holds `member` at `ptr`. */
#define PR_CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#endif
