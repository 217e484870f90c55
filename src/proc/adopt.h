/* SPDX-License-Identifier: MIT
 *
 * A process takes another one for its child, which somebody else has started for it: from then on
 * its exit signals are those of a parent. The child's lineage changes on its own thread, by a
 * visit. */
#ifndef PR_ADOPT_H
#define PR_ADOPT_H

#include "proc/process.h"

/* Takes effect before any later signal of the parent's. 0 or PIERROT_ENOMEM. Thread: owner of the
 * parent. */
int pr_adopt(struct pr_owner *owner, struct pr_process *parent, pierrot_pid child);

#endif
