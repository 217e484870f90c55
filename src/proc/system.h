/* SPDX-License-Identifier: MIT
 *
 * System messages: what pierrot.sys asks of any process that speaks gen_server. They are calls with
 * PR_FLAG_SYSTEM, in order with all other messages, and answered by the engine of the process (Lua's or
 * that of C actors), not by its callbacks. A process that is suspended takes nothing else, but for the
 * exit of its parent. A process that is traced tells another one, its tracer, what it gets and
 * answers. Both are bits of `sys`; plain processes pay one test of it. */
#ifndef PR_SYSTEM_H
#define PR_SYSTEM_H

#include "proc/process.h"
#include "proc/signal.h"

enum pr_sys_flag {
    PR_SYS_SUSPENDED = 1,
    PR_SYS_TRACED = 2,
    PR_SYS_LIMITED = 4,  /* it has a max_heap: its slices are its own */
    PR_SYS_CALLBACKS = 8 /* callbacks from the loop wait for it, beside its messages */
};

static inline int pr_is_system(const struct pr_signal *message)
{
    return message->kind == PR_SIGNAL_CALL && message->flags & PR_FLAG_SYSTEM;
}

/* Whether the message is the exit of the parent, which ends a server that traps exits, as in OTP. */
int pr_is_parents_exit(const struct pr_process *process, const struct pr_signal *message);

/* The message that is to be handled next; NULL: none. It is still in the mailbox. */
struct pr_signal *pr_system_next(struct pr_process *process);

/* Suspended or running from now on. Thread: owner. */
void pr_system_suspend(struct pr_owner *owner, struct pr_process *process);
void pr_system_resume(struct pr_process *process);

/* Who is told of what the process gets and answers; id 0: nobody. 0 or PIERROT_ENOMEM. */
int pr_system_set_tracer(struct pr_owner *owner, struct pr_process *process, pierrot_pid tracer);

/* The tracer; id 0: none, or it has ended: then the process is traced no more. */
pierrot_pid pr_system_tracer(struct pr_owner *owner, struct pr_process *process);

#endif
