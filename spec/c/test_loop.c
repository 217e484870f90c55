/* SPDX-License-Identifier: MIT
 *
 * Actors that use the loop of their scheduler, on a thread of the runtime's and on a loop of the
 * host's; and sockets there. */
#include "test.h"

#include <uv.h>

#include "pierrot.h"

enum { N_TICKS = 3 };

/* ------------------------------------------------------------- an actor with a timer */

struct clock_ {
    uv_timer_t timer; /* first */
    pierrot *rt;
    pierrot_pid actor;
};

struct ticker {
    struct clock_ *clock;
    pierrot_from from; /* who waits for the ticks */
    int n_ticks;
};

static int tick(pierrot_context *ctx, void *state, void *ud)
{
    struct ticker *ticker = state;
    (void)ctx;
    CHECK(ud == ticker->clock);
    if (++ticker->n_ticks < N_TICKS)
        return PIERROT_OK;
    (void)pierrot_reply(ticker->from, pierrot_int(ticker->n_ticks));
    return PIERROT_STOP;
}

static void on_tick(uv_timer_t *timer)
{
    struct clock_ *clock = (struct clock_ *)timer;
    /* One more may come when the actor is about to end. */
    (void)pierrot_enter(clock->rt, clock->actor, tick, clock);
}

static void on_close(uv_handle_t *handle)
{
    struct clock_ *clock = (struct clock_ *)handle;
    pierrot_loop_release(clock->rt, handle->loop);
    pierrot_shared_free(clock->rt, clock, sizeof *clock);
}

static int ticker_init(pierrot_context *ctx, void *state, const pierrot_term *arg)
{
    struct ticker *ticker = state;
    pierrot *rt = pierrot_runtime(ctx);
    (void)arg;
    ticker->clock = pierrot_shared_alloc(rt, sizeof *ticker->clock);
    if (!ticker->clock)
        return PIERROT_ENOMEM;
    ticker->clock->rt = rt;
    ticker->clock->actor = pierrot_self(ctx);
    uv_timer_init(pierrot_loop(ctx), &ticker->clock->timer);
    pierrot_loop_hold(ctx);
    return PIERROT_OK;
}

static int end(pierrot_context *ctx, void *state, void *ud)
{
    (void)ctx, (void)state, (void)ud;
    return PIERROT_STOP;
}

static void on_single_tick(uv_timer_t *timer)
{
    struct clock_ *clock = (struct clock_ *)timer;
    CHECK_INT(pierrot_enter(clock->rt, clock->actor, end, NULL), 0);
}

/* It ends as soon as the loop comes round. */
static int ticker_info(pierrot_context *ctx, void *state, const pierrot_term *message)
{
    struct ticker *ticker = state;
    (void)ctx, (void)message;
    uv_timer_start(&ticker->clock->timer, on_single_tick, 0, 0);
    return PIERROT_OK;
}

static int ticker_call(pierrot_context *ctx, void *state, const pierrot_term *request,
                       pierrot_from from)
{
    struct ticker *ticker = state;
    (void)ctx, (void)request;
    ticker->from = from;
    uv_timer_start(&ticker->clock->timer, on_tick, 1, 1);
    return PIERROT_OK;
}

static void ticker_terminate(pierrot_context *ctx, void *state, const pierrot_term *reason)
{
    struct ticker *ticker = state;
    (void)ctx, (void)reason;
    if (ticker->clock)
        uv_close((uv_handle_t *)&ticker->clock->timer, on_close);
}

static const pierrot_behaviour ticker_behaviour = {.size = sizeof ticker_behaviour,
                                                   .name = "ticker",
                                                   .state_size = sizeof(struct ticker),
                                                   .init = ticker_init,
                                                   .handle_call = ticker_call,
                                                   .handle_info = ticker_info,
                                                   .terminate = ticker_terminate};

static void count_ticks(pierrot *rt, int scheduler)
{
    pierrot_spawn_options options;
    pierrot_pid pid;
    pierrot_term *reply = NULL;
    pierrot_spawn_options_init(&options);
    options.scheduler = scheduler;
    REQUIRE(pierrot_spawn(rt, &ticker_behaviour, NULL, &options, &pid) == 0);
    CHECK_INT(pierrot_call(rt, pid, pierrot_nil(), 10000, &reply), 0);
    CHECK_INT(pierrot_as_int(reply), N_TICKS);
    pierrot_term_free(reply);
    CHECK_INT(pierrot_await_end(rt, pid, 10000, NULL), 0);
    CHECK_INT(pierrot_enter(rt, pid, tick, NULL), PIERROT_ENOPROC);
}

