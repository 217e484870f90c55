/* SPDX-License-Identifier: MIT */
#include "actor/slot.h"

#include <string.h>

/* Everything but keys: the type and what fits in place. */
static void read_scalar(const pierrot_term *term, struct pr_slot *slot)
{
    *slot = (struct pr_slot){.type = (uint8_t)pierrot_term_type(term)};
    switch (pierrot_term_type(term)) {
    case PIERROT_NIL:
        return;
    case PIERROT_BOOL:
        slot->as.integer = pierrot_as_bool(term);
        return;
    case PIERROT_INT:
        slot->as.integer = pierrot_as_int(term);
        return;
    case PIERROT_NUMBER:
        slot->as.number = pierrot_as_number(term);
        return;
    case PIERROT_PID:
        slot->as.id = pierrot_as_pid(term).id;
        return;
    case PIERROT_REF:
        slot->as.id = pierrot_as_ref(term).id;
        return;
    case PIERROT_STRING:
    case PIERROT_TABLE:
        slot->as.term = (pierrot_term *)term;
        return;
    }
}

static int holds_term(const struct pr_slot *slot)
{
    return slot->type == PIERROT_STRING || slot->type == PIERROT_TABLE;
}

/* -2^63 is an integer, 2^63 is the first float that is none. */
static int is_integral(double number)
{
    return number >= -0x1p63 && number < 0x1p63 && number == (double)(int64_t)number;
}

int pr_slot_of_key(const pierrot_term *term, struct pr_slot *slot)
{
    read_scalar(term, slot);
    if (slot->type == PIERROT_NIL || slot->type == PIERROT_TABLE)
        return PIERROT_EINVAL;
    if (slot->type == PIERROT_NUMBER) {
        double number = slot->as.number;
        if (number != number)
            return PIERROT_EINVAL;
        if (is_integral(number)) {
            slot->type = PIERROT_INT;
            slot->as.integer = (int64_t)number;
        }
    }
    slot->hash = (uint32_t)pierrot_term_hash(term);
    return 0;
}

struct pr_slot pr_slot_of_pid(pierrot_pid pid)
{
    uint64_t mixed = pid.id * UINT64_C(0x9e3779b97f4a7c15);
    return (struct pr_slot){.type = PIERROT_PID, .hash = (uint32_t)(mixed >> 32), .as.id = pid.id};
}

int pr_slot_own(struct pr_slot *slot)
{
    if (!holds_term(slot))
        return 0;
    pierrot_term *copy = pierrot_term_copy(slot->as.term);
    if (!copy)
        return PIERROT_ENOMEM;
    slot->as.term = copy;
    return 0;
}

int pr_slot_of_value(const pierrot_term *term, struct pr_slot *slot)
{
    struct pr_slot copy;
    read_scalar(term, &copy);
    int error = pr_slot_own(&copy);
    if (!error)
        *slot = copy;
    return error;
}

pierrot_term *pr_slot_term(const struct pr_slot *slot)
{
    switch (slot->type) {
    case PIERROT_BOOL:
        return pierrot_bool(slot->as.integer != 0);
    case PIERROT_INT:
        return pierrot_int(slot->as.integer);
    case PIERROT_NUMBER:
        return pierrot_num(slot->as.number);
    case PIERROT_PID:
        return pierrot_pid_term((pierrot_pid){slot->as.id});
    case PIERROT_REF:
        return pierrot_ref_term((pierrot_ref){slot->as.id});
    case PIERROT_STRING:
    case PIERROT_TABLE:
        return pierrot_term_share(slot->as.term);
    default:
        return pierrot_nil();
    }
}

static int is_same_string(const pierrot_term *a, const pierrot_term *b)
{
    size_t len_a, len_b;
    const char *bytes_a = pierrot_as_string(a, &len_a);
    const char *bytes_b = pierrot_as_string(b, &len_b);
    return len_a == len_b && memcmp(bytes_a, bytes_b, len_a) == 0;
}

int pr_slot_equal(const struct pr_slot *a, const struct pr_slot *b)
{
    if (a->hash != b->hash || a->type != b->type)
        return 0;
    if (a->type == PIERROT_STRING)
        return is_same_string(a->as.term, b->as.term);
    if (a->type == PIERROT_NUMBER)
        return a->as.number == b->as.number;
    return a->as.id == b->as.id;
}

void pr_slot_free(const struct pr_slot *slot)
{
    if (holds_term(slot))
        pierrot_term_free(slot->as.term);
}
