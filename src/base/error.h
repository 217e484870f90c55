/* SPDX-License-Identifier: MIT
 *
 * The texts of pierrot's own error codes (the table itself stands in pierrot.h). */
#ifndef PR_ERROR_H
#define PR_ERROR_H

#include "pierrot.h"

/* NULL for what is no code of pierrot's. Thread: any. */
const char *pr_error_text(int error);

#endif
