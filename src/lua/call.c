/* SPDX-License-Identifier: MIT */
#include "lua/client.h"

#include <math.h>

#include "lua/blame.h"
#include "lua/copy.h"
#include "lua/lend.h"
#include "lua/process.h"
#include "lua/server.h"
#include "lua/target.h"
#include "lua/wait.h"

/* Calls nested one after the other before the caller queues up like others. */
enum { NEST_BUDGET = 1000 };

/* OTP's default for calls, in ms. */
#define CALL_TIMEOUT_MS 5000.0

/* A nested reply that is later than this has come too late: timers fire no sooner. */
#define LATE_NS UINT64_C(1000000)

/* When a call is over. It counts from the call, also where the server runs for long, nested, before the
 * caller comes to wait. The clock is read for a timeout that was given; the default is so long that the
 * watchdog's ticks do. */
struct limit {
    uint64_t deadline_ns; /* 0: the default timeout's, see deadline_of */
    unsigned n_ticks;     /* at the call */
};

static struct pr_process *current(struct pr_lua *lua)
{
    return lua->owner->current;
}

static int no_memory(lua_State *L)
{
    return luaL_error(L, "not enough memory");
}

/* Raises the exit {why, {module, function, …the arguments 1 to n_args of L}}; why is on top. */
static int raise_call_exit(struct pr_lua *lua, lua_State *L, const char *module,
                           const char *function, int n_args)
{
    int why = lua_gettop(L);
    luaL_checkstack(L, 6, NULL);
    lua_createtable(L, 2, 0);
    lua_pushvalue(L, why);
    lua_rawseti(L, -2, 1);
    lua_createtable(L, n_args + 2, 0);
    lua_pushstring(L, module);
    lua_rawseti(L, -2, 1);
    lua_pushstring(L, function);
    lua_rawseti(L, -2, 2);
    for (int i = 1; i <= n_args; i++) {
        lua_pushvalue(L, i);
        lua_rawseti(L, -2, i + 2);
    }
    lua_rawseti(L, -2, 2);
    return pr_raise_exit(lua, L);
}

static int raise_why(struct pr_lua *lua, lua_State *L, const char *why)
{
    lua_pushstring(L, why);
    return raise_call_exit(lua, L, "gen_server", "call", 3);
}

/* Stack: server, request, timeout. context: the call. */
static int try_call(lua_State *L, lua_KContext context)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_call *call = (struct pr_call *)context;
    if (call->outcome == PR_PENDING)
        return -1;
    luaL_checkstack(L, 12, NULL);
    /* The value is pushed while the call still holds it: an error of memory loses nothing. */
    if (call->outcome == PR_TIMED_OUT)
        lua_pushliteral(L, "timeout");
    else
        pr_push_value(lua, L, &call->value);
    if (pr_call_end(lua->owner, call, NULL) == PR_ANSWERED)
        return 1;
    return raise_call_exit(lua, L, "gen_server", "call", 3);
}

static int call_k(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    return pr_wait(PR_SELF(L), L, context, try_call, call_k);
}

/* Stack: server, tag, … (n in all); becomes server, {tag, …}, the timeout. */
static void pack_request(lua_State *L, int n, lua_Number timeout_ms)
{
    lua_createtable(L, n - 1, 0);
    lua_insert(L, 2);
    for (int i = n; i >= 2; i--)
        lua_rawseti(L, 2, i - 1);
    if (timeout_ms < HUGE_VAL)
        lua_pushinteger(L, (lua_Integer)timeout_ms);
    else
        lua_pushnumber(L, timeout_ms);
}

static uint64_t deadline_of(struct pr_lua *lua, struct limit limit)
{
    if (limit.deadline_ns)
        return limit.deadline_ns;
    uint64_t now = pr_scheduler_now(lua->scheduler);
    uint64_t ticked_ns = pr_watchdog_ticked_ns(lua->scheduler, limit.n_ticks);
    uint64_t end = pr_clock_deadline(now, CALL_TIMEOUT_MS);
    return ticked_ns < end - now ? end - ticked_ns : now;
}

/* Whether the reply of a server that has never given way is beyond the limit: the caller could not be
 * told before. */
