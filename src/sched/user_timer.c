/* SPDX-License-Identifier: MIT */
#include "sched/user_timer.h"

#include "base/assert.h"
#include "proc/monitor.h"
#include "proc/name.h"
#include "proc/ptable.h"
#include "proc/relation.h"
#include "sched/alarm.h"
#include "sched/message.h"
#include "sched/via.h"

struct user_timer {
    struct pr_relation relation;
    struct pr_alarm alarm;
    struct pr_signal *signal; /* to send */
    pierrot_term *name;       /* whom to: a string or a via; or NULL: signal->u.to */
    int is_watching;          /* the target, on another scheduler, tells of its end */
};

static struct user_timer *timer_of(struct pr_relation *relation)
{
    return PR_CONTAINER_OF(relation, struct user_timer, relation);
}

static void free_timer(struct pr_owner *owner, struct user_timer *timer)
{
    pr_alarm_cancel(owner, &timer->alarm);
    pr_relation_leave(owner, &timer->relation);
    if (timer->is_watching)
        pr_monitor_release_target(owner, timer->relation.peer, timer->relation.ref);
    if (timer->signal)
        pr_signal_free(owner, timer->signal);
    pr_term_drop(timer->name, &owner->heap);
    pr_pool_free(&pr_scheduler_of(owner)->pool, timer, sizeof *timer);
}

/* Who has the name now; id 0: nobody. */
static pierrot_pid resolve(struct pr_owner *owner, const pierrot_term *name)
{
    pierrot_pid pid = {0};
    if (name->tag == PIERROT_STRING)
        return pr_name_find(owner->system, name->as.bytes, name->len);
    if (pr_via_find(pr_runtime_of(owner), name, &pid) == PIERROT_ENOMEM)
        pr_log_printf(&owner->system->log, PIERROT_WARNING, "no memory to find whom a timer is for");
    return pid;
}

static void fire(struct pr_owner *owner, struct pr_alarm *alarm)
{
    struct user_timer *timer = PR_CONTAINER_OF(alarm, struct user_timer, alarm);
    struct pr_signal *signal = timer->signal;
    timer->signal = NULL;
    if (timer->name)
        signal->u.to = resolve(owner, timer->name);
    free_timer(owner, timer);
    pr_signal_send(owner, signal);
}

/* A timer goes with its target. One of this scheduler has it among its relations; one of another is
 * monitored, in the name of whoever runs. Without memory for that the timer goes when it fires. */
static void watch_target(struct pr_owner *owner, struct user_timer *timer)
{
    struct pr_signal *signal =
        owner->current ? pr_signal_new(owner, PR_SIGNAL_MONITOR, timer->relation.peer) : NULL;
    if (!signal)
        return;
    signal->flags = PR_FLAG_TIMER;
    signal->from = owner->current->pid;
    signal->ref = timer->relation.ref;
    timer->is_watching = 1;
    pr_signal_send(owner, signal);
}

/* Messages by an alias are plain ones: what they tell stands in the value. */
static int wrap(struct pr_owner *owner, pierrot_ref ref, struct pierrot_term *value)
{
    struct pierrot_term tag = pr_cell_borrow("timeout", 7), id = pr_cell_ref(ref);
    pierrot_term *wrapped = pr_term_tuple(
        &owner->heap, (const pierrot_term *const[]){&tag, &id, pr_value_cell(value)}, 3);
    if (!wrapped)
        return PIERROT_ENOMEM;
    pr_value_drop(owner, value);
    *value = pr_value_of_term(wrapped);
    return 0;
}

static struct pr_signal *make_signal(struct pr_owner *owner, const struct pr_timer_target *target,
                                     int is_wrapped, pierrot_ref ref, struct pierrot_term *value)
{
    if (target->alias.id && is_wrapped && wrap(owner, ref, value) != 0)
        return NULL;
    enum pr_signal_kind kind = is_wrapped ? PR_SIGNAL_TIMEOUT : PR_SIGNAL_MESSAGE;
    struct pr_signal *signal =
        pr_signal_new(owner, target->alias.id ? PR_SIGNAL_ALIAS : kind, target->pid);
    if (!signal)
        return NULL;
    signal->ref = target->alias.id ? target->alias : ref;
    signal->value = *value;
    return signal;
}

