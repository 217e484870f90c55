/* SPDX-License-Identifier: MIT
 *
 * What a host can do besides running scripts: a loop of its own, calls without waiting, mailboxes, code
 * whose result it wants, functions for scripts; and actors that use all actions. */
#include "test.h"

#include <lua.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <uv.h>

#include "pierrot.h"

enum { N_THREADS = 8, N_CALLS = 200 };

static pierrot *open_with(void (*change)(pierrot_options *options, void *ud), void *ud)
{
    pierrot_options options;
    pierrot *rt = NULL;
    pierrot_options_init(&options);
    options.schedulers = 2;
    if (change)
        change(&options, ud);
    CHECK_INT(pierrot_new(&options, &rt), 0);
    return rt;
}

static pierrot_term *text(const char *string)
{
    return pierrot_string(string, strlen(string));
}

/* Good until the next call. Takes: term. */
static const char *shown(pierrot_term *term)
{
    static char buffer[1000];
    pierrot_term_print(term, buffer, sizeof buffer);
    pierrot_term_free(term);
    return buffer;
}

static int eval(pierrot *rt, const char *code, int timeout_ms, pierrot_term **result)
{
    return pierrot_eval(rt, code, strlen(code), "=test", NULL, NULL, timeout_ms, result);
}

static int64_t eval_int(pierrot *rt, const char *code)
{
    pierrot_term *result = NULL;
    CHECK_INT(eval(rt, code, 10000, &result), 0);
    int64_t value = pierrot_as_int(result);
    pierrot_term_free(result);
    return value;
}

/* An echo server in Lua; 'slow' is never answered. */
static const char echo_code[] =
    "package.preload.echo = function()\n"
    "  return {\n"
    "    init = function() return 'ok', 0 end,\n"
    "    handle_call = function(request, from, state)\n"
    "      if request == 'slow' then return 'noreply', state end\n"
    "      return 'reply', request, state + 1\n"
    "    end,\n"
    "    wait = function(name)\n"
    "      local pierrot = require 'pierrot'\n"
    "      pierrot.register(name, pierrot.self())\n"
    "      pierrot.receive 'end'\n"
    "    end,\n"
    "  }\n"
    "end\n";

static pierrot_pid start_echo(pierrot *rt)
{
    pierrot_pid pid = {0};
    CHECK_INT(pierrot_run_string(rt, echo_code, "=test"), 0);
    CHECK_INT(pierrot_start(rt, "echo", NULL, NULL, &pid), 0);
    return pid;
}

/* ------------------------------------------------------------ threads of the host's */

struct client {
    pierrot *rt;
    pierrot_pid pid;
    int n_wrong;
};

static void *run_client(void *ud)
{
    struct client *client = ud;
    for (int i = 0; i < N_CALLS; i++) {
        pierrot_term *reply = NULL;
        int error = pierrot_call(client->rt, client->pid, pierrot_int(i), 20000, &reply);
        client->n_wrong += error || pierrot_as_int(reply) != i;
        pierrot_term_free(reply);
    }
    return NULL;
}

TEST(eight_threads_call_a_lua_server_while_the_creator_only_waits_for_them)
{
    pthread_t threads[N_THREADS];
    struct client clients[N_THREADS];
    pierrot *rt = open_with(NULL, NULL);
    pierrot_pid pid = start_echo(rt);

    for (int i = 0; i < N_THREADS; i++) {
        clients[i] = (struct client){.rt = rt, .pid = pid};
        REQUIRE(pthread_create(&threads[i], NULL, run_client, &clients[i]) == 0);
    }
    for (int i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);

    for (int i = 0; i < N_THREADS; i++)
        CHECK_INT(clients[i].n_wrong, 0);
    CHECK_INT(pierrot_stop(rt, 5000), 0);
    pierrot_free(rt);
}

static void *run_for_ever(void *ud)
{
    return (void *)(intptr_t)pierrot_run_string(ud,
                                                "local p = require 'pierrot'\n"
                                                "p.register('main', p.self())\n"
                                                "p.send('host', 'on')\n"
                                                "p.receive 'never'",
                                                "=test");
}

TEST(a_stop_from_another_thread_ends_a_script_that_waits)
{
    pthread_t thread;
    void *result;
    pierrot_spawn_options so;
    pierrot_mailbox *mailbox = NULL;
    pierrot_term *message = NULL;
    pierrot *rt = open_with(NULL, NULL);
    pierrot_spawn_options_init(&so);
    so.name = "host";
    so.name_len = 4;
    REQUIRE(pierrot_mailbox_open(rt, &so, &mailbox) == 0);
    REQUIRE(pthread_create(&thread, NULL, run_for_ever, rt) == 0);
    CHECK_INT(pierrot_mailbox_receive(mailbox, 10000, &message), 0);

    CHECK_INT(pierrot_stop(rt, 5000), 0);

    pthread_join(thread, &result);
    CHECK_INT((intptr_t)result, PIERROT_ESTOPPED);
    pierrot_term_free(message);
    pierrot_mailbox_close(mailbox);
    pierrot_free(rt);
}

