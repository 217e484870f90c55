/* SPDX-License-Identifier: MIT
 *
 * What a gen_server does is the same in Lua and in C: spec/fixtures/conduct.lua runs one table of
 * cases against a server written in Lua and against the one below, which does what that one does.
 * Each tells an observer what its callbacks get. */
#include "pierrot.h"
#include "test.h"

struct conduct {
    pierrot_pid observer;
    pierrot_term *value; /* the state that others see */
    pierrot_from waiting;
};

/* ------------------------------------------------------------------------- terms */

static pierrot_term *text(const char *s)
{
    return pierrot_string(s, strlen(s));
}

static const pierrot_term *second(const pierrot_term *request)
{
    return pierrot_table_at(request, 2);
}

static pierrot_term *copy_of(const pierrot_term *term)
{
    return term ? pierrot_term_copy(term) : pierrot_nil();
}

static int is_asked(const pierrot_term *request, const char *what)
{
    return pierrot_term_type(request) == PIERROT_TABLE &&
           pierrot_is_string(pierrot_table_at(request, 1), what);
}

/* {"event", name, value} for the observer. */
static void tell(pierrot_context *ctx, struct conduct *self, const char *name,
                 const pierrot_term *value)
{
    pierrot_term *event = pierrot_table();
    (void)pierrot_table_append(event, text("event"));
    (void)pierrot_table_append(event, text(name));
    (void)pierrot_table_append(event, copy_of(value));
    (void)pierrot_send(pierrot_runtime(ctx), self->observer, event);
}

static void set_value(struct conduct *self, const pierrot_term *value)
{
    pierrot_term_free(self->value);
    self->value = copy_of(value);
}

/* --------------------------------------------------------------------- callbacks */

static int stop_with(pierrot_context *ctx, const pierrot_term *reason)
{
    (void)pierrot_stop_reason(ctx, copy_of(reason));
    return PIERROT_STOP;
}

/* The actions that any callback may ask for. */
static int act(pierrot_context *ctx, struct conduct *self, const pierrot_term *request)
{
    if (is_asked(request, "set"))
        set_value(self, second(request));
    if (is_asked(request, "stop"))
        return stop_with(ctx, second(request));
    if (is_asked(request, "continue"))
        return pierrot_continue(ctx, copy_of(second(request)));
    if (is_asked(request, "timeout"))
        return pierrot_timeout(ctx, pierrot_as_number(second(request)));
    if (is_asked(request, "answer"))
        return pierrot_reply(self->waiting, copy_of(second(request)));
    return PIERROT_OK;
}

static int conduct_init(pierrot_context *ctx, void *state, const pierrot_term *arg)
{
    struct conduct *self = state;
    self->observer = pierrot_as_pid(pierrot_table_field(arg, "observer"));
    self->value = text("new");
    tell(ctx, self, "init", pierrot_table_field(arg, "how"));
    if (pierrot_table_field(arg, "traps"))
        (void)pierrot_trap_exit(ctx, 1);
    const pierrot_term *how = pierrot_table_field(arg, "how");
    if (pierrot_is_string(how, "ignore"))
        return PIERROT_IGNORE;
    return act(ctx, self, how ? how : arg);
}

static int conduct_call(pierrot_context *ctx, void *state, const pierrot_term *request,
                        pierrot_from from)
{
    struct conduct *self = state;
    tell(ctx, self, "call", request);
    self->waiting = from;
    if (is_asked(request, "silent"))
        return PIERROT_OK;
    if (is_asked(request, "stop silently"))
        return stop_with(ctx, second(request));
    (void)pierrot_reply(from, copy_of(second(request)));
    if (is_asked(request, "twice"))
        (void)pierrot_reply(from, text("again"));
    return act(ctx, self, request);
}

static int conduct_cast(pierrot_context *ctx, void *state, const pierrot_term *request)
{
    tell(ctx, state, "cast", request);
    return act(ctx, state, request);
}

