/* SPDX-License-Identifier: MIT
 *
 * The bucket: keys and values, and processes that are told of changes. Its requests and replies are
 * known to lua/pierrot/bucket.lua, which also refuses the mistakes of callers; a malformed request
 * that comes all the same is answered false.
 *
 *   {"get", key}                 the value or nil        {"size"}    the number of keys
 *   {"put", key, value}          true                    {"keys"}    a list
 *   {"put_new", key, value}      whether it was new      {"items"}   a table
 *   {"delete", key}              what it had, or nil     {"clear"}   true
 *   {"incr", key, by}            the new number; the     {"subscribe"}, {"unsubscribe"}   true
 *                                type's name of what
 *                                is no number
 *
 * Without memory nothing has changed, and the answer is nil where a success never is; a get or
 * delete that cannot be answered ends the bucket, and so does a subscriber that could not be told.
 * Whoever asks for a change is answered after the subscribers were told. */
#include "pierrot_actors.h"

#include "actor/behaviour.h"
#include "actor/dict.h"

struct bucket {
    struct pr_dict *items;       /* key -> value; both owned */
    struct pr_dict *subscribers; /* pid -> ref of our monitor */
};

/* One call. */
struct turn {
    pierrot_context *ctx;
    pierrot *rt;
    struct bucket *bucket;
    const pierrot_term *request;
    pierrot_from from;
};

static int refuse(const struct turn *turn)
{
    return pierrot_reply(turn->from, pierrot_bool(0));
}

static int answer_true(const struct turn *turn)
{
    return pierrot_reply(turn->from, pierrot_bool(1));
}

static const pierrot_term *key_term(const struct turn *turn)
{
    return pierrot_table_at(turn->request, 2);
}

/* ------------------------------------------------------------------------- subscribers */

static pierrot_term *self_term(const struct turn *turn)
{
    return pierrot_pid_term(pierrot_self(turn->ctx));
}

/* {"put", key, value, bucket}. 0, and NULL when nobody listens, or PIERROT_ENOMEM. */
static int make_put(const struct turn *turn, const pierrot_term *key, const struct pr_slot *value,
                    pierrot_term **message)
{
    *message = NULL;
    if (!turn->bucket->subscribers)
        return 0;
    *message =
        pr_tuple(4, pr_string("put"), pierrot_term_copy(key), pr_slot_term(value), self_term(turn));
    return *message ? 0 : PIERROT_ENOMEM;
}

/* {"delete", key, bucket}, likewise. */
static int make_delete(const struct turn *turn, const struct pr_slot *key, pierrot_term **message)
{
    *message = NULL;
    if (!turn->bucket->subscribers)
        return 0;
    *message = pr_tuple(3, pr_string("delete"), pr_slot_term(key), self_term(turn));
    return *message ? 0 : PIERROT_ENOMEM;
}

/* Takes: message, which may be NULL. 0 or PIERROT_ENOMEM: somebody may not have been told. */
static int tell(const struct turn *turn, pierrot_term *message)
{
    const struct pr_dict *subscribers = turn->bucket->subscribers;
    int error = 0;
    for (uint32_t i = 0; message && i < pr_dict_count(subscribers); i++) {
        pierrot_pid pid = {subscribers->entries[i].key.as.id};
        int failed = pierrot_send(turn->rt, pid, pierrot_term_share(message));
        error = error ? error : failed;
    }
    pierrot_term_free(message);
    return error;
}

static int subscribe(struct turn *turn)
{
    struct bucket *bucket = turn->bucket;
    struct pr_key pid = pr_key_of_pid(turn->from.pid);
    struct pr_slot value = {.type = PIERROT_REF};
    pierrot_ref ref;
    if (pr_dict_find(bucket->subscribers, &pid))
        return answer_true(turn);
    if (pr_dict_reserve(turn->rt, &bucket->subscribers) != 0 ||
        pierrot_monitor(turn->ctx, turn->from.pid, &ref) != 0) {
        if (pr_dict_count(bucket->subscribers) == 0) {
            pr_dict_free(turn->rt, bucket->subscribers);
            bucket->subscribers = NULL;
        }
        return pierrot_reply(turn->from, pierrot_nil());
    }
    value.as.id = ref.id;
    pr_dict_add(bucket->subscribers, &pid.slot, &value);
    return answer_true(turn);
}

