/* SPDX-License-Identifier: MIT
 *
 * A receive looks at the mailbox from its save point on; with a fresh ref in its pattern it begins
 * behind all that is older than the ref. Patterns with functions are handled by Lua code on top of
 * scan and take. */
#include "lua/receive.h"

#include "lua/copy.h"
#include "lua/digest.h"
#include "lua/ident.h"
#include "lua/message.h"
#include "lua/passing.h"
#include "lua/pattern.h"
#include "lua/plan.h"
#include "lua/process.h"
#include "lua/wait.h"
#include "lua/wait_lend.h"

/* The plan of the last process that waits by one. Most waits end with a message for that process,
 * and reading the pattern anew would take 4 % of a round trip of two messages. */
struct pr_kept_plan {
    pierrot_pid pid; /* id 0: there is none */
    struct pr_plan plan;
};

/* Messages taken, between two looks at the inbox. */
enum { TAKES_PER_POLL = 64 };

/* The registry's key of the function that receives by patterns with functions. */
static const char by_function_key = 0;

/* --------------------------------------------------------------------- receive */

/* Pushes a message. The most of them, Lua values of this scheduler, are just in the store; and a C
 * function that has just begun or goes on has room for one. Whether it has been lifted from there:
 * the match by a plan, which raises no error, decides whether it goes back. */
static inline int push(struct pr_lua *lua, lua_State *L, struct pr_signal *message,
                       const struct pr_plan *plan)
{
    if (message->kind != PR_SIGNAL_MESSAGE || message->value.tag != PR_VALUE_LOCAL) {
        pr_push_message(lua, L, message);
        return 0;
    }
    uint32_t place = (uint32_t)message->value.as.integer;
    if (plan->kind != PR_PLAN_DEEP && pr_store_lift(lua, L, place))
        return 1;
    pr_store_push(lua, L, place);
    return 0;
}

/* What was lifted is not taken: a copy goes back to the slot that it came from. */
static void put_back(struct pr_lua *lua, lua_State *L)
{
    lua_pushvalue(L, -1);
    (void)pr_store_put_slot(lua, L);
}

/* The message on top of L is not taken: it stays as a local value, so that the next look at it need
 * not make it again, and leaves its slot to another where there are few. */
static void keep_local(struct pr_lua *lua, lua_State *L, struct pr_signal *message)
{
    struct pierrot_term *value = &message->value;
    uint32_t place;
    if (message->kind != PR_SIGNAL_MESSAGE)
        return;
    if (value->tag == PR_VALUE_LOCAL) {
        lua_pushvalue(L, -1);
        value->as.integer = pr_store_move(lua, L, (uint32_t)value->as.integer);
    } else if (value->tag == PR_VALUE_TERM) {
        pr_store_reserve(lua, L);
        lua_pushvalue(L, -1);
        place = pr_store_put(lua, L);
        pr_value_drop(lua->owner, value);
        *value = (struct pierrot_term){.tag = PR_VALUE_LOCAL, .as.integer = place};
    }
}

static void stop_waiting(struct pr_lua *lua, struct pr_lua_process *self)
{
    self->process.flags &= (uint8_t)~PR_WAKE_ON_MESSAGE;
    self->scanned = NULL;
    pr_wait_alarm_clear(lua, self);
}

/* The message on top of L is taken: it is the result. */
static int take(struct pr_lua *lua, struct pr_lua_process *self, struct pr_signal *message,
                int is_lifted)
{
    pr_mailbox_take(&self->process.mailbox, message);
    stop_waiting(lua, self);
    if (message->value.tag == PR_VALUE_LOCAL) { /* without a detour through the layers below */
        if (!is_lifted)
            pr_store_drop(lua, (uint32_t)message->value.as.integer);
        message->value = pr_cell_nil();
    }
    pr_signal_free(lua->owner, message);
    return 1;
}

/* Where the scan begins by the ref that the pattern waits for; not worth it for a few messages. */
static struct pr_signal *first_wanted(struct pr_lua *lua, lua_State *L, struct pr_mailbox *mailbox,
                                      const struct pr_plan *plan)
{
    pierrot_ref ref = {0};
    if (mailbox->n_messages > 4)
        ref = plan->kind == PR_PLAN_DEEP ? pr_pattern_ref(lua, L, 1) : plan->ref;
    return ref.id ? pr_mailbox_first_since(lua->owner, mailbox, ref) : pr_mailbox_first(mailbox);
}

