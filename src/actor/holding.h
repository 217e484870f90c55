/* SPDX-License-Identifier: MIT
 *
 * The registry and those whose names it has: it watches them by monitors, and is linked with them
 * only so that they end when it does.
 *
 * Without memory for the other half of a link or monitor the other one must do: so a DOWN or EXIT
 * only says that it is time to look whether the process is dead. */
#ifndef PR_HOLDING_H
#define PR_HOLDING_H

#include "actor/roster.h"

/* How a name comes to be. */
enum pr_origin {
    PR_REGISTERED, /* by its holder */
    PR_ADOPTED,    /* a helper has started it for the registry */
    PR_SPAWNED     /* the registry has, and is linked with it */
};

/* The oldest name under this key whose holder lives; those of dead ones before it go. NULL: none. */
struct pr_roster_name *pr_holding_find(pierrot_context *ctx, struct pr_roster *roster,
                                       const struct pr_key *key);

/* Enters a key, which is free where keys are unique. Takes: value. 0 or PIERROT_ENOMEM. */
int pr_holding_enter(pierrot_context *ctx, struct pr_roster *roster, const struct pr_key *key,
                     const struct pr_slot *value, pierrot_pid pid, enum pr_origin origin);

/* Lets go of a holder that has no name; what was created stays until it ends. */
void pr_holding_release(pierrot_context *ctx, struct pr_roster *roster, struct pr_holder *holder);

/* Forgets the process if it is dead: it may not be, for the EXIT or DOWN that brings this about may
 * be an exit signal of its own or a forgery, too. */
void pr_holding_forget_dead(pierrot_context *ctx, struct pr_roster *roster, pierrot_pid pid);

/* Ends all that are linked, with a reason of their own. Lends: reason. */
void pr_holding_shut_down(pierrot_context *ctx, struct pr_roster *roster, pierrot_term *reason);

#endif