static int unsubscribe(struct turn *turn)
{
    struct bucket *bucket = turn->bucket;
    struct pr_key pid = pr_key_of_pid(turn->from.pid);
    struct pr_dict_entry *entry = pr_dict_find(bucket->subscribers, &pid);
    if (entry) {
        pierrot_ref ref = {entry->value.as.id};
        pr_dict_drop(turn->rt, &bucket->subscribers, entry);
        (void)pierrot_demonitor(turn->ctx, ref);
    }
    return answer_true(turn);
}

/* ----------------------------------------------------------------------------- changes */

/* Puts the value there. Takes: value. 0 or PIERROT_ENOMEM; nothing has changed then. */
static int set_item(const struct turn *turn, const struct pr_key *key, const struct pr_slot *value)
{
    struct bucket *bucket = turn->bucket;
    struct pr_dict_entry *entry = pr_dict_find(bucket->items, key);
    struct pr_slot own;
    if (entry) {
        pr_slot_free(&entry->value);
        entry->value = *value;
        return 0;
    }
    if (pr_dict_reserve(turn->rt, &bucket->items) != 0 || pr_key_store(turn->rt, key, &own) != 0) {
        pr_slot_free(value);
        return PIERROT_ENOMEM;
    }
    pr_dict_add(bucket->items, &own, value);
    return 0;
}

/* As set_item, and tells the subscribers: *told is 0, or PIERROT_ENOMEM when that failed. */
static int change(const struct turn *turn, const struct pr_key *key, const struct pr_slot *value,
                  int *told)
{
    pierrot_term *message;
    *told = 0;
    if (make_put(turn, key_term(turn), value, &message) != 0) {
        pr_slot_free(value);
        return PIERROT_ENOMEM;
    }
    int error = set_item(turn, key, value);
    if (error)
        pierrot_term_free(message);
    else
        *told = tell(turn, message);
    return error;
}

/* The key, and the value as a copy of its own. 0, EINVAL or ENOMEM. */
static int read_pair(const struct turn *turn, struct pr_key *key, struct pr_slot *value)
{
    const pierrot_term *given = pierrot_table_at(turn->request, 3);
    if (pierrot_term_type(given) == PIERROT_NIL || pr_key_of_term(key_term(turn), key) != 0)
        return PIERROT_EINVAL;
    return pr_slot_of_value(given, value);
}

static int put_value(const struct turn *turn)
{
    struct pr_key key;
    struct pr_slot value;
    int told = 0, error = read_pair(turn, &key, &value);
    if (!error)
        error = change(turn, &key, &value, &told);
    if (error == PIERROT_EINVAL)
        return refuse(turn);
    if (told != 0)
        return told;
    return pierrot_reply(turn->from, error ? pierrot_nil() : pierrot_bool(1));
}

static int put(struct turn *turn)
{
    return put_value(turn);
}

static int put_new(struct turn *turn)
{
    struct pr_key key;
    if (pr_key_of_term(key_term(turn), &key) == 0 && pr_dict_find(turn->bucket->items, &key))
        return refuse(turn);
    return put_value(turn);
}

/* a + b as Lua adds numbers. */
static struct pr_slot add_numbers(const struct pr_slot *a, const struct pr_slot *b)
{
    struct pr_slot sum = {.type = PIERROT_INT};
    if (a->type == PIERROT_INT && b->type == PIERROT_INT) {
        sum.as.integer = (int64_t)((uint64_t)a->as.integer + (uint64_t)b->as.integer);
        return sum;
    }
    sum.type = PIERROT_NUMBER;
    sum.as.number = (a->type == PIERROT_INT ? (double)a->as.integer : a->as.number) +
                    (b->type == PIERROT_INT ? (double)b->as.integer : b->as.number);
    return sum;
}

static const char *type_name(const struct pr_slot *slot)
{
    switch (slot->type) {
    case PIERROT_BOOL:
        return "boolean";
    case PIERROT_PID:
        return "pid";
    case PIERROT_REF:
        return "ref";
    case PIERROT_SOCKET:
        return "socket";
    case PIERROT_STRING:
        return "string";
    case PIERROT_TABLE:
        return "table";
    default:
        return "number";
    }
}

