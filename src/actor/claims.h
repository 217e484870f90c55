/* SPDX-License-Identifier: MIT
 *
 * The locks of a registry. A claim is one process's wish for a key: the oldest claim of a key has
 * it, the others wait in the order in which they came. Each is under the ref of a monitor of the
 * claimant, by which it goes when that ends; the ref is also what the claimant gives back.
 *
 * A process that asks again for what it has gets it again, and must give it back as often. */
#ifndef PR_CLAIMS_H
#define PR_CLAIMS_H

#include "actor/dict.h"

/* Zeroed is empty. */
struct pr_claims {
    struct pr_dict *by_key; /* key -> struct pr_line; the key is the line's */
    struct pr_dict *by_ref; /* ref -> struct pr_claim */
};

/* Claims the key. It is answered with the ref when its turn has come, which may be now. 0, or
 * PIERROT_ENOMEM: then nothing has changed, and nothing was answered. */
int pr_claim(pierrot_context *ctx, struct pr_claims *claims, const struct pr_key *key,
             pierrot_from from);

/* One claim is given back; another ref is no matter. 0, or an error: somebody may wait in vain. */
int pr_claim_return(pierrot_context *ctx, struct pr_claims *claims, pierrot_ref ref);

/* The claimant has ended, or cannot be monitored. The same. */
int pr_claim_drop(pierrot_context *ctx, struct pr_claims *claims, pierrot_ref ref);

/* Frees all of them. */
void pr_claims_fini(pierrot *rt, struct pr_claims *claims);

#endif
