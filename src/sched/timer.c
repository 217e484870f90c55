/* SPDX-License-Identifier: MIT
 *
 * The wheel. A timer lies on the level of the highest 6-bit digit in which its tick differs from
 * the wheel's. When the wheel reaches a slot of a higher level, that slot's timers move down; when
 * it reaches a slot of level 0, they are sorted into the due list once and handed out from its
 * head. Time goes from one occupied slot to the next by the bitmaps, so a jump of years costs no
 * more than the timers in between. */
#include "sched/timer.h"

#include <stddef.h>

#include "base/assert.h"

enum { DIGIT_BITS = 6, SLOT_MASK = 63, MAX_RUNS = 64 };

static struct pr_timer *timer_of(struct pr_node *node)
{
    return PR_CONTAINER_OF(node, struct pr_timer, node);
}

static uint64_t tick_of(uint64_t time_ns)
{
    return time_ns >> PR_WHEEL_TICK_BITS;
}

static int is_before(const struct pr_timer *a, const struct pr_timer *b)
{
    if (a->deadline_ns != b->deadline_ns)
        return a->deadline_ns < b->deadline_ns;
    return a->sequence < b->sequence;
}

void pr_wheel_init(struct pr_wheel *wheel, uint64_t now_ns)
{
    *wheel = (struct pr_wheel){.now_tick = tick_of(now_ns)};
}

/* ---- slots ---- */

static void place(struct pr_wheel *wheel, struct pr_timer *timer)
{
    uint64_t tick = tick_of(timer->deadline_ns);
    if (tick < wheel->now_tick)
        tick = wheel->now_tick;
    /* | 1: equal ticks are level 0 too. */
    int level = (63 - __builtin_clzll((tick ^ wheel->now_tick) | 1)) / DIGIT_BITS;
    int slot = (int)(tick >> (DIGIT_BITS * level) & SLOT_MASK);
    PR_ASSERT(level < PR_WHEEL_LEVELS);
    timer->level = (int16_t)level;
    timer->slot = (int16_t)slot;
    pr_list_append(&wheel->slots[level][slot], &timer->node);
    wheel->occupied[level] |= UINT64_C(1) << slot;
}

/* All nodes of a slot, which is empty afterwards. */
static struct pr_list take_slot(struct pr_wheel *wheel, int level, int slot)
{
    struct pr_list nodes = wheel->slots[level][slot];
    pr_list_init(&wheel->slots[level][slot]);
    wheel->occupied[level] &= ~(UINT64_C(1) << slot);
    return nodes;
}

/* The lowest level with timers and its first occupied slot; the level, or -1. By the invariant no
 * other slot has earlier timers. */
static int first_slot(const struct pr_wheel *wheel, int *slot)
{
    for (int level = 0; level < PR_WHEEL_LEVELS; level++) {
        if (wheel->occupied[level]) {
            *slot = __builtin_ctzll(wheel->occupied[level]);
            return level;
        }
    }
    return -1;
}

/* The first tick of a slot. */
static uint64_t slot_tick(const struct pr_wheel *wheel, int level, int slot)
{
    int shift = DIGIT_BITS * level;
    uint64_t above = wheel->now_tick >> shift & ~(uint64_t)SLOT_MASK;
    return (above | (uint64_t)slot) << shift;
}

void pr_wheel_arm(struct pr_wheel *wheel, struct pr_timer *timer, uint64_t deadline_ns)
{
    PR_ASSERT(!pr_timer_is_armed(timer));
    if (deadline_ns == UINT64_MAX)
        return;
    timer->deadline_ns = deadline_ns;
    timer->sequence = ++wheel->sequence;
    place(wheel, timer);
    wheel->n_armed++;
}

void pr_wheel_cancel(struct pr_wheel *wheel, struct pr_timer *timer)
{
    if (!pr_timer_is_armed(timer))
        return;
    if (timer->level == PR_WHEEL_DUE) {
        pr_list_remove(&wheel->due, &timer->node);
    } else {
        struct pr_list *slot = &wheel->slots[timer->level][timer->slot];
        pr_list_remove(slot, &timer->node);
        if (pr_list_is_empty(slot))
            wheel->occupied[timer->level] &= ~(UINT64_C(1) << timer->slot);
    }
    timer->level = -1;
    wheel->n_armed--;
}

