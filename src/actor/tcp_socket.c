/* SPDX-License-Identifier: MIT */
#include "actor/tcp_socket.h"

#include <string.h>
#include <unistd.h>

#include "actor/behaviour.h"
#include "actor/tcp_input.h"
#include "actor/tcp_waiters.h"

/* ----------------------------------------------------------------------------- options */

void pr_tcp_options_init(struct pr_tcp_options *options)
{
    *options = (struct pr_tcp_options){.packet = PR_PACKET_RAW, .send_timeout_ms = PR_FOR_EVER};
}

static struct pr_active read_active(const pierrot_term *term)
{
    if (pierrot_term_type(term) == PIERROT_INT)
        return (struct pr_active){PR_COUNTED, (int)pierrot_as_int(term)};
    if (pierrot_is_string(term, "once"))
        return (struct pr_active){PR_ONCE, 0};
    return (struct pr_active){pierrot_as_bool(term) ? PR_ACTIVE : PR_PASSIVE, 0};
}

static int read_packet(const pierrot_term *term)
{
    if (pierrot_is_string(term, "line"))
        return PR_PACKET_LINE;
    switch (pierrot_as_int(term)) {
    case 1:
        return 1;
    case 2:
        return 2;
    case 4:
        return 4;
    default:
        return PR_PACKET_RAW;
    }
}

void pr_tcp_options_read(struct pr_tcp_options *options, const pierrot_term *table)
{
    const pierrot_term *value;
    if ((value = pierrot_table_field(table, "packet")) != NULL)
        options->packet = read_packet(value);
    if ((value = pierrot_table_field(table, "active")) != NULL)
        options->active = read_active(value);
    if ((value = pierrot_table_field(table, "nodelay")) != NULL)
        options->is_nodelay = pierrot_as_bool(value);
    if ((value = pierrot_table_field(table, "buffer")) != NULL)
        options->buffer = pierrot_as_int(value);
    if ((value = pierrot_table_field(table, "send_timeout")) != NULL)
        options->send_timeout_ms =
            pierrot_is_string(value, "infinity") ? PR_FOR_EVER : pierrot_as_number(value);
}

pierrot_term *pr_tcp_options_pack(const struct pr_tcp_options *options)
{
    return pierrot_string((const char *)options, sizeof *options);
}

void pr_tcp_options_unpack(struct pr_tcp_options *options, const pierrot_term *packed)
{
    size_t len;
    const char *bytes = pierrot_as_string(packed, &len);
    pr_tcp_options_init(options);
    if (len == sizeof *options)
        memcpy(options, bytes, len);
}

/* ------------------------------------------------------------------------------- owner */

int pr_tcp_own(pierrot_context *ctx, struct pr_tcp_socket *socket, pierrot_pid owner)
{
    pierrot_ref ref;
    if (socket->owner.id == owner.id)
        return 0;
    pierrot_stops_itself(ctx);
    int error = pierrot_monitor(ctx, owner, &ref);
    if (error)
        return error;
    if (socket->owner_ref.id)
        (void)pierrot_demonitor(ctx, socket->owner_ref);
    socket->owner = owner;
    socket->owner_ref = ref;
    return 0;
}

int pr_tcp_is_end_of_owner(const struct pr_tcp_socket *socket, const pierrot_term *message)
{
    return pr_is_tagged(message, "DOWN") &&
           pierrot_as_ref(pierrot_table_at(message, 2)).id == socket->owner_ref.id;
}

/* ------------------------------------------------------------------------------- names */

static int answer_name(const struct pr_tcp_socket *socket, pierrot_from from,
                       pierrot_term *(*ask)(int, int *))
{
    int error = 0;
    if (!socket->watch)
        return pr_answer_reason(from, "enotconn");
    pierrot_term *name = ask(pr_watch_fd(socket->watch), &error);
    return name ? pierrot_reply(from, name) : pr_answer_error(from, error);
}

int pr_tcp_answer_sockname(const struct pr_tcp_socket *socket, pierrot_from from)
{
    return answer_name(socket, from, pr_address_local);
}

int pr_tcp_answer_peername(const struct pr_tcp_socket *socket, pierrot_from from)
{
    return answer_name(socket, from, pr_address_peer);
}

/* ---------------------------------------------------------------------- the descriptor */

int pr_tcp_refuse(pierrot_context *ctx, int error)
{
    int failed = pierrot_stop_reason(ctx, pr_tuple(2, pr_string("shutdown"), pr_tcp_reason(error)));
    return failed ? failed : PIERROT_STOP;
}

int pr_tcp_open(pierrot_context *ctx, struct pr_tcp_socket *socket,
                const struct pr_address *address, pr_watch_fn fn)
{
    int fd = pr_socket_open(address);
    if (fd < 0)
        return fd;
    int error = pr_watch_open(ctx, fd, fn, &socket->watch);
    if (error)
        close(fd);
    return error;
}

void pr_tcp_close(struct pr_tcp_socket *socket)
{
    pr_watch_close(socket->watch);
    socket->watch = NULL;
}

pierrot_term *pr_tcp_accepted(int fd, pierrot_pid owner, const struct pr_tcp_options *options)
{
    return pr_tuple(4, pr_string("accepted"), pierrot_int(fd), pierrot_pid_term(owner),
                    pr_tcp_options_pack(options));
}
