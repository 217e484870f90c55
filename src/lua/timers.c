/* SPDX-License-Identifier: MIT
 *
 * Timers of scripts. A timer lives on the scheduler that armed it, which its ref names; from
 * elsewhere it is read and cancelled by a visit there. */
#include <math.h>
#include <string.h>

#include "lua/ask.h"
#include "lua/binding.h"
#include "lua/blame.h"
#include "lua/copy.h"
#include "lua/ident.h"
#include "lua/process.h"
#include "lua/target.h"
#include "lua/wait.h"

/* The longest string whose term is kept. */
enum { LONGEST_WORD = 64 };

static int l_now(lua_State *L)
{
    uint64_t ns = pr_scheduler_now(PR_SELF(L)->scheduler);
    lua_pushnumber(L, (double)ns / 1e6);
    return 1;
}

/* The deadline of a delay at 1, or with abs the time at 1 itself. */
static uint64_t check_delay(struct pr_lua *lua, lua_State *L, int is_absolute)
{
    if (lua_type(L, 1) == LUA_TSTRING || lua_isnoneornil(L, 1))
        pr_type_error(L, 1, "milliseconds");
    if (!is_absolute)
        return pr_check_deadline(lua, L, 1);
    double ms = luaL_checknumber(L, 1);
    if (ms != ms)
        pr_argument_error(lua, L, 1, "milliseconds expected, got NaN");
    return ms <= 0 ? 0 : pr_clock_deadline(0, ms);
}

/* Timers mostly send one word over and over: its term is kept and shared. NULL: no memory. */
static pierrot_term *word_of(struct pr_lua *lua, const char *bytes, size_t len)
{
    struct pr_heap *heap = &lua->owner->heap;
    if (len > LONGEST_WORD)
        return pr_term_new_string(heap, bytes, len);
    if (!lua->timer_word || !pr_cell_is_bytes(lua->timer_word, bytes, len)) {
        pierrot_term *word = pr_term_new_string(heap, bytes, len);
        if (!word)
            return NULL;
        pr_term_drop(lua->timer_word, heap);
        lua->timer_word = word;
    }
    return pr_term_hold(lua->timer_word);
}

/* The message at 3 for `target`, NULL: not known yet, or not of this scheduler. */
static struct pierrot_term message_of(struct pr_lua *lua, lua_State *L, struct pr_process *target)
{
    size_t len;
    if (lua_type(L, 3) != LUA_TSTRING) /* it is not under way yet */
        return pr_encode(lua, L, 3, pr_store_has_plenty(lua) ? target : NULL);
    const char *bytes = lua_tolstring(L, 3, &len);
    pierrot_term *word = len < UINT32_MAX ? word_of(lua, bytes, len) : NULL;
    if (!word)
        luaL_error(L, "not enough memory");
    return pr_value_of_term(word);
}

/* Pushes the ref. Takes: value, the target's name. */
static int arm(struct pr_lua *lua, lua_State *L, uint64_t deadline, struct pr_timer_target target,
               int is_wrapped, struct pierrot_term value)
{
    pierrot_ref ref;
    if (pr_user_timer_start(lua->owner, deadline, target, is_wrapped, value, &ref) != 0)
        return luaL_error(L, "not enough memory");
    pr_push_id(L, ref.id);
    return 1;
}

/* (ms, dest, msg, is_absolute) */
static int start_timer(lua_State *L, int is_wrapped)
{
    struct pr_lua *lua = PR_SELF(L);
    uint64_t deadline = check_delay(lua, L, lua_toboolean(L, 4));
    pr_check_any(lua, L, 3);
    struct pr_target target = pr_check_target(lua, L, 2, 1);
    struct pr_timer_target whom = {.pid = target.pid, .alias = target.alias};
    struct pr_process *local = pr_ptable_find(lua->owner, target.pid);
    int is_name = lua_type(L, 2) == LUA_TSTRING || lua_istable(L, 2);
    struct pierrot_term value = message_of(lua, L, is_name || target.alias.id ? NULL : local);
    if (is_name) {
        whom.name = pr_name_term(lua, L, 2);
        if (!whom.name) {
            pr_value_drop(lua->owner, &value);
            return luaL_error(L, "not enough memory");
        }
    }
    return arm(lua, L, deadline, whom, is_wrapped, value);
}

