/* SPDX-License-Identifier: MIT
 *
 * Links: both ends hold a relation. Between schedulers the halves are made one after the other, by
 * a signal; for the end that unlinks the link is over at once, so an EXIT that was already on its way
 * finds no link and is dropped.
 *
 * Both ends may link and unlink at the same time, and must come to agree. So whoever unlinks keeps a
 * PR_UNLINKING until the peer has confirmed: a LINK of the peer that comes before has crossed the
 * UNLINK, which will undo the peer's half, and is dropped. To link anew meanwhile turns it back into
 * a link; the confirmation then finds another ref, or none.
 *
 * Invariant: once all signals between two processes have arrived, both have a PR_LINK or neither,
 * and there is no PR_UNLINKING. At any time a process has at most one of the two for each peer. */
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
void pr_link_take_unlinked(struct pr_owner *owner, struct pr_process *process,
                           struct pr_signal *signal);

#endif
