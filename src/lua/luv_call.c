/* SPDX-License-Identifier: MIT
 *
 * Before luv's function: arguments that would crash it are refused, callbacks are wrapped. After it:
 * what it made is entered in the records of the running process. */
#include "lua/luv_call.h"

#include <signal.h>
#include <strings.h>

#include "lua/ident.h"
#include "lua/luv_callback.h"
#include "lua/luv_file.h"
#include "lua/luv_handle.h"
#include "lua/luv_names.h"
#include "lua/luv_owner.h"
#include "lua/luv_queue.h"

enum { BOX = 1, RAW, TRAITS };

struct turn {
    struct pr_luv *luv;
    unsigned traits;
    int n_args;
    uv_handle_t *first;           /* argument 1, when that is a handle */
    struct pr_luv_handle *handle; /* its record */
    int n_callbacks;              /* that luv has got, if it takes one there */
    int has_begun;                /* a request: it is under way */
};

/* ----------------------------------------------------------------------- arguments */

/* Whether the userdata is one of luv's; the handle, if it is one. */
static int is_luvs(lua_State *L, int arg, uv_handle_t **handle)
{
    int is_known = 0;
    *handle = NULL;
    if (!lua_getmetatable(L, arg))
        return 0;
    lua_getiuservalue(L, lua_upvalueindex(BOX), PR_LUV_METATABLES);
    lua_insert(L, -2);
    if (lua_rawget(L, -2) == LUA_TBOOLEAN) {
        is_known = 1;
        if (lua_toboolean(L, -1))
            *handle = *(uv_handle_t **)lua_touserdata(L, arg);
    }
    lua_pop(L, 2);
    return is_known;
}

/* As luv's own failures. */
static int fail(lua_State *L, int error)
{
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", uv_err_name(error), uv_strerror(error));
    lua_pushstring(L, uv_err_name(error));
    return 3;
}

/* What luv would take for a handle without looking. Whether a handle is closed that is needed. */
static int check_userdata(struct turn *turn, lua_State *L, int arg)
{
    uv_handle_t *handle = NULL;
    if (lua_islightuserdata(L, arg) || !is_luvs(L, arg, &handle))
        return pr_type_error(L, arg, "a value of luv's");
    if (arg == 1)
        turn->first = handle;
    return handle && uv_is_closing(handle) && !(turn->traits & PR_LUV_ASKS);
}

/* spawn's stdio. */
static int check_stdio(struct turn *turn, lua_State *L)
{
    int is_closed = 0;
    if (lua_type(L, 2) != LUA_TTABLE || lua_getfield(L, 2, "stdio") != LUA_TTABLE) {
        lua_settop(L, turn->n_args);
        return 0;
    }
    int stdio = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, stdio)) {
        uv_handle_t *handle = NULL;
        if (lua_type(L, -1) == LUA_TUSERDATA && !is_luvs(L, lua_gettop(L), &handle))
            luaL_argerror(L, 2, "stdio table entries must be nil, uv_stream_t, or integer");
        is_closed |= handle && uv_is_closing(handle);
        lua_pop(L, 1);
    }
    lua_settop(L, turn->n_args);
    return is_closed;
}

/* Preemption uses SIGURG. */
static void check_signal(const struct turn *turn, lua_State *L)
{
    if (!turn->first || turn->first->type != UV_SIGNAL)
        return;
    if ((lua_type(L, 2) == LUA_TNUMBER && lua_tointeger(L, 2) == SIGURG) ||
        (lua_type(L, 2) == LUA_TSTRING && strcasecmp(lua_tostring(L, 2), "sigurg") == 0))
        luaL_argerror(L, 2, "SIGURG is the runtime's");
}

static void check_data(lua_State *L)
{
    if (lua_istable(L, 2) && lua_rawlen(L, 2) == 0)
        luaL_argerror(L, 2, "there is nothing to write");
}

