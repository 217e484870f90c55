/* SPDX-License-Identifier: MIT */
#include "lua/hook.h"

#include <limits.h>
#include <lualib.h>
#include <string.h>

#include "lua/process.h"
#include "lua/running.h"

/* Preemption starts a count anew, which would never be over then if it is a long one: so it is
 * counted in small steps, of which one is lost. */
enum { COUNT_STEP = 1000 };

static const char own_key = 0;    /* registry: {[coroutine] = hook}, weak keys */
static const char script_key = 0; /* registry: the script's hook, or nil */
static const char lua_key = 0;    /* registry: struct pr_lua, or nil when it is gone */

static struct pr_lua *lua_here(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lua_key);
    struct pr_lua *lua = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return lua;
}

/* Unless it is there. */
static void install(lua_State *L, lua_Hook function, const struct pr_user_hook *hook)
{
    int mask = hook->mask | (pr_running.counts ? LUA_MASKCOUNT : 0);
    if (lua_gethook(L) != function || lua_gethookmask(L) != mask ||
        lua_gethookcount(L) != hook->period)
        pr_running_set_hook(L, function, mask, hook->period);
}

/* ------------------------------------------------------------------------ events */

static void own_hook(lua_State *L, lua_Debug *ar);
static void script_hook(lua_State *L, lua_Debug *ar);

int pr_hook_is_users(lua_Hook function)
{
    return function == own_hook || function == script_hook;
}

/* The count of count_for_mark has come: it is none of the user's. */
static int was_for_mark(lua_State *L, const struct pr_user_hook *hook)
{
    lua_Hook function = lua_gethook(L);
    if (hook->mask & LUA_MASKCOUNT || lua_gethookcount(L) != 1 || !pr_hook_is_users(function))
        return 0;
    install(L, function, hook);
    return 1;
}

static const char *event_name(int event)
{
    static const char *const names[] = {"call", "return", "line", "count", "tail call"};
    return names[event];
}

static void call_user(lua_State *L, lua_Debug *ar, int record)
{
    lua_getiuservalue(L, record, 1);
    lua_pushstring(L, event_name(ar->event));
    if (ar->currentline >= 0)
        lua_pushinteger(L, ar->currentline);
    else
        lua_pushnil(L);
    lua_call(L, 2, 0);
}

/* The event is for the hook on top of the stack, if there is one; it is popped. */
static void run(lua_State *L, lua_Debug *ar)
{
    struct pr_user_hook *hook = lua_touserdata(L, -1);
    int is_count = ar->event == LUA_HOOKCOUNT, is_due = !is_count;
    if (!hook || (is_count && was_for_mark(L, hook))) {
        lua_pop(L, 1);
        return;
    }
    if (is_count && (hook->mask & LUA_MASKCOUNT)) {
        hook->left -= hook->period;
        is_due = hook->left <= 0;
        if (is_due)
            hook->left = hook->count;
    }
    int period = hook->period, mask = hook->mask;
    if (is_due)
        call_user(L, ar, lua_gettop(L));
    lua_pop(L, 1);
    pr_running_count(L, ar->event, period, mask);
    pr_running.just_called = ar->event == LUA_HOOKCALL || ar->event == LUA_HOOKTAILCALL;
}

static void own_hook(lua_State *L, lua_Debug *ar)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &own_key);
    lua_pushthread(L);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    run(L, ar);
}

static void script_hook(lua_State *L, lua_Debug *ar)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &script_key);
    run(L, ar);
}

/* ----------------------------------------------------------------------- setting */

/* As leave_for_mark in running.c does where there is no hook of the user's: a process that has given way
 * in the midst of Lua code gets a count at once, where it has no event that takes Lua's mark away. */
static void count_for_mark(lua_State *co)
{
    lua_Debug ar;
    lua_Hook function = lua_gethook(co);
    int mask = lua_gethookmask(co);
    if (!pr_hook_is_users(function) || mask & (LUA_MASKLINE | LUA_MASKCOUNT) ||
        lua_status(co) != LUA_YIELD || !lua_getstack(co, 0, &ar) || !lua_getinfo(co, "S", &ar) ||
        *ar.what == 'C')
        return;
    pr_running_set_hook(co, function, mask | LUA_MASKCOUNT, 1);
}

