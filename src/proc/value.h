/* SPDX-License-Identifier: MIT
 *
 * What a signal carries: a cell. Scalars stand in it; anything else is a term (counted), or,
 * between two Lua processes of one scheduler, a Lua value that the scheduler keeps for the
 * receiver. */
#ifndef PR_VALUE_H
#define PR_VALUE_H

#include "term/term.h"

struct pr_owner;

enum pr_value_tag {
    PR_VALUE_TERM = 16, /* as.pointer: a root, one hold of it */
    PR_VALUE_LOCAL = 17 /* as.integer: a place in the store of the scheduler's Lua state */
};

/* Takes: root. */
static inline struct pierrot_term pr_value_of_term(pierrot_term *root)
{
    return (struct pierrot_term){.tag = PR_VALUE_TERM, .as.pointer = root};
}

/* The cell to read of a value that is not local. Lends. */
static inline const pierrot_term *pr_value_cell(const struct pierrot_term *value)
{
    return value->tag == PR_VALUE_TERM ? value->as.pointer : value;
}

static inline int pr_value_is_scalar(const struct pierrot_term *value)
{
    return value->tag < PIERROT_STRING;
}

/* Gives back what the value holds. Thread: owner. */
void pr_value_drop(struct pr_owner *owner, const struct pierrot_term *value);

#endif
