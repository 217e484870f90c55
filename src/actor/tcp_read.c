/* SPDX-License-Identifier: MIT
 *
 * What comes in. Some is read ahead, so that an end is noticed and a reader seldom waits; beyond
 * that, what nobody takes stays with the system, which makes the other side wait. */
#include "actor/behaviour.h"
#include "actor/tcp_stream.h"

/* What is read before anybody asks for it. */
#define READ_AHEAD ((size_t)65536)

/* Longest line, and longest packet, where the user gave no `buffer`. */
#define LINE_MAX_DEFAULT   ((size_t)1 << 20)
#define PACKET_MAX_DEFAULT ((size_t)64 << 20)

static struct pr_packet_rule rule_of(const struct pr_stream *stream, const struct pr_waiter *reader)
{
    const struct pr_tcp_options *options = &stream->socket.options;
    struct pr_packet_rule rule = {.mode = options->packet, .max = (size_t)options->buffer};
    if (rule.max == 0)
        rule.max = rule.mode == PR_PACKET_LINE ? LINE_MAX_DEFAULT : PACKET_MAX_DEFAULT;
    if (reader && rule.mode == PR_PACKET_RAW)
        rule.wanted = reader->wanted;
    return rule;
}

/* -------------------------------------------------------------------------- the owner */

static int tell_owner(pierrot_context *ctx, const struct pr_stream *stream, const char *tag,
                      pierrot_term *item)
{
    pierrot_term *socket = pierrot_socket_term(pierrot_self(ctx));
    pierrot_term *message =
        item ? pr_tuple(3, pr_string(tag), socket, item) : pr_tuple(2, pr_string(tag), socket);
    return pierrot_send(pierrot_runtime(ctx), stream->socket.owner, message);
}

/* After a packet to the owner: how many more it gets. */
static int count_down(pierrot_context *ctx, struct pr_stream *stream)
{
    struct pr_active *active = &stream->socket.options.active;
    if (active->mode == PR_ONCE)
        active->mode = PR_PASSIVE;
    if (active->mode != PR_COUNTED || --active->n_left > 0)
        return PIERROT_OK;
    active->mode = PR_PASSIVE;
    return tell_owner(ctx, stream, "tcp_passive", NULL);
}

static int send_packet(pierrot_context *ctx, struct pr_stream *stream,
                       const struct pr_packet *packet)
{
    pierrot_term *data = pierrot_string(packet->bytes, packet->len);
    int error = data ? tell_owner(ctx, stream, "tcp", data) : PIERROT_ENOMEM;
    return error ? error : count_down(ctx, stream);
}

/* ------------------------------------------------------------------------------ ends */

/* As OTP's: a socket that is active when it ends closes. */
static int tell_end(pierrot_context *ctx, struct pr_stream *stream)
{
    int error = 0;
    if (!pr_error_is_end(stream->input_error))
        error = tell_owner(ctx, stream, "tcp_error", pr_tcp_reason(stream->input_error));
    if (!error)
        error = tell_owner(ctx, stream, "tcp_closed", NULL);
    return error ? error : pr_stream_close(ctx, stream);
}

/* What is left cannot make a packet any more. */
static int deliver_end(pierrot_context *ctx, struct pr_stream *stream)
{
    if (pr_waiters_first(ctx, &stream->readers)) {
        pr_waiters_fail(ctx, &stream->readers, stream->input_error);
        stream->input_error = PR_CLOSED; /* the error was told */
    }
    if (stream->socket.options.active.mode != PR_PASSIVE)
        return tell_end(ctx, stream);
    return PIERROT_OK;
}

int pr_stream_end_input(pierrot_context *ctx, struct pr_stream *stream, int error)
{
    if (!stream->input_error)
        stream->input_error = error;
    return pr_stream_deliver(ctx, stream);
}

/* ---------------------------------------------------------------------------- packets */

/* Gives the first packet to who waits for it, else to the owner. 1: it did; 0: there is none, or
 * nobody to have it; or an error. */
static int deliver_one(pierrot_context *ctx, struct pr_stream *stream)
{
    struct pr_waiter *reader = pr_waiters_first(ctx, &stream->readers);
    struct pr_packet packet;
    int error;
    stream->n_needed = 0;
    if (stream->is_held || (!reader && stream->socket.options.active.mode == PR_PASSIVE))
        return 0;
    struct pr_packet_rule rule = rule_of(stream, reader);
    switch (pr_input_find(&stream->input, &rule, &packet)) {
    case PR_PACKET_READY:
        error = reader ? pr_waiters_answer(ctx, &stream->readers,
                                           pierrot_string(packet.bytes, packet.len))
                       : send_packet(ctx, stream, &packet);
        pr_input_take(pierrot_runtime(ctx), &stream->input, packet.total);
        return error ? error : 1;
    case PR_PACKET_TOO_LONG:
        pr_input_clear(pierrot_runtime(ctx), &stream->input);
        stream->input_error = PR_TOO_LONG;
        return 0;
    case PR_PACKET_NONE:
        stream->n_needed = packet.total;
        break;
    }
    return 0;
}

int pr_stream_deliver(pierrot_context *ctx, struct pr_stream *stream)
{
    int result;
    if (stream->stage != PR_CONNECTED)
        return PIERROT_OK;
    while ((result = deliver_one(ctx, stream)) > 0)
        ;
    if (result == 0 && stream->input_error && !stream->is_held)
        result = deliver_end(ctx, stream);
    if (result != PIERROT_OK || stream->stage != PR_CONNECTED)
        return result;
    return pr_stream_watch(stream);
}

int pr_stream_wants_input(const struct pr_stream *stream)
{
    size_t limit = stream->n_needed > READ_AHEAD ? stream->n_needed : READ_AHEAD;
    return stream->stage == PR_CONNECTED && !stream->input_error && stream->input.len < limit;
}

int pr_stream_read(pierrot_context *ctx, struct pr_stream *stream)
{
    if (!pr_stream_wants_input(stream))
        return PIERROT_OK;
    int fd = pr_watch_fd(stream->socket.watch);
    long n = pr_input_read(pierrot_runtime(ctx), &stream->input, fd);
    if (n == PIERROT_ENOMEM)
        return PIERROT_ENOMEM;
    if (n < 0 && pr_error_is_again((int)n))
        return PIERROT_OK;
    if (n <= 0)
        return pr_stream_end_input(ctx, stream, n == 0 ? PR_CLOSED : (int)n);
    return pr_stream_deliver(ctx, stream);
}

/* ---------------------------------------------------------------------------- {"recv"} */

int pr_stream_recv(const struct pr_stream_turn *turn)
{
    struct pr_stream *stream = turn->stream;
    int64_t wanted = pierrot_as_int(pierrot_table_at(turn->request, 2));
    if (stream->stage != PR_CONNECTED)
        return pr_answer_reason(turn->from, stream->stage == PR_OPENING ? "enotconn" : "closed");
    if (stream->socket.options.active.mode != PR_PASSIVE)
        return pr_answer_reason(turn->from, "einval");
    if (wanted < 0 || (uint64_t)wanted > PACKET_MAX_DEFAULT)
        return pr_answer_reason(turn->from, "enomem");
    struct pr_waiter *reader =
        pr_waiters_add(turn->ctx, &stream->readers, turn->from, pr_timeout_at(turn->request, 3));
    if (!reader)
        return pr_answer_error(turn->from, PIERROT_ENOMEM);
    reader->wanted = (size_t)wanted;
    return pr_stream_deliver(turn->ctx, stream);
}
