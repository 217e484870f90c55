/* SPDX-License-Identifier: MIT
 *
 * A connection. Its Lua client is lua/pierrot/tcp.lua, which checks the arguments.
 *
 *   arg {owner =, and the options}, to be connected; or that of pr_tcp_accepted
 *   {"connect", host, port, ip [, timeout]}   true; else the actor ends
 *   {"recv", n [, timeout]}                   a string
 *   {"send", string}                          true
 *   {"shutdown", how}                         true
 *   {"sockname"}, {"peername"}                {ip, port}
 *   {"setopts", table}                        true
 *   {"begin_hand_over"}                       true: nothing is delivered from now on; {"not_owner"}
 *   {"hand_over", pid}                        true: it is delivered to that process
 *   {"close"}                                 true, when all has gone out
 *
 * A failure is answered {reason}. The owner of an active socket gets {"tcp", socket, data},
 * {"tcp_closed", socket}, {"tcp_error", socket, reason} and {"tcp_passive", socket}. */
#include "actor/tcp_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "actor/behaviour.h"
#include "pierrot_actors.h"

/* As OTP: a socket that closes is given up when nothing goes out for so long. */
#define LINGER_MS 5000.0

/* The counts that setopts takes, as OTP's. */
enum { ACTIVE_MIN = -32768, ACTIVE_MAX = 32767 };

/* ---------------------------------------------------------------------- the descriptor */

int pr_stream_watch(struct pr_stream *stream)
{
    int events = pr_stream_wants_input(stream) ? PR_READABLE : 0;
    if (stream->output.head)
        events |= PR_WRITABLE;
    return pr_watch_set(stream->socket.watch, events);
}

int pr_stream_on_event(pierrot_context *ctx, void *state, int events)
{
    struct pr_stream *stream = state;
    int result = PIERROT_OK;
    if (!stream->socket.watch)
        return PIERROT_OK;
    if (stream->stage == PR_OPENING)
        return pr_stream_decide(ctx, stream);
    if (events & PR_WRITABLE)
        result = pr_stream_write(ctx, stream);
    if (result == PIERROT_OK && events & PR_READABLE && stream->stage == PR_CONNECTED)
        result = pr_stream_read(ctx, stream);
    if (result == PIERROT_OK)
        result = pr_stream_watch(stream);
    return result;
}

void pr_stream_set_nodelay(struct pr_stream *stream)
{
    if (stream->socket.watch && stream->socket.options.is_nodelay != stream->is_nodelay)
        (void)pr_socket_set(pr_watch_fd(stream->socket.watch), IPPROTO_TCP, TCP_NODELAY,
                            stream->socket.options.is_nodelay);
    stream->is_nodelay = stream->socket.options.is_nodelay;
}

/* ------------------------------------------------------------------------------ closing */

static int look_after(pierrot_context *ctx, struct pr_stream *stream)
{
    pierrot_ref timer;
    stream->n_written_before = stream->output.n_written;
    return pierrot_send_after(ctx, LINGER_MS, pr_tuple(1, pr_string("linger")), &timer);
}

static int begin_closing(pierrot_context *ctx, struct pr_stream *stream)
{
    int was_connected = stream->stage == PR_CONNECTED;
    stream->stage = PR_CLOSING;
    pr_input_clear(pierrot_runtime(ctx), &stream->input);
    pr_waiters_fail(ctx, &stream->connectors, PR_CLOSED);
    pr_waiters_fail(ctx, &stream->readers, PR_CLOSED);
    return was_connected && stream->output.head ? look_after(ctx, stream) : PIERROT_OK;
}

/* The descriptor is free before anybody hears of it. */
int pr_stream_close(pierrot_context *ctx, struct pr_stream *stream)
{
    int error = stream->stage == PR_CLOSING ? 0 : begin_closing(ctx, stream);
    if (!error && stream->output.head)
        return pr_stream_watch(stream);
    pr_tcp_close(&stream->socket);
    while (pr_waiters_first(ctx, &stream->closers))
        (void)pr_waiters_answer(ctx, &stream->closers, pierrot_bool(1));
    return error ? error : PIERROT_STOP;
}

static int close_it(const struct pr_stream_turn *turn)
{
    if (!pr_waiters_add(turn->ctx, &turn->stream->closers, turn->from, PR_FOR_EVER))
        return PIERROT_ENOMEM;
    return pr_stream_close(turn->ctx, turn->stream);
}

