/* SPDX-License-Identifier: MIT
 *
 * Actors in C: the gen_server engine behind pierrot_behaviour. Callbacks run on the scheduler's
 * stack, one message after the other, and never wait. */
#ifndef PR_ACTOR_H
#define PR_ACTOR_H

#include "proc/process.h"
#include "proc/signal.h"
#include "sched/types.h"

struct pr_actor_start {
    const pierrot_behaviour *behaviour;
    pierrot_term *arg;          /* lends */
    struct pr_lineage *lineage; /* takes */
    struct pr_process *link;    /* a process here to link with; NULL: none */
    pierrot_pid remote_link, remote_monitor; /* of elsewhere, who makes its halves; 0: none */
    pierrot_ref remote_ref;                  /* of that monitor */
    const char *name;           /* NULL: none */
    size_t name_len;
    uint64_t max_queue;
    uint64_t deadline_ns; /* when init must be done; 0: some time */
};

/* Starts an actor here: init runs within the call. Nothing remains of a failed start; *why is its
 * reason then (gives), or NULL. 0, PIERROT_EEXIST (*pid: the holder), PIERROT_EIGNORE,
 * PIERROT_EEXITED, PIERROT_ETIMEOUT, ENOMEM, ELIMIT. Thread: owner. */
int pr_actor_start(struct pr_owner *owner, const struct pr_actor_start *start, pierrot_pid *pid,
                   pierrot_term **why);

int pr_process_is_actor(const struct pr_process *process);

enum pr_now {
    PR_NOW_ANSWERED, /* *reply is the answer (gives; NULL: nil) */
    PR_NOW_PENDING,  /* the request was taken; the answer comes as a signal, or the server ended */
    PR_NOW_REFUSED   /* nothing has happened: send it */
};

/* Runs handle_call of an idle actor at once: it is WAITING, its mailbox is empty, and the inbox was
 * polled. Lends: request. Thread: owner. */
enum pr_now pr_actor_call_now(struct pr_owner *owner, struct pr_process *server, pierrot_from from,
                              const pierrot_term *request, pierrot_term **reply);

const char *pr_actor_name(const struct pr_process *process);

#endif
