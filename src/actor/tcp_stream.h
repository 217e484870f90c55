/* SPDX-License-Identifier: MIT
 *
 * The state of the actor that holds a connection; the files tcp_connect, tcp_read and tcp_write
 * each do a part of what it does, tcp_stream the rest. */
#ifndef PR_TCP_STREAM_H
#define PR_TCP_STREAM_H

#include "actor/tcp_input.h"
#include "actor/tcp_output.h"
#include "actor/tcp_resolve.h"
#include "actor/tcp_socket.h"
#include "actor/tcp_waiters.h"

/*   OPENING -> CONNECTED -> CLOSING -> the actor ends
 *      |                       what was sent goes out first
 *      +-> the actor ends */
enum pr_stream_stage { PR_OPENING, PR_CONNECTED, PR_CLOSING };

/* What is under way while OPENING. */
struct pr_connecting {
    struct pr_addresses addresses;
    int next; /* address to try */
    int last_error;
    int has_local; /* an address to connect from */
    struct pr_address local;
    struct pr_resolution *resolution; /* owned, or NULL */
};

struct pr_stream {
    struct pr_tcp_socket socket; /* first */
    int stage;
    int is_nodelay;                   /* of the descriptor */
    struct pr_connecting *connecting; /* owned; NULL: not OPENING, or not asked to yet */
    struct pr_waiters connectors;     /* one at most */

    struct pr_input input;
    struct pr_waiters readers; /* wait for data; passive only */
    size_t n_needed;           /* input is read up to here, or to what is read ahead */
    int input_error;           /* 0: more may come; how it ended */
    int is_held;               /* nothing is delivered: the owner changes */

    struct pr_output output;
    struct pr_waiters senders; /* wait for room */
    int is_shut;               /* nothing may be sent any more */
    int shuts_when_sent;       /* the other side is told when all has gone out */

    struct pr_waiters closers;
    uint64_t n_written_before; /* when it was last seen how closing gets on */
};

/* One call. */
struct pr_stream_turn {
    pierrot_context *ctx;
    struct pr_stream *stream;
    const pierrot_term *request;
    pierrot_from from;
};

/* All functions that return an int return what the callback of the actor does. */

/* ---- tcp_connect ---- */

int pr_stream_connect(const struct pr_stream_turn *turn);

/* Whether it was connected, or was not. */
int pr_stream_decide(pierrot_context *ctx, struct pr_stream *stream);

void pr_connecting_free(pierrot *rt, struct pr_stream *stream);

/* ---- tcp_read ---- */

int pr_stream_recv(const struct pr_stream_turn *turn);

/* The system has something, or the end. */
int pr_stream_read(pierrot_context *ctx, struct pr_stream *stream);

/* No more is read; who waits, and the owner of an active socket, hear why. */
int pr_stream_end_input(pierrot_context *ctx, struct pr_stream *stream, int error);

/* Delivers what is there to whom it is for, and sees to what is watched for. */
int pr_stream_deliver(pierrot_context *ctx, struct pr_stream *stream);

/* Whether more is to be read now. */
int pr_stream_wants_input(const struct pr_stream *stream);

/* ---- tcp_write ---- */

int pr_stream_send(const struct pr_stream_turn *turn);

int pr_stream_write(pierrot_context *ctx, struct pr_stream *stream);

/* Nothing more goes out: what waits to is dropped. */
void pr_stream_end_output(pierrot_context *ctx, struct pr_stream *stream, int error);

/* The other side is told that no more comes, when all has gone out. */
void pr_stream_shut(pierrot_context *ctx, struct pr_stream *stream);

/* ---- tcp_stream ---- */

/* What is watched for follows from the state. */
int pr_stream_watch(struct pr_stream *stream);

/* Callback of the descriptor. */
int pr_stream_on_event(pierrot_context *ctx, void *state, int events);

/* The option takes effect. */
void pr_stream_set_nodelay(struct pr_stream *stream);

/* Ends the actor when all has gone out. */
int pr_stream_close(pierrot_context *ctx, struct pr_stream *stream);

#endif
