/* SPDX-License-Identifier: MIT
 *
 * Time limits of a host against a script that never gives way, with preemption off: each wait ends at its
 * time-out, what comes later is dropped, and the runtime can be freed. */
#include "tally.h"
#include "test.h"

#include <lauxlib.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#include "pierrot.h"

/* How long a wait is to last, and how long it may on a machine that does much else. */
enum { LIMIT_MS = 30, FAR_TOO_LONG_MS = 5000 };

/* ------------------------------------------------------------- a script that spins */

static atomic_int is_spinning, may_end;

static int begin(pierrot *rt, void *ud, const pierrot_term *args, pierrot_term **result)
{
    (void)rt;
    (void)ud;
    (void)args;
    (void)result;
    atomic_store(&is_spinning, 1);
    return 0;
}

static int ends(pierrot *rt, void *ud, const pierrot_term *args, pierrot_term **result)
{
    (void)rt;
    (void)ud;
    (void)args;
    *result = pierrot_bool(atomic_load(&may_end));
    return 0;
}

static const pierrot_function functions[] = {{.name = "begin", .call = begin},
                                             {.name = "ends", .call = ends},
                                             {.name = NULL}};

static const char until_told[] = "local host = require('pierrot.host')\n"
                                 "host.begin()\n"
                                 "while not host.ends() do end";

/* A module whose function runs code. */
static int open_state(void *ud, lua_State *L)
{
    (void)ud;
    return luaL_dostring(L, "package.preload.spinner = function()\n"
                            "  return { run = function(code) load(code)() end }\n"
                            "end");
}

static pierrot_preempt preempt = PIERROT_PREEMPT_OFF;

static pierrot *open_runtime_on(struct tally *tally, uv_loop_t *loop)
{
    pierrot_options options;
    pierrot *rt = NULL;
    atomic_store(&is_spinning, 0);
    atomic_store(&may_end, 0);
    pierrot_options_init(&options);
    options.schedulers = 2;
    options.preempt = preempt;
    options.loop = loop;
    options.functions = functions;
    options.alloc = tally_alloc;
    options.alloc_ud = tally;
    options.open = open_state;
    CHECK_INT(pierrot_new(&options, &rt), 0);
    return rt;
}

static pierrot *open_runtime(struct tally *tally)
{
    return open_runtime_on(tally, NULL);
}

