/* SPDX-License-Identifier: MIT */
#include "proc/adopt.h"

#include "proc/ptable.h"
#include "proc/signal.h"

struct adoption {
    struct pr_visit visit;      /* first */
    struct pr_lineage *lineage; /* one hold */
};

static void take(struct pr_owner *owner, struct pr_process *child, struct pr_visit *visit)
{
    struct adoption *adoption = (struct adoption *)visit;
    struct pr_lineage *old = adoption->lineage;
    if (child) {
        old = child->lineage;
        child->lineage = adoption->lineage;
    }
    pr_lineage_drop(owner, old);
    pr_free(&owner->heap, adoption, sizeof *adoption);
}

int pr_adopt(struct pr_owner *owner, struct pr_process *parent, pierrot_pid child)
{
    struct pr_owner *target = pr_ptable_owner(owner->system, child);
    struct adoption *adoption = target ? pr_zalloc(&owner->heap, sizeof *adoption) : NULL;
    if (!target)
        return 0;
    if (!adoption)
        return PIERROT_ENOMEM;
    adoption->lineage = pr_process_lineage(owner, parent);
    if (!adoption->lineage) {
        pr_free(&owner->heap, adoption, sizeof *adoption);
        return PIERROT_ENOMEM;
    }
    adoption->visit.signal.kind = PR_SIGNAL_VISIT;
    adoption->visit.signal.u.to = child;
    adoption->visit.run = take;
    if (target == owner)
        take(owner, pr_ptable_find(owner, child), &adoption->visit);
    else
        pr_signal_push(target, &adoption->visit.signal);
    return 0;
}
