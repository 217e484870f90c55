/* SPDX-License-Identifier: MIT
 *
 * What a host does wrong: nothing where something is needed, terms that are not its own, waits where
 * nothing can wait, options out of range. Each is an error code, and harms nothing. */
#include "test.h"

#include <stdlib.h>
#include <uv.h>

#include "pierrot.h"

static pierrot *open_runtime(uv_loop_t *loop)
{
    pierrot_options options;
    pierrot *rt = NULL;
    pierrot_options_init(&options);
    options.loop = loop;
    CHECK_INT(pierrot_new(&options, &rt), 0);
    return rt;
}

/* ------------------------------------------------- an actor that does what it should not */

static int64_t misuse_contexts(void)
{
    pierrot_ref ref = {1};
    pierrot_pid pid = {1};
    int64_t n_refused = 0;
#define COUNT(call) n_refused += (call) == PIERROT_EINVAL
    COUNT(pierrot_stop_reason(NULL, pierrot_int(1)));
    COUNT(pierrot_continue(NULL, pierrot_int(1)));
    COUNT(pierrot_timeout(NULL, 1));
    COUNT(pierrot_trap_exit(NULL, 1));
    COUNT(pierrot_link(NULL, pid));
    COUNT(pierrot_unlink(NULL, pid));
    COUNT(pierrot_monitor(NULL, pid, &ref));
    COUNT(pierrot_demonitor(NULL, ref));
    COUNT(pierrot_send_after(NULL, 1, pierrot_int(1), &ref));
    COUNT(pierrot_cancel_timer(NULL, ref));
    COUNT(pierrot_spawn_lua(NULL, "os", "clock", pierrot_int(1), &pid, &ref));
    COUNT(pierrot_adopt(NULL, pid));
    COUNT(pierrot_publish(NULL, NULL, NULL, NULL));
#undef COUNT
    return n_refused;
}

enum { N_CONTEXT_CALLS = 13 };

static int wait_inside(pierrot_context *ctx, const char *what)
{
    pierrot *rt = pierrot_runtime(ctx);
    pierrot_term *term = NULL;
    pierrot_mailbox *mailbox;
    pierrot_pid pid = pierrot_self(ctx);
    if (strcmp(what, "call") == 0)
        return pierrot_call(rt, pid, pierrot_int(1), 1, &term);
    if (strcmp(what, "stop") == 0)
        return pierrot_stop(rt, 1);
    if (strcmp(what, "run") == 0)
        return pierrot_run_string(rt, "x = 1", NULL);
    if (strcmp(what, "eval") == 0)
        return pierrot_eval(rt, "return 1", 8, NULL, pierrot_int(1), NULL, 1, &term);
    if (strcmp(what, "start") == 0)
        return pierrot_start(rt, "pierrot.agent", pierrot_int(1), NULL, &pid);
    if (strcmp(what, "spawn_function") == 0)
        return pierrot_spawn_function(rt, "os", "clock", pierrot_int(1), NULL, &pid);
    if (strcmp(what, "await_end") == 0)
        return pierrot_await_end(rt, pid, 1, &term);
    if (strcmp(what, "mailbox") == 0 && pierrot_mailbox_open(rt, NULL, &mailbox) == 0) {
        int error = pierrot_mailbox_receive(mailbox, 1, &term);
        pierrot_mailbox_close(mailbox);
        return error;
    }
    pierrot_free(rt); /* "free": nothing is done */
    return 0;
}

static int culprit_call(pierrot_context *ctx, void *state, const pierrot_term *request,
                        pierrot_from from)
{
    (void)state;
    if (pierrot_is_string(request, "contexts"))
        return pierrot_reply(from, pierrot_int(misuse_contexts()));
    /* A part of the request is lent: no reply, until there is one that may be given. */
    const pierrot_term *part = pierrot_table_at(request, 1);
    if (part)
        return pierrot_reply(from, pierrot_int(pierrot_reply(from, (pierrot_term *)part)));
    return pierrot_reply(from, pierrot_int(wait_inside(ctx, pierrot_as_string(request, NULL))));
}

static const pierrot_behaviour culprit = {.size = sizeof culprit, .handle_call = culprit_call};

