/* SPDX-License-Identifier: MIT */
#include "actor/holding.h"

struct pr_roster_name *pr_holding_find(pierrot_context *ctx, struct pr_roster *roster,
                                       const struct pr_key *key)
{
    struct pr_roster_name *name;
    while ((name = pr_roster_find(roster, key)) &&
           !pierrot_is_alive(pierrot_runtime(ctx), name->pid))
        pr_roster_remove(roster, name);
    return name;
}

void pr_holding_release(pierrot_context *ctx, struct pr_roster *roster, struct pr_holder *holder)
{
    if (holder->first || holder->is_created)
        return;
    (void)pierrot_demonitor(ctx, holder->ref);
    if (!holder->was_linked)
        (void)pierrot_unlink(ctx, holder->pid);
    pr_roster_remove_holder(roster, holder);
}

/* Links with the process, unless it is already. 0 or PIERROT_ENOMEM. */
static int link_holder(pierrot_context *ctx, struct pr_holder *holder, enum pr_origin origin)
{
    if (origin == PR_SPAWNED)
        return 0;
    holder->was_linked = pierrot_is_linked(ctx, holder->pid);
    return holder->was_linked ? 0 : pierrot_link(ctx, holder->pid);
}

/* Links with the process and watches it. NULL: out of memory. */
static struct pr_holder *hold(pierrot_context *ctx, struct pr_roster *roster, pierrot_pid pid,
                              enum pr_origin origin)
{
    struct pr_holder *holder = pr_roster_find_holder(roster, pid);
    if (holder)
        return holder;
    holder = pr_roster_add_holder(roster, pid);
    if (!holder)
        return NULL;
    if (link_holder(ctx, holder, origin) != 0)
        goto remove;
    if (pierrot_monitor(ctx, pid, &holder->ref) != 0)
        goto unlink;
    return holder;

unlink:
    if (!holder->was_linked)
        (void)pierrot_unlink(ctx, pid);
remove:
    pr_roster_remove_holder(roster, holder);
    return NULL;
}

int pr_holding_enter(pierrot_context *ctx, struct pr_roster *roster, const struct pr_key *key,
                     const struct pr_slot *value, pierrot_pid pid, enum pr_origin origin)
{
    struct pr_holder *holder = hold(ctx, roster, pid, origin);
    if (!holder) {
        pr_slot_free(value);
        return PIERROT_ENOMEM;
    }
    int error = pr_roster_add(roster, holder, key, value);
    if (error)
        pr_holding_release(ctx, roster, holder);
    else if (origin != PR_REGISTERED)
        holder->is_created = 1;
    return error;
}

void pr_holding_forget_dead(pierrot_context *ctx, struct pr_roster *roster, pierrot_pid pid)
{
    struct pr_holder *holder = pr_roster_find_holder(roster, pid);
    if (holder && !pierrot_is_alive(pierrot_runtime(ctx), pid))
        pr_roster_remove_holder(roster, holder);
}

void pr_holding_shut_down(pierrot_context *ctx, struct pr_roster *roster, pierrot_term *reason)
{
    uint64_t cursor = 0;
    struct pr_holder *holder;
    while ((holder = pr_roster_next_holder(roster, &cursor))) {
        /* The signal goes first: without memory for it the link says at least something. */
        if (pierrot_is_linked(ctx, holder->pid) &&
            pierrot_exit(pierrot_runtime(ctx), holder->pid, pierrot_term_share(reason)) == 0)
            (void)pierrot_unlink(ctx, holder->pid);
    }
}
