/* SPDX-License-Identifier: MIT */
#include "actor/reaper.h"

#include "actor/behaviour.h"

struct reaper {
    pierrot_term *pids; /* owned: a list */
    size_t n_left;
};

static pierrot_pid pid_at(const pierrot_term *pids, size_t i)
{
    return pierrot_as_pid(pierrot_table_at(pids, (int64_t)i));
}

static void kill_all(pierrot *rt, const pierrot_term *pids)
{
    for (size_t i = 1; i <= pierrot_table_len(pids); i++)
        (void)pierrot_exit(rt, pid_at(pids, i), pr_string("kill"));
}

/* ----------------------------------------------------------------------- the process */

static int watch_all(pierrot_context *ctx, struct reaper *reaper)
{
    int error = 0;
    reaper->n_left = pierrot_table_len(reaper->pids);
    for (size_t i = 1; i <= reaper->n_left && !error; i++) {
        pierrot_ref unused;
        error = pierrot_monitor(ctx, pid_at(reaper->pids, i), &unused);
    }
    return error;
}

static int init(pierrot_context *ctx, void *state, const pierrot_term *arg)
{
    struct reaper *reaper = state;
    pierrot_ref unused;
    reaper->pids = pierrot_term_copy(arg);
    if (!reaper->pids)
        return PIERROT_ENOMEM;
    int error = watch_all(ctx, reaper);
    return error ? error : pierrot_send_after(ctx, PR_REAPER_MS, pr_string("kill"), &unused);
}

static int handle_info(pierrot_context *ctx, void *state, const pierrot_term *message)
{
    struct reaper *reaper = state;
    pierrot *rt = pierrot_runtime(ctx);
    pierrot_pid pid = pierrot_as_pid(pierrot_table_at(message, 4));
    if (pierrot_is_string(message, "kill")) {
        kill_all(rt, reaper->pids);
    } else if (pr_is_tagged(message, "DOWN") && reaper->n_left > 0) {
        reaper->n_left--;
        if (pierrot_is_alive(rt, pid)) /* there was no memory for its half of the monitor */
            (void)pierrot_exit(rt, pid, pr_string("kill"));
    } else {
        pr_drop_message(ctx, "reaper", message);
    }
    return reaper->n_left > 0 ? PIERROT_OK : PIERROT_STOP;
}

static void terminate(pierrot_context *ctx, void *state, const pierrot_term *reason)
{
    (void)ctx, (void)reason;
    pierrot_term_free(((struct reaper *)state)->pids);
}

static const pierrot_behaviour reaper_behaviour = {.size = sizeof reaper_behaviour,
                                                   .name = "reaper",
                                                   .state_size = sizeof(struct reaper),
                                                   .init = init,
                                                   .handle_info = handle_info,
                                                   .terminate = terminate};

/* -------------------------------------------------------------------- for the registry */

/* Whether it is one that must end, and may not. */
static int may_linger(pierrot_context *ctx, const struct pr_holder *holder)
{
    return holder->is_adopted && pierrot_is_linked(ctx, holder->pid);
}

/* Those that may linger. Gives; NULL: out of memory. */
static pierrot_term *list(pierrot_context *ctx, struct pr_roster *roster)
{
    pierrot_term *pids = pierrot_table();
    uint64_t cursor = 0;
    struct pr_holder *holder;
    while (pids && (holder = pr_roster_next_holder(roster, &cursor))) {
        if (may_linger(ctx, holder) && pierrot_table_append(pids, pierrot_pid_term(holder->pid))) {
            pierrot_term_free(pids);
            pids = NULL;
        }
    }
    return pids;
}

static void kill_here(pierrot_context *ctx, struct pr_roster *roster)
{
    uint64_t cursor = 0;
    struct pr_holder *holder;
    while ((holder = pr_roster_next_holder(roster, &cursor))) {
        if (may_linger(ctx, holder))
            (void)pierrot_exit(pierrot_runtime(ctx), holder->pid, pr_string("kill"));
    }
}

void pr_reap(pierrot_context *ctx, struct pr_roster *roster)
{
    pierrot_pid unused;
    pierrot_term *pids = list(ctx, roster);
    if (pids && pierrot_table_len(pids) == 0)
        pierrot_term_free(pids);
    else if (!pids ||
             pierrot_spawn(pierrot_runtime(ctx), &reaper_behaviour, pids, NULL, &unused) != 0)
        kill_here(ctx, roster);
}
