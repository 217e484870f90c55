/* SPDX-License-Identifier: MIT
 *
 * A runtime in a host program, through the public functions alone: its life, actors in C, calls from
 * threads of the host's own, the orderly end. */
#include "tally.h"
#include "test.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <sched.h>
#include <unistd.h>

#include "pierrot.h"

enum { N_RUNTIMES = 1000, N_WARM = 21, N_THREADS = 4, N_CALLS = 500 };

static pierrot *open_runtime(int schedulers)
{
    pierrot_options options;
    pierrot *rt = NULL;
    pierrot_options_init(&options);
    options.schedulers = schedulers;
    CHECK_INT(pierrot_new(&options, &rt), 0);
    return rt;
}

/* ------------------------------------------------------ the actor under test */

static atomic_int n_terminated;

struct counter {
    int64_t count;
    pierrot_from waiting; /* one caller whose reply is held back */
};

static int counter_init(pierrot_context *ctx, void *state, const pierrot_term *arg)
{
    struct counter *self = state;
    (void)ctx;
    if (pierrot_is_string(arg, "ignore"))
        return PIERROT_IGNORE;
    if (pierrot_is_string(arg, "stop"))
        return PIERROT_STOP;
    self->count = pierrot_as_int(arg);
    return PIERROT_OK;
}

/* A call to itself would never be answered. */
static int call_own_runtime(pierrot_context *ctx)
{
    pierrot_term *reply;
    return pierrot_call(pierrot_runtime(ctx), pierrot_self(ctx), pierrot_string("get", 3), 10,
                        &reply);
}

static int counter_call(pierrot_context *ctx, void *state, const pierrot_term *request,
                        pierrot_from from)
{
    struct counter *self = state;
    if (pierrot_is_string(request, "add"))
        return pierrot_reply(from, pierrot_int(++self->count));
    if (pierrot_is_string(request, "get"))
        return pierrot_reply(from, pierrot_int(self->count));
    if (pierrot_is_string(request, "deadlock"))
        return pierrot_reply(from, pierrot_int(call_own_runtime(ctx)));
    if (pierrot_is_string(request, "stop"))
        return PIERROT_STOP;
    self->waiting = from; /* "wait": never answered */
    return PIERROT_OK;
}

static int counter_cast(pierrot_context *ctx, void *state, const pierrot_term *request)
{
    (void)ctx;
    ((struct counter *)state)->count += pierrot_as_int(request);
    return PIERROT_OK;
}

static void counter_terminate(pierrot_context *ctx, void *state, const pierrot_term *reason)
{
    (void)ctx;
    (void)state;
    (void)reason;
    atomic_fetch_add(&n_terminated, 1);
}

static const pierrot_behaviour counter = {.size = sizeof counter,
                                          .name = "counter",
                                          .state_size = sizeof(struct counter),
                                          .init = counter_init,
                                          .handle_call = counter_call,
                                          .handle_cast = counter_cast,
                                          .terminate = counter_terminate};

static int start_counter(pierrot *rt, int scheduler, const char *name, pierrot_term *arg,
                         pierrot_pid *pid)
{
    pierrot_spawn_options options;
    pierrot_spawn_options_init(&options);
    options.scheduler = scheduler;
    options.name = name;
    options.name_len = name ? strlen(name) : 0;
    return pierrot_spawn(rt, &counter, arg, &options, pid);
}

static int ask(pierrot *rt, pierrot_pid pid, const char *request, int timeout_ms, int64_t *answer)
{
    pierrot_term *reply = NULL;
    int error =
        pierrot_call(rt, pid, pierrot_string(request, strlen(request)), timeout_ms, &reply);
    *answer = pierrot_as_int(reply);
    pierrot_term_free(reply);
    return error;
}

/* ------------------------------------------------------------ new and free */

/* What malloc has given out and not got back: of ours, of Lua's, of libuv's. Nothing where another malloc
 * stands in (valgrind, the sanitizers): those look for leaks themselves. */
static size_t bytes_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

TEST(a_runtime_gives_back_every_byte)
{
    struct tally tally = {0};
    pierrot_options options;
    pierrot *rt;
    pierrot_options_init(&options);
    options.alloc = tally_alloc;
    options.alloc_ud = &tally;
    options.schedulers = 2;

    REQUIRE(pierrot_new(&options, &rt) == 0);
    CHECK_INT(pierrot_run_string(rt, "require('pierrot').spawn(function() end)", NULL), 0);
    CHECK(tally.n_bytes > 0);
    pierrot_free(rt);

    CHECK_INT(tally.n_bytes, 0);
}

