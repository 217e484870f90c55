/* SPDX-License-Identifier: MIT
 *
 * A descriptor of an actor, watched by the loop of its scheduler: what happens there comes to the
 * actor as a callback. Descriptors are watched and not handed to libuv's streams, so that a write
 * to a peer that is gone raises no SIGPIPE in the host, and a connection is accepted only when
 * somebody waits. */
#ifndef PR_TCP_WATCH_H
#define PR_TCP_WATCH_H

#include "pierrot.h"

enum { PR_READABLE = 1, PR_WRITABLE = 2 };

struct pr_watch;

/* Runs as a callback of the actor; `events` are those that happened, both when something is wrong
 * with the descriptor: reading or writing will say what. */
typedef int (*pr_watch_fn)(pierrot_context *ctx, void *state, int events);

/* Takes: fd, when it succeeds. Gives: *watch (pr_watch_close). 0, ENOMEM, or an error of libuv's.
 */
int pr_watch_open(pierrot_context *ctx, int fd, pr_watch_fn fn, struct pr_watch **watch);

/* From now on these events are watched for; PIERROT_OK or an error of libuv's. */
int pr_watch_set(struct pr_watch *watch, int events);

int pr_watch_fd(const struct pr_watch *watch);

/* The descriptor is closed when this returns. Takes: watch, which may be NULL. */
void pr_watch_close(struct pr_watch *watch);

#endif
