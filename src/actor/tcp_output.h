/* SPDX-License-Identifier: MIT
 *
 * What is to go out and the system did not take at once. */
#ifndef PR_TCP_OUTPUT_H
#define PR_TCP_OUTPUT_H

#include "pierrot.h"

struct pr_rest {
    struct pr_rest *next;
    size_t len;
    size_t done; /* of len, which went out */
    char bytes[];
};

struct pr_output {
    struct pr_rest *head;
    struct pr_rest *tail;
    size_t n_bytes;     /* that wait */
    uint64_t n_written; /* ever */
};

/* A packet that is sent: its header and its bytes. */
struct pr_parcel {
    unsigned char header[4];
    size_t header_len;
    const char *bytes; /* lent */
    size_t len;
};

/* Writes what the system takes now of a parcel that nothing goes before; how much, or an error. */
long pr_output_try(struct pr_output *output, int fd, const struct pr_parcel *parcel);

/* What is left of a parcel after its first `done` bytes. Gives: (pr_rest_free). NULL: no memory. */
struct pr_rest *pr_rest_new(pierrot *rt, const struct pr_parcel *parcel, size_t done);
void pr_rest_free(pierrot *rt, struct pr_rest *piece);

/* Takes: piece. */
void pr_output_add(struct pr_output *output, struct pr_rest *piece);

/* Writes what the system takes now; 0 or an error. */
int pr_output_write(pierrot *rt, struct pr_output *output, int fd);

void pr_output_clear(pierrot *rt, struct pr_output *output);

#endif
