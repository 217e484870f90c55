/* SPDX-License-Identifier: MIT
 *
 * A listening socket. Its Lua client is lua/pierrot/tcp.lua, which checks the arguments.
 *
 *   arg {ip =, port =, owner =, backlog =, reuseaddr =, and what its connections will have}
 *   {"accept" [, timeout]}     a socket, whose owner is the caller
 *   {"sockname"}               {ip, port}
 *   {"setopts", table}         true; for the connections to come
 *   {"begin_hand_over"}        true, or {"not_owner"}
 *   {"hand_over", pid}         true: it is the process's from now on
 *   {"close"}                  true
 *
 * A failure is answered {reason}.
 *
 * A connection is taken from the system when somebody waits for one, and stays in the system's
 * queue otherwise. Where descriptors or memory have run out it stays there too: callers go on
 * waiting, and the listener tries again after a while. */
#include <netinet/in.h>

#include "actor/behaviour.h"
#include "actor/tcp_socket.h"
#include "actor/tcp_waiters.h"
#include "pierrot_actors.h"

/* How long to wait for what ran out. */
#define SHORTAGE_MS 20.0

struct listener {
    struct pr_tcp_socket socket;
    struct pr_waiters callers;
    int is_short;  /* something ran out: try again when the timer says so */
    int was_short; /* and it was said */
};

/* -------------------------------------------------------------------------- connections */

/* An actor for the connection. Takes: fd. */
static int hold(pierrot_context *ctx, struct listener *listener, int fd, pierrot_pid owner,
                pierrot_pid *pid)
{
    pierrot_spawn_options options;
    pierrot_spawn_options_init(&options);
    pierrot_term *arg = pr_tcp_accepted(fd, owner, &listener->socket.options);
    int error = arg ? pierrot_spawn(pierrot_runtime(ctx), pierrot_tcp_stream_behaviour(), arg,
                                    &options, pid)
                    : PIERROT_ENOMEM;
    if (error)
        pr_socket_close(fd);
    return error ? PIERROT_ENOMEM : 0;
}

/* Tries again later; no connection is lost. */
static int wait_for_more(pierrot_context *ctx, struct listener *listener, int error)
{
    pierrot_ref timer;
    if (!listener->was_short) {
        char text[80] = "";
        pierrot_term *reason = pr_tcp_reason(error);
        pierrot_term_print(reason, text, sizeof text);
        pierrot_term_free(reason);
        pierrot_log(pierrot_runtime(ctx), PIERROT_WARNING,
                    "tcp: connections wait to be accepted, for lack of resources: %s", text);
    }
    listener->was_short = listener->is_short = 1;
    (void)pr_watch_set(listener->socket.watch, 0);
    return pierrot_send_after(ctx, SHORTAGE_MS, pr_tuple(1, pr_string("resume")), &timer);
}

/* Accepts for those who wait. */
static int serve(pierrot_context *ctx, struct listener *listener)
{
    struct pr_waiter *caller;
    pierrot_pid pid;
    while (!listener->is_short && (caller = pr_waiters_first(ctx, &listener->callers)) != NULL) {
        int fd = pr_socket_accept(pr_watch_fd(listener->socket.watch));
        if (fd < 0 && pr_error_is_again(fd))
            return pr_watch_set(listener->socket.watch, PR_READABLE);
        if (fd < 0 && pr_error_is_shortage(fd))
            return wait_for_more(ctx, listener, fd);
        int error = fd < 0 ? fd : hold(ctx, listener, fd, caller->from.pid, &pid);
        listener->was_short = 0;
        error =
            pr_waiters_answer(ctx, &listener->callers,
                              error ? pr_tuple(1, pr_tcp_reason(error)) : pierrot_socket_term(pid));
        if (error)
            return error;
    }
    return PIERROT_OK;
}

static int on_event(pierrot_context *ctx, void *state, int events)
{
    struct listener *listener = state;
    (void)events;
    if (!pr_waiters_first(ctx, &listener->callers))
        return pr_watch_set(listener->socket.watch, 0);
    return serve(ctx, listener);
}

/* ---------------------------------------------------------------------------- requests */

struct turn {
    pierrot_context *ctx;
    struct listener *listener;
    const pierrot_term *request;
    pierrot_from from;
};

static int accept_one(const struct turn *turn)
{
    struct listener *listener = turn->listener;
    double timeout_ms = pr_timeout_at(turn->request, 2);
    struct pr_waiter *caller =
        pr_waiters_add(turn->ctx, &listener->callers, turn->from, timeout_ms);
    return caller ? serve(turn->ctx, listener) : pr_answer_error(turn->from, PIERROT_ENOMEM);
}

static int sockname(const struct turn *turn)
{
    return pr_tcp_answer_sockname(&turn->listener->socket, turn->from);
}