static int64_t ask(pierrot *rt, pierrot_pid pid, pierrot_term *request)
{
    pierrot_term *reply = NULL;
    CHECK_INT(pierrot_call(rt, pid, request, 10000, &reply), 0);
    int64_t answer = pierrot_as_int(reply);
    pierrot_term_free(reply);
    return answer;
}

TEST(waits_inside_of_a_callback_are_refused)
{
    static const char *const waits[] = {"call",           "stop",      "run",    "eval", "start",
                                        "spawn_function", "await_end", "mailbox"};
    pierrot_pid pid;
    pierrot *rt = open_runtime(NULL);
    REQUIRE(pierrot_spawn(rt, &culprit, NULL, NULL, &pid) == 0);

    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
        CHECK_INT(ask(rt, pid, pierrot_string(waits[i], strlen(waits[i]))), PIERROT_EDEADLK);
    CHECK_INT(ask(rt, pid, pierrot_string("free", 4)), 0);
    CHECK_INT(ask(rt, pid, pierrot_string("contexts", 8)), N_CONTEXT_CALLS);

    CHECK(pierrot_is_alive(rt, pid));
    pierrot_free(rt);
}

/* ------------------------------------------------------------------ NULL, everywhere */

static void answer(void *ud, int error, pierrot_term *reply)
{
    (void)ud;
    (void)error;
    pierrot_term_free(reply);
}

TEST(no_runtime_is_an_invalid_argument)
{
    pierrot_pid pid = {1};
    pierrot_ref ref = {1};
    pierrot_from from = {pid, ref};
    pierrot_term *term = NULL;
    pierrot_mailbox *mailbox = NULL;

    CHECK_INT(pierrot_new(NULL, NULL), PIERROT_EINVAL);
    CHECK_INT(pierrot_run_file(NULL, "x", 0, NULL), PIERROT_EINVAL);
    CHECK_INT(pierrot_run_string(NULL, "x = 1", NULL), PIERROT_EINVAL);
    CHECK_INT(pierrot_stop(NULL, 1), PIERROT_EINVAL);
    pierrot_free(NULL);
    pierrot_options_init(NULL);
    pierrot_spawn_options_init(NULL);
    CHECK_INT(pierrot_schedulers(NULL), 0);
    CHECK_INT(pierrot_memory(NULL), 0);
    CHECK_INT(pierrot_spawn(NULL, &culprit, pierrot_int(1), NULL, &pid), PIERROT_EINVAL);
    CHECK_INT(pierrot_start(NULL, "x", pierrot_int(1), NULL, &pid), PIERROT_EINVAL);
    CHECK_INT(pierrot_spawn_function(NULL, "x", "y", pierrot_int(1), NULL, &pid), PIERROT_EINVAL);
    CHECK_INT(pierrot_eval(NULL, "x", 1, NULL, pierrot_int(1), NULL, 1, &term), PIERROT_EINVAL);
    CHECK_INT(pierrot_register(NULL, "x", 1, pid), PIERROT_EINVAL);
    CHECK_INT(pierrot_unregister(NULL, "x", 1), PIERROT_EINVAL);
    CHECK_INT(pierrot_whereis(NULL, "x", 1, &pid), PIERROT_EINVAL);
    CHECK(!pierrot_is_alive(NULL, pid));
    CHECK_INT(pierrot_send(NULL, pid, pierrot_int(1)), PIERROT_EINVAL);
    CHECK_INT(pierrot_cast(NULL, pid, pierrot_int(1)), PIERROT_EINVAL);
    CHECK_INT(pierrot_call(NULL, pid, pierrot_int(1), 1, &term), PIERROT_EINVAL);
    CHECK_INT(pierrot_call_async(NULL, pid, pierrot_int(1), 1, answer, NULL), PIERROT_EINVAL);
    CHECK_INT(pierrot_await_end(NULL, pid, 1, &term), PIERROT_EINVAL);
    CHECK_INT(pierrot_exit(NULL, pid, pierrot_int(1)), PIERROT_EINVAL);
    CHECK_INT(pierrot_reply(from, pierrot_int(1)), PIERROT_EINVAL);
    CHECK_INT(pierrot_reply_on(NULL, from, pierrot_int(1)), PIERROT_EINVAL);
    CHECK_INT(pierrot_mailbox_open(NULL, NULL, &mailbox), PIERROT_EINVAL);
    CHECK_INT(pierrot_mailbox_receive(NULL, 1, &term), PIERROT_EINVAL);
    CHECK_INT(pierrot_mailbox_monitor(NULL, pid, &ref), PIERROT_EINVAL);
    CHECK_INT(pierrot_mailbox_demonitor(NULL, ref), PIERROT_EINVAL);
    CHECK(pierrot_mailbox_pid(NULL).id == 0);
    pierrot_mailbox_close(NULL);
    CHECK_INT(pierrot_read(NULL, pid, NULL, &term), PIERROT_EINVAL);
    CHECK_INT(pierrot_enter(NULL, pid, NULL, NULL), PIERROT_EINVAL);
    CHECK(!pierrot_shared_alloc(NULL, 8));
    pierrot_shared_free(NULL, NULL, 8);
    pierrot_log(NULL, PIERROT_ERROR, "x");
    CHECK(!pierrot_runtime(NULL) && !pierrot_loop(NULL));
    CHECK(pierrot_self(NULL).id == 0 && pierrot_make_ref(NULL).id == 0);
    CHECK(!pierrot_is_linked(NULL, pid));
    pierrot_stops_itself(NULL);
    pierrot_loop_hold(NULL);
    pierrot_loop_release(NULL, NULL);
    CHECK(!term && !mailbox);
}

