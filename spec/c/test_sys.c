/* SPDX-License-Identifier: MIT
 *
 * pierrot.sys and pierrot.logger on an actor of a host's own, and a host's sink. */
#include <stddef.h>

#include "pierrot.h"
#include "test.h"

/* ------------------------------------------------------------------------- the actor */

struct counter {
    int64_t n;
};

static int handle_call(pierrot_context *ctx, void *state, const pierrot_term *request,
                       pierrot_from from)
{
    struct counter *counter = state;
    if (pierrot_is_string(request, "crash"))
        return PIERROT_EINVAL;
    (void)ctx;
    return pierrot_reply(from, pierrot_int(++counter->n));
}

static pierrot_term *inspect(pierrot_context *ctx, void *state)
{
    (void)ctx;
    return pierrot_int(((struct counter *)state)->n);
}

static int replace(pierrot_context *ctx, void *state, const pierrot_term *new_state)
{
    (void)ctx;
    if (pierrot_term_type(new_state) != PIERROT_INT)
        return PIERROT_EINVAL;
    ((struct counter *)state)->n = pierrot_as_int(new_state);
    return PIERROT_OK;
}

static int code_change(pierrot_context *ctx, void *state, const pierrot_term *old_version,
                       const pierrot_term *extra)
{
    (void)ctx;
    if (pierrot_as_int(old_version) != 1)
        return PIERROT_EINVAL;
    ((struct counter *)state)->n += pierrot_as_int(extra);
    return PIERROT_OK;
}

static const pierrot_behaviour counter_behaviour = {.size = sizeof counter_behaviour,
                                                    .name = "counter",
                                                    .state_size = sizeof(struct counter),
                                                    .handle_call = handle_call,
                                                    .inspect = inspect,
                                                    .replace = replace,
                                                    .code_change = code_change};

/* One from before there were system messages: its struct ends earlier. */
static const pierrot_behaviour old_behaviour = {
    .size = offsetof(pierrot_behaviour, replace),
    .name = "old",
    .state_size = sizeof(struct counter),
    .handle_call = handle_call,
};

/* -------------------------------------------------------------------------- the host */

static char logged[20000];

static void keep(void *ud, pierrot_level level, const char *text, size_t len)
{
    size_t n = strlen(logged);
    (void)ud;
    snprintf(logged + n, sizeof logged - n, "%d %.*s\n", (int)level, (int)len, text);
}

static pierrot *start(const pierrot_behaviour *behaviour)
{
    pierrot_options options;
    pierrot_spawn_options spawn;
    pierrot *rt = NULL;
    pierrot_pid pid;
    logged[0] = '\0';
    pierrot_options_init(&options);
    options.log = keep;
    CHECK_INT(pierrot_new(&options, &rt), 0);
    pierrot_spawn_options_init(&spawn);
    spawn.name = "counter";
    spawn.name_len = 7;
    CHECK_INT(pierrot_spawn(rt, behaviour, NULL, &spawn, &pid), 0);
    return rt;
}

static void run(pierrot *rt, const char *code)
{
    CHECK_INT(pierrot_run_string(rt, code, "=test"), 0);
    if (test_n_failures)
        fprintf(stderr, "%s", logged);
}

static void stop(pierrot *rt)
{
    CHECK_INT(pierrot_stop(rt, 5000), 0);
    pierrot_free(rt);
}

#define PRELUDE                                                                                    \
    "local pierrot = require 'pierrot'\n"                                                          \
    "local gen_server, logger, sys = pierrot.gen_server, pierrot.logger, pierrot.sys\n"

TEST(an_actor_of_a_host_is_looked_into)
{
    pierrot *rt = start(&counter_behaviour);
    run(rt, PRELUDE "assert(gen_server.call('counter', 'next') == 1)\n"
                    "assert(sys.get_state 'counter' == 1)\n"
                    "assert(sys.replace_state('counter', function(n) return n + 10 end) == 11)\n"
                    "assert(not pcall(sys.replace_state, 'counter', function() return 'x' end))\n"
                    "assert(sys.get_status 'counter'.module == 'counter')\n"
                    "sys.suspend 'counter'\n"
                    "assert(sys.get_status 'counter'.status == 'suspended')\n"
                    "assert(sys.change_code('counter', { init = print }, 1, 100))\n"
                    "local changed, why = sys.change_code('counter', { init = print }, 2, 100)\n"
                    "assert(changed == nil and why == 'invalid argument', why)\n"
                    "sys.resume 'counter'\n"
                    "assert(gen_server.call('counter', 'next') == 112)\n");
    stop(rt);
}

TEST(an_actor_of_an_older_host_has_no_state_to_replace)
{
    pierrot *rt = start(&old_behaviour);
    run(rt, PRELUDE "assert(sys.get_state 'counter' == 'old')\n"
                    "assert(not pcall(sys.replace_state, 'counter', function() return 1 end))\n"
                    "local changed, why = sys.change_code('counter', { init = print }, 1, 1)\n"
                    "assert(changed == nil and why == 'not_supported')\n"
                    "assert(gen_server.call('counter', 'next') == 1)\n");
    stop(rt);
}

TEST(a_host_gets_reports_and_lines_in_its_sink_and_handlers_beside_it)
{
    pierrot *rt = start(&counter_behaviour);
    run(rt, PRELUDE "local me = pierrot.self()\n"
                    "logger.add_handler('me', function(event) pierrot.send(me, event) end)\n"
                    "logger.warning('%d lines', 1)\n"
                    "local ref = pierrot.monitor 'counter'\n"
                    "assert(not pcall(gen_server.call, 'counter', 'crash'))\n"
                    "pierrot.receive({ 'DOWN', ref })\n"
                    "logger.flush()\n"
                    "assert(pierrot.receive({ level = 'warning' }, 0).text == '1 lines')\n"
                    "local report = pierrot.receive({ level = 'error' }, 0)\n"
                    "assert(report.report.name == 'counter' and report.report.what == 'counter')\n"
                    "assert(report.text:find('last message: \"crash\"', 1, true), report.text)\n");
    pierrot_log(rt, PIERROT_INFO, "from %s", "the host");
    stop(rt);
    CHECK(strstr(logged, "2 1 lines\n") != NULL);
    CHECK(strstr(logged, "3 counter <") != NULL);
    CHECK(strstr(logged, "state: 0") != NULL);
    CHECK(strstr(logged, "1 from the host\n") != NULL);
}
