/* SPDX-License-Identifier: MIT
 *
 * The bucket and the registry as a C host uses them, and without memory. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "actor/dict.h"
#include "pierrot_actors.h"
#include "test.h"

/* --------------------------------------------------------------------------- a runtime */

/* Fails the n-th allocation from now on, and counts what is live. */
static atomic_long n_until_failure, n_live_bytes;
static atomic_int has_failed;

static void *test_alloc(void *ud, void *ptr, size_t old_size, size_t new_size)
{
    (void)ud;
    if (new_size > (ptr ? old_size : 0) && atomic_load(&n_until_failure) > 0 &&
        atomic_fetch_sub(&n_until_failure, 1) == 1) {
        atomic_store(&has_failed, 1);
        return NULL;
    }
    atomic_fetch_add(&n_live_bytes, (long)new_size - (long)(ptr ? old_size : 0));
    if (new_size > 0)
        return realloc(ptr, new_size);
    free(ptr);
    return NULL;
}

static void fail_at(long n)
{
    atomic_store(&has_failed, 0);
    atomic_store(&n_until_failure, n);
}

/* Whether the failure that was asked for has happened. */
static int failed(void)
{
    atomic_store(&n_until_failure, 0);
    return atomic_load(&has_failed);
}

static pierrot *start(int n_schedulers)
{
    pierrot_options options;
    pierrot *rt = NULL;
    pierrot_options_init(&options);
    options.alloc = test_alloc;
    options.schedulers = n_schedulers;
    CHECK_INT(pierrot_new(&options, &rt), 0);
    return rt;
}

static void stop(pierrot *rt)
{
    CHECK_INT(pierrot_stop(rt, 5000), 0);
    pierrot_free(rt);
    CHECK_INT(atomic_load(&n_live_bytes), 0);
}

static pierrot_pid spawn(pierrot *rt, const pierrot_behaviour *behaviour)
{
    pierrot_pid pid = {0};
    CHECK_INT(pierrot_spawn(rt, behaviour, NULL, NULL, &pid), 0);
    return pid;
}

/* ---------------------------------------------------------------------------- requests */

static pierrot_term *text(const char *string)
{
    return pierrot_string(string, strlen(string));
}

/* {tag [, a [, b]]}. Takes: a, b. */
static pierrot_term *request(const char *tag, pierrot_term *a, pierrot_term *b)
{
    pierrot_term *tuple = pierrot_table();
    pierrot_table_append(tuple, text(tag));
    if (a)
        pierrot_table_append(tuple, a);
    if (b)
        pierrot_table_append(tuple, b);
    return tuple;
}

/* The reply as text, "error N" for a failure; good until the next call. Takes: asked. */
static const char *ask(pierrot *rt, pierrot_pid to, pierrot_term *asked)
{
    static char buffer[2000];
    pierrot_term *reply = NULL;
    int error = pierrot_call(rt, to, asked, 5000, &reply);
    if (error)
        snprintf(buffer, sizeof buffer, "error %d", error);
    else
        pierrot_term_print(reply, buffer, sizeof buffer);
    pierrot_term_free(reply);
    return buffer;
}

#define ASK(to, ...)  ask(rt, to, request(__VA_ARGS__))
#define WITHOUT       NULL, NULL
#define NUMBER(value) pierrot_int(value)

/* ------------------------------------------------------------------------------- dicts */

static struct pr_key number_key(int64_t number)
{
    pierrot_term *term = pierrot_int(number);
    struct pr_key key;
    CHECK_INT(pr_key_of_term(term, &key), 0);
    pierrot_term_free(term);
    return key;
}

enum { N_MODEL = 1000 };

/* The dict holds what the model says, and nothing else. */
static int is_as(struct pr_dict *dict, const int64_t *model)
{
    uint32_t n = 0;
    for (int64_t i = 0; i < N_MODEL; i++) {
        struct pr_key key = number_key(i);
        const struct pr_dict_entry *entry = pr_dict_find(dict, &key);
        if ((entry ? entry->value.as.integer : 0) != model[i])
            return 0;
        n += entry != NULL;
    }
    return pr_dict_count(dict) == n;
}

