/* SPDX-License-Identifier: MIT */
#include "actor/tcp_watch.h"

#include <unistd.h>
#include <uv.h>

struct pr_watch {
    uv_poll_t poll; /* first; it lives until its close callback */
    pierrot *rt;
    pierrot_pid actor;
    pr_watch_fn fn;
    int fd;
    int events; /* what is watched for now */
};

struct happening {
    struct pr_watch *watch;
    int events;
};

static int enter(pierrot_context *ctx, void *state, void *ud)
{
    const struct happening *happening = ud;
    return happening->watch->fn(ctx, state, happening->events);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct happening happening = {.watch = (struct pr_watch *)poll};
    if (events & UV_READABLE)
        happening.events |= PR_READABLE;
    if (events & UV_WRITABLE)
        happening.events |= PR_WRITABLE;
    if (status < 0) {
        happening.events = PR_READABLE | PR_WRITABLE;
        happening.watch->events = 0; /* libuv has stopped it */
    }
    (void)pierrot_enter(happening.watch->rt, happening.watch->actor, enter, &happening);
}

static void on_close(uv_handle_t *handle)
{
    struct pr_watch *watch = (struct pr_watch *)handle;
    pierrot_loop_release(watch->rt, handle->loop);
    pierrot_shared_free(watch->rt, watch, sizeof *watch);
}

int pr_watch_open(pierrot_context *ctx, int fd, pr_watch_fn fn, struct pr_watch **watch)
{
    pierrot *rt = pierrot_runtime(ctx);
    struct pr_watch *made = pierrot_shared_alloc(rt, sizeof *made);
    if (!made)
        return PIERROT_ENOMEM;
    int error = uv_poll_init_socket(pierrot_loop(ctx), &made->poll, fd);
    if (error) {
        pierrot_shared_free(rt, made, sizeof *made);
        return error;
    }
    pierrot_loop_hold(ctx);
    made->rt = rt;
    made->actor = pierrot_self(ctx);
    made->fn = fn;
    made->fd = fd;
    made->events = 0;
    *watch = made;
    return 0;
}

int pr_watch_set(struct pr_watch *watch, int events)
{
    int wanted =
        (events & PR_READABLE ? UV_READABLE : 0) | (events & PR_WRITABLE ? UV_WRITABLE : 0);
    if (watch->events == events)
        return 0;
    int error = wanted ? uv_poll_start(&watch->poll, wanted, on_poll) : uv_poll_stop(&watch->poll);
    if (!error)
        watch->events = events;
    return error;
}

int pr_watch_fd(const struct pr_watch *watch)
{
    return watch->fd;
}

void pr_watch_close(struct pr_watch *watch)
{
    if (!watch)
        return;
    int fd = watch->fd;
    uv_close((uv_handle_t *)&watch->poll, on_close); /* it is not in the poll set any more */
    close(fd);
}