TEST(an_argument_that_is_missing_is_invalid)
{
    pierrot_pid pid;
    pierrot_term *term = NULL;
    pierrot_mailbox *mailbox;
    pierrot *rt = open_runtime(NULL);
    REQUIRE(pierrot_spawn(rt, &culprit, NULL, NULL, &pid) == 0);
    REQUIRE(pierrot_mailbox_open(rt, NULL, &mailbox) == 0);

    CHECK_INT(pierrot_run_file(rt, NULL, 0, NULL), PIERROT_EINVAL);
    CHECK_INT(pierrot_run_file(rt, "x", -1, NULL), PIERROT_EINVAL);
    CHECK_INT(pierrot_run_file(rt, "x", 1, NULL), PIERROT_EINVAL);
    CHECK_INT(pierrot_run_string(rt, NULL, NULL), PIERROT_EINVAL);
    CHECK_INT(pierrot_spawn(rt, NULL, pierrot_int(1), NULL, &pid), PIERROT_EINVAL);
    CHECK_INT(pierrot_spawn(rt, &culprit, pierrot_int(1), NULL, NULL), PIERROT_EINVAL);
    CHECK_INT(pierrot_start(rt, NULL, pierrot_int(1), NULL, &pid), PIERROT_EINVAL);
    CHECK_INT(pierrot_start(rt, "pierrot.agent", pierrot_int(1), NULL, NULL), PIERROT_EINVAL);
    CHECK_INT(pierrot_spawn_function(rt, "os", "clock", NULL, NULL, NULL), PIERROT_EINVAL);
    CHECK_INT(pierrot_spawn_function(rt, NULL, "clock", NULL, NULL, &pid), PIERROT_EINVAL);
    CHECK_INT(pierrot_eval(rt, NULL, 0, NULL, NULL, NULL, 1, &term), PIERROT_EINVAL);
    CHECK_INT(pierrot_eval(rt, "return {}", 9, NULL, NULL, NULL, -1, NULL), 0);
    CHECK_INT(pierrot_register(rt, NULL, 0, pid), PIERROT_EINVAL);
    CHECK_INT(pierrot_whereis(rt, NULL, 0, &pid), PIERROT_EINVAL);
    CHECK_INT(pierrot_register(rt, "x", 1, pid), 0);
    CHECK_INT(pierrot_whereis(rt, "x", 1, NULL), PIERROT_EINVAL);
    CHECK_INT(pierrot_send(rt, pid, NULL), PIERROT_ENOMEM);
    CHECK_INT(pierrot_exit(rt, pid, NULL), PIERROT_ENOMEM);
    CHECK_INT(pierrot_call(rt, pid, NULL, 1, &term), PIERROT_ENOMEM);
    CHECK_INT(pierrot_call(rt, pid, pierrot_string("contexts", 8), -1, NULL), 0);
    CHECK_INT(pierrot_call_async(rt, pid, pierrot_int(1), 1, NULL, NULL), PIERROT_EINVAL);
    CHECK_INT(pierrot_mailbox_open(rt, NULL, NULL), PIERROT_EINVAL);
    CHECK_INT(pierrot_mailbox_receive(mailbox, 0, NULL), PIERROT_EINVAL);
    CHECK_INT(pierrot_mailbox_monitor(mailbox, pid, NULL), PIERROT_EINVAL);
    CHECK_INT(pierrot_read(rt, pid, NULL, NULL), PIERROT_EINVAL);
    CHECK_INT(pierrot_enter(rt, pid, NULL, NULL), PIERROT_EINVAL);
    CHECK_INT(pierrot_as_from(NULL, NULL), PIERROT_EINVAL);
    pierrot_log(rt, PIERROT_ERROR, NULL);

    pierrot_mailbox_close(mailbox);
    pierrot_free(rt);
}