/* The first message to look at; reads the pattern when there is one, unless that is done. */
static struct pr_signal *begin_scan(struct pr_lua *lua, lua_State *L, struct pr_lua_process *self,
                                    struct pr_plan *plan)
{
    struct pr_mailbox *mailbox = &self->process.mailbox;
    struct pr_signal *next = self->scanned ? pr_mailbox_next(self->scanned) : NULL;
    if (self->scanned ? !next : mailbox->n_messages == 0)
        return NULL;
    if (plan->kind == PR_PLAN_NONE)
        pr_plan_make(lua, L, 1, plan);
    return next ? next : first_wanted(lua, L, mailbox, plan);
}

/* Has the process been told to look only (timeout 0), or is its time up? */
static int is_over(const struct pr_lua_process *self, lua_KContext looks_only)
{
    return looks_only || (self->alarm && self->alarm->has_fired);
}

static int time_out(struct pr_lua *lua, lua_State *L, struct pr_lua_process *self)
{
    stop_waiting(lua, self);
    lua_pushnil(L);
    lua_pushliteral(L, "timeout");
    return 2;
}

/* Whether the message on top is wanted. */
static int is_match(lua_State *L, const struct pr_plan *plan)
{
    if (plan->kind == PR_PLAN_ANYTHING)
        return 1;
    return plan->kind == PR_PLAN_DEEP ? pr_pattern_match(L, 1, lua_gettop(L))
                                      : pr_plan_match(L, plan);
}

/* Whether the message may be wanted, by the pid or ref that it has. The table of a DOWN or its like
 * is made anew for each look, at some 100 ns; and who awaits many processes passes over many. */
static int is_admitted(const struct pr_plan *plan, const struct pr_signal *message)
{
    if (message->kind == PR_SIGNAL_MESSAGE || plan->kind != PR_PLAN_TABLE)
        return 1;
    switch (message->kind) {
    case PR_SIGNAL_DOWN:
    case PR_SIGNAL_TIMEOUT:
    case PR_SIGNAL_CANCELLED:
        return pr_plan_admits(plan, 2, message->ref.id);
    case PR_SIGNAL_EXITED:
        return pr_plan_admits(plan, 2, pr_signal_exit_from(message).id);
    case PR_SIGNAL_ANSWER:
        return pr_plan_admits(plan, 1, message->ref.id);
    default:
        return 1;
    }
}

/* Goes on with the messages that were not looked at. Whether one was taken: it is on top of L. */
static int find(struct pr_lua *lua, lua_State *L, struct pr_lua_process *self, struct pr_plan *plan)
{
    struct pr_signal *message = begin_scan(lua, L, self, plan);
    if (!message)
        return 0;
    uint64_t digest = message->flags & PR_FLAG_NOTED ? pr_digest_pattern(L, 1) : 0;
    int n_looked_at = 0;
    while (message) {
        if (digest && !(message = pr_pass_over(self, message, digest)))
            return 0;
        if (!is_admitted(plan, message)) {
            self->scanned = message;
            message = pr_mailbox_next(message);
            continue;
        }
        int is_lifted = push(lua, L, message, plan);
        if (is_match(L, plan))
            return take(lua, self, message, is_lifted);
        if (is_lifted)
            put_back(lua, L);
        if (n_looked_at++ == 0)
            digest = pr_digest_pattern(L, 1);
        keep_local(lua, L, message);
        pr_pass(L, message);
        lua_pop(L, 1);
        self->scanned = message;
        message = pr_mailbox_next(message);
    }
    return 0;
}

/* The process waits now, for certain: a callback of luv's that tries to, and may not, leaves the
 * plan of its process alone. */
static void keep_plan(struct pr_lua *lua, const struct pr_plan *plan)
{
    struct pr_kept_plan *kept = lua->kept_plan;
    pierrot_pid self = lua->owner->current->pid;
    if (plan->kind == PR_PLAN_TABLE) {
        kept->plan = *plan;
        kept->pid = self;
    } else if (kept->pid.id == self.id) {
        kept->pid.id = 0;
    }
}

/* Stack: pattern, timeout, what the plan has left. What lies in the mailbox came before what lies
 * in the inbox, so the inbox can wait till nothing is found; to look there at every message would
 * take its line of memory from those who are sending. But for signals to a process that always
 * finds something it is looked at now and then. */
