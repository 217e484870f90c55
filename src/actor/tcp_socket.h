/* SPDX-License-Identifier: MIT
 *
 * What listeners and connections have in common: a descriptor, an owner whose end is theirs, and
 * options, which a connection has from its listener. */
#ifndef PR_TCP_SOCKET_H
#define PR_TCP_SOCKET_H

#include "actor/tcp_address.h"
#include "actor/tcp_watch.h"

enum pr_active_mode {
    PR_PASSIVE, /* data is asked for */
    PR_ACTIVE,  /* it is sent to the owner as it comes */
    PR_ONCE,    /* one packet of it is, then none */
    PR_COUNTED  /* so many are */
};

struct pr_active {
    int mode;
    int n_left; /* of PR_COUNTED */
};

struct pr_tcp_options {
    int packet; /* enum pr_packet_mode */
    struct pr_active active;
    int is_nodelay;
    int64_t buffer;         /* longest line or packet; 0: as long as usual */
    double send_timeout_ms; /* below 0: none */
};

struct pr_tcp_socket {
    struct pr_watch *watch; /* owned; NULL: not open */
    pierrot_pid owner;
    pierrot_ref owner_ref; /* of the monitor */
    struct pr_tcp_options options;
};

void pr_tcp_options_init(struct pr_tcp_options *options);

/* Reads those that the table has: packet, nodelay, buffer, send_timeout, active. */
void pr_tcp_options_read(struct pr_tcp_options *options, const pierrot_term *table);

/* Between a listener and its connections they travel as bytes. */
pierrot_term *pr_tcp_options_pack(const struct pr_tcp_options *options);
void pr_tcp_options_unpack(struct pr_tcp_options *options, const pierrot_term *packed);

/* The socket is this process's from now on. 0 or ENOMEM: it is still the old owner's. */
int pr_tcp_own(pierrot_context *ctx, struct pr_tcp_socket *socket, pierrot_pid owner);

/* Whether the message is the end of the owner. */
int pr_tcp_is_end_of_owner(const struct pr_tcp_socket *socket, const pierrot_term *message);

/* {"sockname"} and {"peername"}. What the callback returns. */
int pr_tcp_answer_sockname(const struct pr_tcp_socket *socket, pierrot_from from);
int pr_tcp_answer_peername(const struct pr_tcp_socket *socket, pierrot_from from);

/* Ends a start that has failed, with {"shutdown", reason}: nobody is to be told of a crash. What
 * init returns. */
int pr_tcp_refuse(pierrot_context *ctx, int error);

/* Makes a socket for the address and watches it; 0 or an error. */
int pr_tcp_open(pierrot_context *ctx, struct pr_tcp_socket *socket,
                const struct pr_address *address, pr_watch_fn fn);

void pr_tcp_close(struct pr_tcp_socket *socket);

/* The actor that holds a connection which was accepted, with the arg
 * {"accepted", fd, owner, packed options}. It takes fd when it starts. */
pierrot_term *pr_tcp_accepted(int fd, pierrot_pid owner, const struct pr_tcp_options *options);

#endif
