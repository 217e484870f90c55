/* SPDX-License-Identifier: MIT
 *
 * From the name of a host to its addresses, without holding up the scheduler. */
#ifndef PR_TCP_RESOLVE_H
#define PR_TCP_RESOLVE_H

#include "actor/tcp_address.h"

enum { PR_ADDRESSES_MAX = 8 };

struct pr_addresses {
    int n;
    int error; /* of libuv's; 0: n is 1 at least */
    struct pr_address list[PR_ADDRESSES_MAX];
};

struct pr_resolution;

/* Runs as a callback of the actor. Lends: addresses. */
typedef int (*pr_resolved_fn)(pierrot_context *ctx, void *state,
                              const struct pr_addresses *addresses);

/* Begins. Gives: *resolution (pr_resolve_forget). 0, ENOMEM, or an error of libuv's. */
int pr_resolve(pierrot_context *ctx, const char *host, int port, pr_resolved_fn fn,
               struct pr_resolution **resolution);

/* Nothing comes of it any more, or it has come. Takes: resolution, which may be NULL. */
void pr_resolve_forget(struct pr_resolution *resolution);

#endif