static void change_at_random(pierrot *rt, struct pr_dict **dict, int64_t *model, int n_removals)
{
    int64_t at = rand() % N_MODEL;
    struct pr_key key = number_key(at);
    struct pr_slot value = {.type = PIERROT_INT, .as.integer = rand() + 1};
    struct pr_dict_entry *entry = pr_dict_find(*dict, &key);
    if (entry && rand() % 10 < n_removals) {
        pr_dict_drop(rt, dict, entry);
        model[at] = 0;
    } else if (!entry && rand() % 10 >= n_removals) {
        CHECK_INT(pr_dict_reserve(rt, dict), 0);
        pr_dict_add(*dict, &key.slot, &value);
        model[at] = value.as.integer;
    }
}

TEST(a_dict_agrees_with_an_array_while_it_grows_and_shrinks)
{
    static int64_t model[N_MODEL];
    pierrot *rt = start(1);
    struct pr_dict *dict = NULL;
    srand(1);
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < 500; i++)
            change_at_random(rt, &dict, model, round % 4 < 2 ? 1 : 9);
        CHECK(is_as(dict, model));
    }
    pr_dict_free(rt, dict);
    stop(rt);
}

TEST(a_dict_keeps_the_order_of_what_is_added)
{
    pierrot *rt = start(1);
    struct pr_dict *dict = NULL;
    for (int64_t i = 0; i < 100; i++) {
        struct pr_key key = number_key(i * 7919 % 1000);
        struct pr_slot value = {.type = PIERROT_INT};
        CHECK_INT(pr_dict_reserve(rt, &dict), 0);
        pr_dict_add(dict, &key.slot, &value);
    }
    for (int64_t i = 0; i < 100; i++)
        CHECK_INT(dict->entries[i].key.as.integer, i * 7919 % 1000);
    pr_dict_free(rt, dict);
    stop(rt);
}

/* ----------------------------------------------------------------------------- buckets */

TEST(a_host_uses_a_bucket)
{
    pierrot *rt = start(1);
    pierrot_pid pid = spawn(rt, pierrot_bucket_behaviour());

    CHECK_TEXT(ASK(pid, "get", text("milk"), NULL), "nil");
    CHECK_TEXT(ASK(pid, "put", text("milk"), NUMBER(3)), "true");
    CHECK_TEXT(ASK(pid, "get", text("milk"), NULL), "3");
    CHECK_TEXT(ASK(pid, "incr", text("milk"), pierrot_num(0.5)), "3.5");
    CHECK_TEXT(ASK(pid, "put_new", text("milk"), NUMBER(4)), "false");
    CHECK_TEXT(ASK(pid, "put", NUMBER(1), pierrot_table()), "true");
    CHECK_TEXT(ASK(pid, "incr", pierrot_num(1.0), NUMBER(1)), "\"table\"");
    CHECK_TEXT(ASK(pid, "keys", WITHOUT), "{\"milk\", 1}");
    CHECK_TEXT(ASK(pid, "items", WITHOUT), "{{}, milk = 3.5}");
    CHECK_TEXT(ASK(pid, "size", WITHOUT), "2");
    CHECK_TEXT(ASK(pid, "delete", text("milk"), NULL), "3.5");
    CHECK_TEXT(ASK(pid, "clear", WITHOUT), "true");
    CHECK_TEXT(ASK(pid, "size", WITHOUT), "0");
    stop(rt);
}

TEST(a_bucket_refuses_what_the_lua_client_would_not_ask)
{
    pierrot *rt = start(1);
    pierrot_pid pid = spawn(rt, pierrot_bucket_behaviour());

    CHECK_TEXT(ASK(pid, "get", pierrot_table(), NULL), "false");
    CHECK_TEXT(ASK(pid, "put", text("milk"), NULL), "false");
    CHECK_TEXT(ASK(pid, "put", pierrot_num(0.0 / 0.0), NUMBER(1)), "false");
    CHECK_TEXT(ASK(pid, "put_new", WITHOUT), "false");
    CHECK_TEXT(ASK(pid, "delete", WITHOUT), "false");
    CHECK_TEXT(ASK(pid, "incr", text("milk"), text("much")), "\"string\"");
    CHECK_TEXT(ASK(pid, "size", WITHOUT), "0");
    stop(rt);
}

static void run_lua(pierrot *rt, const char *code)
{
    CHECK_INT(pierrot_run_string(rt, code, "=test"), 0);
}

/* A change of `milk`, which was 3, and what it is before and after. */
struct change {
    const char *tag;
    int has_value;
    const char *after;
};

/* Whether all went well, which ends the search for failures. Either nothing has happened, or all;
 * or the bucket has ended, which an error tells. */