static int setopts(const struct turn *turn)
{
    pr_tcp_options_read(&turn->listener->socket.options, pierrot_table_at(turn->request, 2));
    return pr_answer_true(turn->from);
}

static int begin_hand_over(const struct turn *turn)
{
    if (turn->from.pid.id != turn->listener->socket.owner.id)
        return pr_answer_reason(turn->from, "not_owner");
    return pr_answer_true(turn->from);
}

static int hand_over(const struct turn *turn)
{
    pierrot_pid owner = pierrot_as_pid(pierrot_table_at(turn->request, 2));
    if (turn->from.pid.id != turn->listener->socket.owner.id)
        return pr_answer_reason(turn->from, "not_owner");
    int error = pr_tcp_own(turn->ctx, &turn->listener->socket, owner);
    return error ? pr_answer_error(turn->from, error) : pr_answer_true(turn->from);
}

/* The port is free before anybody hears of it. */
static int end(pierrot_context *ctx, struct listener *listener)
{
    pr_tcp_close(&listener->socket);
    pr_waiters_fail(ctx, &listener->callers, PR_CLOSED);
    return PIERROT_STOP;
}

static int close_it(const struct turn *turn)
{
    int result = end(turn->ctx, turn->listener);
    (void)pr_answer_true(turn->from);
    return result;
}

static int not_connected(const struct turn *turn)
{
    return pr_answer_reason(turn->from, "enotconn");
}

/* --------------------------------------------------------------------------- callbacks */

static const struct {
    const char *tag;
    int (*run)(const struct turn *turn);
} requests[] = {
    {"accept", accept_one},      {"sockname", sockname},
    {"setopts", setopts},        {"begin_hand_over", begin_hand_over},
    {"hand_over", hand_over},    {"close", close_it},
    {"recv", not_connected},     {"send", not_connected},
    {"shutdown", not_connected}, {"peername", not_connected},
};

/* 0 or an error. */
static int open_listener(pierrot_context *ctx, struct pr_tcp_socket *socket,
                         const pierrot_term *arg)
{
    struct pr_address address;
    const char *ip = pierrot_as_string(pierrot_table_field(arg, "ip"), NULL);
    int port = (int)pierrot_as_int(pierrot_table_field(arg, "port"));
    if (pr_address_parse(ip, port, &address) != 0)
        return PR_BAD_ADDRESS;
    int error = pr_tcp_open(ctx, socket, &address, on_event);
    if (error)
        return error;
    int fd = pr_watch_fd(socket->watch);
    if (pierrot_as_bool(pierrot_table_field(arg, "reuseaddr")))
        (void)pr_socket_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    return pr_socket_listen(fd, &address, (int)pierrot_as_int(pierrot_table_field(arg, "backlog")));
}

static int init(pierrot_context *ctx, void *state, const pierrot_term *arg)
{
    struct listener *listener = state;
    struct pr_tcp_socket *socket = &listener->socket;
    pr_tcp_options_init(&socket->options);
    pr_tcp_options_read(&socket->options, arg);
    int error = open_listener(ctx, socket, arg);
    if (!error)
        error = pr_tcp_own(ctx, socket, pierrot_as_pid(pierrot_table_field(arg, "owner")));
    return error ? pr_tcp_refuse(ctx, error) : PIERROT_OK;
}

static int handle_call(pierrot_context *ctx, void *state, const pierrot_term *request,
                       pierrot_from from)
{
    struct turn turn = {ctx, state, request, from};
    const pierrot_term *tag = pierrot_table_at(request, 1);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        if (pierrot_is_string(tag, requests[i].tag))
            return requests[i].run(&turn);
    }
    return pr_bad_call(ctx, request);
}

static int handle_info(pierrot_context *ctx, void *state, const pierrot_term *message)
{
    struct listener *listener = state;
    if (pr_tcp_is_end_of_owner(&listener->socket, message))
        return end(ctx, listener);
    if (pr_is_tagged(message, "resume")) {
        listener->is_short = 0;
        return serve(ctx, listener);
    }
    if (pr_is_tagged(message, "timeout"))
        (void)pr_waiters_expire(ctx, &listener->callers, message);
    else
        pr_drop_message(ctx, "tcp_listener", message);
    return PIERROT_OK;
}

static void terminate(pierrot_context *ctx, void *state, const pierrot_term *reason)
{
    struct listener *listener = state;
    (void)reason;
    pr_tcp_close(&listener->socket);
    pr_waiters_clear(ctx, &listener->callers);
}

const pierrot_behaviour *pierrot_tcp_listener_behaviour(void)
{
    static const pierrot_behaviour behaviour = {.size = sizeof behaviour,
                                                .name = "tcp_listener",
                                                .state_size = sizeof(struct listener),
                                                .init = init,
                                                .handle_call = handle_call,
                                                .handle_info = handle_info,
                                                .terminate = terminate};
    return &behaviour;
}
