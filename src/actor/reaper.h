/* SPDX-License-Identifier: MIT
 *
 * A process that outlives its registry to see to the end of what that has created: whoever traps
 * exits gets the time that a supervisor gives, and then is killed. */
#ifndef PR_REAPER_H
#define PR_REAPER_H

#include "actor/roster.h"

/* What a supervisor's children have. */
enum { PR_REAPER_MS = 5000 };

/* The registry is about to tell those it is linked with that it ends: leaves what was adopted to a
 * reaper, or kills it when there is no memory for one. Thread: actor. */
void pr_reap(pierrot_context *ctx, struct pr_roster *roster);

#endif
