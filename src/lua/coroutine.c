/* SPDX-License-Identifier: MIT
 *
 * The coroutine library of Lua, with two differences that a script does not see: the running state
 * is tracked, so that it can be preempted, and a yield by the system passes through to the process.
 */
#include <lualib.h>

#include "lua/hook.h"
#include "lua/process.h"
#include "lua/running.h"

static lua_State *get_coroutine(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);
    luaL_argexpected(L, co, 1, "coroutine");
    return co;
}

enum { CAN_RESUME = -2, FAILED = -1 };

/* Moves the outcome of a resume to L: the number of results, or FAILED and the error on top. */
static int collect(lua_State *L, lua_State *co, int status, int n_results)
{
    if (status == LUA_OK || status == LUA_YIELD) {
        if (!lua_checkstack(L, n_results + 1)) {
            lua_pop(co, n_results);
            lua_pushliteral(L, "too many results to resume");
            return FAILED;
        }
        lua_xmove(co, L, n_results);
        return n_results;
    }
    lua_xmove(co, L, 1);
    return FAILED;
}

/* Coroutines in which a process waits or was preempted: only that process may go on in them. A
 * table with weak keys; entries are made only where the system yields through a coroutine. The
 * coroutine is at `at` of L: nothing is pushed on its own stack, whose frame would grow a little
 * with each preemption, for ever. */
static const char waiting_key = 0;

static void mark_waiting(lua_State *L, int at, int is_waiting)
{
    luaL_checkstack(L, 4, NULL);
    pr_running.n_waiting += is_waiting ? 1 : -1;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &waiting_key);
    lua_pushvalue(L, at);
    if (is_waiting)
        lua_pushboolean(L, 1);
    else
        lua_pushnil(L);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

/* The thread on top is the body of a process: a script that has got hold of it may not go on in it
 * either. Its entry stays as long as it does. */
static void mark_body(lua_State *L)
{
    luaL_checkstack(L, 4, NULL);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &waiting_key);
    lua_pushvalue(L, -2);
    if (lua_rawget(L, -2) == LUA_TNIL) {
        pr_running.n_waiting++;
        lua_pushvalue(L, -3);
        lua_pushboolean(L, 1);
        lua_rawset(L, -4);
    }
    lua_pop(L, 2);
}

static int is_waiting(lua_State *L, lua_State *co, int at)
{
    if (pr_running.n_waiting == 0 || lua_status(co) != LUA_YIELD)
        return 0;
    luaL_checkstack(L, 3, NULL);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &waiting_key);
    lua_pushvalue(L, at);
    lua_rawget(L, -2);
    int is = lua_toboolean(L, -1);
    lua_pop(L, 2);
    return is;
}

static int start(lua_State *L, lua_State *co, int at, int n_args)
{
    if (is_waiting(L, co, at)) {
        lua_pushliteral(L, "cannot resume a coroutine in which a process waits");
        return FAILED;
    }
    if (!lua_checkstack(co, n_args)) {
        lua_pushliteral(L, "too many arguments to resume");
        return FAILED;
    }
    lua_xmove(L, co, n_args);
    return 0;
}

static int finish_resume(lua_State *L, int n)
{
    if (n == FAILED) {
        lua_pushboolean(L, 0);
        lua_insert(L, -2);
        return 2;
    }
    lua_pushboolean(L, 1);
    lua_insert(L, -(n + 1));
    return n + 1;
}

/* Resumes until the coroutine itself yields or ends; what the system yields goes outwards first,
 * and `k` comes back here with no arguments. Returns a number of results, or does not return. */
static int resume_k(lua_State *L, int status, lua_KContext context);
static int wrap_k(lua_State *L, int status, lua_KContext context);

static int is_system_yield(int status)
{
    return status == LUA_YIELD && pr_running.yield != PR_YIELD_USER;
}

static int resume_on(lua_State *L, lua_State *co, int n_args)
{
    int n_results;
    int status = pr_resume(co, L, n_args, &n_results);
    if (is_system_yield(status)) {
        mark_waiting(L, 1, 1);
        return lua_yieldk(L, 0, (lua_KContext)co, resume_k);
    }
    return finish_resume(L, collect(L, co, status, n_results));
}

static int resume_k(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    mark_waiting(L, 1, 0);
    return resume_on(L, (lua_State *)context, 0);
}

static int co_resume(lua_State *L)
{
    lua_State *co = get_coroutine(L);
    int n_args = lua_gettop(L) - 1;
    int failed = start(L, co, 1, n_args);
    if (failed)
        return finish_resume(L, FAILED);
    return resume_on(L, co, n_args);
}

