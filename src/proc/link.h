/* SPDX-License-Identifier: MIT
 *
 * Links: both ends hold a relation. Between schedulers the halves are made one after the other, by
 * a signal; the end that unlinks forgets at once, so an EXIT that was already on its way finds no
 * link and is dropped. */
#ifndef PR_LINK_H
#define PR_LINK_H

#include "proc/process.h"
#include "proc/signal.h"

/* erlang:link. Linking oneself does nothing. PIERROT_ENOPROC when the peer is known to be dead (the
 * caller decides what its process gets); a peer elsewhere that turns out dead sends an EXIT noproc.
 * 0, ENOPROC, ENOMEM. Thread: owner. */
int pr_link(struct pr_owner *owner, struct pr_process *process, pierrot_pid peer);

/* erlang:unlink: no EXIT of that link arrives any more. 0 or PIERROT_ENOMEM. Thread: owner. */
int pr_unlink(struct pr_owner *owner, struct pr_process *process, pierrot_pid peer);

/* Both halves of a link with a process that was just made here. 0 or PIERROT_ENOMEM. */
int pr_link_new(struct pr_owner *owner, struct pr_process *process, struct pr_process *child);

/* Signals. Takes: signal. */
void pr_link_take(struct pr_owner *owner, struct pr_process *process, struct pr_signal *signal);
void pr_link_take_unlink(struct pr_owner *owner, struct pr_process *process,
                         struct pr_signal *signal);

#endif
