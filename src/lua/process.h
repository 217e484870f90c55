/* SPDX-License-Identifier: MIT
 *
 * Lua processes: the kind that plugs into the scheduler. A plain process has a coroutine from its
 * start to its end; a gen_server (server.h) has one only while a callback of its runs or waits. */
#ifndef PR_LUA_PROCESS_H
#define PR_LUA_PROCESS_H

#include "lua/state.h"

/* What a process is doing; of a server, which callback runs. */
enum pr_phase {
    PR_PHASE_PLAIN, /* a plain process runs the function of spawn */
    PR_PHASE_LOAD,  /* a server finds its module, or registers its via-name */
    PR_PHASE_INIT,
    PR_PHASE_SERVE, /* between callbacks */
    PR_PHASE_CALL,
    PR_PHASE_CAST,
    PR_PHASE_INFO,
    PR_PHASE_CONTINUE,
    PR_PHASE_TERMINATE,
    PR_PHASE_FORMAT /* terminate has failed: format_status is asked for the report */
};

/* A timeout of receive, sleep, or a server's callback. */
struct pr_wait_alarm {
    struct pr_alarm alarm; /* first */
    struct pr_lua_process *process;
    int has_fired;
    uint64_t lasts_ns; /* of a server's timeout: how long it was to be waited */
};

struct pr_lua_process {
    struct pr_process process; /* first */
    struct pr_pooled body;     /* co NULL: a server that is idle */
    uint32_t state_place;      /* state of a server */
    uint32_t dictionary_place;
    struct pr_class *class_;     /* module of a server; NULL: a plain process, or still loading */
    struct pr_signal *scanned;   /* save point: the last message a receive has looked at */
    struct pr_wait_alarm *alarm; /* NULL: none is armed */
    pierrot_from starter;        /* whom to tell that init is done; id 0: nobody */
    pierrot_term *stop_reason;   /* of a server that terminates; one hold */
    pierrot_term
        *handled; /* what a callback handles, when it is no Lua value (handler.h); or NULL */
    struct pr_last_words *last_words; /* for the report of a crash (crash.h); NULL: none */
    uint8_t phase;                    /* enum pr_phase */
    uint8_t is_server;
    uint8_t is_host;        /* the main process of a stock interpreter */
    uint8_t has_to_wake;    /* host: make it ready as soon as it waits */
    uint8_t is_interrupted; /* its next slice begins with an error */
    uint8_t is_direct;      /* the body is a callback itself, begun by a nested call */
    uint16_t n_args;        /* to resume the body with */
};

/* Whether this is a process of Lua's. */
int pr_process_is_lua(const struct pr_process *process);

static inline struct pr_lua_process *pr_lua_process_of(struct pr_process *process)
{
    return (struct pr_lua_process *)process;
}

/* The running process as one of Lua's. */
static inline struct pr_lua_process *pr_lua_current(struct pr_lua *lua)
{
    return pr_lua_process_of(lua->owner->current);
}

/* Whether the value at `index` is what an exit raises. */
int pr_is_exit_object(struct pr_lua *lua, lua_State *L, int index);

/* The reason of an error value at `index` of L: that of an exit object, or {"error", value,
 * traceback}; "shutdown", where the end of the program is what has failed. Gives. */
pierrot_term *pr_error_reason(struct pr_lua *lua, lua_State *L, int index, lua_State *co);

/* Arms the process's timeout, disarms it. */
int pr_wait_alarm_set(struct pr_lua *lua, struct pr_lua_process *process, uint64_t deadline_ns);
void pr_wait_alarm_end(struct pr_lua *lua, struct pr_lua_process *process);

/* The timeout of a server's callback: arms it for so long from now on, UINT64_MAX: none. Disarms it for
 * the time of a system message; what it is to be armed for then: as long as at first, 0 where it was
 * over before. One of 0 is over as soon as there is no message. */
int pr_timeout_set(struct pr_lua *lua, struct pr_lua_process *server, uint64_t lasts_ns);
uint64_t pr_timeout_take(struct pr_lua *lua, struct pr_lua_process *server);

static inline void pr_wait_alarm_clear(struct pr_lua *lua, struct pr_lua_process *process)
{
    if (process->alarm)
        pr_wait_alarm_end(lua, process);
}

/* The host's main process: what must be looked at before it waits; the exit it got meanwhile is
 * raised. */
void pr_lua_host_recheck(struct pr_lua *lua);
void pr_lua_host_raise(struct pr_lua *lua, lua_State *L);

/* The state in which the body of a process runs; NULL: none. */
lua_State *pr_lua_body_of(struct pr_process *process);

/* Raises an exit object with the reason on top of L. */
int pr_raise_exit(struct pr_lua *lua, lua_State *L);

#endif
