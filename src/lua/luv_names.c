/* SPDX-License-Identifier: MIT */
#include "lua/luv_names.h"

#include <stddef.h>
#include <string.h>

struct named {
    const char *name;
    unsigned traits;
};

static const struct named known[] = {
    {"spawn", PR_LUV_CREATES | PR_LUV_SPAWNS},
    {"new_work", PR_LUV_MAKES_WORK},
    {"queue_work", PR_LUV_QUEUES},
    {"queue", PR_LUV_QUEUES},
    {"new_tty", PR_LUV_CREATES | PR_LUV_TAKES_FIRST},
    {"close", PR_LUV_CLOSES | PR_LUV_ASKS},
    {"tcp_close_reset", PR_LUV_CLOSES},
    {"close_reset", PR_LUV_CLOSES},
    {"is_closing", PR_LUV_ASKS},
    {"is_active", PR_LUV_ASKS},
    {"has_ref", PR_LUV_ASKS},
    {"handle_get_type", PR_LUV_ASKS},
    {"get_type", PR_LUV_ASKS},
    {"shutdown", PR_LUV_ONCE | PR_LUV_MAY_BREAK},
    {"write", PR_LUV_ONCE | PR_LUV_WRITES | PR_LUV_MAY_BREAK},
    {"write2", PR_LUV_ONCE | PR_LUV_WRITES | PR_LUV_MAY_BREAK},
    {"try_write", PR_LUV_WRITES | PR_LUV_MAY_BREAK},
    {"try_write2", PR_LUV_WRITES | PR_LUV_MAY_BREAK},
    {"fs_write", PR_LUV_MAY_BREAK},
    {"fs_sendfile", PR_LUV_MAY_BREAK},
    {"udp_send", PR_LUV_ONCE | PR_LUV_WRITES},
    {"udp_try_send", PR_LUV_WRITES},
    {"send", PR_LUV_ONCE | PR_LUV_WRITES},
    {"try_send", PR_LUV_WRITES},
    {"tcp_connect", PR_LUV_ONCE},
    {"pipe_connect", PR_LUV_ONCE},
    {"connect", PR_LUV_ONCE},
    {"fs_open", PR_LUV_OPENS_FILE},
    {"fs_mkstemp", PR_LUV_OPENS_FILE},
    {"pipe", PR_LUV_OPENS_FILE},
    {"socketpair", PR_LUV_OPENS_FILE},
    {"fs_close", PR_LUV_CLOSES_FILE},
    {"pipe_open", PR_LUV_TAKES_FILE},
    {"tcp_open", PR_LUV_TAKES_FILE},
    {"udp_open", PR_LUV_TAKES_FILE},
    {"open", PR_LUV_TAKES_FILE},
};

static int ends_with(const char *name, const char *end)
{
    size_t len = strlen(name), end_len = strlen(end);
    return len >= end_len && strcmp(name + len - end_len, end) == 0;
}

unsigned pr_luv_traits(const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].name, name) == 0)
            return known[i].traits;
    }
    if (strncmp(name, "new_", 4) == 0)
        return PR_LUV_CREATES;
    if (ends_with(name, "start") || ends_with(name, "stop") || ends_with(name, "oneshot"))
        return PR_LUV_RESTARTS;
    return 0;
}

static const char *const of_the_loop[] = {"run", "stop", "loop_close", "loop_configure", "backend_fd"};

const char *pr_luv_refusal(const char *name)
{
    for (size_t i = 0; i < sizeof of_the_loop / sizeof *of_the_loop; i++) {
        if (strcmp(of_the_loop[i], name) == 0)
            return "the loop is the scheduler's, which runs it while processes wait";
    }
    if (strcmp(name, "new_thread") == 0 || strncmp(name, "thread_", 7) == 0)
        return "threads are the runtime's: spawn a process instead";
    return NULL;
}
