/* SPDX-License-Identifier: MIT
 *
 * A C actor, as the engine (actor.c) and the functions that its callbacks call (context.c) see it. */
#ifndef PR_CONTEXT_H
#define PR_CONTEXT_H

#include <stddef.h>

#include "proc/process.h"
#include "sched/types.h"

struct pr_actor {
    struct pr_process process; /* first */
    const pierrot_behaviour *behaviour;
    pierrot_term *stop_reason; /* one hold, or NULL */
    int is_published;
    int has_begun; /* init was called: terminate must be */
    pierrot_term *continuation; /* one hold, or NULL: handle_continue is due */
    struct pr_alarm timeout;    /* see pierrot_timeout */
    uint64_t timeout_ns;        /* how long that is, from the callback on */
    int has_timed_out;
    _Alignas(max_align_t) char state[];
};

/* Has the wait of a timeout begin anew, if there is one. Thread: owner. */
void pr_actor_wait_anew(struct pr_owner *owner, struct pr_actor *actor);

/* For reports. */
static inline const char *pr_behaviour_name(const pierrot_behaviour *behaviour)
{
    return behaviour->name ? behaviour->name : "actor";
}

struct pierrot_context {
    struct pr_owner *owner;
    struct pr_actor *actor;
};

#endif
