/* SPDX-License-Identifier: MIT */
#include "base/assert.h"

#ifdef PR_DEBUG
#include <stdio.h>
#include <stdlib.h>

void pr_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "pierrot: %s:%d: assertion failed: %s\n", file, line, condition);
    abort();
}
#else
/* ISO C wants something in a file. */
typedef int pr_assert_is_off;
#endif