static int check_progress(pierrot_context *ctx, struct pr_stream *stream)
{
    if (stream->output.n_written != stream->n_written_before)
        return look_after(ctx, stream);
    pr_stream_end_output(ctx, stream, PR_CLOSED);
    return pr_stream_close(ctx, stream);
}

/* {"shutdown", "read" | "write" | "read_write"} */
static int shut(const struct pr_stream_turn *turn)
{
    struct pr_stream *stream = turn->stream;
    const pierrot_term *how = pierrot_table_at(turn->request, 2);
    if (stream->stage != PR_CONNECTED)
        return pr_answer_reason(turn->from, stream->stage == PR_OPENING ? "enotconn" : "closed");
    if (!pierrot_is_string(how, "read"))
        pr_stream_shut(turn->ctx, stream);
    (void)pr_answer_true(turn->from);
    if (pierrot_is_string(how, "write"))
        return pr_stream_watch(stream);
    (void)pr_socket_shutdown(pr_watch_fd(stream->socket.watch), SHUT_RD);
    pr_input_clear(pierrot_runtime(turn->ctx), &stream->input);
    return pr_stream_end_input(turn->ctx, stream, PR_CLOSED);
}

/* ----------------------------------------------------------------------------- options */

/* As OTP: counts add up; at 0 or below the socket is passive, and says so. */
static int add_count(const struct pr_stream_turn *turn, int added)
{
    struct pr_active *active = &turn->stream->socket.options.active;
    int sum = (active->mode == PR_COUNTED ? active->n_left : 0) + added;
    if (sum > ACTIVE_MAX || sum < ACTIVE_MIN)
        return PIERROT_EINVAL;
    *active = (struct pr_active){sum > 0 ? PR_COUNTED : PR_PASSIVE, sum};
    if (sum > 0)
        return 0;
    pierrot_term *message =
        pr_tuple(2, pr_string("tcp_passive"), pierrot_socket_term(pierrot_self(turn->ctx)));
    return pierrot_send(pierrot_runtime(turn->ctx), turn->stream->socket.owner, message);
}

static int setopts(const struct pr_stream_turn *turn)
{
    struct pr_stream *stream = turn->stream;
    struct pr_tcp_options *options = &stream->socket.options;
    const pierrot_term *table = pierrot_table_at(turn->request, 2);
    const pierrot_term *active = pierrot_table_field(table, "active");
    struct pr_active old = options->active;
    if (stream->stage == PR_CLOSING)
        return pr_answer_reason(turn->from, "closed");
    pr_tcp_options_read(options, table);
    if (pierrot_term_type(active) == PIERROT_INT) {
        options->active = old;
        if (add_count(turn, (int)pierrot_as_int(active)) != 0)
            return pr_answer_reason(turn->from, "einval");
    }
    stream->input.scanned = 0;
    pr_stream_set_nodelay(stream);
    (void)pr_answer_true(turn->from);
    return pr_stream_deliver(turn->ctx, stream);
}

/* ------------------------------------------------------------------------------- owner */

static int is_owner(const struct pr_stream_turn *turn)
{
    return turn->from.pid.id == turn->stream->socket.owner.id;
}

static int begin_hand_over(const struct pr_stream_turn *turn)
{
    if (!is_owner(turn))
        return pr_answer_reason(turn->from, "not_owner");
    turn->stream->is_held = 1;
    return pr_answer_true(turn->from);
}

static int hand_over(const struct pr_stream_turn *turn)
{
    pierrot_pid owner = pierrot_as_pid(pierrot_table_at(turn->request, 2));
    if (!is_owner(turn))
        return pr_answer_reason(turn->from, "not_owner");
    int error = pr_tcp_own(turn->ctx, &turn->stream->socket, owner);
    turn->stream->is_held = 0;
    (void)(error ? pr_answer_error(turn->from, error) : pr_answer_true(turn->from));
    return pr_stream_deliver(turn->ctx, turn->stream);
}

/* ---------------------------------------------------------------------------- requests */

static int sockname(const struct pr_stream_turn *turn)
{
    return pr_tcp_answer_sockname(&turn->stream->socket, turn->from);
}

static int peername(const struct pr_stream_turn *turn)
{
    return pr_tcp_answer_peername(&turn->stream->socket, turn->from);
}

static int accept_one(const struct pr_stream_turn *turn)
{
    return pr_answer_reason(turn->from, "einval");
}