TEST(a_halt_ends_the_script_that_runs_and_not_the_next_ones)
{
    pierrot *rt = open_with(NULL, NULL);

    CHECK_INT(pierrot_run_string(rt, "local p = require 'pierrot' p.halt(3) p.receive 'never'",
                                 "=test"),
              PIERROT_ESTOPPED);
    CHECK_INT(pierrot_run_string(rt, "require('pierrot').sleep(1) done = true", "=test"), 0);
    CHECK_INT(pierrot_run_string(rt, "assert(done)", "=test"), 0);
    /* One while no script runs has nothing to end. */
    CHECK_INT(pierrot_eval(rt, "require('pierrot').halt()", 25, "=test", NULL, NULL, 10000, NULL),
              0);
    CHECK_INT(pierrot_run_string(rt, "require('pierrot').sleep(1)", "=test"), 0);

    CHECK_INT(pierrot_stop(rt, 5000), 0);
    pierrot_free(rt);
}

/* ---------------------------------------------------------------- a loop of the host's */

struct host {
    uv_loop_t loop;
    uv_timer_t timer;
    pierrot *rt;
    pierrot_pid echo;
    int n_ticks;
    int n_answers;
    int error;
    int64_t sum;
};

static void on_tick(uv_timer_t *timer)
{
    ((struct host *)timer->data)->n_ticks++;
}

static void use_loop(pierrot_options *options, void *ud)
{
    options->loop = &((struct host *)ud)->loop;
}

static void open_host(struct host *host)
{
    memset(host, 0, sizeof *host);
    CHECK_INT(uv_loop_init(&host->loop), 0);
    CHECK_INT(uv_timer_init(&host->loop, &host->timer), 0);
    host->timer.data = host;
    host->rt = open_with(use_loop, host);
}

static void close_host(struct host *host)
{
    CHECK_INT(pierrot_stop(host->rt, 5000), 0);
    pierrot_free(host->rt);
    uv_close((uv_handle_t *)&host->timer, NULL);
    uv_run(&host->loop, UV_RUN_DEFAULT);
    CHECK_INT(uv_loop_close(&host->loop), 0);
}

TEST(the_hosts_timers_fire_while_a_script_waits_on_its_loop)
{
    struct host host;
    open_host(&host);
    uv_timer_start(&host.timer, on_tick, 1, 1);

    CHECK_INT(pierrot_run_string(host.rt, "require('pierrot').sleep(30)", "=test"), 0);

    CHECK(host.n_ticks >= 3);
    close_host(&host);
}

static void sum_up(void *ud, int error, pierrot_term *reply)
{
    struct host *host = ud;
    host->error = host->error ? host->error : error;
    host->sum += pierrot_as_int(reply);
    host->n_answers++;
    pierrot_term_free(reply);
}

static void ask_from_timer(uv_timer_t *timer)
{
    struct host *host = timer->data;
    if (++host->n_ticks == 10)
        uv_timer_stop(timer);
    CHECK_INT(pierrot_call_async(host->rt, host->echo, pierrot_int(host->n_ticks), 5000, sum_up,
                                 host),
              0);
}

TEST(calls_are_answered_by_callbacks_on_the_hosts_loop)
{
    struct host host;
    open_host(&host);
    host.echo = start_echo(host.rt);
    uv_timer_start(&host.timer, ask_from_timer, 0, 1);

    while (host.n_answers < 10)
        uv_run(&host.loop, UV_RUN_ONCE);

    CHECK_INT(host.error, 0);
    CHECK_INT(host.sum, 55);
    close_host(&host);
}

TEST(the_loop_runs_until_no_process_is_left_on_it)
{
    struct host host;
    pierrot_pid pid;
    open_host(&host);
    CHECK_INT(pierrot_run_string(host.rt,
                                 "package.preload.job = function()\n"
                                 "  return { run = function(ms) require('pierrot').sleep(ms) end }\n"
                                 "end",
                                 "=test"),
              0);
    CHECK_INT(pierrot_spawn_function(host.rt, "job", "run", pierrot_int(20), NULL, &pid), 0);
    CHECK(pierrot_is_alive(host.rt, pid));

    uv_run(&host.loop, UV_RUN_DEFAULT);

    CHECK(!pierrot_is_alive(host.rt, pid));
    close_host(&host);
}