/* Whether a handle is closed that is needed. */
static int check(struct turn *turn, lua_State *L)
{
    int is_closed = 0;
    for (int i = 1; i <= turn->n_args; i++) {
        int type = lua_type(L, i);
        if (type == LUA_TUSERDATA || type == LUA_TLIGHTUSERDATA)
            is_closed |= check_userdata(turn, L, i);
    }
    if (turn->traits & PR_LUV_SPAWNS)
        is_closed |= check_stdio(turn, L);
    if (turn->traits & PR_LUV_RESTARTS)
        check_signal(turn, L);
    if (turn->traits & PR_LUV_WRITES)
        check_data(L);
    return is_closed;
}

/* ----------------------------------------------------------------------- callbacks */

static int is_callable(lua_State *L, int arg)
{
    if (lua_type(L, arg) == LUA_TFUNCTION)
        return 1;
    if (lua_type(L, arg) != LUA_TTABLE || luaL_getmetafield(L, arg, "__call") == LUA_TNIL)
        return 0;
    int is = lua_isfunction(L, -1);
    lua_pop(L, 1);
    return is;
}

/* What kind of callback a call of this function has, and what it is about. */
static struct pr_luv_callback callback_of(struct turn *turn, lua_State *L)
{
    struct pr_luv_callback callback = {.kind = PR_LUV_REQUEST};
    if (turn->traits & PR_LUV_CLOSES) {
        callback.kind = PR_LUV_CLOSED;
        callback.what = turn->handle;
    } else if (turn->traits & PR_LUV_MAKES_WORK) {
        callback.kind = PR_LUV_WORKED;
    } else if (turn->traits & PR_LUV_CREATES) {
        callback.kind = turn->traits & PR_LUV_SPAWNS ? PR_LUV_EXITED : PR_LUV_EVENT;
        callback.what = pr_luv_handle_reserve(turn->luv, L);
    } else if (turn->first) {
        callback.kind = turn->traits & PR_LUV_ONCE ? PR_LUV_ANSWER : PR_LUV_EVENT;
        callback.what = turn->handle;
    } else {
        struct pr_luv *luv = turn->luv;
        struct pr_pool *pool = &luv->lua->scheduler->pool;
        if (!luv->spare_request)
            luv->spare_request = pr_pool_alloc(pool, sizeof *luv->spare_request);
        if (!luv->spare_request)
            luaL_error(L, "not enough memory");
        callback.kind = turn->traits & PR_LUV_OPENS_FILE ? PR_LUV_OPENED : PR_LUV_REQUEST;
        callback.what = luv->spare_request;
    }
    return callback;
}

static void wrap(struct turn *turn, lua_State *L, int arg, struct pr_luv_callback callback)
{
    int is_given = !lua_isnoneornil(L, arg);
    if (is_given || callback.kind == PR_LUV_EXITED)
        callback.pid = pr_luv_owner_here(turn->luv, L)->pid;
    int keeps_first = lua_type(L, 1) == LUA_TUSERDATA && callback.kind != PR_LUV_WORKED;
    pr_luv_callback_push(L, lua_upvalueindex(BOX), &callback, is_given ? arg : 0,
                         keeps_first ? 1 : 0);
    lua_replace(L, arg);
    turn->n_callbacks++;
}

/* The end of a handle or of a child is always heard of. */
static void wrap_always(struct turn *turn, lua_State *L, int arg)
{
    if (lua_gettop(L) < arg)
        lua_settop(L, arg);
    if (lua_isnil(L, arg) || is_callable(L, arg))
        wrap(turn, L, arg, callback_of(turn, L));
}

static void wrap_callbacks(struct turn *turn, lua_State *L)
{
    luaL_checkstack(L, 12, NULL);
    if (turn->traits & PR_LUV_SPAWNS) {
        wrap_always(turn, L, 3);
        return;
    }
    if (turn->traits & PR_LUV_CLOSES && turn->handle && !uv_is_closing(turn->first)) {
        wrap_always(turn, L, 2);
        return;
    }
    for (int i = turn->traits & PR_LUV_MAKES_WORK ? 2 : 1; i <= turn->n_args; i++) {
        if (is_callable(L, i))
            wrap(turn, L, i, callback_of(turn, L));
    }
}