/* ---- sorting: chains linked by next ---- */

static struct pr_node *merge(struct pr_node *a, struct pr_node *b)
{
    struct pr_node *merged = NULL;
    struct pr_node **end = &merged;
    while (a && b) {
        struct pr_node **first = is_before(timer_of(b), timer_of(a)) ? &b : &a;
        *end = *first;
        end = &(*end)->next;
        *first = *end;
    }
    *end = a ? a : b;
    return merged;
}

/* Bottom-up: runs[n] is a sorted run of 2^n timers, or NULL. */
static struct pr_node *sort(struct pr_node *nodes)
{
    struct pr_node *runs[MAX_RUNS] = {0};
    int n_runs = 0;
    while (nodes) {
        struct pr_node *run = nodes;
        nodes = nodes->next;
        run->next = NULL;
        int i = 0;
        for (; i < n_runs && runs[i]; i++) {
            run = merge(runs[i], run);
            runs[i] = NULL;
        }
        runs[i] = run;
        if (i == n_runs)
            n_runs++;
    }
    struct pr_node *sorted = NULL;
    for (int i = 0; i < n_runs; i++)
        sorted = merge(runs[i], sorted);
    return sorted;
}

/* ---- the due list ---- */

static void insert_after(struct pr_list *list, struct pr_node *before, struct pr_node *node)
{
    if (!before) {
        pr_list_prepend(list, node);
        return;
    }
    node->prev = before;
    node->next = before->next;
    if (before->next)
        before->next->prev = node;
    else
        list->tail = node;
    before->next = node;
}

/* Sorted nodes into the due list. Searches from the tail for the first one: what is new is nearly
 * always later than what is there. */
static void add_due(struct pr_wheel *wheel, struct pr_node *sorted)
{
    struct pr_node *before = wheel->due.tail;
    while (before && is_before(timer_of(sorted), timer_of(before)))
        before = before->prev;
    while (sorted) {
        struct pr_node *node = sorted;
        struct pr_node *after = before ? before->next : wheel->due.head;
        sorted = node->next;
        while (after && is_before(timer_of(after), timer_of(node))) {
            before = after;
            after = after->next;
        }
        insert_after(&wheel->due, before, node);
        timer_of(node)->level = PR_WHEEL_DUE;
        before = node;
    }
}

/* Collects what was armed for the tick that the wheel is in, or for an earlier one. */
static void collect_now(struct pr_wheel *wheel)
{
    int slot = (int)(wheel->now_tick & SLOT_MASK);
    if (!(wheel->occupied[0] >> slot & 1))
        return;
    struct pr_node *nodes = take_slot(wheel, 0, slot).head;
    add_due(wheel, nodes->next ? sort(nodes) : nodes);
}

/* From both ends at once: each timer is a miss of the cache when there are many, and two chains are
 * waited for at the same time. The order in a slot does not matter. */
static void move_down(struct pr_wheel *wheel, int level, int slot)
{
    struct pr_list nodes = take_slot(wheel, level, slot);
    struct pr_node *first = nodes.head, *last = nodes.tail;
    while (first != last) {
        struct pr_node *next = first->next, *before = last->prev;
        int have_met = next == last;
        place(wheel, timer_of(first));
        place(wheel, timer_of(last));
        if (have_met)
            return;
        first = next;
        last = before;
    }
    place(wheel, timer_of(first));
}

/* Goes to the next tick with timers, but not beyond `target`. Stopping before an occupied slot
 * keeps the invariant: only digits below that slot's change. */
static void advance(struct pr_wheel *wheel, uint64_t target)
{
    int slot, level;
    while ((level = first_slot(wheel, &slot)) >= 0) {
        uint64_t tick = slot_tick(wheel, level, slot);
        if (tick > target)
            break;
        wheel->now_tick = tick;
        if (level == 0)
            return;
        move_down(wheel, level, slot);
    }
    wheel->now_tick = target;
}

