/* SPDX-License-Identifier: MIT */
#include "sched/via.h"

/* Vias whose registry is named by a via, one in the other: a cycle has an end here. */
enum { MAX_DEPTH = 8 };

static int find(pierrot *rt, const pierrot_term *via, int depth, pierrot_pid *pid);

static int find_registry(pierrot *rt, const pierrot_term *registry, int depth, pierrot_pid *pid)
{
    size_t len;
    const char *name;
    switch (pierrot_term_type(registry)) {
    case PIERROT_PID:
        *pid = pierrot_as_pid(registry);
        return 0;
    case PIERROT_STRING:
        name = pierrot_as_string(registry, &len);
        return pierrot_whereis(rt, name, len, pid);
    case PIERROT_TABLE:
        return depth < MAX_DEPTH ? find(rt, registry, depth + 1, pid) : PIERROT_EINVAL;
    default:
        return PIERROT_EINVAL;
    }
}

/* The reply to a lookup: nil, pid, {pid, value}, or a list of such from one with duplicate keys. */
static int read_reply(const pierrot_term *reply, pierrot_pid *pid)
{
    const pierrot_term *found =
        pierrot_term_type(reply) == PIERROT_TABLE ? pierrot_table_at(reply, 1) : reply;
    if (pierrot_term_type(reply) == PIERROT_NIL)
        return PIERROT_ENOTFOUND;
    if (pierrot_term_type(found) != PIERROT_PID)
        return PIERROT_EEXIST;
    *pid = pierrot_as_pid(found);
    return 0;
}

static int find(pierrot *rt, const pierrot_term *via, int depth, pierrot_pid *pid)
{
    const pierrot_term *key = pierrot_table_at(via, 3);
    pierrot_pid registry;
    if (!pierrot_is_string(pierrot_table_at(via, 1), "via") || !key)
        return PIERROT_EINVAL;
    int error = find_registry(rt, pierrot_table_at(via, 2), depth, &registry);
    if (error)
        return error;
    struct pierrot_term items[2] = {pr_cell_borrow("lookup", 6), *key};
    struct pr_table table = {.n_array = 2, .cap_array = 2, .array = items};
    struct pierrot_term request = {.tag = PIERROT_TABLE, .as.table = &table};
    pierrot_term *reply = NULL;
    error = pierrot_read(rt, registry, &request, &reply);
    if (!error)
        error = read_reply(reply, pid);
    pierrot_term_free(reply);
    return error == PIERROT_ENOPROC ? PIERROT_ENOTFOUND : error;
}

int pr_via_find(pierrot *rt, const pierrot_term *via, pierrot_pid *pid)
{
    return find(rt, via, 0, pid);
}
