/* SPDX-License-Identifier: MIT
 *
 * What goes out. The system takes what it has room for; the rest waits here, and when that is much,
 * so does who sent it. Data of a sender that must wait longer than `send_timeout` is dropped when
 * none of it went out yet. */
#include <sys/socket.h>

#include "actor/behaviour.h"
#include "actor/tcp_stream.h"

/* A sender waits when more than HIGH waits already, or would, until no more than LOW does. */
#define OUTPUT_HIGH ((size_t)65536)
#define OUTPUT_LOW  ((size_t)16384)

/* ------------------------------------------------------------------------------- room */

/* Those who waited longest have their turn first: their data goes into the queue, or is out. */
static void let_go_on(pierrot_context *ctx, struct pr_stream *stream)
{
    struct pr_waiter *sender;
    while ((sender = pr_waiters_first(ctx, &stream->senders)) != NULL) {
        if (!sender->piece && stream->output.n_bytes > OUTPUT_LOW)
            return;
        if (!sender->piece) {
            (void)pr_waiters_answer(ctx, &stream->senders, pierrot_bool(1));
            continue;
        }
        if (stream->output.n_bytes > OUTPUT_HIGH)
            return;
        pr_output_add(&stream->output, sender->piece);
        sender->piece = NULL;
    }
}

static int is_all_sent(const struct pr_stream *stream)
{
    return !stream->output.head && !stream->senders.head;
}

static void shut_when_sent(struct pr_stream *stream)
{
    if (!stream->shuts_when_sent || !is_all_sent(stream))
        return;
    stream->shuts_when_sent = 0;
    (void)pr_socket_shutdown(pr_watch_fd(stream->socket.watch), SHUT_WR);
}

void pr_stream_end_output(pierrot_context *ctx, struct pr_stream *stream, int error)
{
    stream->is_shut = 1;
    stream->shuts_when_sent = 0;
    pr_output_clear(pierrot_runtime(ctx), &stream->output);
    pr_waiters_fail(ctx, &stream->senders, error);
}

int pr_stream_write(pierrot_context *ctx, struct pr_stream *stream)
{
    int fd = pr_watch_fd(stream->socket.watch), error = 0;
    size_t before;
    do {
        error = pr_output_write(pierrot_runtime(ctx), &stream->output, fd);
        if (error) {
            pr_stream_end_output(ctx, stream, error);
            break;
        }
        before = stream->output.n_bytes;
        let_go_on(ctx, stream);
    } while (before == 0 && stream->output.head);
    shut_when_sent(stream);
    if (stream->stage == PR_CLOSING)
        return pr_stream_close(ctx, stream);
    return pr_stream_watch(stream);
}

void pr_stream_shut(pierrot_context *ctx, struct pr_stream *stream)
{
    (void)ctx;
    if (stream->is_shut)
        return;
    stream->is_shut = stream->shuts_when_sent = 1;
    shut_when_sent(stream);
}

/* ---------------------------------------------------------------------------- {"send"} */

/* The sender waits for room, with what did not go out yet, or for what it has in the queue. */
static int make_wait(const struct pr_stream_turn *turn, struct pr_rest *piece)
{
    struct pr_stream *stream = turn->stream;
    struct pr_waiter *sender = pr_waiters_add(turn->ctx, &stream->senders, turn->from,
                                              stream->socket.options.send_timeout_ms);
    if (!sender) {
        pr_rest_free(pierrot_runtime(turn->ctx), piece);
        return pr_answer_error(turn->from, PIERROT_ENOMEM);
    }
    sender->piece = piece;
    return pr_stream_watch(stream);
}

/* What the system did not take. */
static int send_later(const struct pr_stream_turn *turn, const struct pr_parcel *parcel,
                      size_t done)
{
    struct pr_stream *stream = turn->stream;
    struct pr_rest *piece = pr_rest_new(pierrot_runtime(turn->ctx), parcel, done);
    if (!piece && done > 0)
        return PIERROT_ENOMEM; /* half a packet is out: nothing may follow */
    if (!piece)
        return pr_answer_error(turn->from, PIERROT_ENOMEM);
    if (stream->senders.head || stream->output.n_bytes > OUTPUT_HIGH)
        return make_wait(turn, piece);
    pr_output_add(&stream->output, piece);
    if (stream->output.n_bytes > OUTPUT_HIGH)
        return make_wait(turn, NULL);
    int error = pr_stream_watch(stream);
    return error ? error : pr_answer_true(turn->from);
}

int pr_stream_send(const struct pr_stream_turn *turn)
{
    struct pr_stream *stream = turn->stream;
    struct pr_parcel parcel;
    long done = 0;
    if (stream->stage == PR_OPENING)
        return pr_answer_reason(turn->from, "enotconn");
    if (stream->stage == PR_CLOSING || stream->is_shut)
        return pr_answer_reason(turn->from, "closed");
    parcel.bytes = pierrot_as_string(pierrot_table_at(turn->request, 2), &parcel.len);
    int header = pr_packet_header(stream->socket.options.packet, parcel.len, parcel.header);
    if (header < 0)
        return pr_answer_reason(turn->from, "emsgsize");
    parcel.header_len = (size_t)header;
    if (parcel.header_len + parcel.len == 0)
        return pr_answer_true(turn->from);
    if (is_all_sent(stream))
        done = pr_output_try(&stream->output, pr_watch_fd(stream->socket.watch), &parcel);
    if (done < 0) {
        pr_stream_end_output(turn->ctx, stream, (int)done);
        return pr_answer_error(turn->from, (int)done);
    }
    if ((size_t)done < parcel.header_len + parcel.len)
        return send_later(turn, &parcel, (size_t)done);
    return pr_answer_true(turn->from);
}