TEST(terms_are_read_and_built_without_harm_from_nothing)
{
    const pierrot_term *key, *value;
    size_t cursor = 0;
    pierrot_term *table = pierrot_table();
    pierrot_term *text = pierrot_string("milk", 4);

    CHECK(!pierrot_string(NULL, 4));
    CHECK(!pierrot_table_field(table, NULL));
    CHECK(!pierrot_is_string(text, NULL));
    CHECK_INT(pierrot_term_print(text, NULL, 10), 6);
    CHECK_INT(pierrot_table_append(table, text), 0);
    CHECK_INT(pierrot_table_next(table, NULL, &key, &value), 0);
    CHECK_INT(pierrot_table_next(table, &cursor, NULL, NULL), 1);
    CHECK_INT(pierrot_table_next(table, &cursor, &key, &value), 0);

    pierrot_term_free(table);
}

TEST(every_number_has_a_text)
{
    CHECK_TEXT(pierrot_strerror(0), "no error");
    CHECK_TEXT(pierrot_strerror(PIERROT_ENOMEM), "out of memory");
    CHECK_TEXT(pierrot_strerror(UV_ECONNREFUSED), "connection refused");
    CHECK_TEXT(pierrot_strerror(77), "unknown error"); /* and the sanitizer finds no leak */
    CHECK_TEXT(pierrot_strerror(-99999), "unknown error");
}

/* ----------------------------------------------------------------- out of range */

static int spawn_with(pierrot *rt, void (*change)(pierrot_spawn_options *options))
{
    pierrot_spawn_options options;
    pierrot_pid pid = {0};
    pierrot_spawn_options_init(&options);
    change(&options);
    int error = pierrot_spawn(rt, &culprit, pierrot_int(1), &options, &pid);
    CHECK_INT(pierrot_start(rt, "pierrot.agent", pierrot_int(1), &options, &pid), error);
    CHECK_INT(pierrot_spawn_function(rt, "os", "clock", pierrot_int(1), &options, &pid), error);
    CHECK(!pid.id);
    return error;
}

static void make_smaller(pierrot_spawn_options *options)
{
    options->size = sizeof(size_t);
}

static void make_linked(pierrot_spawn_options *options)
{
    options->link = 1;
}

static void make_negative_queue(pierrot_spawn_options *options)
{
    options->max_queue = -1;
}

static void make_negative_heap(pierrot_spawn_options *options)
{
    options->max_heap = -1;
}

static void make_elsewhere(pierrot_spawn_options *options)
{
    options->scheduler = 2;
}

