/* SPDX-License-Identifier: MIT
 *
 * Processes that hear of what is registered and unregistered, by messages:
 *
 *   {"register", registry, key, pid, value}    {"unregister", registry, key, pid}
 *
 * They are known by their names; a name that nobody has at that moment is passed over. The end of a
 * process is no news: whoever wants to know of it monitors. */
#ifndef PR_LISTENERS_H
#define PR_LISTENERS_H

#include "actor/slot.h"

/* Zeroed is nobody. */
struct pr_listeners {
    pierrot_term *registry; /* owned: what the messages call it; NULL: by its pid */
    pierrot_term *names;    /* owned: a list of strings, or NULL */
};

/* From the fields `name` and `listeners` of the options, which are lent; nil is none. 0 or
 * PIERROT_ENOMEM. */
int pr_listeners_init(struct pr_listeners *listeners, const pierrot_term *options);
void pr_listeners_fini(struct pr_listeners *listeners);

/* The messages. Gives: *news, NULL when nobody listens. 0 or PIERROT_ENOMEM. */
int pr_news_of_register(pierrot_context *ctx, const struct pr_listeners *listeners,
                        const struct pr_key *key, pierrot_pid pid, const struct pr_slot *value,
                        pierrot_term **news);
int pr_news_of_unregister(pierrot_context *ctx, const struct pr_listeners *listeners,
                          const struct pr_key *key, pierrot_pid pid, pierrot_term **news);

/* Sends it to all of them. Takes: news, which may be NULL. Without memory some may miss it, which
 * is logged. */
void pr_listeners_tell(pierrot *rt, const struct pr_listeners *listeners, pierrot_term *news);

#endif