static int incr(struct turn *turn)
{
    const struct pr_slot zero = {.type = PIERROT_INT};
    struct pr_key key;
    struct pr_slot by;
    int told;
    if (read_pair(turn, &key, &by) != 0)
        return refuse(turn);
    const struct pr_dict_entry *entry = pr_dict_find(turn->bucket->items, &key);
    const struct pr_slot *old = entry ? &entry->value : &zero;
    if (!pr_slot_is_number(&by) || !pr_slot_is_number(old)) {
        pr_slot_free(&by);
        return pr_answer_or_nil(turn->from,
                                pr_string(type_name(pr_slot_is_number(old) ? &by : old)));
    }
    struct pr_slot sum = add_numbers(old, &by);
    pierrot_term *reply = pr_slot_term(&sum);
    if (!reply)
        return pierrot_reply(turn->from, pierrot_nil());
    if (change(turn, &key, &sum, &told) != 0) {
        pierrot_term_free(reply);
        return pierrot_reply(turn->from, pierrot_nil());
    }
    int error = pierrot_reply(turn->from, reply);
    return told ? told : error;
}

static int delete_key(struct turn *turn)
{
    struct pr_key key;
    pierrot_term *message;
    if (pr_key_of_term(key_term(turn), &key) != 0)
        return refuse(turn);
    struct pr_dict_entry *entry = pr_dict_find(turn->bucket->items, &key);
    if (!entry)
        return pierrot_reply(turn->from, pierrot_nil());
    pierrot_term *reply = pr_slot_term(&entry->value);
    if (!reply || make_delete(turn, &entry->key, &message) != 0) {
        pierrot_term_free(reply);
        return PIERROT_ENOMEM;
    }
    struct pr_dict_entry gone = *entry;
    pr_dict_drop(turn->rt, &turn->bucket->items, entry);
    pr_slot_free_key(turn->rt, &gone.key);
    pr_slot_free(&gone.value);
    int told = tell(turn, message);
    int error = pierrot_reply(turn->from, reply);
    return told ? told : error;
}

/* ------------------------------------------------------------------------------- clear */

static void free_items(pierrot *rt, struct pr_dict *items)
{
    for (uint32_t i = 0; i < pr_dict_count(items); i++) {
        pr_slot_free_key(rt, &items->entries[i].key);
        pr_slot_free(&items->entries[i].value);
    }
    pr_dict_free(rt, items);
}

/* The messages of all keys, or none of them. Gives: the array, of `n`. NULL: out of memory. */
static pierrot_term **make_deletes(const struct turn *turn, uint32_t n)
{
    const struct pr_dict *items = turn->bucket->items;
    pierrot_term **messages = pierrot_shared_alloc(turn->rt, n * sizeof *messages);
    if (!messages)
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        if (make_delete(turn, &items->entries[i].key, &messages[i]) == 0)
            continue;
        while (i > 0)
            pierrot_term_free(messages[--i]);
        pierrot_shared_free(turn->rt, messages, n * sizeof *messages);
        return NULL;
    }
    return messages;
}

static int clear(struct turn *turn)
{
    struct pr_dict *items = turn->bucket->items;
    uint32_t n = pr_dict_count(items);
    pierrot_term **messages = NULL;
    int told = 0;
    if (n > 0 && turn->bucket->subscribers) {
        messages = make_deletes(turn, n);
        if (!messages)
            return pierrot_reply(turn->from, pierrot_nil());
    }
    turn->bucket->items = NULL;
    free_items(turn->rt, items);
    for (uint32_t i = 0; messages && i < n; i++) {
        int failed = tell(turn, messages[i]);
        told = told ? told : failed;
    }
    if (messages)
        pierrot_shared_free(turn->rt, messages, n * sizeof *messages);
    int error = answer_true(turn);
    return told ? told : error;
}

/* ------------------------------------------------------------------------------- reads */

static int get(struct turn *turn)
{
    struct pr_key key;
    if (pr_key_of_term(key_term(turn), &key) != 0)
        return refuse(turn);
    const struct pr_dict_entry *entry = pr_dict_find(turn->bucket->items, &key);
    return pierrot_reply(turn->from, entry ? pr_slot_term(&entry->value) : pierrot_nil());
}

static int size(struct turn *turn)
{
    return pr_answer_or_nil(turn->from, pierrot_int(pr_dict_count(turn->bucket->items)));
}

static int keys(struct turn *turn)
{
    const struct pr_dict *items = turn->bucket->items;
    pierrot_term *list = pierrot_table();
    for (uint32_t i = 0; list && i < pr_dict_count(items); i++) {
        if (pierrot_table_append(list, pr_slot_term(&items->entries[i].key)) != 0) {
            pierrot_term_free(list);
            list = NULL;
        }
    }
    return pr_answer_or_nil(turn->from, list);
}

