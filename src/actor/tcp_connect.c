/* SPDX-License-Identifier: MIT
 *
 * Connecting: the addresses of the host are tried one after the other. */
#include <errno.h>
#include <string.h>

#include "actor/behaviour.h"
#include "actor/tcp_stream.h"

void pr_connecting_free(pierrot *rt, struct pr_stream *stream)
{
    if (!stream->connecting)
        return;
    pr_resolve_forget(stream->connecting->resolution);
    pierrot_shared_free(rt, stream->connecting, sizeof *stream->connecting);
    stream->connecting = NULL;
}

static int fail(pierrot_context *ctx, struct pr_stream *stream, int error)
{
    pr_tcp_close(&stream->socket);
    pr_waiters_fail(ctx, &stream->connectors, error);
    return PIERROT_STOP;
}

static int succeed(pierrot_context *ctx, struct pr_stream *stream)
{
    pr_connecting_free(pierrot_runtime(ctx), stream);
    stream->stage = PR_CONNECTED;
    if (pr_waiters_first(ctx, &stream->connectors))
        (void)pr_waiters_answer(ctx, &stream->connectors, pierrot_bool(1));
    return pr_stream_deliver(ctx, stream);
}

/* 0: connected; 1: it is being decided; or an error. */
static int try_one(pierrot_context *ctx, struct pr_stream *stream, const struct pr_address *address)
{
    const struct pr_connecting *connecting = stream->connecting;
    int error = pr_tcp_open(ctx, &stream->socket, address, pr_stream_on_event);
    if (error)
        return error;
    int fd = pr_watch_fd(stream->socket.watch);
    stream->is_nodelay = 0;
    pr_stream_set_nodelay(stream);
    if (connecting->has_local && connecting->local.storage.ss_family == address->storage.ss_family)
        error = pr_socket_bind(fd, &connecting->local);
    if (!error)
        error = pr_socket_connect(fd, address);
    if (error == -EINPROGRESS) {
        error = pr_watch_set(stream->socket.watch, PR_WRITABLE);
        if (!error)
            return 1;
    }
    if (error)
        pr_tcp_close(&stream->socket);
    return error;
}

static int try_next(pierrot_context *ctx, struct pr_stream *stream)
{
    struct pr_connecting *connecting = stream->connecting;
    while (connecting->next < connecting->addresses.n) {
        int error = try_one(ctx, stream, &connecting->addresses.list[connecting->next++]);
        if (error > 0)
            return PIERROT_OK;
        if (error == 0)
            return succeed(ctx, stream);
        connecting->last_error = error;
    }
    return fail(ctx, stream, connecting->last_error);
}

int pr_stream_decide(pierrot_context *ctx, struct pr_stream *stream)
{
    int error = pr_socket_error(pr_watch_fd(stream->socket.watch));
    if (!error)
        return succeed(ctx, stream);
    stream->connecting->last_error = error;
    pr_tcp_close(&stream->socket);
    return try_next(ctx, stream);
}

static int on_resolved(pierrot_context *ctx, void *state, const struct pr_addresses *addresses)
{
    struct pr_stream *stream = state;
    if (addresses->error)
        return fail(ctx, stream, addresses->error);
    stream->connecting->addresses = *addresses;
    return try_next(ctx, stream);
}

/* ------------------------------------------------------------------------- {"connect"} */

/* {"connect", host, port, ip to connect from or "", timeout} */
static int begin(const struct pr_stream_turn *turn, struct pr_connecting *connecting)
{
    const char *host = pierrot_as_string(pierrot_table_at(turn->request, 2), NULL);
    int port = (int)pierrot_as_int(pierrot_table_at(turn->request, 3));
    const char *local = pierrot_as_string(pierrot_table_at(turn->request, 4), NULL);
    if (*local && pr_address_parse(local, 0, &connecting->local) != 0)
        return fail(turn->ctx, turn->stream, PR_BAD_ADDRESS);
    connecting->has_local = *local != 0;
    if (pr_address_parse(host, port, &connecting->addresses.list[0]) == 0) {
        connecting->addresses.n = 1;
        return try_next(turn->ctx, turn->stream);
    }
    int error = pr_resolve(turn->ctx, host, port, on_resolved, &connecting->resolution);
    return error ? fail(turn->ctx, turn->stream, error) : PIERROT_OK;
}

int pr_stream_connect(const struct pr_stream_turn *turn)
{
    struct pr_stream *stream = turn->stream;
    pierrot *rt = pierrot_runtime(turn->ctx);
    if (stream->stage != PR_OPENING || stream->connecting)
        return pr_answer_reason(turn->from, "eisconn");
    stream->connecting = pierrot_shared_alloc(rt, sizeof *stream->connecting);
    if (stream->connecting)
        memset(stream->connecting, 0, sizeof *stream->connecting);
    struct pr_waiter *caller = stream->connecting
                                   ? pr_waiters_add(turn->ctx, &stream->connectors, turn->from,
                                                    pr_timeout_at(turn->request, 5))
                                   : NULL;
    if (!caller) {
        (void)pr_answer_error(turn->from, PIERROT_ENOMEM);
        return PIERROT_STOP;
    }
    return begin(turn, stream->connecting);
}