/* A number of milliseconds, a pid, a message. */
static int start_plain(lua_State *L, double ms, pierrot_pid to, int is_wrapped)
{
    struct pr_lua *lua = PR_SELF(L);
    uint64_t deadline = pr_clock_deadline(pr_scheduler_now(lua->scheduler), ms);
    struct pierrot_term value = message_of(lua, L, pr_ptable_find(lua->owner, to));
    return arm(lua, L, deadline, (struct pr_timer_target){.pid = to}, is_wrapped, value);
}

/* What is not plain (options, a via, a mistake) is for the Lua functions set by set_checked_timers:
 * they check, and come back by the unchecked functions below. */
static const char checked_timers[3] = {0};

enum { SEND_AFTER, START_TIMER, CANCEL_TIMER };

static int results(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    return lua_gettop(L);
}

static int call_checked(lua_State *L, int which)
{
    luaL_checkstack(L, 2, NULL);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &checked_timers[which]);
    lua_insert(L, 1);
    lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, results);
    return results(L, LUA_OK, 0);
}

static int l_set_checked_timers(lua_State *L)
{
    lua_settop(L, 3);
    for (int which = CANCEL_TIMER; which >= SEND_AFTER; which--)
        lua_rawsetp(L, LUA_REGISTRYINDEX, &checked_timers[which]);
    return 0;
}

static int start(lua_State *L, int is_wrapped)
{
    int is_plain = lua_gettop(L) == 3 && lua_type(L, 1) == LUA_TNUMBER;
    double ms = is_plain ? lua_tonumber(L, 1) : -1;
    if (!(ms >= 0))
        return call_checked(L, is_wrapped ? START_TIMER : SEND_AFTER);
    pierrot_pid to = pr_to_pid(L, 2);
    if (to.id)
        return start_plain(L, ms, to, is_wrapped);
    if (pr_to_id(L, 2) || lua_type(L, 2) == LUA_TSTRING)
        return start_timer(L, is_wrapped);
    return call_checked(L, is_wrapped ? START_TIMER : SEND_AFTER);
}

static int l_send_after(lua_State *L)
{
    return start(L, 0);
}

static int l_start_timer(lua_State *L)
{
    return start(L, 1);
}

/* (ms, dest, msg, is_absolute) */
static int l_start_unchecked(lua_State *L)
{
    return start_timer(L, 0);
}

static int l_start_wrapped_unchecked(lua_State *L)
{
    return start_timer(L, 1);
}

/* --------------------------------------------------------------- cancel and read */

struct timer_visit {
    struct pr_ask ask; /* first */
    pierrot_ref timer;
    int cancels;
    int is_async; /* the answer is a message */
};

static struct pierrot_term left_value(int64_t ns)
{
    if (ns == INT64_MAX)
        return pr_cell_num(HUGE_VAL);
    return ns < 0 ? pr_cell_bool(0) : pr_cell_num((double)ns / 1e6);
}

static int64_t look(struct pr_owner *owner, pierrot_ref timer, int cancels)
{
    return cancels ? pr_user_timer_cancel(owner, timer) : pr_user_timer_read(owner, timer);
}

static void send_cancelled(struct pr_owner *owner, pierrot_pid to, pierrot_ref timer, int64_t ns)
{
    struct pr_signal *signal = pr_signal_new(owner, PR_SIGNAL_CANCELLED, to);
    if (!signal)
        return;
    signal->ref = timer;
    signal->value = left_value(ns);
    pr_signal_send(owner, signal);
}