static int look(struct pr_lua *lua, lua_State *L, struct pr_lua_process *self, int looks_only,
                struct pr_plan *plan)
{
    if (self->process.mailbox.n_taken % TAKES_PER_POLL == 0)
        pr_signal_poll(lua->owner);
    if (find(lua, L, self, plan))
        return 1;
    if (!pr_queue_seems_empty(&lua->owner->inbox)) {
        pr_signal_drain(lua->owner);
        if (find(lua, L, self, plan))
            return 1;
    }
    if (is_over(self, looks_only))
        return time_out(lua, L, self);
    self->process.flags |= PR_WAKE_ON_MESSAGE;
    return -1;
}

/* context: whether the timeout is 0. */
static int try_receive(lua_State *L, lua_KContext context)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *self = pr_lua_current(lua);
    struct pr_kept_plan *kept = lua->kept_plan;
    if (kept->pid.id == self->process.pid.id)
        return look(lua, L, self, context != 0, &kept->plan);
    struct pr_plan plan;
    plan.kind = PR_PLAN_NONE;
    lua_settop(L, 2); /* without what an earlier plan has left */
    int n_results = look(lua, L, self, context != 0, &plan);
    if (n_results < 0)
        keep_plan(lua, &plan);
    return n_results;
}

static int receive_k(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    return pr_wait(PR_SELF(L), L, context, try_receive, receive_k);
}

/* Whether a timeout argument is a written or computed 0. */
static int is_zero(lua_State *L, int arg)
{
    return lua_type(L, arg) == LUA_TNUMBER && lua_tonumber(L, arg) == 0;
}

/* Arms the timeout of a wait. Whether it only looks. */
static int begin_wait(struct pr_lua *lua, lua_State *L, int arg)
{
    struct pr_lua_process *self = pr_lua_current(lua);
    self->scanned = NULL;
    uint64_t deadline = pr_check_deadline(lua, L, arg);
    int looks_only = is_zero(L, arg);
    if (!looks_only && pr_wait_alarm_set(lua, self, deadline) != 0)
        return luaL_error(L, "not enough memory");
    return looks_only;
}

static int received(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    return lua_gettop(L) - (int)context;
}

/* A pattern with a function in it: the function that Lua code has set for that takes over. */
static int receive_in_lua(lua_State *L)
{
    int n_args = lua_gettop(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &by_function_key);
    lua_insert(L, 1);
    lua_callk(L, n_args, LUA_MULTRET, 0, received);
    return received(L, LUA_OK, 0);
}

static int l_set_receive_by_function(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &by_function_key);
    return 0;
}

/* Waits after a look in vain. */
static int wait_by(struct pr_lua *lua, lua_State *L, int looks_only, struct pr_plan *plan)
{
    int n_results = pr_wait_lend(lua, L) ? look(lua, L, pr_lua_current(lua), looks_only, plan) : -1;
    if (n_results >= 0)
        return n_results;
    keep_plan(lua, plan);
    return pr_wait_apart(lua, L, looks_only, try_receive, receive_k);
}

/* receive([pattern [, timeout]]) */
static int l_receive(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *self = pr_lua_current(lua);
    struct pr_plan plan;
    int n_args = lua_gettop(L), looks_only = 0;
    for (int i = n_args; i < 2; i++)
        lua_pushnil(L);
    if (n_args > 2)
        lua_settop(L, 2);
    plan.kind = n_args == 0 ? PR_PLAN_ANYTHING : PR_PLAN_NONE;
    plan.ref.id = 0;
    if (n_args > 0 && lua_type(L, 1) >= LUA_TTABLE) {
        pr_plan_make(lua, L, 1, &plan);
        if (plan.kind == PR_PLAN_DEEP && pr_pattern_has_function(L, 1))
            return receive_in_lua(L);
    }
    int can_yield = pr_can_yield(L);
    if (!can_yield)
        pr_check_can_take(lua, L);
    if (n_args > 1) {
        looks_only = begin_wait(lua, L, 2);
    } else {
        self->scanned = NULL;
        pr_wait_alarm_clear(lua, self);
    }
    int n_results = look(lua, L, self, looks_only, &plan);
    if (n_results >= 0)
        return n_results;
    if (!can_yield || pr_running.callback)
        pr_check_can_wait(lua, L);
    return wait_by(lua, L, looks_only, &plan);
}

static lua_Integer place_of(const struct pr_lua_process *self, const struct pr_signal *message)
{
    return (lua_Integer)((uint64_t)self->process.mailbox.n_taken << 32 | message->number);
}

