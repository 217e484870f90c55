/* SPDX-License-Identifier: MIT */
#include "actor/tcp_address.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "actor/behaviour.h"

int pr_address_parse(const char *ip, int port, struct pr_address *address)
{
    memset(address, 0, sizeof *address);
    address->len = sizeof(struct sockaddr_in);
    if (uv_ip4_addr(ip, port, (struct sockaddr_in *)&address->storage) == 0)
        return 0;
    address->len = sizeof(struct sockaddr_in6);
    return uv_ip6_addr(ip, port, (struct sockaddr_in6 *)&address->storage) == 0 ? 0
                                                                                : PIERROT_EINVAL;
}

/* ------------------------------------------------------------------------------- names */

static pierrot_term *address_term(const struct pr_address *address)
{
    char ip[64] = "";
    int port;
    if (address->storage.ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&address->storage;
        port = ntohs(six->sin6_port);
        uv_ip6_name(six, ip, sizeof ip);
    } else {
        const struct sockaddr_in *four = (const struct sockaddr_in *)&address->storage;
        port = ntohs(four->sin_port);
        uv_ip4_name(four, ip, sizeof ip);
    }
    return pr_tuple(2, pr_string(ip), pierrot_int(port));
}

static pierrot_term *name(int fd, int (*ask)(int, struct sockaddr *, socklen_t *), int *error)
{
    struct pr_address address = {.len = sizeof address.storage};
    if (ask(fd, (struct sockaddr *)&address.storage, &address.len) != 0) {
        *error = -errno;
        return NULL;
    }
    *error = PIERROT_ENOMEM;
    return address_term(&address);
}

pierrot_term *pr_address_local(int fd, int *error)
{
    return name(fd, getsockname, error);
}

pierrot_term *pr_address_peer(int fd, int *error)
{
    return name(fd, getpeername, error);
}

/* ----------------------------------------------------------------------------- sockets */

#ifndef __linux__
static int make_ours(int fd)
{
    if (fd >= 0) {
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
#ifdef SO_NOSIGPIPE
        (void)pr_socket_set(fd, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
    }
    return fd;
}
#endif

int pr_socket_open(const struct pr_address *address)
{
#ifdef __linux__
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
#else
    int fd = make_ours(socket(address->storage.ss_family, SOCK_STREAM, 0));
#endif
    return fd < 0 ? -errno : fd;
}

int pr_socket_accept(int fd)
{
    int made;
    do {
#ifdef __linux__
        made = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
#else
        made = make_ours(accept(fd, NULL, NULL));
#endif
        /* A connection that has gone already is none. */
    } while (made < 0 && (errno == EINTR || errno == ECONNABORTED || errno == EPROTO));
    return made < 0 ? -errno : made;
}

int pr_socket_listen(int fd, const struct pr_address *address, int backlog)
{
    int error = pr_socket_bind(fd, address);
    if (!error && listen(fd, backlog) != 0)
        error = -errno;
    return error;
}

int pr_socket_connect(int fd, const struct pr_address *address)
{
    if (connect(fd, (const struct sockaddr *)&address->storage, address->len) == 0)
        return 0;
    return errno == EINTR ? -EINPROGRESS : -errno;
}

int pr_socket_bind(int fd, const struct pr_address *address)
{
    return bind(fd, (const struct sockaddr *)&address->storage, address->len) == 0 ? 0 : -errno;
}

int pr_socket_shutdown(int fd, int how)
{
    return shutdown(fd, how) == 0 ? 0 : -errno;
}

void pr_socket_close(int fd)
{
    close(fd);
}

int pr_socket_set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0 ? 0 : -errno;
}

int pr_socket_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        return -errno;
    return -error;
}

/* ------------------------------------------------------------------------------ errors */

const int PR_CLOSED = UV_EOF, PR_BAD_ADDRESS = UV_EINVAL, PR_TOO_LONG = UV_EMSGSIZE;

int pr_error_is_again(int error)
{
    return error == UV_EAGAIN || error == -EWOULDBLOCK;
}

int pr_error_is_end(int error)
{
    return error == UV_EOF || error == UV_ECONNRESET || error == UV_EPIPE || error == UV_ECANCELED;
}

int pr_error_is_shortage(int error)
{
    return error == UV_EMFILE || error == UV_ENFILE || error == UV_ENOBUFS || error == UV_ENOMEM ||
           error == PIERROT_ENOMEM || error == PIERROT_ELIMIT;
}

pierrot_term *pr_tcp_reason(int error)
{
    char reason[40];
    if (pr_error_is_end(error))
        return pr_string("closed");
    if (error == PIERROT_ENOMEM)
        return pr_string("enomem");
    if (error == UV_EAI_NONAME || error == UV_EAI_NODATA)
        return pr_string("nxdomain");
    uv_err_name_r(error, reason, sizeof reason);
    for (char *c = reason; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return pr_string(reason);
}