TEST(a_thousand_runtimes_one_after_the_other_leave_nothing)
{
    size_t before = 0;

    for (int i = 0; i < N_RUNTIMES; i++) {
        pierrot *rt = open_runtime(1 + i % 2);
        REQUIRE(rt);
        CHECK_INT(pierrot_run_string(rt, "local x = 1", NULL), 0);
        pierrot_free(rt);
        if (i == N_WARM)
            before = bytes_in_use();
    }

    /* What each thread's cache of small blocks keeps counts as given out: less than this much in all. */
    CHECK(bytes_in_use() < before + (N_RUNTIMES - N_WARM) * 1000);
}

TEST(options_of_the_wrong_size_are_refused)
{
    pierrot_options options;
    pierrot *rt;
    pierrot_options_init(&options);
    options.size--;

    CHECK_INT(pierrot_new(&options, &rt), PIERROT_EINVAL);
}

static void *run_own_runtime(void *ud)
{
    int64_t *answer = ud;
    pierrot_pid pid;
    pierrot *rt = open_runtime(2);
    for (int i = 0; i < 20; i++) {
        CHECK_INT(pierrot_run_string(rt,
                                     "local p = require('pierrot')\n"
                                     "local me = p.self()\n"
                                     "p.spawn_opt({ scheduler = 2 }, function(to)\n"
                                     "  require('pierrot').send(to, 'hello')\n"
                                     "end, me)\n"
                                     "assert(p.receive('hello', 5000))",
                                     "=test"),
                  0);
    }
    CHECK_INT(start_counter(rt, 2, "counter", pierrot_int(41), &pid), 0);
    CHECK_INT(ask(rt, pid, "add", 5000, answer), 0);
    pierrot_free(rt);
    return NULL;
}

TEST(two_runtimes_live_on_two_threads)
{
    pthread_t threads[2];
    int64_t answers[2] = {0, 0};

    for (int i = 0; i < 2; i++)
        REQUIRE(pthread_create(&threads[i], NULL, run_own_runtime, &answers[i]) == 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);

    CHECK_INT(answers[0], 42);
    CHECK_INT(answers[1], 42);
}

/* ------------------------------------------------------------------- scripts */

TEST(a_script_that_fails_is_an_error)
{
    pierrot *rt = open_runtime(1);

    CHECK_INT(pierrot_run_string(rt, "error('no milk')", "=test"), PIERROT_ELUA);
    CHECK_INT(pierrot_run_string(rt, "no milk", "=test"), PIERROT_ELUA);
    CHECK_INT(pierrot_run_string(rt, "local x = 1", "=test"), 0);

    pierrot_free(rt);
}

/* -------------------------------------------------------------- actors in C */

TEST(an_actor_answers_the_thread_that_made_the_runtime)
{
    int64_t answer = 0;
    for (int scheduler = 1; scheduler <= 2; scheduler++) {
        pierrot_pid pid;
        pierrot *rt = open_runtime(2);
        REQUIRE(start_counter(rt, scheduler, NULL, pierrot_int(5), &pid) == 0);

        CHECK_INT(pierrot_cast(rt, pid, pierrot_int(10)), 0);
        CHECK_INT(ask(rt, pid, "add", 5000, &answer), 0);

        CHECK_INT(answer, 16);
        CHECK(pierrot_is_alive(rt, pid));
        pierrot_free(rt);
    }
}

TEST(a_start_that_fails_leaves_nothing)
{
    pierrot_pid pid = {0}, holder;
    pierrot *rt = open_runtime(2);

    for (int scheduler = 1; scheduler <= 2; scheduler++) {
        CHECK_INT(start_counter(rt, scheduler, "a", pierrot_string("ignore", 6), &pid),
                  PIERROT_EIGNORE);
        CHECK_INT(start_counter(rt, scheduler, "a", pierrot_string("stop", 4), &pid),
                  PIERROT_EEXITED);
        CHECK_INT(pierrot_whereis(rt, "a", 1, &holder), PIERROT_ENOTFOUND);
    }
    CHECK_INT(start_counter(rt, 2, "a", NULL, &pid), 0);
    CHECK_INT(start_counter(rt, 1, "a", NULL, &holder), PIERROT_EEXIST);
    CHECK_INT(pierrot_whereis(rt, "a", 1, &holder), 0);
    CHECK(holder.id == pid.id);
    CHECK_INT(start_counter(rt, 3, NULL, NULL, &pid), PIERROT_EINVAL);

    pierrot_free(rt);
}

/* An actor whose init ends when it may. */
static atomic_int may_begin, n_begun;

