/* SPDX-License-Identifier: MIT
 *
 * Addresses of sockets, the sockets themselves, and how their errors are called in Lua. Errors here
 * are libuv's, which are those of the system, negative. */
#ifndef PR_TCP_ADDRESS_H
#define PR_TCP_ADDRESS_H

#include <sys/socket.h>

#include "pierrot.h"

struct pr_address {
    struct sockaddr_storage storage;
    socklen_t len;
};

/* An address in numbers, IPv4 or IPv6. 0 or EINVAL. */
int pr_address_parse(const char *ip, int port, struct pr_address *address);

/* {ip, port} of this end, or of the other one. Gives; NULL with *error. */
pierrot_term *pr_address_local(int fd, int *error);
pierrot_term *pr_address_peer(int fd, int *error);

/* A socket for that kind of address, which blocks nobody and is not inherited. The descriptor, or
 * an error. */
int pr_socket_open(const struct pr_address *address);

/* The next connection of a listening socket, likewise. */
int pr_socket_accept(int fd);

/* Binds and listens; 0 or an error. */
int pr_socket_listen(int fd, const struct pr_address *address, int backlog);

/* 0: connected, EINPROGRESS: it will be writable when that is decided; or an error. */
int pr_socket_connect(int fd, const struct pr_address *address);
int pr_socket_bind(int fd, const struct pr_address *address);

/* how: SHUT_RD, SHUT_WR, SHUT_RDWR. */
int pr_socket_shutdown(int fd, int how);

void pr_socket_close(int fd);

int pr_socket_set(int fd, int level, int option, int value);

/* The error that the socket has met, and forgets; 0: none. */
int pr_socket_error(int fd);

/* The errors that this side makes: the connection was ended in order; what was given is
 * no address; a packet is too long. */
extern const int PR_CLOSED, PR_BAD_ADDRESS, PR_TOO_LONG;

/* Whether an error says that nothing is there yet. */
int pr_error_is_again(int error);

/* Whether an error says that the connection has ended, and no more. */
int pr_error_is_end(int error);

/* Whether an error says that something ran out that will be there again. */
int pr_error_is_shortage(int error);

/* "econnrefused", …; what means that the connection has ended is "closed". Gives; NULL: no memory.
 */
pierrot_term *pr_tcp_reason(int error);

#endif