static void visit_timer(struct pr_owner *owner, struct pr_process *process, struct pr_visit *visit)
{
    struct timer_visit asked = *(struct timer_visit *)visit;
    (void)process;
    pr_free(&owner->heap, visit, sizeof asked);
    int64_t ns = look(owner, asked.timer, asked.cancels);
    if (asked.is_async)
        send_cancelled(owner, asked.ask.from.pid, asked.timer, ns);
    else
        (void)pr_reply(owner, NULL, asked.ask.from, 0, left_value(ns));
}

static int ask_elsewhere(struct pr_lua *lua, lua_State *L, struct pr_owner *home,
                         struct timer_visit asked)
{
    struct pr_heap *heap = &lua->owner->heap;
    if (!asked.is_async)
        pr_check_can_wait(lua, L);
    struct timer_visit *visit = pr_zalloc(heap, sizeof *visit);
    if (!visit)
        return luaL_error(L, "not enough memory");
    *visit = asked;
    visit->ask.visit.run = visit_timer;
    if (asked.is_async) {
        visit->ask.visit.signal.kind = PR_SIGNAL_VISIT;
        visit->ask.from.pid = lua->owner->current->pid;
        pr_signal_push(home, &visit->ask.visit.signal);
        lua_pushboolean(L, 1);
        return 1;
    }
    int n_results = pr_ask(lua, L, home, &visit->ask);
    if (n_results >= 0)
        return n_results;
    pr_free(heap, visit, sizeof *visit);
    return luaL_error(L, "not enough memory");
}

static int push_left(lua_State *L, int64_t ns)
{
    if (ns < 0)
        lua_pushboolean(L, 0);
    else
        lua_pushnumber(L, left_value(ns).as.number);
    return 1;
}

/* (ref, async) */
static int ask_timer(lua_State *L, int cancels)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_system *system = lua->owner->system;
    struct timer_visit asked = {
        .timer = pr_check_ref(L, 1), .cancels = cancels, .is_async = lua_toboolean(L, 2)};
    uint32_t home = pr_ref_home(asked.timer);
    if (home != lua->owner->index && home < system->n_owners)
        return ask_elsewhere(lua, L, system->owners[home], asked);
    pr_signal_poll(lua->owner);
    int64_t ns = look(lua->owner, asked.timer, cancels);
    PR_CHECK_ALIVE(lua, L);
    if (!asked.is_async)
        return push_left(L, ns);
    send_cancelled(lua->owner, lua->owner->current->pid, asked.timer, ns);
    lua_pushboolean(L, 1);
    return 1;
}

static int l_cancel_timer(lua_State *L)
{
    pierrot_ref timer = pr_to_ref(L, 1);
    if (lua_gettop(L) != 1 || !timer.id)
        return call_checked(L, CANCEL_TIMER);
    struct pr_lua *lua = PR_SELF(L);
    if (pr_ref_home(timer) != lua->owner->index)
        return ask_timer(L, 1);
    pr_signal_poll(lua->owner);
    int64_t ns = pr_user_timer_cancel(lua->owner, timer);
    PR_CHECK_ALIVE(lua, L);
    return push_left(L, ns);
}

/* (ref, is_async) */
static int l_cancel_unchecked(lua_State *L)
{
    return ask_timer(L, 1);
}

static int l_read_timer(lua_State *L)
{
    lua_settop(L, 1);
    return ask_timer(L, 0);
}

void pr_open_timers(struct pr_lua *lua, lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"now", l_now},
        {"send_after", l_send_after},
        {"start_timer", l_start_timer},
        {"cancel_timer", l_cancel_timer},
        {"read_timer", l_read_timer},
        {"set_checked_timers", l_set_checked_timers},
        {"send_after_unchecked", l_start_unchecked},
        {"start_timer_unchecked", l_start_wrapped_unchecked},
        {"cancel_timer_unchecked", l_cancel_unchecked},
        {NULL, NULL},
    };
    pr_lua_register(L, lua, functions);
}