static void *call_from_thread(void *ud)
{
    struct host *host = ud;
    struct client client = {.rt = host->rt, .pid = host->echo};
    run_client(&client);
    CHECK_INT(pierrot_run_string(host->rt, "", "=test"), PIERROT_EINVAL);
    CHECK_INT(pierrot_exit(host->rt, host->echo, text("kill")), 0);
    return (void *)(intptr_t)client.n_wrong;
}

TEST(other_threads_call_servers_on_the_hosts_loop)
{
    struct host host;
    pthread_t thread;
    void *n_wrong;
    open_host(&host);
    host.echo = start_echo(host.rt);
    REQUIRE(pthread_create(&thread, NULL, call_from_thread, &host) == 0);

    uv_run(&host.loop, UV_RUN_DEFAULT); /* until the server is killed */

    pthread_join(thread, &n_wrong);
    CHECK_INT((intptr_t)n_wrong, 0);
    close_host(&host);
}

TEST(a_loop_that_spins_still_serves_the_hosts_timers)
{
    struct host host;
    pierrot_pid pid;
    open_host(&host);
    CHECK_INT(pierrot_run_string(host.rt,
                                 "package.preload.spin = function()\n"
                                 "  return { run = function()\n"
                                 "    while true do require('pierrot').yield() end\n"
                                 "  end }\n"
                                 "end",
                                 "=test"),
              0);
    CHECK_INT(pierrot_spawn_function(host.rt, "spin", "run", NULL, NULL, &pid), 0);
    uv_timer_start(&host.timer, on_tick, 1, 1);

    while (host.n_ticks < 5)
        uv_run(&host.loop, UV_RUN_ONCE);

    CHECK(pierrot_is_alive(host.rt, pid));
    close_host(&host);
}

TEST(two_runtimes_share_one_loop)
{
    struct host host;
    open_host(&host);
    pierrot *other = open_with(use_loop, &host);

    CHECK_INT(eval_int(host.rt, "x = 1; return 1"), 1);
    CHECK_INT(eval_int(other, "assert(x == nil); require('pierrot').sleep(5) return 2"), 2);

    CHECK_INT(pierrot_stop(other, 5000), 0);
    pierrot_free(other);
    close_host(&host);
}

static const char sockets_code[] =
    "package.preload.sockets = function()\n"
    "  local tcp, pierrot = require 'pierrot.tcp', require 'pierrot'\n"
    "  local M = {}\n"
    "  function M.serve(listener)\n"
    "    local socket = assert(tcp.accept(listener))\n"
    "    assert(tcp.setopts(socket, { active = true }))\n"
    "    local data = pierrot.receive({ 'tcp', socket })[3]\n"
    "    assert(tcp.send(socket, data:upper()))\n"
    "    pierrot.receive({ 'tcp_closed' })\n"
    "  end\n"
    "  function M.run()\n"
    "    local listener = assert(tcp.listen(0))\n"
    "    local _, port = tcp.sockname(listener)\n"
    "    pierrot.spawn(M.serve, listener)\n"
    "    local socket = assert(tcp.connect('127.0.0.1', port))\n"
    "    assert(tcp.send(socket, 'hello'))\n"
    "    local data = assert(tcp.recv(socket, 5, 5000))\n"
    "    pierrot.send('host', data)\n"
    "  end\n"
    "  return M\n"
    "end\n";

TEST(sockets_of_processes_live_on_the_hosts_loop)
{
    struct host host;
    pierrot_pid pid;
    pierrot_spawn_options so;
    pierrot_mailbox *mailbox = NULL;
    pierrot_term *message = NULL;
    open_host(&host);
    pierrot_spawn_options_init(&so);
    so.name = "host";
    so.name_len = 4;
    so.scheduler = 2;
    REQUIRE(pierrot_mailbox_open(host.rt, &so, &mailbox) == 0);
    CHECK_INT(pierrot_run_string(host.rt, sockets_code, "=test"), 0);
    CHECK_INT(pierrot_spawn_function(host.rt, "sockets", "run", NULL, NULL, &pid), 0);

    uv_run(&host.loop, UV_RUN_DEFAULT); /* until both processes have ended */

    CHECK_INT(pierrot_mailbox_receive(mailbox, 5000, &message), 0);
    CHECK_TEXT(shown(message), "\"HELLO\"");
    pierrot_mailbox_close(mailbox);
    close_host(&host);
}

/* --------------------------------------------------------------------- asynchronous calls */