static int is_all_or_nothing(pierrot *rt, const struct change *change, long n)
{
    pierrot_pid pid = {0};
    CHECK_INT(pierrot_whereis(rt, "bucket", 6, &pid), 0);
    ASK(pid, "put", text("milk"), NUMBER(3));
    pierrot_term *asked = request(change->tag, text("milk"), change->has_value ? NUMBER(4) : NULL);
    fail_at(n);
    const char *reply = ask(rt, pid, asked);
    int has_ended = strncmp(reply, "error", 5) == 0, is_refused = strcmp(reply, "nil") == 0;
    if (!failed())
        return 1;
    const char *now = ASK(pid, "get", text("milk"), NULL);
    if (!has_ended)
        CHECK_TEXT(now, is_refused ? "3" : change->after);
    if (strncmp(now, "error", 5) == 0)
        run_lua(rt, "subscribed_bucket()");
    return 0;
}

TEST(a_bucket_without_memory_changes_all_or_nothing_and_loses_nothing)
{
    static const struct change changes[] = {
        {"get", 0, "3"},     {"put", 1, "4"},  {"incr", 1, "7"},  {"delete", 0, "nil"},
        {"clear", 0, "nil"}, {"keys", 0, "3"}, {"items", 0, "3"}, {"size", 0, "3"}};
    pierrot *rt = start(1);
    run_lua(rt, "local pierrot, bucket = require 'pierrot', require 'pierrot.bucket'\n"
                "function subscribed_bucket()\n"
                "  local pid = bucket.start { name = 'bucket' }\n"
                "  local me = pierrot.self()\n"
                "  pierrot.spawn(function()\n"
                "    bucket.subscribe(pid)\n"
                "    pierrot.send(me, 'ready')\n"
                "    while true do pierrot.receive() end\n"
                "  end)\n"
                "  pierrot.receive 'ready'\n"
                "end\n"
                "subscribed_bucket()");
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        long n = 1;
        while (n < 200 && !is_all_or_nothing(rt, &changes[i], n))
            n++;
        CHECK(n < 200);
    }
    stop(rt);
}

/* ---------------------------------------------------------------------------- registries */

/* Takes: asked. Gives: the reply; NULL: nil, or an error. */
static pierrot_term *read_from(pierrot *rt, pierrot_pid registry, pierrot_term *asked)
{
    pierrot_term *reply = NULL;
    (void)pierrot_read(rt, registry, asked, &reply);
    pierrot_term_free(asked);
    return reply;
}

static pierrot_pid lookup(pierrot *rt, pierrot_pid registry, const char *key)
{
    pierrot_term *reply = read_from(rt, registry, request("lookup", text(key), NULL));
    pierrot_pid pid = pierrot_as_pid(reply);
    pierrot_term_free(reply);
    return pid;
}

TEST(a_host_reads_what_a_registry_has_created)
{
    pierrot *rt = start(1);
    pierrot_pid registry = spawn(rt, pierrot_registry_behaviour()), pid;

    CHECK(!lookup(rt, registry, "shopping").id);
    CHECK(ASK(registry, "create", text("shopping"), NULL)[0] == '<');
    pid = lookup(rt, registry, "shopping");
    CHECK(pierrot_is_alive(rt, pid));
    CHECK_TEXT(ASK(pid, "put", text("milk"), NUMBER(3)), "true");
    CHECK_TEXT(ASK(registry, "count", WITHOUT), "1");
    CHECK_TEXT(ASK(registry, "keys", WITHOUT), "{\"shopping\"}");
    CHECK_INT(pierrot_exit(rt, pid, text("kill")), 0);
    CHECK_TEXT(ASK(registry, "count", text("shopping"), NULL), "0");
    CHECK(!lookup(rt, registry, "shopping").id);
    stop(rt);
}

TEST(a_registry_ends_what_it_has_created)
{
    pierrot *rt = start(1);
    pierrot_pid registry = spawn(rt, pierrot_registry_behaviour()), pid;
    ASK(registry, "create", text("shopping"), NULL);
    pid = lookup(rt, registry, "shopping");

    CHECK_INT(pierrot_exit(rt, registry, text("kill")), 0);

    CHECK(strncmp(ASK(pid, "size", WITHOUT), "error", 5) == 0);
    CHECK(!pierrot_is_alive(rt, pid));
    stop(rt);
}