static pierrot *open_runtime(uv_loop_t *loop)
{
    pierrot_options options;
    pierrot *rt = NULL;
    pierrot_options_init(&options);
    options.schedulers = 2;
    options.loop = loop;
    CHECK_INT(pierrot_new(&options, &rt), 0);
    return rt;
}

TEST(an_actor_has_a_timer_in_its_schedulers_loop)
{
    pierrot *rt = open_runtime(NULL);
    count_ticks(rt, 1);
    count_ticks(rt, 2);
    pierrot_free(rt);
}

static const char wait_code[] = "local pierrot = require 'pierrot'\n"
                                "local begun = pierrot.now()\n"
                                "pierrot.monitor 'ticker'\n"
                                "pierrot.send('ticker', 'go')\n"
                                "assert(pierrot.receive(nil, 5000)[1] == 'DOWN')\n"
                                "assert(pierrot.now() - begun < 4000)\n";

/* The loop runs timers before it waits for more: what they have made ready must not wait as well. */
TEST(what_a_timer_has_made_ready_is_not_slept_over)
{
    pierrot *rt = open_runtime(NULL);
    pierrot_spawn_options options;
    pierrot_pid pid;
    pierrot_spawn_options_init(&options);
    options.scheduler = 1;
    options.name = "ticker";
    options.name_len = 6;
    REQUIRE(pierrot_spawn(rt, &ticker_behaviour, NULL, &options, &pid) == 0);
    CHECK_INT(pierrot_run_string(rt, wait_code, "=wait"), 0);
    pierrot_free(rt);
}

TEST(an_actor_has_a_timer_in_the_hosts_loop)
{
    uv_loop_t loop;
    REQUIRE(uv_loop_init(&loop) == 0);
    pierrot *rt = open_runtime(&loop);
    count_ticks(rt, 1);
    count_ticks(rt, 2);
    pierrot_free(rt);
    CHECK_INT(uv_loop_close(&loop), 0);
}

TEST(handles_of_actors_that_live_are_closed_with_the_runtime)
{
    uv_loop_t loop;
    pierrot_pid pid;
    REQUIRE(uv_loop_init(&loop) == 0);
    pierrot *rt = open_runtime(&loop);
    CHECK_INT(pierrot_spawn(rt, &ticker_behaviour, NULL, NULL, &pid), 0);
    CHECK_INT(pierrot_cast(rt, pid, pierrot_nil()), 0); /* it knows none, and ends */
    CHECK_INT(pierrot_spawn(rt, &ticker_behaviour, NULL, NULL, &pid), 0);
    pierrot_free(rt);
    CHECK_INT(uv_loop_close(&loop), 0);
}

/* ---------------------------------------------------------------------------- sockets */

static const char echo_code[] =
    "local pierrot, tcp = require 'pierrot', require 'pierrot.tcp'\n"
    "local listener = assert(tcp.listen(0, { packet = 'line' }))\n"
    "local _, port = tcp.sockname(listener)\n"
    "pierrot.spawn(function()\n"
    "  local server = assert(tcp.accept(listener))\n"
    "  for line in function() return (tcp.recv(server)) end do tcp.send(server, line .. '\\n') "
    "end\n"
    "end)\n"
    "local client = tcp.connect('localhost', port, { packet = 'line' })\n"
    "  or assert(tcp.connect('127.0.0.1', port, { packet = 'line' }))\n"
    "for i = 1, 100 do\n"
    "  assert(tcp.send(client, i .. '\\n'))\n"
    "  assert(tcp.recv(client) == tostring(i))\n"
    "end\n"
    "left_open = { listener, client, assert(tcp.connect('127.0.0.1', port)) }\n"
    "assert(select(2, tcp.recv(client, 0, 5)) == 'timeout')\n";

TEST(sockets_work_on_a_loop_of_the_hosts)
{
    uv_loop_t loop;
    REQUIRE(uv_loop_init(&loop) == 0);
    pierrot *rt = open_runtime(&loop);
    CHECK_INT(pierrot_run_string(rt, echo_code, "=echo"), 0);
    CHECK_INT(pierrot_stop(rt, 10000), 0);
    pierrot_free(rt);
    CHECK_INT(uv_loop_close(&loop), 0);
}

TEST(sockets_are_closed_with_a_runtime_that_is_not_stopped)
{
    for (int i = 0; i < 3; i++) {
        pierrot *rt = open_runtime(NULL);
        CHECK_INT(pierrot_run_string(rt, echo_code, "=echo"), 0);
        pierrot_free(rt);
    }
}
