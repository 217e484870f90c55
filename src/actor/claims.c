/* SPDX-License-Identifier: MIT */
#include "actor/claims.h"

struct pr_claim {
    struct pr_claim *next, *previous;
    struct pr_line *line;
    pierrot_from from;
    pierrot_ref ref; /* of the monitor */
    uint32_t n_taken;
};

/* The claims of a key, oldest first: the first has it. */
struct pr_line {
    struct pr_slot key; /* owned */
    struct pr_claim *first, *last;
};

/* Refs are found as pids are: by their number. */
static struct pr_key key_of_ref(pierrot_ref ref)
{
    return pr_key_of_pid((pierrot_pid){ref.id});
}

static void *find(struct pr_dict *dict, const struct pr_key *key)
{
    struct pr_dict_entry *entry = pr_dict_find(dict, key);
    return entry ? entry->value.as.pointer : NULL;
}

static struct pr_claim *find_claim(const struct pr_claims *claims, pierrot_ref ref)
{
    struct pr_key key = key_of_ref(ref);
    return find(claims->by_ref, &key);
}

/* ------------------------------------------------------------------------------- lines */

static void free_line(pierrot *rt, struct pr_line *line)
{
    pr_slot_free_key(rt, &line->key);
    pierrot_shared_free(rt, line, sizeof *line);
}

/* The line of the key, made when there is none. NULL: out of memory. */
static struct pr_line *line_of(pierrot *rt, struct pr_claims *claims, const struct pr_key *key)
{
    struct pr_line *line = find(claims->by_key, key);
    if (line || pr_dict_reserve(rt, &claims->by_key) != 0)
        return line;
    line = pierrot_shared_alloc(rt, sizeof *line);
    if (!line)
        return NULL;
    *line = (struct pr_line){.first = NULL};
    if (pr_key_store(rt, key, &line->key) != 0) {
        pierrot_shared_free(rt, line, sizeof *line);
        return NULL;
    }
    struct pr_slot value = pr_slot_of_pointer(line);
    pr_dict_add(claims->by_key, &line->key, &value);
    return line;
}

static void drop_line_if_empty(pierrot *rt, struct pr_claims *claims, struct pr_line *line)
{
    if (line->first)
        return;
    struct pr_key key = pr_key_of_slot(&line->key);
    pr_dict_drop(rt, &claims->by_key, pr_dict_find(claims->by_key, &key));
    free_line(rt, line);
}

static void join(struct pr_line *line, struct pr_claim *claim)
{
    claim->line = line;
    claim->previous = line->last;
    *(line->last ? &line->last->next : &line->first) = claim;
    line->last = claim;
}

static void leave(struct pr_claim *claim)
{
    struct pr_line *line = claim->line;
    *(claim->previous ? &claim->previous->next : &line->first) = claim->next;
    *(claim->next ? &claim->next->previous : &line->last) = claim->previous;
}

/* ------------------------------------------------------------------------------ claims */

/* Its turn has come. 0 or PIERROT_ENOMEM. */
static int grant(struct pr_claim *claim)
{
    int error = pierrot_reply(claim->from, pierrot_ref_term(claim->ref));
    claim->n_taken += error == 0;
    return error;
}

/* The claim goes, and the next one's turn has come when it was the first. */
static int end_claim(pierrot_context *ctx, struct pr_claims *claims, struct pr_claim *claim)
{
    pierrot *rt = pierrot_runtime(ctx);
    struct pr_line *line = claim->line;
    struct pr_key key = key_of_ref(claim->ref);
    int was_first = line->first == claim;
    leave(claim);
    pr_dict_drop(rt, &claims->by_ref, pr_dict_find(claims->by_ref, &key));
    pierrot_shared_free(rt, claim, sizeof *claim);
    int error = was_first && line->first ? grant(line->first) : 0;
    drop_line_if_empty(rt, claims, line);
    return error;
}

/* A claim that is monitored and found by its ref. NULL: out of memory. */
static struct pr_claim *make_claim(pierrot_context *ctx, struct pr_claims *claims,
                                   pierrot_from from)
{
    pierrot *rt = pierrot_runtime(ctx);
    if (pr_dict_reserve(rt, &claims->by_ref) != 0)
        return NULL;
    struct pr_claim *claim = pierrot_shared_alloc(rt, sizeof *claim);
    if (!claim)
        return NULL;
    *claim = (struct pr_claim){.from = from};
    if (pierrot_monitor(ctx, from.pid, &claim->ref) != 0) {
        pierrot_shared_free(rt, claim, sizeof *claim);
        return NULL;
    }
    struct pr_key key = key_of_ref(claim->ref);
    struct pr_slot value = pr_slot_of_pointer(claim);
    pr_dict_add(claims->by_ref, &key.slot, &value);
    return claim;
}

int pr_claim(pierrot_context *ctx, struct pr_claims *claims, const struct pr_key *key,
             pierrot_from from)
{
    pierrot *rt = pierrot_runtime(ctx);
    struct pr_line *line = line_of(rt, claims, key);
    if (!line)
        return PIERROT_ENOMEM;
    if (line->first && line->first->from.pid.id == from.pid.id) {
        line->first->from = from;
        return grant(line->first);
    }
    struct pr_claim *claim = make_claim(ctx, claims, from);
    if (!claim) {
        drop_line_if_empty(rt, claims, line);
        return PIERROT_ENOMEM;
    }
    join(line, claim);
    if (line->first != claim)
        return 0;
    int error = grant(claim);
    if (error) {
        (void)pierrot_demonitor(ctx, claim->ref);
        (void)end_claim(ctx, claims, claim);
    }
    return error;
}

int pr_claim_return(pierrot_context *ctx, struct pr_claims *claims, pierrot_ref ref)
{
    struct pr_claim *claim = find_claim(claims, ref);
    if (!claim || claim->n_taken == 0 || --claim->n_taken > 0)
        return 0;
    (void)pierrot_demonitor(ctx, ref);
    return end_claim(ctx, claims, claim);
}

int pr_claim_drop(pierrot_context *ctx, struct pr_claims *claims, pierrot_ref ref)
{
    struct pr_claim *claim = find_claim(claims, ref);
    if (!claim)
        return 0;
    /* Alive: there was no memory for its half of the monitor. */
    if (claim->n_taken == 0 && pierrot_is_alive(pierrot_runtime(ctx), claim->from.pid))
        (void)pierrot_reply(claim->from, pierrot_nil());
    return end_claim(ctx, claims, claim);
}

void pr_claims_fini(pierrot *rt, struct pr_claims *claims)
{
    for (uint32_t i = 0; i < pr_dict_count(claims->by_ref); i++)
        pierrot_shared_free(rt, claims->by_ref->entries[i].value.as.pointer,
                            sizeof(struct pr_claim));
    for (uint32_t i = 0; i < pr_dict_count(claims->by_key); i++)
        free_line(rt, claims->by_key->entries[i].value.as.pointer);
    pr_dict_free(rt, claims->by_ref);
    pr_dict_free(rt, claims->by_key);
    *claims = (struct pr_claims){NULL, NULL};
}