static int count_buckets(pierrot *rt)
{
    pierrot_pid pid = {0};
    run_lua(rt, "local pierrot, bucket = require 'pierrot', require 'pierrot.bucket'\n"
                "local n = 0\n"
                "for _, pid in ipairs(pierrot.processes()) do\n"
                "  if pierrot.info(pid, 'initial_call') == 'bucket' then n = n + 1 end\n"
                "end\n"
                "bucket.put(bucket.start { name = 'count' }, 'n', n)");
    CHECK_INT(pierrot_whereis(rt, "count", 5, &pid), 0);
    int n = atoi(ASK(pid, "get", text("n"), NULL));
    pierrot_exit(rt, pid, text("kill"));
    ASK(pid, "size", WITHOUT);
    return n;
}

TEST(a_registry_without_memory_has_no_dead_names_and_no_nameless_buckets)
{
    pierrot *rt = start(1);
    pierrot_pid registry = spawn(rt, pierrot_registry_behaviour());
    int has_worked = 0;
    for (long n = 1; n < 200 && !has_worked; n++) {
        pierrot_term *asked = request("create", text("shopping"), NULL);
        fail_at(n);
        const char *reply = ask(rt, registry, asked);
        has_worked = !failed();
        pierrot_pid pid = lookup(rt, registry, "shopping");
        if (reply[0] == '<')
            CHECK(pierrot_is_alive(rt, pid));
        CHECK_INT(count_buckets(rt), pid.id != 0);
        if (pid.id)
            pierrot_exit(rt, pid, text("kill"));
        CHECK_TEXT(ASK(registry, "count", WITHOUT), "0");
    }
    CHECK(has_worked);
    stop(rt);
}

TEST(a_registry_that_cannot_start_leaves_nothing)
{
    pierrot *rt = start(1);
    int error = PIERROT_ENOMEM;
    for (long n = 1; n < 100 && error; n++) {
        pierrot_pid pid;
        fail_at(n);
        error = pierrot_spawn(rt, pierrot_registry_behaviour(), NULL, NULL, &pid);
        if (!failed())
            CHECK_INT(error, 0);
    }
    CHECK_INT(error, 0);
    stop(rt);
}

/* ------------------------------------------------- duplicate keys, locks, listeners */

/* {keys = "duplicate", listeners = {"listener"}} */
static pierrot_term *duplicate_options(void)
{
    pierrot_term *options = pierrot_table(), *names = pierrot_table();
    pierrot_table_append(names, text("listener"));
    pierrot_table_set(options, text("keys"), text("duplicate"));
    pierrot_table_set(options, text("listeners"), names);
    return options;
}

static pierrot_pid spawn_duplicate(pierrot *rt)
{
    pierrot_pid pid = {0};
    CHECK_INT(pierrot_spawn(rt, pierrot_registry_behaviour(), duplicate_options(), NULL, &pid), 0);
    return pid;
}

static pierrot_pid spawn_listener(pierrot *rt)
{
    pierrot_spawn_options options;
    pierrot_pid pid = {0};
    pierrot_spawn_options_init(&options);
    options.name = "listener";
    options.name_len = 8;
    CHECK_INT(pierrot_spawn(rt, pierrot_bucket_behaviour(), NULL, &options, &pid), 0);
    return pid;
}

/* {"register_pid", key, pid, "value"} */
static pierrot_term *register_request(const char *key, pierrot_pid pid)
{
    pierrot_term *asked = request("register_pid", text(key), pierrot_pid_term(pid));
    pierrot_table_append(asked, text("a value that is no short one"));
    return asked;
}

TEST(many_have_one_key)
{
    enum { N = 50 };
    pierrot *rt = start(2);
    pierrot_pid registry = spawn_duplicate(rt), pids[N];
    for (int i = 0; i < N; i++) {
        pids[i] = spawn(rt, pierrot_bucket_behaviour());
        CHECK_TEXT(ask(rt, registry, register_request("key", pids[i])), "true");
        CHECK_TEXT(ask(rt, registry, register_request("key", pids[i])), "true");
    }
    CHECK_TEXT(ASK(registry, "count", text("key"), NULL), "100");

    /* From both ends and from the middle. */
    for (int i = 0; i < N; i++) {
        pierrot_pid pid = pids[i % 2 ? (i * 7) % N : N - 1 - i];
        if (!pierrot_is_alive(rt, pid))
            continue;
        pierrot_exit(rt, pid, text("shutdown"));
        ASK(pid, "size", WITHOUT);
        const char *all = ASK(registry, "count", WITHOUT);
        int n = atoi(all);
        CHECK_INT(atoi(ASK(registry, "count", text("key"), NULL)), n);
        CHECK_INT(n % 2, 0);
    }
    for (int i = 0; i < N; i++)
        pierrot_exit(rt, pids[i], text("kill"));
    stop(rt);
}

