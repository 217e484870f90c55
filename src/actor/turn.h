/* SPDX-License-Identifier: MIT
 *
 * What the files of the registry's process share: its state, the request that it is at, and how
 * that is answered. */
#ifndef PR_TURN_H
#define PR_TURN_H

#include "actor/claims.h"
#include "actor/holding.h"
#include "actor/listeners.h"
#include "actor/starts.h"

struct pr_registry {
    struct pr_roster *roster;
    int is_published;
    struct pr_starts starts;
    struct pr_claims claims;
    struct pr_listeners listeners;
    pierrot_term *shutdown, *kill;
};

/* One request. */
struct pr_turn {
    pierrot_context *ctx;
    pierrot *rt;
    struct pr_registry *registry;
    const pierrot_term *request;
    pierrot_from from; /* pid 0: a cast */
};

/* Answers; what the callback returns. */
int pr_turn_answer(const struct pr_turn *turn, pierrot_term *reply); /* takes: NULL is nil */
int pr_turn_answer_nil(const struct pr_turn *turn);
int pr_turn_answer_bool(const struct pr_turn *turn, int value);

/* The request's second element as a key. 0 or PIERROT_EINVAL. */
int pr_turn_key(const struct pr_turn *turn, struct pr_key *key);

/* The oldest name of the key that a living process has; NULL: none. */
struct pr_roster_name *pr_turn_find(const struct pr_turn *turn, const struct pr_key *key);

/* Enters a key, which is free where keys are unique, and tells the listeners. Takes: value. 0 or
 * PIERROT_ENOMEM; nothing has changed then. */
int pr_turn_enter(const struct pr_turn *turn, const struct pr_key *key, const struct pr_slot *value,
                  pierrot_pid pid, enum pr_origin origin);

#endif