/* A process on that scheduler that runs code, and has begun to. */
static void spin(pierrot *rt, int scheduler, const char *code)
{
    pierrot_spawn_options options;
    pierrot_spawn_options_init(&options);
    options.scheduler = scheduler;
    pierrot_pid pid;
    CHECK_INT(pierrot_spawn_function(rt, "spinner", "run", pierrot_string(code, strlen(code)),
                                     &options, &pid),
              0);
    while (!atomic_load(&is_spinning))
        sched_yield();
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#define CHECK_TIMES_OUT(call)                                                                      \
    do {                                                                                           \
        int64_t start_ = now_ms();                                                                 \
        CHECK_INT(call, PIERROT_ETIMEOUT);                                                         \
        CHECK(now_ms() - start_ >= LIMIT_MS - 1);                                                  \
        CHECK(now_ms() - start_ < FAR_TOO_LONG_MS);                                                \
    } while (0)

/* ------------------------------------------------------------------ the actor asked */

static atomic_int n_asked;

static int counter_init(pierrot_context *ctx, void *state, const pierrot_term *arg)
{
    (void)ctx;
    (void)state;
    (void)arg;
    return PIERROT_OK;
}

static int counter_call(pierrot_context *ctx, void *state, const pierrot_term *request,
                        pierrot_from from)
{
    (void)ctx;
    (void)state;
    (void)request;
    return pierrot_reply(from, pierrot_int(atomic_fetch_add(&n_asked, 1) + 1));
}

static const pierrot_behaviour counter = {.size = sizeof counter,
                                          .name = "counter",
                                          .init = counter_init,
                                          .handle_call = counter_call};

/* ---------------------------------------------------------------------------- tests */

TEST(a_call_ends_at_its_limit_while_a_script_spins)
{
    struct tally tally = {0};
    pierrot_term *reply = NULL;
    pierrot_pid pid;
    pierrot *rt = open_runtime(&tally);
    atomic_store(&n_asked, 0);
    REQUIRE(pierrot_spawn(rt, &counter, NULL, NULL, &pid) == 0);
    spin(rt, 1, until_told);

    CHECK_TIMES_OUT(pierrot_call(rt, pid, pierrot_nil(), LIMIT_MS, &reply));
    CHECK(!reply);
    atomic_store(&may_end, 1);
    CHECK_INT(pierrot_call(rt, pid, pierrot_nil(), -1, &reply), 0);

    CHECK_INT(pierrot_as_int(reply), 1); /* what had timed out was not begun */
    pierrot_term_free(reply);
    pierrot_free(rt);
    CHECK_INT(tally.n_bytes, 0);
}

TEST(every_other_wait_ends_at_its_limit_too)
{
    struct tally tally = {0};
    pierrot_spawn_options options;
    pierrot_mailbox *mailbox;
    pierrot_term *result = NULL;
    pierrot_pid pid, other = {0};
    pierrot *rt = open_runtime(&tally);
    REQUIRE(pierrot_spawn(rt, &counter, NULL, NULL, &pid) == 0);
    REQUIRE(pierrot_mailbox_open(rt, NULL, &mailbox) == 0);
    pierrot_spawn_options_init(&options);
    options.timeout_ms = LIMIT_MS;
    spin(rt, 1, until_told);

    CHECK_TIMES_OUT(pierrot_eval(rt, "return 1", 8, NULL, NULL, NULL, LIMIT_MS, &result));
    CHECK_TIMES_OUT(pierrot_await_end(rt, pid, LIMIT_MS, &result));
    CHECK_TIMES_OUT(pierrot_mailbox_receive(mailbox, LIMIT_MS, &result));
    CHECK_TIMES_OUT(pierrot_spawn(rt, &counter, pierrot_int(1), &options, &other));
    CHECK_TIMES_OUT(pierrot_start(rt, "pierrot.agent", pierrot_int(1), &options, &other));
    CHECK_TIMES_OUT(
        pierrot_spawn_function(rt, "os", "clock", pierrot_int(1), &options, &other));
    CHECK(!result && !other.id);

    atomic_store(&may_end, 1);
    CHECK_INT(pierrot_eval(rt, "return 1", 8, NULL, NULL, NULL, -1, &result), 0);
    CHECK_INT(pierrot_as_int(result), 1);
    pierrot_term_free(result);
    pierrot_mailbox_close(mailbox);
    pierrot_free(rt);
    CHECK_INT(tally.n_bytes, 0);
}

static void stop_while_it_spins(int scheduler)
{
    struct tally tally = {0};
    pierrot *rt = open_runtime(&tally);
    spin(rt, scheduler, until_told);

    CHECK_TIMES_OUT(pierrot_stop(rt, LIMIT_MS));
    atomic_store(&may_end, 1);
    CHECK_INT(pierrot_stop(rt, -1), 0);

    pierrot_free(rt);
    CHECK_INT(tally.n_bytes, 0);
}

TEST(a_stop_ends_at_its_limit_while_a_script_spins)
{
    stop_while_it_spins(1);
    stop_while_it_spins(2);
}

/* Not for ThreadSanitizer, which holds signals back while a thread calls nothing that it knows. */
static void free_runtime_that_spins(int scheduler, const char *code, int is_stopped)
{
#ifdef __SANITIZE_THREAD__
    (void)scheduler, (void)code, (void)is_stopped;
    return;
#endif
    struct tally tally = {0};
    pierrot_term *reply = NULL;
    pierrot_pid pid;
    pierrot *rt = open_runtime(&tally);
    REQUIRE(pierrot_spawn(rt, &counter, NULL, NULL, &pid) == 0);
    spin(rt, scheduler, code);

    if (is_stopped) {
        (void)pierrot_call(rt, pid, pierrot_string("unheard", 7), 0, &reply);
        pierrot_term_free(reply);
        CHECK_INT(pierrot_stop(rt, LIMIT_MS), PIERROT_ETIMEOUT);
    }
    pierrot_free(rt);

    CHECK_INT(tally.n_bytes, 0);
}

static void free_while_it_spins(int scheduler, const char *code)
{
    free_runtime_that_spins(scheduler, code, 0);
    free_runtime_that_spins(scheduler, code, 1);
}

TEST(free_interrupts_a_script_that_spins)
{
    free_while_it_spins(1, "require('pierrot.host').begin() while true do end");
    free_while_it_spins(2, "require('pierrot.host').begin() while true do end");
}

TEST(free_interrupts_what_catches_errors_and_what_cannot_yield)
{
    free_while_it_spins(1, "require('pierrot.host').begin()\n"
                           "while true do pcall(function() while true do end end) end");
    free_while_it_spins(2, "table.sort({ 1, 2, 3 }, function()\n"
                           "  require('pierrot.host').begin()\n"
                           "  while true do end\n"
                           "end)");
}

TEST(free_interrupts_what_preemption_cannot)
{
    static const char sorts[] = "table.sort({ 1, 2, 3 }, function()\n"
                                "  require('pierrot.host').begin()\n"
                                "  while true do end\n"
                                "end)";
    preempt = PIERROT_PREEMPT_SIGNAL;
    free_runtime_that_spins(1, sorts, 0);
    preempt = PIERROT_PREEMPT_COUNT;
    free_runtime_that_spins(2, sorts, 0);
    preempt = PIERROT_PREEMPT_OFF;
}

TEST(free_interrupts_an_end_that_spins)
{
    free_runtime_that_spins(1, "local p = require('pierrot')\n"
                           "p.trap_exit(true)\n"
                           "require('pierrot.host').begin()\n"
                           "p.receive()\n"
                           "while true do end",
                           1);
}

static void *call_once(void *ud)
{
    pierrot *rt = ((void **)ud)[0];
    pierrot_pid *pid = ((void **)ud)[1];
    pierrot_term *reply = NULL;
    CHECK_TIMES_OUT(pierrot_call(rt, *pid, pierrot_int(1), LIMIT_MS, &reply));
    CHECK(!reply);
    return NULL;
}

TEST(a_call_ends_at_its_limit_while_nobody_runs_the_loop)
{
    struct tally tally = {0};
    pthread_t thread;
    uv_loop_t loop;
    pierrot_pid pid;
    uv_loop_init(&loop);
    pierrot *rt = open_runtime_on(&tally, &loop);
    void *ud[] = {rt, &pid};
    REQUIRE(pierrot_spawn(rt, &counter, NULL, NULL, &pid) == 0);

    REQUIRE(pthread_create(&thread, NULL, call_once, ud) == 0);
    pthread_join(thread, NULL);

    pierrot_free(rt);
    uv_run(&loop, UV_RUN_NOWAIT);
    CHECK_INT(uv_loop_close(&loop), 0);
    CHECK_INT(tally.n_bytes, 0);
}

static void *call_often(void *ud)
{
    pierrot *rt = ((void **)ud)[0];
    pierrot_pid *pid = ((void **)ud)[1];
    for (int i = 0; i < 200; i++) {
        pierrot_term *reply = NULL;
        int error = pierrot_call(rt, *pid, pierrot_int(i), i % 3, &reply);
        CHECK(error == 0 || error == PIERROT_ETIMEOUT);
        CHECK((error == 0) == (reply != NULL));
        pierrot_term_free(reply);
    }
    return NULL;
}

TEST(answers_that_come_at_the_limit_are_given_or_dropped)
{
    struct tally tally = {0};
    pthread_t threads[4];
    pierrot_pid pid;
    pierrot *rt = open_runtime(&tally);
    void *ud[] = {rt, &pid};
    REQUIRE(pierrot_spawn(rt, &counter, NULL, NULL, &pid) == 0);
    static const char busy[] = "local p = require('pierrot')\n"
                               "require('pierrot.host').begin()\n"
                               "while true do\n"
                               "  local t <const> = p.now() + 3\n"
                               "  while p.now() < t do end\n"
                               "  p.yield()\n"
                               "end";
    spin(rt, 1, busy);

    for (int i = 0; i < 4; i++)
        REQUIRE(pthread_create(&threads[i], NULL, call_often, ud) == 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);

    pierrot_free(rt);
    CHECK_INT(tally.n_bytes, 0);
}

/* ------------------------------------------------ given up while the actor begins */

/* An allocator that holds up a scheduler at its next allocation until it is told, and spoils what is
 * freed. */
struct gate {
    pthread_t host;
    atomic_int is_armed, is_open;
};

static void *gate_alloc(void *ud, void *ptr, size_t old_size, size_t new_size)
{
    struct gate *gate = ud;
    if (new_size > 0) {
        if (!pthread_equal(pthread_self(), gate->host) && atomic_exchange(&gate->is_armed, 0))
            while (!atomic_load(&gate->is_open))
                sched_yield();
        return realloc(ptr, new_size);
    }
    if (ptr)
        memset(ptr, 0xdd, old_size);
    free(ptr);
    return NULL;
}

TEST(a_mailbox_may_be_given_up_while_its_actor_begins)
{
    struct gate gate = {.host = pthread_self()};
    pierrot_options options;
    pierrot_spawn_options spawn_options;
    pierrot_mailbox *mailbox = NULL, *another = NULL;
    pierrot *rt = NULL;
    pierrot_options_init(&options);
    options.alloc = gate_alloc;
    options.alloc_ud = &gate;
    REQUIRE(pierrot_new(&options, &rt) == 0);
    pierrot_spawn_options_init(&spawn_options);
    spawn_options.timeout_ms = LIMIT_MS;
    atomic_store(&gate.is_armed, 1);

    CHECK_TIMES_OUT(pierrot_mailbox_open(rt, &spawn_options, &mailbox));

    CHECK(!mailbox);
    CHECK(!atomic_load(&gate.is_armed)); /* it had begun */
    atomic_store(&gate.is_open, 1);
    CHECK_INT(pierrot_mailbox_open(rt, NULL, &another), 0);
    pierrot_mailbox_close(another);
    pierrot_free(rt);
}