/* ----------------------------------------------------------------------- afterwards */

static void note_request(struct turn *turn, lua_State *L, int result)
{
    struct pr_luv *luv = turn->luv;
    struct pr_luv_request *request = luv->spare_request;
    luv->spare_request = NULL;
    *request = (struct pr_luv_request){.owner = pr_luv_owner_here(luv, L)};
    request->object = lua_touserdata(L, 1);
    if (luaL_testudata(L, result, "uv_req") || luaL_testudata(L, result, "uv_fs"))
        request->request = lua_touserdata(L, result);
    pr_list_append(&luv->requests, &request->node);
    pr_list_append(&request->owner->requests, &request->of_owner);
}

/* Every descriptor among the results. */
static void note_files(struct turn *turn, lua_State *L, int result)
{
    struct pr_luv_owner *owner = pr_luv_owner_here(turn->luv, L);
    if (lua_isinteger(L, result)) {
        pr_luv_file_hold(turn->luv, owner, (int)lua_tointeger(L, result));
    } else if (lua_istable(L, result)) {
        lua_pushnil(L);
        while (lua_next(L, result)) {
            if (lua_isinteger(L, -1))
                pr_luv_file_hold(turn->luv, owner, (int)lua_tointeger(L, -1));
            lua_pop(L, 1);
        }
    }
}

static void note_file_gone(const struct turn *turn, lua_State *L, int arg)
{
    int is_number;
    lua_Integer fd = lua_tointegerx(L, arg, &is_number);
    if (is_number)
        pr_luv_file_forget(turn->luv, (int)fd);
}

/* The callback lies below what was made: it is told what it is of. */
static void note_made(struct turn *turn, lua_State *L, int result)
{
    uv_handle_t *handle;
    if (turn->traits & PR_LUV_MAKES_WORK) {
        pr_luv_callback_set(L, 2, lua_touserdata(L, result));
    } else if (lua_type(L, result) == LUA_TUSERDATA && is_luvs(L, result, &handle) && handle) {
        pr_luv_handle_adopt(turn->luv, L, pr_luv_owner_here(turn->luv, L), result);
    }
}

static void note(struct turn *turn, lua_State *L, int n_results)
{
    int result = lua_gettop(L) - n_results + 1;
    luaL_checkstack(L, 8, NULL);
    if (turn->traits & (PR_LUV_CREATES | PR_LUV_MAKES_WORK))
        note_made(turn, L, result);
    if (turn->traits & PR_LUV_TAKES_FILE && lua_toboolean(L, result))
        note_file_gone(turn, L, 2);
    if (turn->traits & PR_LUV_TAKES_FIRST && lua_toboolean(L, result))
        note_file_gone(turn, L, 1);
    if (turn->traits & PR_LUV_OPENS_FILE)
        note_files(turn, L, result);
    if (turn->handle && turn->traits & (PR_LUV_RESTARTS | PR_LUV_CLOSES)) {
        turn->handle->is_paused = 0;
        pr_luv_call_drop_events(turn->luv, turn->handle);
    }
    if (turn->has_begun && !turn->first && (turn->n_callbacks > 0 || turn->traits & PR_LUV_QUEUES))
        note_request(turn, L, result);
}

