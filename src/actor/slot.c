/* SPDX-License-Identifier: MIT */
#include "actor/slot.h"

#include <string.h>

/* The type and what fits in place; strings and tables borrow the term. */
static struct pr_slot read_term(const pierrot_term *term)
{
    struct pr_slot slot = {.type = (uint8_t)pierrot_term_type(term)};
    switch (pierrot_term_type(term)) {
    case PIERROT_NIL:
        break;
    case PIERROT_BOOL:
        slot.as.integer = pierrot_as_bool(term);
        break;
    case PIERROT_INT:
        slot.as.integer = pierrot_as_int(term);
        break;
    case PIERROT_NUMBER:
        slot.as.number = pierrot_as_number(term);
        break;
    case PIERROT_PID:
        slot.as.id = pierrot_as_pid(term).id;
        break;
    case PIERROT_REF:
        slot.as.id = pierrot_as_ref(term).id;
        break;
    case PIERROT_SOCKET:
        slot.as.id = pierrot_as_socket(term).id;
        break;
    case PIERROT_STRING:
    case PIERROT_TABLE:
        slot.as.term = (pierrot_term *)term;
        break;
    }
    return slot;
}

/* ------------------------------------------------------------------------------- keys */

/* -2^63 is an integer, 2^63 is the first float that is none; NaN fails the comparison. */
static int is_integral(double number)
{
    return number >= -0x1p63 && number < 0x1p63 && number == (double)(int64_t)number;
}

int pr_key_of_term(const pierrot_term *term, struct pr_key *key)
{
    struct pr_slot slot = read_term(term);
    size_t len = 0;
    if (slot.type == PIERROT_NIL || slot.type == PIERROT_TABLE)
        return PIERROT_EINVAL;
    if (slot.type == PIERROT_NUMBER && slot.as.number != slot.as.number)
        return PIERROT_EINVAL;
    if (slot.type == PIERROT_NUMBER && is_integral(slot.as.number)) {
        slot.type = PIERROT_INT;
        slot.as.integer = (int64_t)slot.as.number;
    }
    slot.hash = (uint32_t)pierrot_term_hash(term);
    key->slot = slot;
    key->bytes = pierrot_as_string(term, &len);
    key->len = (uint32_t)len;
    return 0;
}

struct pr_key pr_key_of_pid(pierrot_pid pid)
{
    uint64_t mixed = pid.id * UINT64_C(0x9e3779b97f4a7c15);
    return (struct pr_key){
        .slot = {.type = PIERROT_PID, .hash = (uint32_t)(mixed >> 32), .as.id = pid.id}};
}

struct pr_key pr_key_of_slot(const struct pr_slot *slot)
{
    struct pr_key key = {.slot = *slot};
    if (slot->type == PR_SLOT_TEXT) {
        key.slot.type = PIERROT_STRING;
        key.bytes = slot->as.text->bytes;
        key.len = slot->as.text->len;
    }
    return key;
}

int pr_key_is(const struct pr_key *key, const struct pr_slot *slot)
{
    if (key->slot.hash != slot->hash)
        return 0;
    if (key->slot.type == PIERROT_STRING)
        return slot->type == PR_SLOT_TEXT && slot->as.text->len == key->len &&
               memcmp(slot->as.text->bytes, key->bytes, key->len) == 0;
    if (key->slot.type == PIERROT_NUMBER)
        return slot->type == PIERROT_NUMBER && key->slot.as.number == slot->as.number;
    return key->slot.type == slot->type && key->slot.as.id == slot->as.id;
}

static size_t text_size(uint32_t len)
{
    return sizeof(struct pr_key_text) + len;
}

size_t pr_key_text_size(const struct pr_key *key)
{
    return key->slot.type == PIERROT_STRING ? text_size(key->len) : 0;
}

struct pr_slot pr_key_place(const struct pr_key *key, void *memory)
{
    struct pr_slot slot = key->slot;
    if (slot.type != PIERROT_STRING)
        return slot;
    slot.type = PR_SLOT_TEXT;
    slot.as.text = memory;
    slot.as.text->len = key->len;
    memcpy(slot.as.text->bytes, key->bytes, key->len);
    return slot;
}

int pr_key_store(pierrot *rt, const struct pr_key *key, struct pr_slot *slot)
{
    size_t size = pr_key_text_size(key);
    void *memory = size > 0 ? pierrot_shared_alloc(rt, size) : NULL;
    if (size > 0 && !memory)
        return PIERROT_ENOMEM;
    *slot = pr_key_place(key, memory);
    return 0;
}

void pr_slot_free_key(pierrot *rt, const struct pr_slot *slot)
{
    if (slot->type == PR_SLOT_TEXT)
        pierrot_shared_free(rt, slot->as.text, text_size(slot->as.text->len));
}

/* ------------------------------------------------------------------------------ values */

static int holds_term(const struct pr_slot *slot)
{
    return slot->type == PIERROT_STRING || slot->type == PIERROT_TABLE;
}

int pr_slot_of_value(const pierrot_term *term, struct pr_slot *slot)
{
    struct pr_slot made = read_term(term);
    if (holds_term(&made)) {
        made.as.term = pierrot_term_copy(term);
        if (!made.as.term)
            return PIERROT_ENOMEM;
    }
    *slot = made;
    return 0;
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
    case PIERROT_SOCKET:
        return pierrot_socket_term((pierrot_pid){slot->as.id});
    case PIERROT_STRING:
    case PIERROT_TABLE:
        return pierrot_term_share(slot->as.term);
    case PR_SLOT_TEXT:
        return pierrot_string(slot->as.text->bytes, slot->as.text->len);
    default:
        return pierrot_nil();
    }
}

void pr_slot_free(const struct pr_slot *slot)
{
    if (holds_term(slot))
        pierrot_term_free(slot->as.term);
}