struct outcome {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    int is_there;
    int error;
};

static void note(void *ud, int error, pierrot_term *reply)
{
    struct outcome *outcome = ud;
    pierrot_term_free(reply);
    pthread_mutex_lock(&outcome->mutex);
    outcome->error = error;
    outcome->is_there++;
    pthread_cond_signal(&outcome->condition);
    pthread_mutex_unlock(&outcome->mutex);
}

static int await(struct outcome *outcome)
{
    pthread_mutex_lock(&outcome->mutex);
    while (!outcome->is_there)
        pthread_cond_wait(&outcome->condition, &outcome->mutex);
    outcome->is_there = 0;
    pthread_mutex_unlock(&outcome->mutex);
    return outcome->error;
}

TEST(an_asynchronous_call_says_how_it_went)
{
    struct outcome outcome = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                              .condition = PTHREAD_COND_INITIALIZER};
    pierrot *rt = open_with(NULL, NULL);
    pierrot_pid echo = start_echo(rt);

    CHECK_INT(pierrot_call_async(rt, echo, text("hello"), 10000, note, &outcome), 0);
    CHECK_INT(await(&outcome), 0);
    CHECK_INT(pierrot_call_async(rt, echo, text("slow"), 5, note, &outcome), 0);
    CHECK_INT(await(&outcome), PIERROT_ETIMEOUT);
    CHECK_INT(pierrot_call_async(rt, echo, text("slow"), -1, note, &outcome), 0);
    CHECK_INT(pierrot_exit(rt, echo, text("kill")), 0);
    CHECK_INT(await(&outcome), PIERROT_EEXITED);
    CHECK_INT(pierrot_call_async(rt, echo, text("hello"), 10000, note, &outcome), 0);
    CHECK_INT(await(&outcome), PIERROT_ENOPROC);
    CHECK_INT(pierrot_call_async(rt, echo, NULL, 0, note, &outcome), PIERROT_ENOMEM);
    CHECK_INT(pierrot_call_async(rt, echo, text("x"), 0, NULL, NULL), PIERROT_EINVAL);

    pierrot_free(rt);
    CHECK_INT(outcome.is_there, 0);
}

TEST(a_call_that_is_under_way_when_the_runtime_goes_is_answered)
{
    struct outcome outcome = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                              .condition = PTHREAD_COND_INITIALIZER};
    pierrot *rt = open_with(NULL, NULL);
    pierrot_pid echo = start_echo(rt);
    CHECK_INT(pierrot_call_async(rt, echo, text("slow"), -1, note, &outcome), 0);

    pierrot_free(rt);

    CHECK_INT(outcome.is_there, 1);
    CHECK(outcome.error < 0);
}

/* --------------------------------------------------------------------------- mailboxes */

TEST(a_mailbox_stands_for_a_thread_of_the_hosts)
{
    pierrot_spawn_options so;
    pierrot_mailbox *mailbox = NULL;
    pierrot_term *message = NULL;
    pierrot *rt = open_with(NULL, NULL);
    pierrot_spawn_options_init(&so);
    so.name = "host";
    so.name_len = 4;
    REQUIRE(pierrot_mailbox_open(rt, &so, &mailbox) == 0);

    CHECK_INT(pierrot_mailbox_receive(mailbox, 0, &message), PIERROT_ETIMEOUT);
    CHECK_INT(pierrot_mailbox_receive(mailbox, 5, &message), PIERROT_ETIMEOUT);
    CHECK_INT(eval_int(rt, "local p = require 'pierrot'\n"
                           "p.send('host', { 1, 'two' })\n"
                           "p.send('host', 2)\n"
                           "require('pierrot.gen_server').cast('host', 'c') return 1"),
              1);
    CHECK_INT(pierrot_mailbox_receive(mailbox, 5000, &message), 0);
    CHECK_TEXT(shown(message), "{1, \"two\"}");
    CHECK_INT(pierrot_mailbox_receive(mailbox, 5000, &message), 0);
    CHECK_TEXT(shown(message), "2");
    CHECK_INT(pierrot_mailbox_receive(mailbox, 5000, &message), 0);
    CHECK_TEXT(shown(message), "{\"$gen_cast\", \"c\"}");
    CHECK_INT(pierrot_mailbox_receive(mailbox, 0, &message), PIERROT_ETIMEOUT);

    pierrot_mailbox_close(mailbox);
    pierrot_free(rt);
}

