/* SPDX-License-Identifier: MIT */
#include "actor/starts.h"

static struct pr_start *find(struct pr_dict *dict, const struct pr_key *key)
{
    struct pr_dict_entry *entry = pr_dict_find(dict, key);
    return entry ? entry->value.as.pointer : NULL;
}

struct pr_start *pr_starts_find(const struct pr_starts *starts, const struct pr_key *key)
{
    return find(starts->by_key, key);
}

struct pr_start *pr_starts_find_helper(const struct pr_starts *starts, pierrot_pid helper)
{
    struct pr_key key = pr_key_of_pid(helper);
    return find(starts->by_helper, &key);
}

void pr_start_free(pierrot *rt, struct pr_start *start)
{
    while (start->first) {
        struct pr_waiter *next = start->first->next;
        pierrot_shared_free(rt, start->first, sizeof *start->first);
        start->first = next;
    }
    pr_slot_free_key(rt, &start->key);
    pierrot_term_free(start->reason);
    pierrot_shared_free(rt, start, sizeof *start);
}

int pr_starts_prepare(pierrot *rt, struct pr_starts *starts, const struct pr_key *key,
                      struct pr_start **start)
{
    struct pr_slot own;
    if (pr_dict_reserve(rt, &starts->by_key) != 0 || pr_dict_reserve(rt, &starts->by_helper) != 0 ||
        pr_key_store(rt, key, &own) != 0)
        return PIERROT_ENOMEM;
    struct pr_start *made = pierrot_shared_alloc(rt, sizeof *made);
    if (!made) {
        pr_slot_free_key(rt, &own);
        return PIERROT_ENOMEM;
    }
    *made = (struct pr_start){.key = own};
    *start = made;
    return 0;
}

void pr_starts_add(struct pr_starts *starts, struct pr_start *start)
{
    struct pr_key helper = pr_key_of_pid(start->helper);
    struct pr_slot value = pr_slot_of_pointer(start);
    pr_dict_add(starts->by_key, &start->key, &value);
    pr_dict_add(starts->by_helper, &helper.slot, &value);
}

void pr_starts_remove(pierrot *rt, struct pr_starts *starts, struct pr_start *start)
{
    struct pr_key helper = pr_key_of_pid(start->helper), key = pr_key_of_slot(&start->key);
    pr_dict_drop(rt, &starts->by_key, pr_dict_find(starts->by_key, &key));
    pr_dict_drop(rt, &starts->by_helper, pr_dict_find(starts->by_helper, &helper));
    pr_start_free(rt, start);
}

int pr_start_wait(pierrot *rt, struct pr_start *start, pierrot_from from)
{
    struct pr_waiter *waiter = pierrot_shared_alloc(rt, sizeof *waiter);
    if (!waiter)
        return PIERROT_ENOMEM;
    *waiter = (struct pr_waiter){.from = from};
    *(start->last ? &start->last->next : &start->first) = waiter;
    start->last = waiter;
    return 0;
}

void pr_starts_fini(pierrot *rt, struct pr_starts *starts)
{
    for (uint32_t i = 0; i < pr_dict_count(starts->by_key); i++)
        pr_start_free(rt, starts->by_key->entries[i].value.as.pointer);
    pr_dict_free(rt, starts->by_key);
    pr_dict_free(rt, starts->by_helper);
    *starts = (struct pr_starts){NULL, NULL};
}
