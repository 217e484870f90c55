/* SPDX-License-Identifier: MIT
 *
 * The Lua half of pierrot as bytes in the library: every file of lua/, written to a C file at build
 * time by cmake/embed.cmake. Sorted by path. */
#ifndef PR_EMBEDDED_H
#define PR_EMBEDDED_H

#include <stddef.h>

struct pr_embedded {
    const char *name;           /* as in require: "pierrot", "pierrot.gen_server" */
    const char *chunkname;      /* "@pierrot/gen_server.lua" */
    const unsigned char *bytes; /* source text; a NUL follows it */
    size_t len;                 /* without that NUL */
};

/* pr_n_embedded entries, and one with name NULL after them. */
extern const struct pr_embedded pr_embedded[];
extern const size_t pr_n_embedded;

#endif
