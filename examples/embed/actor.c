/* SPDX-License-Identifier: MIT
 *
 * An actor in C under a supervisor in Lua: scripts start it by a function of the host's, talk to it as to
 * any gen_server, and the supervisor starts it again after a crash.
 *
 * The actor is a thermometer: it keeps the last temperatures, and one who asks for the next one is
 * answered when it comes. */
#include <pierrot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------- the actor */

struct thermometer {
    double last;
    pierrot_from waiting; /* who wants to know the next one; pid 0: nobody */
};

static int init(pierrot_context *ctx, void *state, const pierrot_term *arg)
{
    (void)ctx;
    ((struct thermometer *)state)->last = pierrot_as_number(arg);
    return PIERROT_OK;
}

/* "get": the last temperature; "next": the next one, answered later. */
static int handle_call(pierrot_context *ctx, void *state, const pierrot_term *request,
                       pierrot_from from)
{
    struct thermometer *self = state;
    (void)ctx;
    if (pierrot_is_string(request, "next")) {
        self->waiting = from;
        return PIERROT_OK;
    }
    return pierrot_reply(from, pierrot_num(self->last));
}

/* A temperature. What cannot be one ends the actor, and whoever supervises it decides. */
static int handle_cast(pierrot_context *ctx, void *state, const pierrot_term *request)
{
    struct thermometer *self = state;
    double value = pierrot_as_number(request);
    if (value < -273.15) {
        pierrot_stop_reason(ctx, pierrot_string("colder than cold", 16));
        return PIERROT_STOP;
    }
    self->last = value;
    if (self->waiting.pid.id == 0)
        return PIERROT_OK;
    pierrot_from from = self->waiting;
    self->waiting.pid.id = 0;
    return pierrot_reply(from, pierrot_num(value));
}

static const pierrot_behaviour thermometer = {.size = sizeof thermometer,
                                              .name = "thermometer",
                                              .state_size = sizeof(struct thermometer),
                                              .init = init,
                                              .handle_call = handle_call,
                                              .handle_cast = handle_cast};

/* ------------------------------------------------------------- what scripts are given */

/* start_thermometer(temperature): linked with the caller, as a supervisor wants it. */
static int start_thermometer(pierrot *rt, void *ud, const pierrot_term *args,
                             pierrot_term **result)
{
    pierrot_pid pid;
    pierrot_spawn_options options;
    (void)ud;
    pierrot_spawn_options_init(&options);
    options.name = "thermometer";
    options.name_len = strlen(options.name);
    options.link = 1;
    int error = pierrot_spawn(rt, &thermometer, pierrot_term_copy(pierrot_table_at(args, 1)),
                              &options, &pid);
    if (!error)
        *result = pierrot_pid_term(pid);
    return error;
}

static const pierrot_function functions[] = {{"start_thermometer", start_thermometer, NULL},
                                             {NULL, NULL, NULL}};

static const char script[] =
    "local pierrot = require 'pierrot'\n"
    "local gen_server = require 'pierrot.gen_server'\n"
    "local supervisor = require 'pierrot.supervisor'\n"
    "\n"
    "assert(supervisor.start_link({\n"
    "  { id = 'thermometer', start = { 'pierrot.host', 'start_thermometer', 20 } },\n"
    "}, { strategy = 'one_for_one' }))\n"
    "\n"
    "print(gen_server.call('thermometer', 'get'))\n"
    "local id = gen_server.send_request('thermometer', 'next')\n"
    "gen_server.cast('thermometer', 25.5)\n"
    "print(select(2, gen_server.receive_response(id)))\n"
    "\n"
    "local first = pierrot.whereis 'thermometer'\n"
    "local ref = pierrot.monitor(first)\n"
    "gen_server.cast('thermometer', -300)\n"
    "print(pierrot.receive({ 'DOWN', ref })[5])\n"
    "while (pierrot.whereis 'thermometer' or first) == first do pierrot.yield() end\n"
    "print(gen_server.call('thermometer', 'get'))\n";

int main(void)
{
    pierrot_options options;
    pierrot *rt;
    pierrot_options_init(&options);
    options.functions = functions;
    int error = pierrot_new(&options, &rt);
    if (!error) {
        error = pierrot_run_string(rt, script, "=actor");
        pierrot_stop(rt, 1000);
        pierrot_free(rt);
    }
    if (error)
        fprintf(stderr, "%s\n", pierrot_strerror(error));
    return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
