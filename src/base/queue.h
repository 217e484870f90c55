/* SPDX-License-Identifier: MIT
 *
 * An intrusive stack that many threads push to and one takes whole (Treiber's): the way from one
 * scheduler to another. Taking gives the nodes oldest first, so each pusher's order is kept, and
 * there is one order over all pushers. */
#ifndef PR_QUEUE_H
#define PR_QUEUE_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/list.h"

struct pr_queue {
    _Atomic(struct pr_node *) top; /* (A) */
};

static inline void pr_queue_init(struct pr_queue *queue)
{
    atomic_init(&queue->top, NULL);
}

/* Thread: any. */
static inline void pr_queue_push(struct pr_queue *queue, struct pr_node *node)
{
    struct pr_node *top = atomic_load_explicit(&queue->top, memory_order_relaxed);
    do {
        node->next = top;
        /* seq_cst, not only release: the pusher next reads whether the taker sleeps, and that read
         * must not move before the push (see pr_queue_is_empty). As a release it pairs with the
         * acquire in pr_queue_take. */
    } while (!atomic_compare_exchange_weak_explicit(&queue->top, &top, node, memory_order_seq_cst,
                                                    memory_order_relaxed));
}

/* Cheap and possibly late: for polling. Thread: the taker. */
static inline int pr_queue_seems_empty(const struct pr_queue *queue)
{
    return atomic_load_explicit(&queue->top, memory_order_relaxed) == NULL;
}

/* Exact against a push: the taker has announced its sleep before with a seq_cst store, so either it
 * sees the push here or the pusher sees the announcement. Thread: the taker; another one learns
 * whether something is left there that the taker has not seen before its announcement. */
static inline int pr_queue_is_empty(const struct pr_queue *queue)
{
    return atomic_load_explicit(&queue->top, memory_order_seq_cst) == NULL;
}

/* All nodes, oldest first, linked by next. Thread: the taker. */
static inline struct pr_node *pr_queue_take(struct pr_queue *queue)
{
    /* acquire: pairs with the push of each node (the pushes are one release sequence). */
    struct pr_node *node = atomic_exchange_explicit(&queue->top, NULL, memory_order_acquire);
    struct pr_node *oldest = NULL;
    while (node) {
        struct pr_node *next = node->next;
        node->next = oldest;
        oldest = node;
        node = next;
    }
    return oldest;
}

#endif