static int conduct_info(pierrot_context *ctx, void *state, const pierrot_term *message)
{
    tell(ctx, state, "info", message);
    return act(ctx, state, message);
}

static int conduct_continue(pierrot_context *ctx, void *state, const pierrot_term *arg)
{
    tell(ctx, state, "continue", arg);
    return act(ctx, state, arg);
}

static void conduct_terminate(pierrot_context *ctx, void *state, const pierrot_term *reason)
{
    struct conduct *self = state;
    tell(ctx, self, "terminate", reason);
    pierrot_term_free(self->value);
    self->value = NULL;
}

static pierrot_term *conduct_inspect(pierrot_context *ctx, void *state)
{
    (void)ctx;
    return copy_of(((struct conduct *)state)->value);
}

static int conduct_replace(pierrot_context *ctx, void *state, const pierrot_term *new_state)
{
    (void)ctx;
    set_value(state, new_state);
    return PIERROT_OK;
}

static int conduct_change(pierrot_context *ctx, void *state, const pierrot_term *old_version,
                          const pierrot_term *extra)
{
    tell(ctx, state, "code_change", old_version);
    set_value(state, extra);
    return PIERROT_OK;
}

static const pierrot_behaviour conduct = {.size = sizeof conduct,
                                          .name = "conduct",
                                          .state_size = sizeof(struct conduct),
                                          .init = conduct_init,
                                          .handle_call = conduct_call,
                                          .handle_cast = conduct_cast,
                                          .handle_info = conduct_info,
                                          .handle_continue = conduct_continue,
                                          .terminate = conduct_terminate,
                                          .inspect = conduct_inspect,
                                          .replace = conduct_replace,
                                          .code_change = conduct_change};

/* With init alone. */
static int bare_init(pierrot_context *ctx, void *state, const pierrot_term *arg)
{
    (void)state;
    if (pierrot_is_string(pierrot_table_field(arg, "how"), "continue"))
        return pierrot_continue(ctx, text("x"));
    return PIERROT_OK;
}

static const pierrot_behaviour bare = {
    .size = sizeof bare, .name = "bare", .state_size = 1, .init = bare_init};

/* --------------------------------------------------------------------- the script */

/* start(is_bare, arg, options) on the caller's scheduler: the pid, or the text of the error. */
static int start(pierrot *rt, void *ud, const pierrot_term *args, pierrot_term **result)
{
    const pierrot_term *options = pierrot_table_at(args, 3);
    const pierrot_term *name = pierrot_table_field(options, "name");
    const pierrot_term *max_queue = pierrot_table_field(options, "max_queue");
    int is_bare = pierrot_as_bool(pierrot_table_at(args, 1));
    pierrot_spawn_options so;
    pierrot_pid pid;
    (void)ud;
    pierrot_spawn_options_init(&so);
    if (name)
        so.name = pierrot_as_string(name, &so.name_len);
    if (max_queue)
        so.max_queue = pierrot_as_int(max_queue);
    so.link = pierrot_table_field(options, "link") != NULL;
    int error = pierrot_spawn(rt, is_bare ? &bare : &conduct, copy_of(pierrot_table_at(args, 2)),
                              &so, &pid);
    *result = error ? text(pierrot_strerror(error)) : pierrot_pid_term(pid);
    return 0;
}

static const pierrot_function functions[] = {{"start", start, NULL}, {NULL, NULL, NULL}};

static void run_on(int n_schedulers)
{
    pierrot_options options;
    pierrot *rt = NULL;
    char script[] = "spec/fixtures/conduct.lua", *argv[] = {script, NULL};
    pierrot_options_init(&options);
    options.schedulers = n_schedulers;
    options.functions = functions;
    REQUIRE(pierrot_new(&options, &rt) == 0);
    CHECK_INT(pierrot_run_file(rt, script, 1, argv), 0);
    pierrot_free(rt);
}

TEST(a_server_in_c_conducts_itself_as_one_in_lua)
{
    run_on(1);
}

TEST(they_do_so_on_another_scheduler)
{
    run_on(2);
}