/* An error of a wrapped coroutine goes on in its caller, with the position as Lua adds it. */
static int wrap_failed(lua_State *L, lua_State *co)
{
    int status = lua_status(co);
    if (status != LUA_OK && status != LUA_YIELD && !pr_running.is_ending) {
        status = pr_reset_coroutine(co);
        lua_xmove(co, L, 1);
    }
    if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int wrap_on(lua_State *L, lua_State *co, int n_args)
{
    int n_results;
    int status = pr_resume(co, L, n_args, &n_results);
    if (is_system_yield(status)) {
        mark_waiting(L, lua_upvalueindex(1), 1);
        return lua_yieldk(L, 0, (lua_KContext)co, wrap_k);
    }
    int n = collect(L, co, status, n_results);
    return n == FAILED ? wrap_failed(L, co) : n;
}

static int wrap_k(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    mark_waiting(L, lua_upvalueindex(1), 0);
    return wrap_on(L, (lua_State *)context, 0);
}

static int wrap_call(lua_State *L)
{
    lua_State *co = lua_tothread(L, lua_upvalueindex(1));
    int n_args = lua_gettop(L);
    if (start(L, co, lua_upvalueindex(1), n_args) != 0)
        return wrap_failed(L, co);
    return wrap_on(L, co, n_args);
}

/* Lua passes the hook on that L has just now: ours must not be, one of debug.sethook's is for one
 * coroutine, and the script's comes when it runs. What is left are hooks that C code has set. */
static void inherit_hook(lua_State *L, lua_State *co)
{
    int mask, count;
    lua_Hook function = pr_running_get_hook(L, &mask, &count);
    if (pr_hook_is_users(function))
        function = NULL;
    lua_sethook(co, function, mask, count);
}

static int co_create(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    if (lua_gethook(co))
        inherit_hook(L, co);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    return 1;
}

static int co_wrap(lua_State *L)
{
    co_create(L);
    lua_pushcclosure(L, wrap_call, 1);
    return 1;
}

static int is_system_yieldable(lua_State *L)
{
    return lua_isyieldable(L) && (pr_running.L != L || pr_running.chain_yields);
}

/* The body of a process, or of a callback from the loop: no coroutine of the user's, and yielding there
 * leads nowhere. */
static int is_body(struct pr_lua *lua, lua_State *L)
{
    struct pr_process *process = lua->owner->current;
    return process && (pr_lua_body_of(process) == L || pr_running.callback == L);
}

static int co_yield (lua_State *L)
{
    if (is_body(PR_LUA(L), L))
        return luaL_error(L, "attempt to yield from outside a coroutine");
    pr_running.yield = PR_YIELD_USER;
    return lua_yield(L, lua_gettop(L));
}

static int co_isyieldable(lua_State *L)
{
    lua_State *co = lua_isnone(L, 1) ? L : get_coroutine(L);
    lua_pushboolean(L, !is_body(PR_LUA(L), co) && is_system_yieldable(co));
    return 1;
}

/* As Lua's own, but for coroutines in which a process waits. */
static int co_close(lua_State *L)
{
    lua_State *co = get_coroutine(L);
    lua_Debug frame;
    int status = lua_status(co);
    if (co == L || (status == LUA_OK && lua_getstack(co, 0, &frame)))
        return luaL_error(L, "cannot close a %s coroutine", co == L ? "running" : "normal");
    if (is_waiting(L, co, 1))
        return luaL_error(L, "cannot close a coroutine in which a process waits");
    status = pr_reset_coroutine(co);
    lua_pushboolean(L, status == LUA_OK);
    if (status == LUA_OK)
        return 1;
    lua_xmove(co, L, 1);
    return 2;
}

lua_State *pr_inner_coroutine(lua_State *co)
{
    lua_Debug frame;
    lua_State *inner = NULL;
    if (lua_status(co) != LUA_YIELD || !lua_checkstack(co, 2) || !lua_getstack(co, 0, &frame))
        return NULL;
    lua_getinfo(co, "f", &frame);
    lua_CFunction function = lua_tocfunction(co, -1);
    if ((function == co_resume && lua_getlocal(co, &frame, 1)) ||
        (function == wrap_call && lua_getupvalue(co, -1, 1))) {
        inner = lua_tothread(co, -1);
        lua_pop(co, 1);
    }
    lua_pop(co, 1);
    return inner && lua_status(inner) == LUA_YIELD ? inner : NULL;
}

/* In the body of a process it is the main coroutine, as in a script of its own. */
static int co_running(lua_State *L)
{
    int is_main = lua_pushthread(L);
    int is_own = is_main || is_body(PR_LUA(L), L);
    if (is_own && !is_main)
        mark_body(L);
    lua_pushboolean(L, is_own);
    return 2;
}

void pr_open_coroutine(struct pr_lua *lua, lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"resume", co_resume}, {"wrap", co_wrap},       {"create", co_create},
        {"yield", co_yield },  {"running", co_running}, {"isyieldable", co_isyieldable},
        {"close", co_close},   {NULL, NULL},
    };
    lua_newtable(L);
    lua_newtable(L);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &waiting_key);
    lua_getglobal(L, LUA_COLIBNAME);
    if (lua_istable(L, -1))
        pr_lua_register(L, lua, functions);
    lua_pop(L, 1);
}