static void apply_script_hook(lua_State *co)
{
    struct pr_owner *owner = pr_owner_here();
    if (!owner) /* a finalizer at the end of a host's state */
        return;
    const struct pr_user_hook *wanted = pr_lua_of(owner)->script_hook;
    lua_Hook now = lua_gethook(co);
    if (wanted && (!now || now == script_hook || pr_running_is_own(now)))
        install(co, script_hook, wanted);
    else if (!wanted && now == script_hook)
        pr_running_set_hook(co, NULL, 0, 0);
}

/* A coroutine that is about to run gets the script's hook, or loses it. */
static void apply(lua_State *co)
{
    apply_script_hook(co);
    count_for_mark(co);
}

void pr_hook_forget(lua_State *co)
{
    if (lua_gethook(co) != own_hook || !lua_checkstack(co, 3))
        return;
    pr_running_set_hook(co, NULL, 0, 0);
    lua_rawgetp(co, LUA_REGISTRYINDEX, &own_key);
    lua_pushthread(co);
    lua_pushnil(co);
    lua_rawset(co, -3);
    lua_pop(co, 1);
}

/* The script: the main process, or one that acts as such, outside of coroutines. */
static int is_script(const struct pr_lua *lua, const lua_State *L)
{
    struct pr_process *current = lua ? lua->owner->current : NULL;
    if (!current)
        return 0;
    if (lua->host && current == &lua->host->process)
        return L == lua->main;
    uint64_t id = current->pid.id;
    return (id == lua->script.id || id == lua->acting_script.id) && L == pr_lua_body_of(current);
}

/* as_script(): what the caller sets by debug.sethook is from now on for all code. */
static int l_as_script(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    lua->acting_script = lua->owner->current->pid;
    return 0;
}

void pr_open_script(struct pr_lua *lua, lua_State *L)
{
    static const luaL_Reg functions[] = {{"as_script", l_as_script}, {NULL, NULL}};
    pr_lua_register(L, lua, functions);
}

static int to_mask(const char *text, int count)
{
    int mask = count > 0 ? LUA_MASKCOUNT : 0;
    mask |= strchr(text, 'c') ? LUA_MASKCALL : 0;
    mask |= strchr(text, 'r') ? LUA_MASKRET : 0;
    return mask | (strchr(text, 'l') ? LUA_MASKLINE : 0);
}

/* Pushes what is kept of a hook, with the function at `function`. */
static struct pr_user_hook *push_hook(lua_State *L, int function, int mask, int count)
{
    struct pr_user_hook *hook = lua_newuserdatauv(L, sizeof *hook, 1);
    int is_counted = mask & LUA_MASKCOUNT;
    *hook = (struct pr_user_hook){.mask = mask, .count = count, .left = count};
    hook->period = !is_counted ? COUNT_STEP : count < COUNT_STEP ? count : COUNT_STEP;
    lua_pushvalue(L, function);
    lua_setiuservalue(L, -2, 1);
    pr_running.apply_hook = apply;
    return hook;
}

/* Of the script, from the function at `function` on; mask 0: it has none. */
static void set_script_hook(struct pr_lua *lua, lua_State *L, int function, int mask, int count)
{
    if (mask)
        lua->script_hook = push_hook(L, function, mask, count);
    else
        lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &script_key);
    if (mask) {
        install(L, script_hook, lua->script_hook);
        return;
    }
    lua->script_hook = NULL;
    pr_running_set_hook(L, NULL, 0, 0);
}

/* The same of one coroutine, `target`, which is on top of L. */
static void set_own_hook(lua_State *L, lua_State *target, int function, int mask, int count)
{
    struct pr_user_hook *hook = NULL;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &own_key);
    lua_insert(L, -2);
    if (mask)
        hook = push_hook(L, function, mask, count);
    else
        lua_pushnil(L);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    if (hook)
        install(target, own_hook, hook);
    else
        pr_running_set_hook(target, NULL, 0, 0);
}

