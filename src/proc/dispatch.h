/* SPDX-License-Identifier: MIT
 *
 * What a signal does when it takes effect: each kind goes to the file of its subject. A signal
 * whose target is dead is dropped, answered with noproc, or turned round, by kind. */
#ifndef PR_DISPATCH_H
#define PR_DISPATCH_H

#include "proc/signal.h"

/* take_signal of an owner's ops. Takes: signal. Thread: owner of the target. */
void pr_dispatch(struct pr_owner *owner, struct pr_signal *signal);

/* As pr_signal_send of a MESSAGE or CAST to `process`, found since the inbox was polled; NULL: it
 * is not of this owner. How many messages wait for its turn now, where those that it looked at
 * before it waited do not count; 0 when it has none to come, is elsewhere or dead. Takes: message.
 * Thread: owner.
 */
uint32_t pr_dispatch_message(struct pr_owner *owner, struct pr_process *process,
                             struct pr_signal *message);

#endif
