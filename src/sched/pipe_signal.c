/* SPDX-License-Identifier: MIT */
#include "sched/pipe_signal.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

static sigset_t the_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    return set;
}

void pr_pipe_signal_guard(struct pr_scheduler *scheduler)
{
    sigset_t mask;
    sigemptyset(&mask);
    (void)pthread_sigmask(SIG_BLOCK, NULL, &mask);
    scheduler->guards_pipes = !sigismember(&mask, SIGPIPE);
}

void pr_pipe_signal_hold(const struct pr_scheduler *scheduler)
{
    if (!scheduler->guards_pipes)
        return;
    sigset_t set = the_signal();
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* One that waits is taken away first. */
void pr_pipe_signal_release(const struct pr_scheduler *scheduler)
{
    if (!scheduler->guards_pipes)
        return;
    const struct timespec at_once = {0};
    sigset_t set = the_signal();
    while (sigtimedwait(&set, NULL, &at_once) == SIGPIPE || errno == EINTR)
        errno = 0;
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