/* What must not fail after the fact. */
static void prepare(struct turn *turn, lua_State *L)
{
    struct pr_luv *luv = turn->luv;
    if (turn->traits & (PR_LUV_CREATES | PR_LUV_OPENS_FILE | PR_LUV_QUEUES))
        (void)pr_luv_owner_here(luv, L);
    if (turn->traits & PR_LUV_CREATES)
        (void)pr_luv_handle_reserve(luv, L);
    if (turn->traits & PR_LUV_QUEUES)
        (void)callback_of(turn, L);
    if (turn->traits & PR_LUV_CLOSES_FILE)
        note_file_gone(turn, L, 1);
    /* The loop's time is that of its last turn, and a timer would fire early. */
    if (turn->traits & PR_LUV_RESTARTS && turn->first && turn->first->type == UV_TIMER)
        uv_update_time(luv->lua->scheduler->loop);
}

/* Threads that libuv starts meanwhile do not take SIGPIPE either. Where luv raises an error the next turn
 * of the loop releases what is held here. */
static int call_raw(const struct turn *turn, lua_State *L, lua_CFunction raw)
{
    const struct pr_scheduler *scheduler = turn->luv->lua->scheduler;
    int is_request = turn->n_callbacks > 0 && !turn->first;
    if (!(turn->traits & (PR_LUV_MAY_BREAK | PR_LUV_QUEUES)) && !is_request)
        return raw(L);
    pr_pipe_signal_hold(scheduler);
    int n_results = raw(L);
    pr_pipe_signal_release(scheduler);
    return n_results;
}

static int call(lua_State *L)
{
    struct turn turn = {.luv = lua_touserdata(L, lua_upvalueindex(BOX)), .n_args = lua_gettop(L)};
    lua_CFunction raw = lua_tocfunction(L, lua_upvalueindex(RAW));
    turn.traits = (unsigned)lua_tointeger(L, lua_upvalueindex(TRAITS));
    if (!turn.luv->lua || turn.luv->is_closing)
        return luaL_error(L, "luv has ended, with the scheduler");
    if (check(&turn, L))
        return fail(L, UV_EBADF);
    if (turn.first)
        turn.handle = pr_luv_handle_find(turn.luv, turn.first);
    prepare(&turn, L);
    wrap_callbacks(&turn, L);
    /* luv may have found no callback where it takes one, and be done. */
    const uv_loop_t *loop = turn.luv->lua->scheduler->loop;
    unsigned n_requests = loop->active_reqs.count;
    int n_results = call_raw(&turn, L, raw);
    turn.has_begun = loop->active_reqs.count > n_requests;
    note(&turn, L, n_results);
    return n_results;
}

/* --------------------------------------------------------------------------- others */

void pr_luv_call_push(lua_State *L, int box, const char *name)
{
    luaL_checkstack(L, 4, NULL);
    lua_pushvalue(L, box);
    lua_insert(L, -2);
    lua_pushinteger(L, (lua_Integer)pr_luv_traits(name));
    lua_pushcclosure(L, call, TRAITS);
}

static int refuse(lua_State *L)
{
    return luaL_error(L, "cannot use luv.%s: %s", lua_tostring(L, lua_upvalueindex(1)),
                      lua_tostring(L, lua_upvalueindex(2)));
}

void pr_luv_call_push_refusal(lua_State *L, const char *name, const char *why)
{
    lua_pushstring(L, name);
    lua_pushstring(L, why);
    lua_pushcclosure(L, refuse, 2);
}

int pr_luv_walk(lua_State *L)
{
    struct pr_luv *luv = lua_touserdata(L, lua_upvalueindex(BOX));
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    if (!luv->lua || luv->is_closing)
        return 0;
    struct pr_node *node = pr_luv_owner_here(luv, L)->handles.head;
    lua_newtable(L); /* they may be closed meanwhile */
    for (lua_Integer n = 1; node; node = node->next, n++) {
        pr_store_push(luv->lua, L, PR_CONTAINER_OF(node, struct pr_luv_handle, of_owner)->place);
        lua_rawseti(L, 2, n);
    }
    for (lua_Integer n = 1; lua_rawgeti(L, 2, n) != LUA_TNIL; n++) {
        lua_pushvalue(L, 1);
        lua_insert(L, -2);
        lua_call(L, 1, 0);
    }
    return 0;
}