TEST(options_out_of_range_are_refused)
{
    pierrot_options options;
    pierrot_behaviour giant = culprit;
    pierrot_pid pid;
    pierrot *rt = open_runtime(NULL), *other;
    pierrot_options_init(&options);
    options.preempt = (pierrot_preempt)77;

    CHECK_INT(pierrot_new(&options, &other), PIERROT_EINVAL);
    CHECK_INT(spawn_with(rt, make_smaller), PIERROT_EINVAL);
    CHECK_INT(spawn_with(rt, make_linked), PIERROT_EINVAL);
    CHECK_INT(spawn_with(rt, make_negative_queue), PIERROT_EINVAL);
    CHECK_INT(spawn_with(rt, make_negative_heap), PIERROT_EINVAL);
    CHECK_INT(spawn_with(rt, make_elsewhere), PIERROT_EINVAL);
    giant.state_size = SIZE_MAX;
    CHECK_INT(pierrot_spawn(rt, &giant, NULL, NULL, &pid), PIERROT_EINVAL);
    giant.size = 8;
    CHECK_INT(pierrot_spawn(rt, &giant, NULL, NULL, &pid), PIERROT_EINVAL);

    pierrot_free(rt);
}

TEST(a_name_of_any_length_does_no_harm)
{
    pierrot_spawn_options options;
    pierrot_pid pid;
    pierrot *rt = open_runtime(NULL);
    pierrot_spawn_options_init(&options);
    options.name = "x";
    options.name_len = SIZE_MAX;

    CHECK_INT(pierrot_spawn(rt, &culprit, NULL, &options, &pid), PIERROT_ENOMEM);
    CHECK_INT(pierrot_spawn_function(rt, "os", "clock", NULL, &options, &pid), PIERROT_ENOMEM);

    pierrot_free(rt);
}

TEST(a_name_that_no_message_could_hold_is_refused)
{
    pierrot_pid pid;
    pierrot *rt = open_runtime(NULL);
    REQUIRE(pierrot_spawn(rt, &culprit, NULL, NULL, &pid) == 0);

    /* Refused by its length: there are no such bytes. */
    CHECK_INT(pierrot_register(rt, "x", (size_t)UINT32_MAX + 1, pid), PIERROT_ELIMIT);

    CHECK_INT(pierrot_register(rt, "x", 1, pid), 0);
    pierrot_free(rt);
}

/* ---------------------------------------------------------- terms of somebody else's */

TEST(a_term_that_is_lent_is_not_handed_over)
{
    pierrot_pid pid;
    pierrot_term *reply = NULL, *table = pierrot_table();
    pierrot *rt = open_runtime(NULL);
    REQUIRE(pierrot_spawn(rt, &culprit, NULL, NULL, &pid) == 0);
    CHECK_INT(pierrot_table_append(table, pierrot_table()), 0);
    pierrot_term *part = (pierrot_term *)pierrot_table_at(table, 1);

    CHECK_INT(pierrot_send(rt, pid, part), PIERROT_EINVAL);
    CHECK_INT(pierrot_cast(rt, pid, part), PIERROT_EINVAL);
    CHECK_INT(pierrot_exit(rt, pid, part), PIERROT_EINVAL);
    CHECK_INT(pierrot_call(rt, pid, part, 1, &reply), PIERROT_EINVAL);
    CHECK_INT(pierrot_call_async(rt, pid, part, 1, answer, NULL), PIERROT_EINVAL);
    CHECK_INT(pierrot_spawn(rt, &culprit, part, NULL, &pid), PIERROT_EINVAL);
    CHECK_INT(pierrot_start(rt, "pierrot.agent", part, NULL, &pid), PIERROT_EINVAL);
    CHECK_INT(pierrot_spawn_function(rt, "os", "clock", part, NULL, &pid), PIERROT_EINVAL);
    CHECK_INT(pierrot_eval(rt, "return 1", 8, NULL, part, NULL, -1, &reply), PIERROT_EINVAL);

    CHECK_INT(ask(rt, pid, table), PIERROT_EINVAL);
    pierrot_free(rt);
}

/* ------------------------------------------------------- callbacks of the host's loop */

static pierrot *on_loop;
static int result, wanted;

enum { WANT_CALL, WANT_STOP, WANT_RUN, WANT_FREE };

static void on_timer(uv_timer_t *timer)
{
    pierrot_pid pid;
    CHECK_INT(pierrot_whereis(on_loop, "culprit", 7, &pid), 0);
    switch (wanted) {
    case WANT_CALL:
        result = (int)ask(on_loop, pid, pierrot_string("contexts", 8));
        break;
    case WANT_STOP:
        result = pierrot_stop(on_loop, 10000);
        break;
    case WANT_RUN:
        result = pierrot_run_string(on_loop, "require('pierrot').sleep(1)", NULL);
        break;
    default:
        pierrot_free(on_loop); /* refused: a wait of ours lies around it */
        result = pierrot_schedulers(on_loop);
    }
    uv_close((uv_handle_t *)timer, NULL);
}

