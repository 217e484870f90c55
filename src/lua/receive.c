/* SPDX-License-Identifier: MIT
 *
 * A receive looks at the mailbox from its save point on; with a fresh ref in its pattern it begins
 * behind all that is older than the ref. Patterns with functions are handled by Lua code on top of
 * scan and take, where they can be preempted; the rest is matched here. */
#include "lua/receive.h"

#include <string.h>

#include "lua/copy.h"
#include "lua/ident.h"
#include "lua/process.h"
#include "lua/wait.h"

/* Patterns nested deeper than this are not: they are cyclic. */
enum { MAX_PATTERN_DEPTH = 100 };

/* ------------------------------------------------------------------- messages */

static void set_text(lua_State *L, int i, const char *text)
{
    lua_pushstring(L, text);
    lua_rawseti(L, -2, i);
}

static void set_id(lua_State *L, int i, uint64_t id)
{
    pr_push_id(L, id);
    lua_rawseti(L, -2, i);
}

static void set_value(struct pr_lua *lua, lua_State *L, int i, const struct pierrot_term *value)
{
    pr_push_value(lua, L, value);
    lua_rawseti(L, -2, i);
}

static void push_down(struct pr_lua *lua, lua_State *L, const struct pr_signal *message)
{
    const struct pr_monitor_extra *extra = message->flags & PR_FLAG_NAMED ? message->u.extra : NULL;
    lua_createtable(L, 5, 0);
    if (extra && extra->tag)
        pr_push_term(L, extra->tag);
    else
        lua_pushliteral(L, "DOWN");
    lua_rawseti(L, -2, 1);
    set_id(L, 2, message->ref.id);
    set_text(L, 3, "process");
    if (extra && extra->name)
        pr_push_term(L, extra->name);
    else
        pr_push_id(L, message->from.id);
    lua_rawseti(L, -2, 4);
    set_value(lua, L, 5, &message->value);
}

static void push_call(struct pr_lua *lua, lua_State *L, const struct pr_signal *message)
{
    lua_createtable(L, 3, 0);
    set_text(L, 1, message->flags & PR_FLAG_SYSTEM ? "system" : "$gen_call");
    lua_createtable(L, 2, 0);
    set_id(L, 1, message->from.id);
    set_id(L, 2, message->ref.id);
    lua_rawseti(L, -2, 2);
    set_value(lua, L, 3, &message->value);
}

static void push_triple(struct pr_lua *lua, lua_State *L, const char *tag, uint64_t id,
                        const struct pierrot_term *value)
{
    lua_createtable(L, 3, 0);
    set_text(L, 1, tag);
    set_id(L, 2, id);
    set_value(lua, L, 3, value);
}

/* Pushes the table of a message that is not a plain value. */
static void build(struct pr_lua *lua, lua_State *L, const struct pr_signal *message)
{
    switch ((enum pr_signal_kind)message->kind) {
    case PR_SIGNAL_CALL:
        push_call(lua, L, message);
        return;
    case PR_SIGNAL_CAST:
        lua_createtable(L, 2, 0);
        set_text(L, 1, "$gen_cast");
        set_value(lua, L, 2, &message->value);
        return;
    case PR_SIGNAL_DOWN:
        push_down(lua, L, message);
        return;
    case PR_SIGNAL_EXITED:
        push_triple(lua, L, "EXIT", message->from.id, &message->value);
        return;
    case PR_SIGNAL_TIMEOUT:
        push_triple(lua, L, "timeout", message->ref.id, &message->value);
        return;
    case PR_SIGNAL_CANCELLED:
        push_triple(lua, L, "cancel_timer", message->ref.id, &message->value);
        return;
    case PR_SIGNAL_ANSWER:
        lua_createtable(L, 2, 0);
        set_id(L, 1, message->ref.id);
        set_value(lua, L, 2, &message->value);
        return;
    case PR_SIGNAL_MESSAGE:
        pr_push_value(lua, L, &message->value);
        return;
    case PR_SIGNAL_REPLY:
    case PR_SIGNAL_ALIAS:
    case PR_SIGNAL_EXIT:
    case PR_SIGNAL_LINK:
    case PR_SIGNAL_UNLINK:
    case PR_SIGNAL_MONITOR:
    case PR_SIGNAL_DEMONITOR:
    case PR_SIGNAL_VISIT:
        break;
    }
    PR_ASSERT(0);
}

void pr_push_message(struct pr_lua *lua, lua_State *L, struct pr_signal *message)
{
    luaL_checkstack(L, 8, "no room for a message");
    build(lua, L, message);
}

