/* SPDX-License-Identifier: MIT
 *
 * Names in registries, {"via", registry, key}: whom they name is read without a message. */
#ifndef PR_VIA_H
#define PR_VIA_H

#include "sched/types.h"

/* The process that the via names at this moment. The registry is a pid, a name, or a via itself.
 * Lends: via. PIERROT_ENOTFOUND: nobody, or no such registry; PIERROT_EEXIST: the registry has
 * duplicate keys; PIERROT_EINVAL: it is no via; PIERROT_ENOMEM. Thread: any. */
int pr_via_find(pierrot *rt, const pierrot_term *via, pierrot_pid *pid);

#endif