static int is_late(struct pr_lua *lua, struct limit limit)
{
    if (!limit.deadline_ns)
        return pr_watchdog_n_ticks_anyway(lua->scheduler) != limit.n_ticks &&
               pr_watchdog_ticked_ns(lua->scheduler, limit.n_ticks) >
                   pr_clock_deadline(LATE_NS, CALL_TIMEOUT_MS);
    if (limit.deadline_ns == UINT64_MAX ||
        !pr_watchdog_may_have_ticked(lua->scheduler, limit.n_ticks))
        return 0;
    uint64_t now = pr_scheduler_now(lua->scheduler);
    return now > limit.deadline_ns && now - limit.deadline_ns > LATE_NS;
}

/* The ordinary way: a signal to the server's mailbox. */
static int call_by_signal(struct pr_lua *lua, lua_State *L, struct pr_target target,
                          struct pr_process *server, struct limit limit)
{
    struct pr_owner *owner = lua->owner;
    struct pierrot_term value = pr_encode(lua, L, 2, server);
    struct pr_call *call =
        pr_call_begin(owner, current(lua), target.pid, pr_owner_make_ref(owner), 1,
                      deadline_of(lua, limit));
    if (!call) {
        pr_value_drop(owner, &value);
        return no_memory(L);
    }
    if (pr_call_send(owner, call, value, 0) != 0) {
        (void)pr_call_end(owner, call, NULL);
        return no_memory(L);
    }
    PR_CHECK_ALIVE(lua, L);
    return pr_wait(lua, L, (lua_KContext)call, try_call, call_k);
}

/* The server has taken the request, nested, and has not answered yet. */
static int wait_for(struct pr_lua *lua, lua_State *L, struct pr_process *server, pierrot_ref ref,
                    struct limit limit)
{
    struct pr_call *call =
        pr_call_attach(lua->owner, current(lua), server, ref, deadline_of(lua, limit));
    if (!call)
        return no_memory(L);
    PR_CHECK_ALIVE(lua, L);
    return pr_wait(lua, L, (lua_KContext)call, try_call, call_k);
}

/* The timeout at 3, the default when there is none or a nil. */
static struct limit check_timeout(struct pr_lua *lua, lua_State *L)
{
    if (!lua_isnoneornil(L, 3)) {
        unsigned n_ticks = pr_watchdog_n_ticks(lua->scheduler);
        return (struct limit){pr_check_deadline(lua, L, 3), n_ticks};
    }
    struct limit limit = {0, pr_watchdog_n_ticks_anyway(lua->scheduler)};
    lua_settop(L, 2);
    lua_pushinteger(L, (lua_Integer)CALL_TIMEOUT_MS);
    return limit;
}

/* The reply is on top. */
static int replied(struct pr_lua *lua, lua_State *L, struct limit limit)
{
    if (!is_late(lua, limit))
        return 1;
    lua_settop(L, 3);
    return raise_why(lua, L, "timeout");
}

static int call_lua_now(struct pr_lua *lua, lua_State *L, struct pr_process *server,
                        struct limit limit, int *result)
{
    pierrot_ref ref = pr_owner_make_ref(lua->owner);
    pierrot_from from = {current(lua)->pid, ref};
    enum pr_now now = pr_server_call_now(lua, L, pr_lua_process_of(server), from, 2);
    if (now == PR_NOW_REFUSED)
        return 0;
    if (current(lua)->flags & PR_EXITING)
        *result = pr_die(lua, L);
    else
        *result = now == PR_NOW_ANSWERED ? replied(lua, L, limit)
                                        : wait_for(lua, L, server, ref, limit);
    return 1;
}

/* The request at 2 as a term. Gives. */
static pierrot_term *request_term(struct pr_lua *lua, lua_State *L)
{
    int error;
    pierrot_term *request = pr_copy_to_term(lua, L, 2, &error);
    if (!request)
        error == PIERROT_EINVAL ? pr_copy_error(lua, L, 2) : no_memory(L);
    return request;
}

static int is_actor_idle(const struct pr_process *process)
{
    return pr_process_is_actor(process) && process->state == PR_WAITING &&
           process->mailbox.n_messages == 0 && !process->sys;
}