static int slow_init(pierrot_context *ctx, void *state, const pierrot_term *arg)
{
    (void)ctx;
    (void)state;
    (void)arg;
    while (!atomic_load(&may_begin))
        sched_yield();
    atomic_fetch_add(&n_begun, 1);
    return PIERROT_OK;
}

static const pierrot_behaviour slow = {
    .size = sizeof slow, .name = "slow", .init = slow_init, .terminate = counter_terminate};

static int start_slowly(pierrot *rt, int scheduler, int timeout_ms)
{
    pierrot_spawn_options options;
    pierrot_pid pid;
    pierrot_spawn_options_init(&options);
    options.scheduler = scheduler;
    options.name = "slow";
    options.name_len = 4;
    options.timeout_ms = timeout_ms;
    return pierrot_spawn(rt, &slow, NULL, &options, &pid);
}

TEST(a_spawn_that_takes_too_long_leaves_nothing)
{
    pierrot_pid pid;
    pierrot *rt = open_runtime(2);
    atomic_store(&n_begun, 0);
    atomic_store(&n_terminated, 0);

    for (int scheduler = 1; scheduler <= 2; scheduler++) {
        atomic_store(&may_begin, 0);
        /* Long enough for any machine to begin with it: what has not begun in time is not done. */
        CHECK_INT(start_slowly(rt, scheduler, 300), PIERROT_ETIMEOUT);
        CHECK_INT(atomic_load(&n_begun), scheduler - 1);
        atomic_store(&may_begin, 1);
        /* The same scheduler comes to this when it has done with the first. */
        CHECK_INT(start_counter(rt, scheduler, NULL, NULL, &pid), 0);
    }
    CHECK_INT(pierrot_stop(rt, 5000), 0);

    CHECK_INT(atomic_load(&n_begun), 2);
    CHECK_INT(atomic_load(&n_terminated), 4);
    CHECK_INT(pierrot_whereis(rt, "slow", 4, &pid), PIERROT_ENOTFOUND);
    pierrot_free(rt);
}

TEST(a_spawn_in_time_is_no_matter)
{
    pierrot *rt = open_runtime(2);
    atomic_store(&may_begin, 1);

    CHECK_INT(start_slowly(rt, 1, 5000), 0);
    CHECK_INT(start_slowly(rt, 2, 5000), PIERROT_EEXIST);

    pierrot_free(rt);
}

TEST(spawn_options_of_the_wrong_size_are_refused)
{
    pierrot_spawn_options options;
    pierrot_pid pid;
    pierrot_term *result;
    pierrot *rt = open_runtime(1);
    pierrot_spawn_options_init(&options);
    options.size = 0;

    CHECK_INT(pierrot_spawn(rt, &counter, pierrot_int(1), &options, &pid), PIERROT_EINVAL);
    CHECK_INT(pierrot_start(rt, "spec.fixtures.counter", pierrot_int(1), &options, &pid),
              PIERROT_EINVAL);
    CHECK_INT(pierrot_spawn_function(rt, "os", "time", pierrot_nil(), &options, &pid),
              PIERROT_EINVAL);
    CHECK_INT(pierrot_eval(rt, "return 1", 8, NULL, pierrot_nil(), &options, 1000, &result),
              PIERROT_EINVAL);

    pierrot_free(rt);
}

TEST(calls_fail_in_time_and_by_what_happened)
{
    int64_t answer;
    for (int scheduler = 1; scheduler <= 2; scheduler++) {
        pierrot_pid pid, nobody = {0};
        pierrot *rt = open_runtime(2);
        REQUIRE(start_counter(rt, scheduler, NULL, NULL, &pid) == 0);

        CHECK_INT(ask(rt, pid, "wait", 20, &answer), PIERROT_ETIMEOUT);
        CHECK_INT(ask(rt, pid, "wait", 0, &answer), PIERROT_ETIMEOUT);
        CHECK_INT(ask(rt, pid, "deadlock", 5000, &answer), 0);
        CHECK_INT(answer, PIERROT_EDEADLK);
        CHECK_INT(ask(rt, pid, "stop", 5000, &answer), PIERROT_EEXITED);
        CHECK_INT(ask(rt, pid, "get", 5000, &answer), PIERROT_ENOPROC);
        CHECK_INT(ask(rt, nobody, "get", 5000, &answer), PIERROT_ENOPROC);
        CHECK_INT(pierrot_call(rt, pid, NULL, 5000, NULL), PIERROT_ENOMEM);

        pierrot_free(rt);
    }
}

/* ------------------------------------------------------ threads of the host's */

struct client {
    pierrot *rt;
    pierrot_pid pids[2];
    atomic_int *n_left;
    int n_wrong;
};