TEST(a_host_thread_monitors_a_process)
{
    pierrot_mailbox *mailbox = NULL;
    pierrot_term *message = NULL;
    pierrot_ref ref = {0}, other;
    pierrot *rt = open_with(NULL, NULL);
    pierrot_pid echo = start_echo(rt);
    REQUIRE(pierrot_mailbox_open(rt, NULL, &mailbox) == 0);

    CHECK_INT(pierrot_mailbox_monitor(mailbox, echo, &ref), 0);
    CHECK_INT(pierrot_mailbox_monitor(mailbox, echo, &other), 0);
    CHECK_INT(pierrot_mailbox_demonitor(mailbox, other), 0);
    CHECK_INT(pierrot_exit(rt, echo, text("kill")), 0);
    CHECK_INT(pierrot_mailbox_receive(mailbox, 5000, &message), 0);

    CHECK(pierrot_is_string(pierrot_table_at(message, 1), "DOWN"));
    CHECK(pierrot_as_ref(pierrot_table_at(message, 2)).id == ref.id);
    CHECK(pierrot_as_pid(pierrot_table_at(message, 4)).id == echo.id);
    CHECK(pierrot_is_string(pierrot_table_at(message, 5), "killed"));
    pierrot_term_free(message);
    CHECK_INT(pierrot_mailbox_receive(mailbox, 5, &message), PIERROT_ETIMEOUT);
    CHECK_INT(pierrot_exit(rt, pierrot_mailbox_pid(mailbox), text("kill")), 0);
    CHECK_INT(pierrot_mailbox_receive(mailbox, 5000, &message), PIERROT_ENOPROC);
    pierrot_mailbox_close(mailbox);
    pierrot_free(rt);
}

static void *answer_one(void *ud)
{
    pierrot_mailbox *mailbox = ((void **)ud)[0];
    pierrot *rt = ((void **)ud)[1];
    pierrot_term *message = NULL;
    pierrot_from from;
    CHECK_INT(pierrot_mailbox_receive(mailbox, 10000, &message), 0);
    CHECK(pierrot_is_string(pierrot_table_at(message, 1), "$gen_call"));
    CHECK_INT(pierrot_as_from(pierrot_table_at(message, 2), &from), 0);
    CHECK_INT(pierrot_as_from(message, &from), PIERROT_EINVAL);
    CHECK_INT(pierrot_as_from(pierrot_table_at(message, 2), &from), 0);
    int64_t n = pierrot_as_int(pierrot_table_at(message, 3));
    CHECK_INT(pierrot_reply_on(rt, from, pierrot_int(n + 1)), 0);
    pierrot_term_free(message);
    return NULL;
}

TEST(a_script_calls_a_host_thread)
{
    pthread_t thread;
    pierrot_spawn_options so;
    pierrot_mailbox *mailbox = NULL;
    pierrot *rt = open_with(NULL, NULL);
    pierrot_spawn_options_init(&so);
    so.name = "host";
    so.name_len = 4;
    so.scheduler = 2;
    REQUIRE(pierrot_mailbox_open(rt, &so, &mailbox) == 0);
    void *arguments[] = {mailbox, rt};
    REQUIRE(pthread_create(&thread, NULL, answer_one, arguments) == 0);

    CHECK_INT(eval_int(rt, "return require('pierrot.gen_server').call('host', 41, 9000)"), 42);

    pthread_join(thread, NULL);
    pierrot_mailbox_close(mailbox);
    pierrot_free(rt);
}

TEST(a_host_thread_waits_for_the_end_of_a_process)
{
    pierrot_term *reason = NULL;
    pierrot_pid nobody = {0};
    pierrot *rt = open_with(NULL, NULL);
    pierrot_pid echo = start_echo(rt);

    CHECK_INT(pierrot_await_end(rt, echo, 5, &reason), PIERROT_ETIMEOUT);
    CHECK(pierrot_is_alive(rt, echo));
    CHECK_INT(pierrot_exit(rt, echo, pierrot_int(7)), 0);
    CHECK_INT(pierrot_await_end(rt, echo, 5000, NULL), 0);
    CHECK_INT(pierrot_await_end(rt, echo, 5000, &reason), 0);
    CHECK_TEXT(shown(reason), "\"noproc\"");
    CHECK_INT(pierrot_await_end(rt, nobody, 5000, &reason), 0);
    CHECK_TEXT(shown(reason), "\"noproc\"");

    pierrot_free(rt);
}

