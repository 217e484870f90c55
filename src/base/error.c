/* SPDX-License-Identifier: MIT */
#include "base/error.h"

const char *pr_error_text(int error)
{
    switch (error) {
#define TEXT(name, number, text)                                                                   \
    case PIERROT_##name:                                                                           \
        return text;
        PIERROT_ERRORS(TEXT)
#undef TEXT
    }
    return NULL;
}
