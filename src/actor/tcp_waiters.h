/* SPDX-License-Identifier: MIT
 *
 * Callers that wait for a socket, in the order in which they came: for data, for room, for a
 * connection. The socket keeps their time, so that what a caller gets and its timeout exclude each
 * other; one that has ended meanwhile gets nothing that another could have. */
#ifndef PR_TCP_WAITERS_H
#define PR_TCP_WAITERS_H

#include "pierrot.h"

struct pr_waiter {
    struct pr_waiter *next;
    pierrot_from from;
    pierrot_ref timer; /* id 0: it waits for ever */
    int64_t id;
    size_t wanted;         /* bytes, of who waits for data */
    struct pr_rest *piece; /* of who waits for room: what did not go out yet (owned), or NULL */
};

struct pr_waiters {
    struct pr_waiter *head;
    struct pr_waiter *tail;
    uint32_t n;
    uint32_t n_to_purge; /* at so many those that have ended are looked for */
};

/* A wait without end. */
#define PR_FOR_EVER (-1.0)

/* One that waits at most that many ms. Lends: it is the list's. NULL: no memory. */
struct pr_waiter *pr_waiters_add(pierrot_context *ctx, struct pr_waiters *waiters,
                                 pierrot_from from, double timeout_ms);

/* The first that lives; NULL: none. */
struct pr_waiter *pr_waiters_first(pierrot_context *ctx, struct pr_waiters *waiters);

/* The first gets its answer. Takes: reply (NULL: no memory for it). PIERROT_OK or an error. */
int pr_waiters_answer(pierrot_context *ctx, struct pr_waiters *waiters, pierrot_term *reply);

/* All get {reason} for an error of that number. */
void pr_waiters_fail(pierrot_context *ctx, struct pr_waiters *waiters, int error);

/* A message to the actor: {"timeout", id} of one of these gives it {"timeout"}. Whether it was. */
int pr_waiters_expire(pierrot_context *ctx, struct pr_waiters *waiters,
                      const pierrot_term *message);

void pr_waiters_clear(pierrot_context *ctx, struct pr_waiters *waiters);

/* ---- answers ---- */

int pr_answer_true(pierrot_from from);

/* {reason}: how errors are answered. */
int pr_answer_error(pierrot_from from, int error);
int pr_answer_reason(pierrot_from from, const char *reason);

/* The timeout that stands at that place of a request, in ms. */
double pr_timeout_at(const pierrot_term *request, int64_t index);

#endif