static void *run_client(void *ud)
{
    struct client *client = ud;
    int64_t answer;
    for (int i = 0; i < N_CALLS; i++)
        if (ask(client->rt, client->pids[i % 2], "add", 10000, &answer) != 0 || answer < 1)
            client->n_wrong++;
    if (ask(client->rt, client->pids[0], "wait", 5, &answer) != PIERROT_ETIMEOUT)
        client->n_wrong++;
    if (atomic_fetch_sub(client->n_left, 1) == 1) {
        pierrot_pid main;
        if (pierrot_whereis(client->rt, "main", 4, &main) != 0 ||
            pierrot_send(client->rt, main, pierrot_string("done", 4)) != 0)
            client->n_wrong++;
    }
    return NULL;
}

static const char wait_code[] = "local p = require('pierrot')\n"
                                "p.register('main', p.self())\n"
                                "p.send(p.whereis('gate'), 'open')\n"
                                "assert(p.receive('done', 60000))";

static void run_clients(pierrot *rt, const pierrot_pid *pids, struct client *clients)
{
    atomic_int n_left = N_THREADS;
    pthread_t threads[N_THREADS];
    for (int i = 0; i < N_THREADS; i++) {
        clients[i] = (struct client){.rt = rt, .pids = {pids[0], pids[1]}, .n_left = &n_left};
        REQUIRE(pthread_create(&threads[i], NULL, run_client, &clients[i]) == 0);
    }
    CHECK_INT(pierrot_run_string(rt, wait_code, "=test"), 0);
    for (int i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
}

TEST(four_threads_call_while_the_creator_runs_a_script)
{
    struct client clients[N_THREADS];
    pierrot_pid pids[2], gate;
    int64_t first = 0, second = 0;
    pierrot *rt = open_runtime(2);
    REQUIRE(start_counter(rt, 1, NULL, NULL, &pids[0]) == 0);
    REQUIRE(start_counter(rt, 2, NULL, NULL, &pids[1]) == 0);
    REQUIRE(start_counter(rt, 2, "gate", NULL, &gate) == 0);

    run_clients(rt, pids, clients);

    for (int i = 0; i < N_THREADS; i++)
        CHECK_INT(clients[i].n_wrong, 0);
    CHECK_INT(ask(rt, pids[0], "get", 5000, &first), 0);
    CHECK_INT(ask(rt, pids[1], "get", 5000, &second), 0);
    CHECK_INT(first + second, N_THREADS * N_CALLS);
    pierrot_free(rt);
}

/* ---------------------------------------------------------------- Lua servers */

static const char module_code[] =
    "package.preload['shop'] = function()\n"
    "  return {\n"
    "    init = function(arg)\n"
    "      if arg == 'ignore' then return 'ignore' end\n"
    "      if arg == 'stop' then return 'stop', 'no milk' end\n"
    "      if arg == 'sleep' then require('pierrot').sleep(60000) end\n"
    "      return 'ok', arg\n"
    "    end,\n"
    "    handle_call = function(request, from, state)\n"
    "      return 'reply', state + request, state\n"
    "    end,\n"
    "  }\n"
    "end\n";

static int start_shop(pierrot *rt, const char *module, int scheduler, const char *name,
                      int timeout_ms, pierrot_term *arg, pierrot_pid *pid)
{
    pierrot_spawn_options options;
    pierrot_spawn_options_init(&options);
    options.scheduler = scheduler;
    options.timeout_ms = timeout_ms;
    options.name = name;
    options.name_len = name ? strlen(name) : 0;
    return pierrot_start(rt, module, arg, &options, pid);
}

/* On every scheduler, whose states are apart. */
static void define_shop(pierrot *rt, int n_schedulers)
{
    char code[sizeof module_code + 400];
    snprintf(code, sizeof code,
             "local p, code = require('pierrot'), [==[%s]==]\n"
             "for i = 1, %d do\n"
             "  local _, ref = p.spawn_opt({ scheduler = i, monitor = true },\n"
             "    function(text) load(text)() end, code)\n"
             "  p.receive { 'DOWN', ref }\n"
             "end",
             module_code, n_schedulers);
    CHECK_INT(pierrot_run_string(rt, code, "=test"), 0);
}

TEST(a_lua_server_is_started_by_the_name_of_its_module)
{
    pierrot *rt = open_runtime(2);
    define_shop(rt, 2);
    for (int scheduler = 1; scheduler <= 2; scheduler++) {
        pierrot_pid pid = {0}, other;
        pierrot_term *reply = NULL;

        REQUIRE(start_shop(rt, "shop", scheduler, "shop", -1, pierrot_int(40), &pid) == 0);
        CHECK_INT(pierrot_call(rt, pid, pierrot_int(2), 5000, &reply), 0);
        CHECK_INT(pierrot_as_int(reply), 42);
        pierrot_term_free(reply);

        CHECK_INT(start_shop(rt, "shop", 1, "shop", -1, NULL, &other), PIERROT_EEXIST);
        CHECK_INT(pierrot_exit(rt, pid, pierrot_string("kill", 4)), 0);
        CHECK_INT(pierrot_call(rt, pid, pierrot_int(2), 5000, &reply), PIERROT_ENOPROC);
    }
    pierrot_free(rt);
}

TEST(a_lua_server_that_does_not_start_is_an_error)
{
    pierrot_pid pid;
    pierrot *rt = open_runtime(2);
    define_shop(rt, 2);
    for (int scheduler = 1; scheduler <= 2; scheduler++) {
        CHECK_INT(start_shop(rt, "shop", scheduler, NULL, -1, pierrot_string("ignore", 6), &pid),
                  PIERROT_EIGNORE);
        CHECK_INT(start_shop(rt, "shop", scheduler, NULL, -1, pierrot_string("stop", 4), &pid),
                  PIERROT_EEXITED);
        CHECK_INT(start_shop(rt, "shop", scheduler, NULL, 20, pierrot_string("sleep", 5), &pid),
                  PIERROT_ETIMEOUT);
        CHECK_INT(start_shop(rt, "no.such.module", scheduler, NULL, -1, NULL, &pid), PIERROT_ELUA);
    }
    CHECK_INT(start_shop(rt, "shop", 3, NULL, -1, NULL, &pid), PIERROT_EINVAL);
    CHECK_INT(start_shop(rt, NULL, 1, NULL, -1, pierrot_int(1), &pid), PIERROT_EINVAL);
    pierrot_free(rt);
}

/* -------------------------------------------------------------------- the end */

TEST(stop_ends_every_process_in_order)
{
    pierrot_pid pids[2];
    pierrot *rt = open_runtime(2);
    atomic_store(&n_terminated, 0);
    REQUIRE(start_counter(rt, 1, NULL, NULL, &pids[0]) == 0);
    REQUIRE(start_counter(rt, 2, NULL, NULL, &pids[1]) == 0);

    CHECK_INT(pierrot_stop(rt, 5000), 0);

    CHECK_INT(atomic_load(&n_terminated), 2);
    CHECK(!pierrot_is_alive(rt, pids[0]));
    CHECK(!pierrot_is_alive(rt, pids[1]));
    pierrot_free(rt);
}

TEST(stop_says_when_it_did_not_wait_long_enough)
{
    static const char code[] = "local p = require('pierrot')\n"
                               "p.spawn(function()\n"
                               "  p.trap_exit(true)\n"
                               "  while true do p.receive() end\n"
                               "end)\n"
                               "p.yield()";
    pierrot *rt = open_runtime(1);
    CHECK_INT(pierrot_run_string(rt, code, "=test"), 0);

    CHECK_INT(pierrot_stop(rt, 20), PIERROT_ETIMEOUT);

    pierrot_free(rt);
}

TEST(free_terminates_what_still_runs)
{
    pierrot_pid pid;
    pierrot *rt = open_runtime(2);
    atomic_store(&n_terminated, 0);
    REQUIRE(start_counter(rt, 1, NULL, NULL, &pid) == 0);
    REQUIRE(start_counter(rt, 2, NULL, NULL, &pid) == 0);

    pierrot_free(rt);

    CHECK_INT(atomic_load(&n_terminated), 2);
}

/* Each of them starts two others while it is ended, here and on the next scheduler. */
TEST(free_ends_processes_that_start_others_while_they_end)
{
    static const char code[] =
        "local p = require 'pierrot'\n"
        "local function live()\n"
        "  local p = require 'pierrot'\n"
        "  local next_one = p.info(p.self(), 'scheduler') % p.schedulers() + 1\n"
        "  local function again()\n"
        "    pcall(p.spawn_opt, { scheduler = next_one }, live)\n"
        "    p.spawn(live)\n"
        "  end\n"
        "  local closed <close> = setmetatable({}, { __close = again })\n"
        "  p.alias()\n"
        "  p.receive()\n"
        "end\n"
        "for i = 1, 10 do p.spawn_opt({ scheduler = i % p.schedulers() + 1 }, live) end\n"
        "p.sleep(1)";
    for (int schedulers = 1; schedulers <= 3; schedulers++) {
        pierrot *rt = open_runtime(schedulers);
        CHECK_INT(pierrot_run_string(rt, code, "=test"), 0);

        pierrot_free(rt);
    }
}