/* scan(timeout or false): the next message that was not looked at yet, as true, message, place;
 * else it waits, or false. The first call of a receive arms the timeout, later ones get false. */

static int try_scan(lua_State *L, lua_KContext context)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *self = pr_lua_current(lua);
    pr_signal_poll(lua->owner);
    struct pr_signal *message =
        self->scanned ? pr_mailbox_next(self->scanned) : pr_mailbox_first(&self->process.mailbox);
    if (message) {
        pr_push_message(lua, L, message);
        keep_local(lua, L, message);
        pr_pass_shown(&self->process.mailbox, message);
        self->scanned = message;
        self->process.flags &= (uint8_t)~PR_WAKE_ON_MESSAGE;
        lua_pushboolean(L, 1);
        lua_insert(L, -2);
        lua_pushinteger(L, place_of(self, message));
        return 3;
    }
    if (is_over(self, context)) {
        stop_waiting(lua, self);
        lua_pushboolean(L, 0);
        return 1;
    }
    self->process.flags |= PR_WAKE_ON_MESSAGE;
    return -1;
}

static int scan_k(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    return pr_wait(PR_SELF(L), L, context, try_scan, scan_k);
}

static int l_scan(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    pr_check_can_take(lua, L);
    int is_first = !lua_isboolean(L, 1);
    int looks_only = is_first ? begin_wait(lua, L, 1) : lua_toboolean(L, 1);
    int n_results = try_scan(L, looks_only);
    if (n_results >= 0)
        return n_results;
    pr_check_can_wait(lua, L);
    return pr_wait_on(lua, L, looks_only, try_scan, scan_k);
}

/* take(): the message that scan gave last leaves the mailbox. */
static int l_take(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *self = pr_lua_current(lua);
    struct pr_signal *message = self->scanned;
    if (!message)
        return luaL_error(L, "no message was looked at");
    pr_mailbox_take(&self->process.mailbox, message);
    stop_waiting(lua, self);
    pr_signal_free(lua->owner, message);
    return 0;
}

/* is_at(place, has_deadline): whether the scan stands where it gave that message: the pattern has
 * neither received nor slept. */
static int l_is_at(lua_State *L)
{
    struct pr_lua_process *self = pr_lua_current(PR_SELF(L));
    lua_Integer place = lua_tointeger(L, 1);
    int has_alarm = self->alarm || !lua_toboolean(L, 2);
    lua_pushboolean(L, has_alarm && self->scanned && place_of(self, self->scanned) == place);
    return 1;
}

/* seek(place, timeout): makes the scan stand there again. Whether that message is there still; what
 * came behind it was not looked at in either case. */
static int l_seek(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *self = pr_lua_current(lua);
    uint32_t number = (uint32_t)lua_tointeger(L, 1);
    begin_wait(lua, L, 2);
    self->scanned = pr_mailbox_seek(&self->process.mailbox, number);
    lua_pushboolean(L, self->scanned && self->scanned->number == number);
    return 1;
}

static int l_stop_scan(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    stop_waiting(lua, pr_lua_current(lua));
    return 0;
}

static int l_flush(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *self = pr_lua_current(lua);
    pr_check_can_take(lua, L);
    pr_signal_poll(lua->owner);
    lua_settop(L, 0);
    lua_createtable(L, (int)self->process.mailbox.n_messages, 1);
    lua_Integer n = 0;
    struct pr_signal *message;
    while ((message = pr_mailbox_first(&self->process.mailbox)) != NULL) {
        pr_push_message(lua, L, message);
        pr_mailbox_take(&self->process.mailbox, message);
        pr_signal_free(lua->owner, message);
        lua_rawseti(L, 1, ++n);
    }
    self->scanned = NULL;
    lua_pushinteger(L, n);
    lua_setfield(L, 1, "n");
    return 1;
}

void pr_open_receive(struct pr_lua *lua, lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"receive", l_receive},
        {"scan", l_scan},
        {"take", l_take},
        {"is_at", l_is_at},
        {"seek", l_seek},
        {"stop_scan", l_stop_scan},
        {"flush", l_flush},
        {"set_receive_by_function", l_set_receive_by_function},
        {NULL, NULL},
    };
    pr_lua_register(L, lua, functions);
    lua->kept_plan = lua_newuserdatauv(L, sizeof *lua->kept_plan, 0);
    lua->kept_plan->pid.id = 0;
    lua_rawsetp(L, LUA_REGISTRYINDEX, &lua->kept_plan);
}