/* The same for a message that is taken from the mailbox. */
static void push_taken(struct pr_lua *lua, lua_State *L, struct pr_signal *message)
{
    if (message->kind != PR_SIGNAL_MESSAGE || message->value.tag != PR_VALUE_LOCAL) {
        pr_push_message(lua, L, message);
        return;
    }
    luaL_checkstack(L, 1, "no room for a message");
    pr_store_take(lua, L, (uint32_t)message->value.as.integer);
    message->value = pr_cell_nil();
}

/* Decodes a message once for all looks at it: a plain message of a term becomes a local value. */
static void localize(struct pr_lua *lua, lua_State *L, struct pr_signal *message)
{
    pr_store_reserve(lua, L);
    pr_push_message(lua, L, message);
    if (message->kind != PR_SIGNAL_MESSAGE || message->value.tag != PR_VALUE_TERM)
        return;
    lua_pushvalue(L, -1);
    uint32_t place = pr_store_put(lua, L);
    pr_value_drop(lua->owner, &message->value);
    message->value = (struct pierrot_term){.tag = PR_VALUE_LOCAL, .as.integer = place};
}

/* ------------------------------------------------------------------- patterns */

/* pierrot.any and the metatable of one_of are these addresses in the registry. */
static const char any_key = 0, one_of_key = 0, by_function_key = 0;

static int is_any(lua_State *L, int index)
{
    return lua_type(L, index) == LUA_TLIGHTUSERDATA && lua_touserdata(L, index) == &any_key;
}

static int is_one_of(lua_State *L, int index)
{
    if (!lua_getmetatable(L, index))
        return 0;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &one_of_key);
    int is = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return is;
}

static int match(lua_State *L, int pattern, int value, int depth);

static int match_one_of(lua_State *L, int pattern, int value, int depth)
{
    lua_Integer n = (lua_Integer)lua_rawlen(L, pattern);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, pattern, i);
        int is_match = match(L, lua_gettop(L), value, depth);
        lua_pop(L, 1);
        if (is_match)
            return 1;
    }
    return 0;
}

static int match_table(lua_State *L, int pattern, int value, int depth)
{
    if (is_one_of(L, pattern))
        return match_one_of(L, pattern, value, depth);
    if (lua_type(L, value) != LUA_TTABLE)
        return 0;
    lua_pushnil(L);
    while (lua_next(L, pattern)) {
        int inner = lua_gettop(L);
        lua_pushvalue(L, -2);
        lua_rawget(L, value);
        int is_match = match(L, inner, inner + 1, depth);
        lua_settop(L, inner - 1);
        if (!is_match) {
            lua_pop(L, 1);
            return 0;
        }
    }
    return 1;
}

static int match(lua_State *L, int pattern, int value, int depth)
{
    if (depth > MAX_PATTERN_DEPTH)
        return luaL_error(L, "a pattern is nested too deeply");
    luaL_checkstack(L, 6, "a pattern is nested too deeply");
    if (is_any(L, pattern))
        return !lua_isnil(L, value);
    if (lua_type(L, pattern) == LUA_TTABLE)
        return match_table(L, pattern, value, depth + 1);
    return lua_rawequal(L, pattern, value);
}

int pr_match(struct pr_lua *lua, lua_State *L, int pattern, int value)
{
    (void)lua;
    return lua_isnil(L, pattern) || match(L, pattern, value, 0);
}

/* Whether there is a function anywhere in a pattern: those are Lua's to match. */
static int has_function(lua_State *L, int pattern, int depth)
{
    if (lua_type(L, pattern) == LUA_TFUNCTION)
        return 1;
    if (lua_type(L, pattern) != LUA_TTABLE)
        return 0;
    if (depth > MAX_PATTERN_DEPTH)
        return luaL_error(L, "a pattern is nested too deeply");
    luaL_checkstack(L, 4, "a pattern is nested too deeply");
    lua_pushnil(L);
    while (lua_next(L, pattern)) {
        if (has_function(L, lua_gettop(L), depth + 1)) {
            lua_pop(L, 2);
            return 1;
        }
        lua_pop(L, 1);
    }
    return 0;
}

static pierrot_ref ref_of_pattern(struct pr_lua *lua, lua_State *L, int pattern);

/* The oldest of the refs that the alternatives have, if all have one. */
static pierrot_ref ref_of_alternatives(struct pr_lua *lua, lua_State *L, int pattern)
{
    pierrot_ref oldest = {0};
    lua_Integer n = (lua_Integer)lua_rawlen(L, pattern);
    luaL_checkstack(L, 6, NULL);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, pattern, i);
        int is_nested = lua_type(L, -1) == LUA_TTABLE && is_one_of(L, lua_gettop(L));
        pierrot_ref ref = is_nested ? (pierrot_ref){0} : ref_of_pattern(lua, L, lua_gettop(L));
        lua_pop(L, 1);
        if (!ref.id || pr_ref_home(ref) != lua->owner->index)
            return (pierrot_ref){0};
        if (!oldest.id || pr_ref_number(ref) < pr_ref_number(oldest))
            oldest = ref;
    }
    return oldest;
}