int pr_user_timer_start(struct pr_owner *owner, uint64_t deadline_ns, struct pr_timer_target target,
                        int is_wrapped, struct pierrot_term value, pierrot_ref *ref)
{
    pierrot_ref made = *ref = pr_owner_make_ref(owner);
    struct pr_process *process = target.name ? NULL : pr_ptable_find(owner, target.pid);
    if (!target.name && !process && !pr_ptable_is_alive(owner->system, target.pid)) {
        pr_value_drop(owner, &value);
        return 0;
    }
    struct user_timer *timer = pr_pool_alloc(&pr_scheduler_of(owner)->pool, sizeof *timer);
    if (!timer)
        goto fail;
    timer->signal = make_signal(owner, &target, is_wrapped, made, &value);
    if (!timer->signal)
        goto fail_timer;
    if (pr_relation_enter(owner, &timer->relation, process, PR_TIMER, target.pid, made) != 0)
        goto fail_signal;
    timer->name = target.name;
    timer->is_watching = 0;
    pr_timer_init(&timer->alarm.timer);
    pr_alarm_set(owner, &timer->alarm, deadline_ns, fire);
    if (!target.name && !process)
        watch_target(owner, timer);
    return 0;

fail_signal:
    timer->signal->value = pr_cell_nil();
    pr_signal_free(owner, timer->signal);
fail_timer:
    pr_pool_free(&pr_scheduler_of(owner)->pool, timer, sizeof *timer);
fail:
    pr_value_drop(owner, &value);
    pr_term_drop(target.name, &owner->heap);
    return PIERROT_ENOMEM;
}

static struct user_timer *find(struct pr_owner *owner, pierrot_ref ref)
{
    struct pr_relation *relation = pr_relation_find(owner, ref, PR_SIDE_HOLDER);
    return relation && relation->kind == PR_TIMER ? timer_of(relation) : NULL;
}

static int64_t left(struct pr_owner *owner, const struct user_timer *timer)
{
    uint64_t now = pr_scheduler_now(pr_scheduler_of(owner));
    if (!pr_timer_is_armed(&timer->alarm.timer))
        return INT64_MAX;
    uint64_t deadline = timer->alarm.timer.deadline_ns;
    return deadline > now ? (int64_t)(deadline - now) : 0;
}

int64_t pr_user_timer_read(struct pr_owner *owner, pierrot_ref ref)
{
    struct user_timer *timer = find(owner, ref);
    return timer ? left(owner, timer) : -1;
}

int64_t pr_user_timer_cancel(struct pr_owner *owner, pierrot_ref ref)
{
    struct user_timer *timer = find(owner, ref);
    if (!timer)
        return -1;
    int64_t ns = left(owner, timer);
    free_timer(owner, timer);
    return ns;
}

void pr_user_timer_release(struct pr_owner *owner, struct pr_relation *relation)
{
    free_timer(owner, timer_of(relation));
}

void pr_user_timer_release_all(struct pr_owner *owner)
{
    uint32_t i = 0;
    while (i < owner->refs.n_buckets) {
        struct pr_map_node *node = owner->refs.buckets[i];
        if (!node) {
            i++;
            continue;
        }
        struct pr_relation *relation = PR_CONTAINER_OF(node, struct pr_relation, entry);
        PR_ASSERT(relation->kind == PR_TIMER);
        uint32_t n_buckets = owner->refs.n_buckets;
        timer_of(relation)->is_watching = 0; /* the others have left */
        free_timer(owner, timer_of(relation));
        if (owner->refs.n_buckets != n_buckets)
            i = 0; /* the map has shrunk, so nodes have moved */
    }
}