static int l_sethook(lua_State *L)
{
    int arg = lua_isthread(L, 1), mask = 0;
    lua_Integer count = 0;
    lua_State *target = arg ? lua_tothread(L, 1) : L;
    if (!lua_isnoneornil(L, arg + 1)) {
        const char *text = luaL_checkstring(L, arg + 2);
        luaL_checktype(L, arg + 1, LUA_TFUNCTION);
        count = luaL_optinteger(L, arg + 3, 0);
        count = count < 0 ? 0 : count > INT_MAX ? INT_MAX : count;
        mask = to_mask(text, (int)count);
    }
    lua_settop(L, arg + 1);
    struct pr_lua *lua = lua_here(L);
    if (!arg && is_script(lua, L)) {
        set_script_hook(lua, L, 1, mask, (int)count);
        return 0;
    }
    if (arg)
        lua_pushvalue(L, 1);
    else
        lua_pushthread(L);
    set_own_hook(L, target, arg + 1, mask, (int)count);
    return 0;
}

/* ----------------------------------------------------------------------- reading */

/* Pushes what is kept of the hook of `target` (at `arg` of L, or L itself), or nil. */
static void push_kept(lua_State *L, int arg, lua_Hook function)
{
    if (function != own_hook) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &script_key);
        return;
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &own_key);
    if (arg)
        lua_pushvalue(L, arg);
    else
        lua_pushthread(L);
    lua_rawget(L, -2);
    lua_remove(L, -2);
}

static void push_mask(lua_State *L, int mask)
{
    char text[4], *end = text;
    if (mask & LUA_MASKCALL)
        *end++ = 'c';
    if (mask & LUA_MASKRET)
        *end++ = 'r';
    if (mask & LUA_MASKLINE)
        *end++ = 'l';
    lua_pushlstring(L, text, (size_t)(end - text));
}

static int l_gethook(lua_State *L)
{
    int arg = lua_isthread(L, 1), mask, count;
    lua_State *target = arg ? lua_tothread(L, 1) : L;
    lua_Hook function = pr_running_get_hook(target, &mask, &count);
    if (function && !pr_hook_is_users(function)) {
        lua_pushliteral(L, "external hook");
    } else {
        push_kept(L, arg, function);
        const struct pr_user_hook *hook = lua_touserdata(L, -1);
        if (!hook)
            return 1;
        mask = hook->mask;
        count = hook->count;
        lua_getiuservalue(L, -1, 1);
    }
    push_mask(L, mask);
    lua_pushinteger(L, count);
    return 3;
}

/* ------------------------------------------------------------------------ opening */

/* The hook that the script has set before pierrot was there, with the debug library on top. */
static void take_over(struct pr_lua *lua, lua_State *L)
{
    int top = lua_gettop(L);
    lua_getfield(L, -1, "gethook");
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    lua_State *script = lua_tothread(L, -1);
    lua_call(L, 1, 3);
    if (lua_isfunction(L, top + 1) && lua_checkstack(script, 4)) {
        int count = (int)lua_tointeger(L, top + 3), mask = to_mask(lua_tostring(L, top + 2), count);
        lua_settop(L, top + 1);
        if (mask) {
            lua->script_hook = push_hook(L, top + 1, mask, count);
            lua_rawsetp(L, LUA_REGISTRYINDEX, &script_key);
            install(script, script_hook, lua->script_hook);
        }
    }
    lua_settop(L, top);
}

void pr_open_hook(struct pr_lua *lua, lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"sethook", l_sethook}, {"gethook", l_gethook}, {NULL, NULL}};
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &own_key);
    lua_pushlightuserdata(L, lua);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &lua_key);
    lua_getglobal(L, LUA_DBLIBNAME);
    if (lua_istable(L, -1)) {
        take_over(lua, L);
        luaL_setfuncs(L, functions, 0);
    }
    lua_pop(L, 1);
}

void pr_hook_leave(struct pr_lua *lua)
{
    lua_pushnil(lua->main);
    lua_rawsetp(lua->main, LUA_REGISTRYINDEX, &lua_key);
}