static const struct {
    const char *tag;
    int (*run)(const struct pr_stream_turn *turn);
} requests[] = {
    {"recv", pr_stream_recv}, {"send", pr_stream_send},       {"setopts", setopts},
    {"close", close_it},      {"connect", pr_stream_connect}, {"shutdown", shut},
    {"sockname", sockname},   {"peername", peername},         {"begin_hand_over", begin_hand_over},
    {"hand_over", hand_over}, {"accept", accept_one},
};

/* --------------------------------------------------------------------------- callbacks */

/* {"accepted", fd, owner, options} */
static int init_accepted(pierrot_context *ctx, struct pr_stream *stream, const pierrot_term *arg)
{
    struct pr_tcp_socket *socket = &stream->socket;
    int fd = (int)pierrot_as_int(pierrot_table_at(arg, 2));
    pr_tcp_options_unpack(&socket->options, pierrot_table_at(arg, 4));
    stream->stage = PR_CONNECTED;
    int error = pr_tcp_own(ctx, socket, pierrot_as_pid(pierrot_table_at(arg, 3)));
    if (!error)
        error = pr_watch_open(ctx, fd, pr_stream_on_event, &socket->watch);
    if (error)
        return PIERROT_ENOMEM; /* the listener has fd still */
    pr_stream_set_nodelay(stream);
    return pr_stream_watch(stream);
}

static int init(pierrot_context *ctx, void *state, const pierrot_term *arg)
{
    struct pr_stream *stream = state;
    if (pr_is_tagged(arg, "accepted"))
        return init_accepted(ctx, stream, arg);
    pr_tcp_options_init(&stream->socket.options);
    pr_tcp_options_read(&stream->socket.options, arg);
    int error = pr_tcp_own(ctx, &stream->socket, pierrot_as_pid(pierrot_table_field(arg, "owner")));
    return error ? pr_tcp_refuse(ctx, error) : PIERROT_OK;
}

static int handle_call(pierrot_context *ctx, void *state, const pierrot_term *request,
                       pierrot_from from)
{
    struct pr_stream_turn turn = {ctx, state, request, from};
    const pierrot_term *tag = pierrot_table_at(request, 1);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        if (pierrot_is_string(tag, requests[i].tag))
            return requests[i].run(&turn);
    }
    return pr_bad_call(ctx, request);
}

static int expire(pierrot_context *ctx, struct pr_stream *stream, const pierrot_term *message)
{
    if (pr_waiters_expire(ctx, &stream->connectors, message))
        return PIERROT_STOP;
    if (pr_waiters_expire(ctx, &stream->readers, message))
        return pr_stream_deliver(ctx, stream);
    (void)pr_waiters_expire(ctx, &stream->senders, message);
    return PIERROT_OK;
}

static int handle_info(pierrot_context *ctx, void *state, const pierrot_term *message)
{
    struct pr_stream *stream = state;
    if (pr_tcp_is_end_of_owner(&stream->socket, message))
        return pr_stream_close(ctx, stream);
    if (pr_is_tagged(message, "timeout"))
        return expire(ctx, stream, message);
    if (pr_is_tagged(message, "linger"))
        return stream->stage == PR_CLOSING ? check_progress(ctx, stream) : PIERROT_OK;
    pr_drop_message(ctx, "tcp_stream", message);
    return PIERROT_OK;
}

static void terminate(pierrot_context *ctx, void *state, const pierrot_term *reason)
{
    struct pr_stream *stream = state;
    pierrot *rt = pierrot_runtime(ctx);
    (void)reason;
    pr_tcp_close(&stream->socket);
    pr_connecting_free(rt, stream);
    pr_input_clear(rt, &stream->input);
    pr_output_clear(rt, &stream->output);
    pr_waiters_clear(ctx, &stream->connectors);
    pr_waiters_clear(ctx, &stream->readers);
    pr_waiters_clear(ctx, &stream->senders);
    pr_waiters_clear(ctx, &stream->closers);
}

const pierrot_behaviour *pierrot_tcp_stream_behaviour(void)
{
    static const pierrot_behaviour behaviour = {.size = sizeof behaviour,
                                                .name = "tcp_stream",
                                                .state_size = sizeof(struct pr_stream),
                                                .init = init,
                                                .handle_call = handle_call,
                                                .handle_info = handle_info,
                                                .terminate = terminate};
    return &behaviour;
}