static pierrot_term *make_items(const struct pr_dict *items)
{
    pierrot_term *table = pierrot_table();
    for (uint32_t i = 0; table && i < pr_dict_count(items); i++) {
        const struct pr_dict_entry *entry = &items->entries[i];
        if (pierrot_table_set(table, pr_slot_term(&entry->key), pr_slot_term(&entry->value)) != 0) {
            pierrot_term_free(table);
            return NULL;
        }
    }
    return table;
}

static int items(struct turn *turn)
{
    return pr_answer_or_nil(turn->from, make_items(turn->bucket->items));
}

/* --------------------------------------------------------------------------- callbacks */

static const struct {
    const char *tag;
    int (*run)(struct turn *turn);
} requests[] = {
    {"get", get},
    {"put", put},
    {"delete", delete_key},
    {"put_new", put_new},
    {"incr", incr},
    {"size", size},
    {"keys", keys},
    {"items", items},
    {"clear", clear},
    {"subscribe", subscribe},
    {"unsubscribe", unsubscribe},
};

static int init(pierrot_context *ctx, void *state, const pierrot_term *arg)
{
    (void)ctx, (void)state, (void)arg;
    return PIERROT_OK;
}

static int handle_call(pierrot_context *ctx, void *state, const pierrot_term *request,
                       pierrot_from from)
{
    struct turn turn = {ctx, pierrot_runtime(ctx), state, request, from};
    const pierrot_term *tag = pierrot_table_at(request, 1);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        if (pierrot_is_string(tag, requests[i].tag))
            return requests[i].run(&turn);
    }
    return pr_bad_call(ctx, request);
}

static int handle_info(pierrot_context *ctx, void *state, const pierrot_term *message)
{
    struct bucket *bucket = state;
    if (!pr_is_tagged(message, "DOWN")) {
        pr_drop_message(ctx, "bucket", message);
        return PIERROT_OK;
    }
    struct pr_key pid = pr_key_of_pid(pierrot_as_pid(pierrot_table_at(message, 4)));
    struct pr_dict_entry *entry = pr_dict_find(bucket->subscribers, &pid);
    if (entry && entry->value.as.id == pierrot_as_ref(pierrot_table_at(message, 2)).id)
        pr_dict_drop(pierrot_runtime(ctx), &bucket->subscribers, entry);
    return PIERROT_OK;
}

static void terminate(pierrot_context *ctx, void *state, const pierrot_term *reason)
{
    struct bucket *bucket = state;
    (void)reason;
    free_items(pierrot_runtime(ctx), bucket->items);
    pr_dict_free(pierrot_runtime(ctx), bucket->subscribers);
}

static pierrot_term *inspect(pierrot_context *ctx, void *state)
{
    (void)ctx;
    return make_items(((struct bucket *)state)->items);
}

/* The items of that table in place of the old ones; subscribers are not told. */
static int replace(pierrot_context *ctx, void *state, const pierrot_term *new_state)
{
    struct bucket *bucket = state, made = {0};
    struct turn turn = {.ctx = ctx, .rt = pierrot_runtime(ctx), .bucket = &made};
    const pierrot_term *key_term, *value_term;
    size_t cursor = 0;
    int error = pierrot_term_type(new_state) == PIERROT_TABLE ? 0 : PIERROT_EINVAL;
    while (!error && pierrot_table_next(new_state, &cursor, &key_term, &value_term)) {
        struct pr_key key;
        struct pr_slot value;
        error = pr_key_of_term(key_term, &key);
        if (!error)
            error = pr_slot_of_value(value_term, &value);
        if (!error)
            error = set_item(&turn, &key, &value);
    }
    if (!error) {
        struct pr_dict *old = bucket->items;
        bucket->items = made.items;
        made.items = old;
    }
    free_items(turn.rt, made.items);
    return error;
}

const pierrot_behaviour *pierrot_bucket_behaviour(void)
{
    static const pierrot_behaviour behaviour = {.size = sizeof behaviour,
                                                .name = "bucket",
                                                .state_size = sizeof(struct bucket),
                                                .init = init,
                                                .handle_call = handle_call,
                                                .handle_info = handle_info,
                                                .terminate = terminate,
                                                .inspect = inspect,
                                                .replace = replace};
    return &behaviour;
}
