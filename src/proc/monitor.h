/* SPDX-License-Identifier: MIT
 *
 * Monitors: the watcher holds a PR_WATCH, the watched process a PR_WATCHED, both under the
 * monitor's ref. A DOWN that finds no PR_WATCH was demonitored meanwhile and is dropped. */
#ifndef PR_MONITOR_H
#define PR_MONITOR_H

#include "proc/process.h"
#include "proc/relation.h"
#include "proc/signal.h"

struct pr_monitor_options {
    pierrot_term *tag;   /* lends; in place of "DOWN"; NULL: none */
    pierrot_term *name;  /* lends; shown in place of the pid; NULL: none */
    uint8_t alias_flags; /* PR_ALIAS_…, PR_WATCH_REPLIES */
};

/* erlang:monitor. The target may be dead or (pid 0) nobody: then the DOWN with noproc comes at
 * once. A process that monitors itself gets a ref and no more. options may be NULL. 0 or PIERROT_ENOMEM. Thread: owner. */
int pr_monitor(struct pr_owner *owner, struct pr_process *process, pierrot_pid target,
               const struct pr_monitor_options *options, pierrot_ref *ref);

/* Removes the target's half of a monitor with this ref. Thread: owner of the watcher. */
void pr_monitor_release_target(struct pr_owner *owner, pierrot_pid target, pierrot_ref ref);

/* erlang:demonitor. Whether there was such a monitor of this process's, its DOWN not delivered yet.
 * A foreign ref, or one that never was a monitor, has no effect. Thread: owner. */
int pr_demonitor(struct pr_owner *owner, struct pr_process *process, pierrot_ref ref);

/* Removes the DOWN of this ref from the mailbox. Whether there was one. */
int pr_monitor_flush(struct pr_owner *owner, struct pr_process *process, pierrot_ref ref);

/* Takes: watch, which leaves. */
void pr_monitor_forget(struct pr_owner *owner, struct pr_relation *watch);

/* Signals. Takes: signal. */
void pr_monitor_take(struct pr_owner *owner, struct pr_process *process, struct pr_signal *signal);
void pr_monitor_take_demonitor(struct pr_owner *owner, struct pr_process *process,
                               struct pr_signal *signal);
void pr_monitor_take_down(struct pr_owner *owner, struct pr_process *process,
                          struct pr_signal *signal);

/* The oldest DOWN in its mailbox, or NULL, for a process that waits for nothing else: whatever came before
 * is dropped, since anybody may send to it. Lends. Thread: owner. */
struct pr_signal *pr_monitor_first_down(struct pr_owner *owner, struct pr_process *process);

#endif