/* The newest ref that stands in a pattern itself or in the table it is; id 0: none. */
static pierrot_ref ref_of_pattern(struct pr_lua *lua, lua_State *L, int pattern)
{
    pierrot_ref newest = pr_to_ref(L, pattern);
    if (newest.id || lua_type(L, pattern) != LUA_TTABLE)
        return newest;
    if (is_one_of(L, pattern))
        return ref_of_alternatives(lua, L, pattern);
    lua_pushnil(L);
    while (lua_next(L, pattern)) {
        pierrot_ref ref = pr_to_ref(L, -1);
        lua_pop(L, 1);
        if (ref.id && pr_ref_home(ref) == lua->owner->index &&
            (!newest.id || pr_ref_number(ref) > pr_ref_number(newest)))
            newest = ref;
    }
    return newest;
}

/* ------------------------------------------------------------------------ time */

uint64_t pr_check_deadline(struct pr_lua *lua, lua_State *L, int arg)
{
    if (lua_isnoneornil(L, arg))
        return UINT64_MAX;
    if (lua_type(L, arg) == LUA_TSTRING && strcmp(lua_tostring(L, arg), "infinity") == 0)
        return UINT64_MAX;
    if (lua_type(L, arg) != LUA_TNUMBER)
        pr_type_error(L, arg, "milliseconds");
    double ms = lua_tonumber(L, arg);
    if (!(ms >= 0))
        luaL_argerror(L, arg, "milliseconds expected, got a negative number or NaN");
    return pr_clock_deadline(pr_scheduler_now(lua->scheduler), ms);
}

/* --------------------------------------------------------------------- receive */

static void stop_waiting(struct pr_lua *lua, struct pr_lua_process *self)
{
    self->process.flags &= (uint8_t)~PR_WAKE_ON_MESSAGE;
    self->scanned = NULL;
    pr_wait_alarm_clear(lua, self);
}

/* The message on top of L is taken: it is the result. */
static int take(struct pr_lua *lua, struct pr_lua_process *self, struct pr_signal *message)
{
    pr_mailbox_take(&self->process.mailbox, message);
    stop_waiting(lua, self);
    pr_signal_free(lua->owner, message);
    return 1;
}