TEST(a_host_names_processes)
{
    pierrot_pid found;
    pierrot *rt = open_with(NULL, NULL);
    pierrot_pid echo = start_echo(rt);

    CHECK_INT(pierrot_schedulers(rt), 2);
    CHECK_INT(pierrot_register(rt, "a\0b", 3, echo), 0);
    CHECK_INT(pierrot_register(rt, "c", 1, echo), PIERROT_EEXIST);
    CHECK_INT(pierrot_whereis(rt, "a\0b", 3, &found), 0);
    CHECK(found.id == echo.id);
    CHECK_INT(pierrot_unregister(rt, "a\0b", 3), 0);
    CHECK_INT(pierrot_unregister(rt, "a\0b", 3), PIERROT_ENOTFOUND);

    pierrot_free(rt);
}

/* -------------------------------------------------------------------------------- code */

static void use_count(pierrot_options *options, void *ud)
{
    (void)ud;
    options->preempt = PIERROT_PREEMPT_COUNT;
}

TEST(code_gives_its_result)
{
    pierrot_term *result = NULL;
    pierrot_spawn_options so;
    pierrot *rt = open_with(NULL, NULL);
    pierrot_spawn_options_init(&so);
    so.scheduler = 2;

    CHECK_INT(eval_int(rt, "return 6 * 7"), 42);
    CHECK_INT(eval(rt, "", 5000, &result), 0);
    CHECK_TEXT(shown(result), "nil");
    CHECK_INT(eval(rt, "return false", 5000, &result), 0);
    CHECK_TEXT(shown(result), "false");
    CHECK_INT(pierrot_eval(rt, "return { ..., 2 }", 17, NULL, text("one"), &so, 5000, &result), 0);
    CHECK_TEXT(shown(result), "{\"one\", 2}");
    CHECK_INT(eval(rt, "require('pierrot').sleep(1) return 1", 5000, NULL), 0);

    pierrot_free(rt);
}

TEST(code_that_fails_says_why)
{
    pierrot_term *reason = NULL;
    pierrot *rt = open_with(use_count, NULL);

    CHECK_INT(eval(rt, "error('no milk', 0)", 5000, &reason), PIERROT_ELUA);
    CHECK_TEXT(pierrot_as_string(pierrot_table_at(reason, 2), NULL), "no milk");
    pierrot_term_free(reason);
    CHECK_INT(eval(rt, "no milk", 5000, &reason), PIERROT_ELUA);
    CHECK(strstr(pierrot_as_string(pierrot_table_at(reason, 2), NULL), "syntax error"));
    pierrot_term_free(reason);
    CHECK_INT(eval(rt, "\x1bLua", 5000, &reason), PIERROT_ELUA);
    pierrot_term_free(reason);
    CHECK_INT(eval(rt, "require('pierrot').exit('enough')", 5000, &reason), PIERROT_EEXITED);
    CHECK_TEXT(shown(reason), "\"enough\"");
    reason = NULL;
    CHECK_INT(eval(rt, "require('pierrot').sleep(60000)", 5, &reason), PIERROT_ETIMEOUT);
    CHECK_INT(eval(rt, "while true do end", 20, &reason), PIERROT_ETIMEOUT);
    CHECK(reason == NULL);
    CHECK_INT(eval(rt, "pcall(function() while true do end end)", 20, &reason), PIERROT_ETIMEOUT);
    CHECK_INT(pierrot_eval(rt, NULL, 0, NULL, NULL, NULL, 0, &reason), PIERROT_EINVAL);

    pierrot_free(rt);
}

TEST(code_that_holds_too_much_is_killed)
{
    pierrot_term *reason = NULL;
    pierrot_spawn_options so;
    static const char code[] = "local t = {} for i = 1, 1e9 do t[i] = { i } end";
    pierrot *rt = open_with(use_count, NULL);
    pierrot_spawn_options_init(&so);
    so.max_heap = 1 << 20;

    CHECK_INT(pierrot_eval(rt, code, strlen(code), NULL, NULL, &so, 30000, &reason),
              PIERROT_EEXITED);

    CHECK_TEXT(shown(reason), "\"killed\"");
    CHECK_INT(eval_int(rt, "return 1"), 1);
    pierrot_free(rt);
}

TEST(a_function_of_a_module_is_spawned_by_name)
{
    pierrot_pid pid, found = {0};
    pierrot_spawn_options so;
    pierrot *rt = open_with(NULL, NULL);
    start_echo(rt);
    pierrot_spawn_options_init(&so);
    so.name = "waiter";
    so.name_len = 6;

    CHECK_INT(pierrot_spawn_function(rt, "echo", "wait", text("second name"), &so, &pid), 0);
    CHECK_INT(pierrot_whereis(rt, "waiter", 6, &found), 0);
    CHECK(found.id == pid.id);
    CHECK_INT(pierrot_spawn_function(rt, "echo", "wait", NULL, &so, &found), PIERROT_EEXIST);
    CHECK_INT(pierrot_send(rt, pid, text("end")), 0);
    CHECK_INT(pierrot_await_end(rt, pid, 5000, NULL), 0);
    CHECK_INT(pierrot_spawn_function(rt, NULL, "wait", NULL, NULL, &pid), PIERROT_EINVAL);

    pierrot_free(rt);
}