TEST(a_duplicate_registry_without_memory_counts_what_it_said)
{
    pierrot *rt = start(1);
    pierrot_pid registry = spawn_duplicate(rt), listener = spawn_listener(rt);
    pierrot_pid pid = spawn(rt, pierrot_bucket_behaviour());
    int has_worked = 0, n_expected = 0;
    for (long n = 1; n < 200 && !has_worked; n++) {
        pierrot_term *asked = register_request("key", pid);
        fail_at(n);
        const char *reply = ask(rt, registry, asked);
        has_worked = !failed();
        if (strcmp(reply, "true") == 0)
            n_expected++;
        else
            CHECK(strcmp(reply, "nil") == 0 || strncmp(reply, "error", 5) == 0);
        int counted = atoi(ASK(registry, "count", text("key"), NULL));
        /* An answer may have been lost, but not a name. */
        CHECK(counted == n_expected || (reply[0] == 'e' && counted == n_expected + 1));
        n_expected = counted;
        CHECK(pierrot_is_alive(rt, listener));
    }
    CHECK(has_worked);
    for (long n = 1; n < 200; n++) {
        pierrot_term *asked = request("lookup", text("key"), NULL), *reply = NULL;
        fail_at(n);
        int error = pierrot_read(rt, registry, asked, &reply);
        CHECK(error == 0 || failed());
        if (error == 0 && !failed())
            CHECK_INT(pierrot_table_len(reply), n_expected);
        pierrot_term_free(reply);
        pierrot_term_free(asked);
    }
    stop(rt);
}

TEST(a_lock_that_there_is_no_memory_for_is_not_taken)
{
    pierrot *rt = start(1);
    pierrot_pid registry = spawn(rt, pierrot_registry_behaviour());
    int has_worked = 0;
    for (long n = 1; n < 200 && !has_worked; n++) {
        /* Whoever calls for the host ends with its call, and its lock goes. */
        pierrot_term *asked = request("lock", text("a key that is no short one at all"), NULL);
        fail_at(n);
        const char *reply = ask(rt, registry, asked);
        has_worked = !failed();
        CHECK(reply[0] == '#' || !has_worked);
        CHECK(ASK(registry, "lock", text("a key that is no short one at all"), NULL)[0] == '#' ||
              !pierrot_is_alive(rt, registry));
        if (!pierrot_is_alive(rt, registry))
            registry = spawn(rt, pierrot_registry_behaviour());
    }
    CHECK(has_worked);
    stop(rt);
}

/* ------------------------------------------------------------- readers on other threads */

struct reader {
    pierrot *rt;
    pierrot_pid registry;
    atomic_int is_over;
    atomic_long n_found;
};

static void *read_all_the_time(void *ud)
{
    struct reader *reader = ud;
    while (!atomic_load(&reader->is_over)) {
        for (int i = 0; i < 20; i++) {
            char key[20];
            snprintf(key, sizeof key, "bucket %d", i);
            if (lookup(reader->rt, reader->registry, key).id)
                atomic_fetch_add(&reader->n_found, 1);
        }
        pierrot_term_free(read_from(reader->rt, reader->registry, request("keys", WITHOUT)));
        pierrot_term_free(read_from(reader->rt, reader->registry, request("count", WITHOUT)));
    }
    return NULL;
}

TEST(threads_read_while_names_come_and_go)
{
    enum { N_READERS = 2 };
    pierrot *rt = start(1);
    pierrot_pid registry = spawn(rt, pierrot_registry_behaviour());
    struct reader reader = {.rt = rt, .registry = registry};
    pthread_t threads[N_READERS];
    for (int i = 0; i < N_READERS; i++)
        pthread_create(&threads[i], NULL, read_all_the_time, &reader);

    for (int round = 0; round < 100 || atomic_load(&reader.n_found) < 100; round++) {
        for (int i = 0; i < 20; i++) {
            char key[20];
            snprintf(key, sizeof key, "bucket %d", i);
            ASK(registry, "create", text(key), NULL);
            if (round % 2)
                pierrot_exit(rt, lookup(rt, registry, key), text("kill"));
        }
    }
    pierrot_exit(rt, registry, text("kill"));
    CHECK_TEXT(ASK(registry, "count", WITHOUT), "error -10003");

    atomic_store(&reader.is_over, 1);
    for (int i = 0; i < N_READERS; i++)
        pthread_join(threads[i], NULL);
    stop(rt);
}