static struct pr_signal *begin_scan(struct pr_lua *lua, lua_State *L, struct pr_lua_process *self,
                                    int is_anything)
{
    struct pr_mailbox *mailbox = &self->process.mailbox;
    if (self->scanned)
        return pr_mailbox_next(self->scanned);
    if (mailbox->n_messages == 0)
        return NULL;
    pierrot_ref ref = !is_anything && mailbox->n_messages > 4 ? ref_of_pattern(lua, L, 1) : (pierrot_ref){0};
    return ref.id ? pr_mailbox_first_since(lua->owner, mailbox, ref) : pr_mailbox_first(mailbox);
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

/* Stack: pattern, timeout. */
static int look(struct pr_lua *lua, lua_State *L, int looks_only)
{
    struct pr_lua_process *self = pr_lua_current(lua);
    pr_signal_poll(lua->owner);
    int is_anything = lua_isnil(L, 1);
    struct pr_signal *message = begin_scan(lua, L, self, is_anything);
    while (message) {
        if (is_anything) {
            push_taken(lua, L, message);
            return take(lua, self, message);
        }
        localize(lua, L, message);
        if (match(L, 1, lua_gettop(L), 0))
            return take(lua, self, message);
        lua_pop(L, 1);
        self->scanned = message;
        message = pr_mailbox_next(message);
    }
    if (is_over(self, looks_only))
        return time_out(lua, L, self);
    self->process.flags |= PR_WAKE_ON_MESSAGE;
    return -1;
}

/* context: whether the timeout is 0. */
static int try_receive(lua_State *L, lua_KContext context)
{
    return look(PR_SELF(L), L, context != 0);
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
    if (lua_isnoneornil(L, arg)) {
        pr_check_can_wait(lua, L);
        pr_wait_alarm_clear(lua, self);
        return 0;
    }
    uint64_t deadline = pr_check_deadline(lua, L, arg);
    int looks_only = is_zero(L, arg);
    if (!looks_only) {
        pr_check_can_wait(lua, L);
        if (pr_wait_alarm_set(lua, self, deadline) != 0)
            return luaL_error(L, "not enough memory");
    }
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

/* receive([pattern [, timeout]]) */
static int l_receive(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    lua_settop(L, 2);
    if (lua_type(L, 1) >= LUA_TTABLE && has_function(L, 1, 0))
        return receive_in_lua(L);
    int looks_only = begin_wait(lua, L, 2);
    int n_results = look(lua, L, looks_only);
    return n_results >= 0 ? n_results : pr_wait_on(lua, L, looks_only, try_receive, receive_k);
}

static int l_has_function(lua_State *L)
{
    lua_settop(L, 1);
    lua_pushboolean(L, has_function(L, 1, 0));
    return 1;
}

/* scan(timeout or false): the next message that was not looked at yet, as true, message; else it
 * waits, or false. The first call of a receive arms the timeout, later ones get false. */
static int try_scan(lua_State *L, lua_KContext context)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *self = pr_lua_current(lua);
    pr_signal_poll(lua->owner);
    struct pr_signal *message =
        self->scanned ? pr_mailbox_next(self->scanned) : pr_mailbox_first(&self->process.mailbox);
    if (message) {
        localize(lua, L, message);
        self->scanned = message;
        self->process.flags &= (uint8_t)~PR_WAKE_ON_MESSAGE;
        lua_pushboolean(L, 1);
        lua_insert(L, -2);
        return 2;
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
    int is_first = !lua_isboolean(L, 1);
    int looks_only = is_first ? begin_wait(lua, L, 1) : lua_toboolean(L, 1);
    if (!is_first && !looks_only)
        pr_check_can_wait(lua, L);
    return pr_wait(lua, L, looks_only, try_scan, scan_k);
}

/* take(): the message that scan gave last leaves the mailbox. false when another receive meanwhile
 * has moved on, and the scan must begin anew. */
static int l_take(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *self = pr_lua_current(lua);
    struct pr_signal *message = self->scanned;
    if (message) {
        pr_mailbox_take(&self->process.mailbox, message);
        pr_signal_free(lua->owner, message);
    }
    stop_waiting(lua, self);
    lua_pushboolean(L, message != NULL);
    return 1;
}

/* position(): a value that changes when another receive ran since; see the Lua side. */
static int l_is_scanning(lua_State *L)
{
    lua_pushboolean(L, pr_lua_current(PR_SELF(L))->scanned != NULL);
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

static int try_sleep(lua_State *L, lua_KContext context)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_lua_process *self = pr_lua_current(lua);
    (void)context;
    if (self->alarm && !self->alarm->has_fired)
        return -1;
    if (!self->alarm && context == 0)
        return -1; /* for ever */
    pr_wait_alarm_clear(lua, self);
    lua_pushboolean(L, 1);
    return 1;
}

static int sleep_k(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    return pr_wait(PR_SELF(L), L, context, try_sleep, sleep_k);
}

static int l_sleep(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    if (lua_isnoneornil(L, 1))
        return pr_type_error(L, 1, "milliseconds");
    uint64_t deadline = pr_check_deadline(lua, L, 1);
    pr_check_can_wait(lua, L);
    if (pr_wait_alarm_set(lua, pr_lua_current(lua), deadline) != 0)
        return luaL_error(L, "not enough memory");
    return pr_wait(lua, L, deadline != UINT64_MAX, try_sleep, sleep_k);
}

static int l_match(lua_State *L)
{
    lua_settop(L, 2);
    lua_pushboolean(L, pr_match(PR_SELF(L), L, 1, 2));
    return 1;
}

static int l_one_of(lua_State *L)
{
    int n = lua_gettop(L);
    lua_createtable(L, n, 0);
    lua_insert(L, 1);
    for (int i = n; i >= 1; i--)
        lua_rawseti(L, 1, i);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &one_of_key);
    lua_setmetatable(L, 1);
    return 1;
}

/* match_one(value-level): what a pattern is, for the Lua side: "any", "one_of" or nil. */
static int l_pattern_kind(lua_State *L)
{
    lua_settop(L, 1);
    if (is_any(L, 1))
        lua_pushliteral(L, "any");
    else if (lua_istable(L, 1) && is_one_of(L, 1))
        lua_pushliteral(L, "one_of");
    else
        lua_pushnil(L);
    return 1;
}

void pr_open_receive(struct pr_lua *lua, lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"receive", l_receive},
        {"has_function", l_has_function},
        {"scan", l_scan},
        {"take", l_take},
        {"is_scanning", l_is_scanning},
        {"stop_scan", l_stop_scan},
        {"flush", l_flush},
        {"sleep", l_sleep},
        {"match", l_match},
        {"one_of", l_one_of},
        {"pattern_kind", l_pattern_kind},
        {"set_receive_by_function", l_set_receive_by_function},
        {NULL, NULL},
    };
    pr_lua_register(L, lua, functions);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "pierrot.one_of");
    lua_setfield(L, -2, "__name");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &one_of_key);
    lua_pushlightuserdata(L, (void *)&any_key);
    lua_setfield(L, -2, "any");
}