/* What the next timer is embedded in is on its way while this one fires. */
static void prefetch_around(const struct pr_node *node)
{
    __builtin_prefetch((const char *)node - 64);
    __builtin_prefetch((const char *)node + 48);
}

struct pr_timer *pr_wheel_expire(struct pr_wheel *wheel, uint64_t now_ns)
{
    collect_now(wheel);
    if (pr_list_is_empty(&wheel->due) && tick_of(now_ns) > wheel->now_tick) {
        advance(wheel, tick_of(now_ns));
        collect_now(wheel);
    }
    if (pr_list_is_empty(&wheel->due) || timer_of(wheel->due.head)->deadline_ns > now_ns)
        return NULL;
    struct pr_timer *timer = timer_of(pr_list_shift(&wheel->due));
    timer->level = -1;
    wheel->n_armed--;
    if (wheel->due.head)
        prefetch_around(wheel->due.head);
    return timer;
}

/* ---- looking ahead ---- */

static uint64_t earliest_in(const struct pr_list *list)
{
    uint64_t earliest = UINT64_MAX;
    for (struct pr_node *node = list->head; node; node = node->next) {
        uint64_t deadline_ns = timer_of(node)->deadline_ns;
        if (deadline_ns < earliest)
            earliest = deadline_ns;
    }
    return earliest;
}

static uint64_t next_in_slots(const struct pr_wheel *wheel, uint64_t now_ns)
{
    int slot;
    int level = first_slot(wheel, &slot);
    if (level < 0)
        return UINT64_MAX;
    uint64_t start_ns = slot_tick(wheel, level, slot) << PR_WHEEL_TICK_BITS;
    if (level > 0 && start_ns > now_ns)
        return start_ns;
    return earliest_in(&wheel->slots[level][slot]);
}

uint64_t pr_wheel_next(const struct pr_wheel *wheel, uint64_t now_ns)
{
    uint64_t due_ns = UINT64_MAX;
    if (!pr_list_is_empty(&wheel->due)) {
        due_ns = timer_of(wheel->due.head)->deadline_ns;
        int slot = (int)(wheel->now_tick & SLOT_MASK);
        if (!(wheel->occupied[0] >> slot & 1))
            return due_ns; /* all slots are later */
    }
    uint64_t slots_ns = next_in_slots(wheel, now_ns);
    return due_ns < slots_ns ? due_ns : slots_ns;
}

/* ---- invariants ---- */

static int check_slot(const struct pr_wheel *wheel, int level, int slot, uint64_t *n)
{
    int shift = DIGIT_BITS * level;
    uint64_t now_digit = wheel->now_tick >> shift & SLOT_MASK;
    for (struct pr_node *node = wheel->slots[level][slot].head; node; node = node->next) {
        struct pr_timer *timer = timer_of(node);
        uint64_t tick = tick_of(timer->deadline_ns);
        if (tick < wheel->now_tick)
            tick = wheel->now_tick;
        if (timer->level != level || timer->slot != slot ||
            (int)(tick >> shift & SLOT_MASK) != slot ||
            tick >> shift >> DIGIT_BITS != wheel->now_tick >> shift >> DIGIT_BITS ||
            (level > 0 && (uint64_t)slot <= now_digit))
            return 0;
        (*n)++;
    }
    return (wheel->occupied[level] >> slot & 1) == (wheel->slots[level][slot].head != NULL);
}

static int check_due(const struct pr_wheel *wheel, uint64_t *n)
{
    for (struct pr_node *node = wheel->due.head; node; node = node->next) {
        struct pr_timer *timer = timer_of(node);
        if (timer->level != PR_WHEEL_DUE || tick_of(timer->deadline_ns) > wheel->now_tick ||
            (node->next && is_before(timer_of(node->next), timer)))
            return 0;
        (*n)++;
    }
    return 1;
}

int pr_wheel_check(const struct pr_wheel *wheel)
{
    uint64_t n = 0;
    for (int level = 0; level < PR_WHEEL_LEVELS; level++) {
        for (int slot = 0; slot <= SLOT_MASK; slot++) {
            if (!check_slot(wheel, level, slot, &n))
                return 0;
        }
    }
    return check_due(wheel, &n) && n == wheel->n_armed;
}