/* 0: a finalizer has run while the request was copied, and the actor has something to do by now. */
static int call_actor_now(struct pr_lua *lua, lua_State *L, struct pr_process *server,
                          struct limit limit, int *result)
{
    pierrot_term *request = request_term(lua, L);
    if (!is_actor_idle(server)) {
        pr_term_drop(request, &lua->owner->heap);
        return 0;
    }
    pierrot_ref ref = pr_owner_make_ref(lua->owner);
    pierrot_from from = {current(lua)->pid, ref};
    pierrot_term *reply = NULL;
    enum pr_now now = pr_actor_call_now(lua->owner, server, from, request, &reply);
    pr_term_drop(request, &lua->owner->heap);
    if (current(lua)->flags & PR_EXITING) {
        pr_term_drop(reply, &lua->owner->heap);
        *result = pr_die(lua, L);
    } else if (now == PR_NOW_PENDING) {
        *result = wait_for(lua, L, server, ref, limit);
    } else {
        (void)pr_push_root(lua, L, reply);
        *result = replied(lua, L, limit);
    }
    return 1;
}

/* call(server, request [, timeout]) -> reply */
static int l_call(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_target target = pr_check_target(lua, L, 1, 0);
    int result;
    pr_check_any(lua, L, 2);
    lua_settop(L, lua_gettop(L) > 3 ? 3 : lua_gettop(L));
    struct limit limit = check_timeout(lua, L);
    pr_check_can_wait(lua, L);
    if (!target.pid.id)
        return raise_why(lua, L, "noproc");
    if (target.pid.id == current(lua)->pid.id)
        return raise_why(lua, L, "calling_self");
    pr_signal_poll(lua->owner);
    PR_CHECK_ALIVE(lua, L);
    struct pr_process *server = pr_ptable_find(lua->owner, target.pid);
    if (server && lua->nest_budget-- > 0) {
        if (pr_process_is_lua(server) && pr_server_is_idle(lua, server) &&
            call_lua_now(lua, L, server, limit, &result))
            return result;
        if (is_actor_idle(server) && call_actor_now(lua, L, server, limit, &result))
            return result;
    } else {
        lua->nest_budget = NEST_BUDGET;
    }
    return call_by_signal(lua, L, target, server, limit);
}

/* call with {tag, …}; to an idle C actor here without the table. Stack: server, tag, … */
static int request(lua_State *L, lua_Number timeout_ms)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_target target = pr_check_target(lua, L, 1, 0);
    pr_signal_poll(lua->owner);
    PR_CHECK_ALIVE(lua, L);
    struct pr_process *server = pr_ptable_find(lua->owner, target.pid);
    int n = lua_gettop(L);
    if (server && server != current(lua) && is_actor_idle(server) && lua->nest_budget-- > 0) {
        struct pr_lent lent;
        struct limit limit = {timeout_ms < HUGE_VAL ? 0 : UINT64_MAX,
                              pr_watchdog_n_ticks_anyway(lua->scheduler)};
        pr_check_can_wait(lua, L);
        const pierrot_term *request = pr_lend_request(L, 2, 3, n - 2, &lent);
        pierrot_term *copied = request ? NULL : pr_copy_tuple(lua, L, 2, n - 1);
        if (copied && !is_actor_idle(server)) { /* as in call_actor_now */
            pr_term_drop(copied, &lua->owner->heap);
            pack_request(L, n, timeout_ms);
            return l_call(L);
        }
        pierrot_ref ref = pr_owner_make_ref(lua->owner);
        pierrot_from from = {current(lua)->pid, ref};
        pierrot_term *reply = NULL;
        enum pr_now now =
            pr_actor_call_now(lua->owner, server, from, request ? request : copied, &reply);
        pr_term_drop(copied, &lua->owner->heap);
        if (now == PR_NOW_ANSWERED && !(current(lua)->flags & PR_EXITING))
            return pr_push_root(lua, L, reply);
        pr_term_drop(reply, &lua->owner->heap);
        PR_CHECK_ALIVE(lua, L);
        pack_request(L, n, timeout_ms);
        return wait_for(lua, L, server, ref, limit);
    }
    pack_request(L, n, timeout_ms);
    return l_call(L);
}

/* request(server, tag, …): with the default timeout. */
static int l_request(lua_State *L)
{
    return request(L, CALL_TIMEOUT_MS);
}

/* request_for_ever(server, tag, …): without a timeout: the server keeps time. */
static int l_request_for_ever(lua_State *L)
{
    return request(L, HUGE_VAL);
}

void pr_open_calls(struct pr_lua *lua, lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"call", l_call},
        {"request", l_request},
        {"request_for_ever", l_request_for_ever},
        {NULL, NULL},
    };
    pr_lua_register(L, lua, functions);
}