/* What the script's wait comes to, while the host's timer does what is wanted. */
static int use_in_callback(int what)
{
    uv_loop_t loop;
    uv_timer_t timer;
    pierrot_pid pid;
    pierrot_spawn_options options;
    wanted = what;
    result = -1;
    uv_loop_init(&loop);
    on_loop = open_runtime(&loop);
    pierrot_spawn_options_init(&options);
    options.name = "culprit";
    options.name_len = 7;
    CHECK_INT(pierrot_spawn(on_loop, &culprit, NULL, &options, &pid), 0);
    uv_timer_init(&loop, &timer);
    uv_timer_start(&timer, on_timer, 1, 0);
    int error = pierrot_run_string(on_loop,
                                   "local host = require('pierrot')\n"
                                   "host.register('main', host.self())\n"
                                   "host.receive('go', 200)",
                                   NULL);
    pierrot_free(on_loop);
    uv_run(&loop, UV_RUN_NOWAIT);
    CHECK_INT(uv_loop_close(&loop), 0);
    return error;
}

TEST(callbacks_of_the_hosts_loop_may_wait_but_not_free)
{
    CHECK_INT(use_in_callback(WANT_CALL), 0);
    CHECK_INT(result, N_CONTEXT_CALLS);
    CHECK_INT(use_in_callback(WANT_RUN), 0);
    CHECK_INT(result, 0);
    CHECK_INT(use_in_callback(WANT_STOP), PIERROT_ESTOPPED);
    CHECK_INT(result, 0);
    CHECK_INT(use_in_callback(WANT_FREE), 0);
    CHECK_INT(result, 1);
}

/* ------------------------------------------------------ scripts that meddle with all */

static int64_t run_and_meddle(const char *what)
{
    char code[400];
    pierrot *rt = open_runtime(NULL);
    snprintf(code, sizeof code,
             "local pierrot = require('pierrot')\n"
             "for _, pid in ipairs(pierrot.processes()) do\n"
             "  if pid ~= pierrot.self() then %s end\n"
             "end\n"
             "pierrot.sleep(5)\n"
             "pierrot.register('done', pierrot.self())\n"
             "pierrot.exit('not normal')",
             what);
    int error = pierrot_run_string(rt, code, NULL);
    pierrot_free(rt);
    return error;
}

TEST(a_script_that_writes_to_everybody_runs_to_its_end)
{
    CHECK_INT(run_and_meddle("pierrot.send(pid, 'hello')"), PIERROT_ELUA);
    CHECK_INT(run_and_meddle("pierrot.exit(pid, 'hello')"), PIERROT_ELUA);
    CHECK_INT(run_and_meddle("pierrot.exit(pid, 'kill')"), PIERROT_ELUA);
}

/* ------------------------------------------------------------------- after the end */

TEST(a_runtime_that_was_stopped_can_be_used_and_stopped_again)
{
    pierrot_pid pid, again;
    pierrot_term *reply = NULL;
    pierrot *rt = open_runtime(NULL);
    REQUIRE(pierrot_spawn(rt, &culprit, NULL, NULL, &pid) == 0);

    CHECK_INT(pierrot_stop(rt, -1), 0);
    CHECK_INT(pierrot_stop(rt, -77), 0);
    CHECK_INT(pierrot_call(rt, pid, pierrot_int(1), 10, &reply), PIERROT_ENOPROC);
    CHECK_INT(pierrot_send(rt, pid, pierrot_int(1)), 0);
    CHECK_INT(pierrot_spawn(rt, &culprit, NULL, NULL, &again), 0);
    CHECK_INT(ask(rt, again, pierrot_string("contexts", 8)), N_CONTEXT_CALLS);
    CHECK_INT(pierrot_run_string(rt, "x = 1", NULL), 0);
    CHECK_INT(pierrot_stop(rt, -1), 0);

    pierrot_free(rt);
}