/* ----------------------------------------------------------- what scripts are given */

static int add(pierrot *rt, void *ud, const pierrot_term *args, pierrot_term **result)
{
    (void)rt;
    *result = pierrot_int(*(int64_t *)ud + pierrot_as_int(pierrot_table_at(args, 1)) +
                          pierrot_as_int(pierrot_table_at(args, 3)) +
                          1000 * pierrot_as_int(pierrot_table_field(args, "n")));
    return *result ? 0 : PIERROT_ENOMEM;
}

static int refuse(pierrot *rt, void *ud, const pierrot_term *args, pierrot_term **result)
{
    (void)ud;
    if (pierrot_is_string(pierrot_table_at(args, 1), "nothing"))
        return 0;
    if (pierrot_is_string(pierrot_table_at(args, 1), "text"))
        *result = text("not today");
    if (pierrot_is_string(pierrot_table_at(args, 1), "wait"))
        return pierrot_await_end(rt, (pierrot_pid){0}, 10, NULL);
    return PIERROT_ELIMIT;
}

static int64_t base = 100;
static const pierrot_function functions[] = {
    {"add", add, &base}, {"refuse", refuse, NULL}, {NULL, NULL, NULL}};

static int prepare(void *ud, lua_State *L)
{
    atomic_fetch_add((atomic_int *)ud, 1);
    lua_pushnil(L);
    lua_setglobal(L, "io");
    lua_pushinteger(L, 7);
    lua_setglobal(L, "seven");
    return 0;
}

static void use_functions(pierrot_options *options, void *ud)
{
    options->functions = functions;
    options->open = prepare;
    options->open_ud = ud;
    options->path = "/nowhere/?.lua";
    options->cpath = "";
}

TEST(scripts_call_the_hosts_functions)
{
    atomic_int n_states = 0;
    pierrot_term *reason = NULL;
    pierrot *rt = open_with(use_functions, &n_states);

    CHECK_INT(eval_int(rt, "return require('pierrot.host').add(1, nil, 20)"), 3121);
    CHECK_INT(eval_int(rt, "return require('pierrot.host').add(1, nil)"), 2101);
    CHECK_INT(eval_int(rt, "local ok, why = pcall(require('pierrot.host').refuse, 'text')\n"
                           "assert(not ok and why == 'not today', why) return 1"),
              1);
    CHECK_INT(eval(rt, "require('pierrot.host').refuse()", 5000, &reason), PIERROT_ELUA);
    CHECK_TEXT(pierrot_as_string(pierrot_table_at(reason, 2), NULL),
               "test:1: a limit of the runtime is reached");
    pierrot_term_free(reason);
    CHECK_INT(eval_int(rt, "return select('#', require('pierrot.host').refuse 'nothing')"), 1);
    CHECK_INT(eval_int(rt, "local ok, why = pcall(require('pierrot.host').refuse, 'wait')\n"
                           "assert(why:find 'a blocking call', why) return 1"),
              1);
    CHECK_INT(eval_int(rt, "local ok, why = pcall(require('pierrot.host').add, print)\n"
                           "assert(why:find 'cannot send a function', why) return 1"),
              1);
    CHECK_INT(eval_int(rt, "return seven + (io and 1 or 0)"), 7);
    CHECK_INT(eval_int(rt, "return package.path == '/nowhere/?.lua' and package.cpath == ''\n"
                           "and 1 or 0"),
              1);
    CHECK_INT(atomic_load(&n_states), 2);

    pierrot_free(rt);
}

static int fail_to_prepare(void *ud, lua_State *L)
{
    if (ud)
        return lua_error(L);
    return -77;
}

TEST(a_state_that_cannot_be_prepared_fails_the_runtime)
{
    pierrot_options options;
    pierrot *rt = NULL;
    pierrot_options_init(&options);
    options.open = fail_to_prepare;

    CHECK_INT(pierrot_new(&options, &rt), -77);
    options.open_ud = &options;
    CHECK_INT(pierrot_new(&options, &rt), PIERROT_ELUA);
    options.schedulers = 3;
    CHECK_INT(pierrot_new(&options, &rt), PIERROT_ELUA);

    CHECK(rt == NULL);
}

/* ------------------------------------------------------------------ actions of actors */

struct steps {
    char text[64];
    pierrot_from waiting;
    int is_waiting;
};

