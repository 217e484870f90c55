/* SPDX-License-Identifier: MIT
 *
 * What happens when a process dies, in this order:
 *   1. pr_process_exit: it is EXITING. From this moment it is dead to everybody: the process table
 *      says so, its name is free, signals to it are answered as by the dead.
 *   2. In a slice of its own, with nothing of it on the C stack, pr_process_end: its kind ends what
 * it was doing and a crash is reported.
 *   3. The relations, oldest first: links get their EXIT, watchers their DOWN, each in its mailbox
 *      before the next; monitors, calls, aliases and timers of the process's own are undone.
 *   4. The mailbox is dropped, the slot of the table freed, the memory given back.
 * None of it needs memory: the relation is turned into the signal that ends it. */
#ifndef PR_EXIT_H
#define PR_EXIT_H

#include "proc/process.h"
#include "proc/signal.h"

/* The process ends with this reason; nothing happens when it is ending already. Takes: reason.
 * Thread: owner. */
void pr_process_exit(struct pr_owner *owner, struct pr_process *process, pierrot_term *reason);

/* Steps 2 to 4 for an EXITING process; `process` is gone then. Thread: owner. */
void pr_process_end(struct pr_owner *owner, struct pr_process *process);

/* erlang:exit/2 by `from`. A signal to oneself takes effect before this returns.
 * Takes: reason. 0 or PIERROT_ENOMEM. Thread: owner. */
int pr_exit_send(struct pr_owner *owner, pierrot_pid from, pierrot_pid to, pierrot_term *reason);

/* Whether it is the string "normal"; or clean: normal, shutdown, {"shutdown", …}. */
int pr_exit_is_normal(const pierrot_term *reason);
int pr_exit_is_clean(const pierrot_term *reason);

/* The exit signal. Takes: signal. */
void pr_exit_take(struct pr_owner *owner, struct pr_process *process, struct pr_signal *signal);

#endif
