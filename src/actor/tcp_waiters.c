/* SPDX-License-Identifier: MIT */
#include "actor/tcp_waiters.h"

#include "actor/behaviour.h"
#include "actor/tcp_address.h"
#include "actor/tcp_output.h"

enum { PURGE_MIN = 16 };

/* ----------------------------------------------------------------------------- answers */

int pr_answer_true(pierrot_from from)
{
    return pierrot_reply(from, pierrot_bool(1));
}

int pr_answer_error(pierrot_from from, int error)
{
    return pr_answer_or_nil(from, pr_tuple(1, pr_tcp_reason(error)));
}

int pr_answer_reason(pierrot_from from, const char *reason)
{
    return pr_answer_or_nil(from, pr_tuple(1, pr_string(reason)));
}

double pr_timeout_at(const pierrot_term *request, int64_t index)
{
    const pierrot_term *timeout = pierrot_table_at(request, index);
    pierrot_type type = pierrot_term_type(timeout);
    return type == PIERROT_INT || type == PIERROT_NUMBER ? pierrot_as_number(timeout) : PR_FOR_EVER;
}

/* ------------------------------------------------------------------------------- list */

static void free_waiter(pierrot_context *ctx, struct pr_waiter *waiter)
{
    pierrot *rt = pierrot_runtime(ctx);
    if (waiter->timer.id)
        (void)pierrot_cancel_timer(ctx, waiter->timer);
    pr_rest_free(rt, waiter->piece);
    pierrot_shared_free(rt, waiter, sizeof *waiter);
}

static struct pr_waiter *shift(struct pr_waiters *waiters)
{
    struct pr_waiter *waiter = waiters->head;
    waiters->head = waiter->next;
    if (!waiters->head)
        waiters->tail = NULL;
    waiters->n--;
    return waiter;
}

static void push(struct pr_waiters *waiters, struct pr_waiter *waiter)
{
    waiter->next = NULL;
    if (waiters->tail)
        waiters->tail->next = waiter;
    else
        waiters->head = waiter;
    waiters->tail = waiter;
    waiters->n++;
}

static int lives(pierrot_context *ctx, const struct pr_waiter *waiter)
{
    return pierrot_is_alive(pierrot_runtime(ctx), waiter->from.pid);
}

/* Where nothing ever comes, callers that come and die would pile up. */
static void purge(pierrot_context *ctx, struct pr_waiters *waiters)
{
    for (uint32_t n = waiters->n; n > 0; n--) {
        struct pr_waiter *waiter = shift(waiters);
        if (lives(ctx, waiter))
            push(waiters, waiter);
        else
            free_waiter(ctx, waiter);
    }
    waiters->n_to_purge = waiters->n * 2 > PURGE_MIN ? waiters->n * 2 : PURGE_MIN;
}

static int set_timer(pierrot_context *ctx, struct pr_waiter *waiter, double timeout_ms)
{
    if (timeout_ms < 0)
        return 0;
    /* The ref tells waiters apart, also those of the two lists of a connection. */
    waiter->id = (int64_t)(pierrot_make_ref(ctx).id >> 1);
    pierrot_term *message = pr_tuple(2, pr_string("timeout"), pierrot_int(waiter->id));
    return pierrot_send_after(ctx, timeout_ms, message, &waiter->timer);
}

struct pr_waiter *pr_waiters_add(pierrot_context *ctx, struct pr_waiters *waiters,
                                 pierrot_from from, double timeout_ms)
{
    pierrot *rt = pierrot_runtime(ctx);
    if (waiters->n >= waiters->n_to_purge)
        purge(ctx, waiters);
    struct pr_waiter *waiter = pierrot_shared_alloc(rt, sizeof *waiter);
    if (!waiter)
        return NULL;
    *waiter = (struct pr_waiter){.from = from};
    if (set_timer(ctx, waiter, timeout_ms) != 0) {
        pierrot_shared_free(rt, waiter, sizeof *waiter);
        return NULL;
    }
    push(waiters, waiter);
    return waiter;
}

struct pr_waiter *pr_waiters_first(pierrot_context *ctx, struct pr_waiters *waiters)
{
    while (waiters->head && !lives(ctx, waiters->head))
        free_waiter(ctx, shift(waiters));
    return waiters->head;
}

int pr_waiters_answer(pierrot_context *ctx, struct pr_waiters *waiters, pierrot_term *reply)
{
    struct pr_waiter *waiter = shift(waiters);
    int error = pierrot_reply(waiter->from, reply);
    free_waiter(ctx, waiter);
    return error;
}

void pr_waiters_fail(pierrot_context *ctx, struct pr_waiters *waiters, int error)
{
    while (waiters->head) {
        struct pr_waiter *waiter = shift(waiters);
        (void)pr_answer_error(waiter->from, error);
        free_waiter(ctx, waiter);
    }
}

int pr_waiters_expire(pierrot_context *ctx, struct pr_waiters *waiters, const pierrot_term *message)
{
    int64_t id = pierrot_as_int(pierrot_table_at(message, 2));
    int is_found = id == 0;
    for (uint32_t n = waiters->n; n > 0; n--) {
        struct pr_waiter *waiter = shift(waiters);
        if (waiter->id != id || is_found) {
            push(waiters, waiter);
            continue;
        }
        is_found = 1;
        waiter->timer.id = 0;
        (void)pr_answer_reason(waiter->from, "timeout");
        free_waiter(ctx, waiter);
    }
    return is_found && id != 0;
}

void pr_waiters_clear(pierrot_context *ctx, struct pr_waiters *waiters)
{
    while (waiters->head)
        free_waiter(ctx, shift(waiters));
}