static void step(struct steps *self, const char *name)
{
    strncat(self->text, name, sizeof self->text - strlen(self->text) - 1);
}

static int steps_init(pierrot_context *ctx, void *state, const pierrot_term *arg)
{
    step(state, "init ");
    if (pierrot_is_string(arg, "plain"))
        return PIERROT_OK;
    return pierrot_continue(ctx, text("go"));
}

static int steps_continue(pierrot_context *ctx, void *state, const pierrot_term *arg)
{
    step(state, pierrot_is_string(arg, "go") ? "go " : "again ");
    if (pierrot_is_string(arg, "go"))
        return pierrot_continue(ctx, text("again"));
    CHECK_INT(pierrot_timeout(ctx, -1), PIERROT_EINVAL);
    return PIERROT_OK;
}

/* "later": answered when the timeout comes. */
static int steps_call(pierrot_context *ctx, void *state, const pierrot_term *request,
                      pierrot_from from)
{
    struct steps *self = state;
    if (pierrot_is_string(request, "later")) {
        self->waiting = from;
        self->is_waiting = 1;
        return pierrot_timeout(ctx, 5);
    }
    return pierrot_reply(from, text(self->text));
}

static int steps_cast(pierrot_context *ctx, void *state, const pierrot_term *request)
{
    step(state, "cast ");
    return pierrot_continue(ctx, pierrot_term_copy(request));
}

static int steps_info(pierrot_context *ctx, void *state, const pierrot_term *message)
{
    struct steps *self = state;
    (void)ctx;
    step(self, pierrot_is_string(message, "timeout") ? "timeout " : "info ");
    if (!self->is_waiting)
        return PIERROT_OK;
    self->is_waiting = 0;
    return pierrot_reply(self->waiting, text(self->text));
}

static const pierrot_behaviour steps_behaviour = {.size = sizeof steps_behaviour,
                                                  .name = "steps",
                                                  .state_size = sizeof(struct steps),
                                                  .init = steps_init,
                                                  .handle_call = steps_call,
                                                  .handle_cast = steps_cast,
                                                  .handle_info = steps_info,
                                                  .handle_continue = steps_continue};

TEST(continuations_come_before_messages_and_timeouts_after_them)
{
    pierrot *rt = open_with(NULL, NULL);
    for (int scheduler = 1; scheduler <= 2; scheduler++) {
        pierrot_pid pid;
        pierrot_term *reply = NULL;
        pierrot_spawn_options so;
        pierrot_spawn_options_init(&so);
        so.scheduler = scheduler;
        REQUIRE(pierrot_spawn(rt, &steps_behaviour, NULL, &so, &pid) == 0);

        CHECK_INT(pierrot_call(rt, pid, text("get"), 5000, &reply), 0);
        CHECK_TEXT(shown(reply), "\"init go again \"");
        CHECK_INT(pierrot_call(rt, pid, text("later"), 5000, &reply), 0);
        CHECK_TEXT(shown(reply), "\"init go again timeout \"");
        CHECK_INT(pierrot_cast(rt, pid, text("go")), 0);
        CHECK_INT(pierrot_call(rt, pid, text("get"), 5000, &reply), 0);
        CHECK_TEXT(shown(reply), "\"init go again timeout cast go again \"");
    }
    pierrot_free(rt);
}

TEST(an_actor_without_the_callback_ends_by_a_continuation)
{
    pierrot_pid pid;
    pierrot_term *reason = NULL;
    pierrot_behaviour behaviour = steps_behaviour;
    behaviour.handle_continue = NULL;
    pierrot *rt = open_with(NULL, NULL);
    REQUIRE(pierrot_spawn(rt, &behaviour, text("plain"), NULL, &pid) == 0);
    pierrot_mailbox *mailbox = NULL;
    pierrot_ref ref;
    REQUIRE(pierrot_mailbox_open(rt, NULL, &mailbox) == 0);
    CHECK_INT(pierrot_mailbox_monitor(mailbox, pid, &ref), 0);

    CHECK_INT(pierrot_cast(rt, pid, text("go")), 0);

    CHECK_INT(pierrot_mailbox_receive(mailbox, 5000, &reason), 0);
    CHECK_TEXT(shown(pierrot_term_copy(pierrot_table_at(reason, 5))), "{\"bad_continue\", \"go\"}");
    pierrot_term_free(reason);
    behaviour.size = 8;
    CHECK_INT(pierrot_spawn(rt, &behaviour, NULL, NULL, &pid), PIERROT_EINVAL);
    pierrot_mailbox_close(mailbox);
    pierrot_free(rt);
}
