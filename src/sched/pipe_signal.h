/* SPDX-License-Identifier: MIT
 *
 * SIGPIPE: libuv writes to pipes and sockets with no guard against it, so that a peer that goes away
 * would end the program. Where code writes by libuv the signal is kept from the scheduler's thread while
 * the loop runs; Lua code runs without, so that a program whose output nobody reads still ends by it. */
#ifndef PR_PIPE_SIGNAL_H
#define PR_PIPE_SIGNAL_H

#include "sched/types.h"

/* From now on the two below work here. Nothing where the thread does not take the signal anyway.
 * Thread: owner. */
void pr_pipe_signal_guard(struct pr_scheduler *scheduler);

/* A write that nobody reads is an error from here on; it is a signal again. Thread: owner. */
void pr_pipe_signal_hold(const struct pr_scheduler *scheduler);
void pr_pipe_signal_release(const struct pr_scheduler *scheduler);

#endif
