/* SPDX-License-Identifier: MIT
 *
 * An intrusive doubly linked list: a node is embedded in its element, nothing is allocated.
 *
 * Invariant: an empty list has head and tail NULL; else head->prev and tail->next are NULL. */
#ifndef PR_LIST_H
#define PR_LIST_H

#include <stddef.h>

struct pr_node {
    struct pr_node *next;
    struct pr_node *prev;
};

struct pr_list {
    struct pr_node *head;
    struct pr_node *tail;
};

static inline void pr_list_init(struct pr_list *list)
{
    list->head = list->tail = NULL;
}

static inline int pr_list_is_empty(const struct pr_list *list)
{
    return list->head == NULL;
}

static inline void pr_list_append(struct pr_list *list, struct pr_node *node)
{
    node->next = NULL;
    node->prev = list->tail;
    if (list->tail)
        list->tail->next = node;
    else
        list->head = node;
    list->tail = node;
}

static inline void pr_list_prepend(struct pr_list *list, struct pr_node *node)
{
    node->prev = NULL;
    node->next = list->head;
    if (list->head)
        list->head->prev = node;
    else
        list->tail = node;
    list->head = node;
}

static inline void pr_list_remove(struct pr_list *list, struct pr_node *node)
{
    if (node->prev)
        node->prev->next = node->next;
    else
        list->head = node->next;
    if (node->next)
        node->next->prev = node->prev;
    else
        list->tail = node->prev;
    node->next = node->prev = NULL;
}

/* The first node, taken out; NULL when there is none. */
static inline struct pr_node *pr_list_shift(struct pr_list *list)
{
    struct pr_node *node = list->head;
    if (node)
        pr_list_remove(list, node);
    return node;
}

#endif
