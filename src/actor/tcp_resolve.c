/* SPDX-License-Identifier: MIT */
#include "actor/tcp_resolve.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

struct pr_resolution {
    uv_getaddrinfo_t request; /* first; it lives until its callback, forgotten or not */
    pierrot *rt;
    pierrot_pid actor;
    pr_resolved_fn fn;
    int is_forgotten;
    int is_done;
};

struct outcome {
    struct pr_resolution *resolution;
    struct pr_addresses addresses;
};

static int enter(pierrot_context *ctx, void *state, void *ud)
{
    const struct outcome *outcome = ud;
    return outcome->resolution->fn(ctx, state, &outcome->addresses);
}

static void free_resolution(struct pr_resolution *resolution)
{
    pierrot_shared_free(resolution->rt, resolution, sizeof *resolution);
}

static void copy_addresses(struct pr_addresses *addresses, const struct addrinfo *info)
{
    for (; info && addresses->n < PR_ADDRESSES_MAX; info = info->ai_next) {
        struct pr_address *address = &addresses->list[addresses->n];
        if (info->ai_addrlen > sizeof address->storage)
            continue;
        memcpy(&address->storage, info->ai_addr, info->ai_addrlen);
        address->len = info->ai_addrlen;
        addresses->n++;
    }
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *info)
{
    struct pr_resolution *resolution = (struct pr_resolution *)request;
    struct outcome outcome = {.resolution = resolution};
    outcome.addresses.error = status;
    copy_addresses(&outcome.addresses, info);
    if (info)
        uv_freeaddrinfo(info);
    if (status == 0 && outcome.addresses.n == 0)
        outcome.addresses.error = UV_EAI_NONAME;
    if (!resolution->is_forgotten)
        (void)pierrot_enter(resolution->rt, resolution->actor, enter, &outcome);
    resolution->is_done = 1;
    pierrot_loop_release(resolution->rt, request->loop);
    if (resolution->is_forgotten)
        free_resolution(resolution);
}

/* The threads that libuv starts for the first request live on, and work for others: the program's signals
 * are not for them. */
static int ask(uv_loop_t *loop, uv_getaddrinfo_t *request, const char *host, const char *service)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = uv_getaddrinfo(loop, request, on_resolved, host, service, &hints);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

int pr_resolve(pierrot_context *ctx, const char *host, int port, pr_resolved_fn fn,
               struct pr_resolution **resolution)
{
    struct pr_resolution *made = pierrot_shared_alloc(pierrot_runtime(ctx), sizeof *made);
    char service[16];
    if (!made)
        return PIERROT_ENOMEM;
    memset(made, 0, sizeof *made);
    made->rt = pierrot_runtime(ctx);
    made->actor = pierrot_self(ctx);
    made->fn = fn;
    snprintf(service, sizeof service, "%d", port);
    int error = ask(pierrot_loop(ctx), &made->request, host, service);
    if (error) {
        free_resolution(made);
        return error;
    }
    pierrot_loop_hold(ctx);
    *resolution = made;
    return 0;
}

void pr_resolve_forget(struct pr_resolution *resolution)
{
    if (!resolution)
        return;
    if (resolution->is_done) {
        free_resolution(resolution);
        return;
    }
    resolution->is_forgotten = 1;
    (void)uv_cancel((uv_req_t *)&resolution->request); /* its callback comes all the same */
}
