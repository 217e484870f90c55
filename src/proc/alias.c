/* SPDX-License-Identifier: MIT */
#include "proc/alias.h"

#include "proc/alias_table.h"
#include "proc/monitor.h"

int pr_alias(struct pr_owner *owner, struct pr_process *process, uint8_t flags, pierrot_ref *ref)
{
    pierrot_ref made = pr_owner_make_ref(owner);
    struct pr_relation *alias = pr_relation_add(owner, process, PR_ALIAS, (pierrot_pid){0}, made);
    if (!alias)
        return PIERROT_ENOMEM;
    alias->flags = flags;
    if (pr_alias_publish(owner, alias) != 0) {
        pr_relation_remove(owner, alias);
        return PIERROT_ENOMEM;
    }
    *ref = made;
    return 0;
}

/* The alias of a relation ends; what monitors goes on monitoring. */
static void deactivate(struct pr_owner *owner, struct pr_relation *relation)
{
    if (relation->flags & PR_ALIAS_GLOBAL)
        pr_alias_withdraw(owner, relation);
    relation->flags &= (uint8_t)~PR_ALIAS_ANY;
    if (relation->kind == PR_ALIAS)
        pr_relation_remove(owner, relation);
}

static struct pr_relation *find_active(struct pr_owner *owner, struct pr_process *process,
                                       pierrot_ref ref)
{
    struct pr_relation *relation = pr_relation_find(owner, ref, PR_SIDE_HOLDER);
    if (!relation || relation->process != process || !(relation->flags & PR_ALIAS_ANY))
        return NULL;
    return relation;
}

int pr_unalias(struct pr_owner *owner, struct pr_process *process, pierrot_ref ref)
{
    pr_signal_poll(owner);
    struct pr_relation *relation = find_active(owner, process, ref);
    if (!relation)
        return 0;
    deactivate(owner, relation);
    return 1;
}

void pr_alias_take(struct pr_owner *owner, struct pr_process *process, struct pr_signal *signal)
{
    struct pr_relation *relation = process ? find_active(owner, process, signal->ref) : NULL;
    if (!relation || pr_process_refuses(process)) {
        pr_signal_free(owner, signal);
        return;
    }
    pierrot_ref ref = relation->ref;
    int is_watch = relation->kind == PR_WATCH;
    if (relation->flags & PR_ALIAS_REPLY) {
        deactivate(owner, relation);
        /* reply_demonitor: the first message ends the monitor too. */
        if (is_watch)
            (void)pr_demonitor(owner, process, ref);
    }
    signal->kind = PR_SIGNAL_MESSAGE;
    pr_process_deliver(owner, process, signal);
}
