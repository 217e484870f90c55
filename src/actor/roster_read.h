/* SPDX-License-Identifier: MIT
 *
 * Reads of a registry, on any thread. */
#ifndef PR_ROSTER_READ_H
#define PR_ROSTER_READ_H

#include "pierrot.h"

/* Answers {"lookup", key}: nil, pid or {pid, value}, and with duplicate keys a list of {pid,
 * value};
 * {"keys" [, pid]}: a list; {"count" [, key]}: a number; {"kind"}: "unique" or "duplicate". 0,
 * EINVAL for anything else, ENOMEM. Gives: *reply. Thread: any. */
int pr_roster_read(pierrot *rt, void *shared, const pierrot_term *request, pierrot_term **reply);

#endif
