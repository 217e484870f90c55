/* SPDX-License-Identifier: MIT */
#include "lua/logging.h"

#include "lua/ident.h"

static const char *const levels[] = {"debug", "info", "warning", "error", "none", NULL};

static struct pr_log *log_of(struct pr_lua *lua)
{
    return &lua->owner->system->log;
}

/* log(level, text) */
static int l_log(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_log_event event = {.from = lua->owner->current->pid};
    event.level = (pierrot_level)luaL_checkoption(L, 1, NULL, levels);
    event.text = luaL_checklstring(L, 2, &event.len);
    pr_log_post(log_of(lua), &event);
    return 0;
}

/* wants_log(level): whether such an event would reach anybody. */
static int l_wants_log(lua_State *L)
{
    int level = luaL_checkoption(L, 1, NULL, levels);
    lua_pushboolean(L, pr_log_wants(log_of(PR_SELF(L)), (pierrot_level)level));
    return 1;
}

/* set_log_level(level) */
static int l_set_log_level(lua_State *L)
{
    pr_log_set_level(log_of(PR_SELF(L)), luaL_checkoption(L, 1, NULL, levels));
    return 0;
}

/* log_sink([flag]): whether the sink gets events; with a flag, whether it did until now. */
static int l_log_sink(lua_State *L)
{
    struct pr_log *log = log_of(PR_SELF(L));
    int was_on = atomic_load_explicit(&log->has_sink, memory_order_relaxed);
    if (!lua_isnone(L, 1))
        was_on = pr_log_set_sink(log, lua_toboolean(L, 1));
    lua_pushboolean(L, was_on);
    return 1;
}

/* log_process(): pid of the process that gets events, and the index of its scheduler; nil: none. */
static int l_log_process(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    pierrot_pid pid = pr_log_subscriber(log_of(lua));
    if (!pid.id || !pr_ptable_is_alive(lua->owner->system, pid)) {
        lua_pushnil(L);
        return 1;
    }
    pr_push_id(L, pid.id);
    lua_pushinteger(L, (lua_Integer)pr_ptable_owner(lua->owner->system, pid)->index + 1);
    return 2;
}

/* log_subscribe(): the caller gets events from now on, if nobody alive does; whether it does. */
static int l_log_subscribe(lua_State *L)
{
    struct pr_lua *lua = PR_SELF(L);
    pierrot_pid old = pr_log_subscriber(log_of(lua));
    int is_free = !old.id || !pr_ptable_is_alive(lua->owner->system, old);
    lua_pushboolean(L, is_free &&
                           pr_log_subscribe(log_of(lua), old, lua->owner->current->pid));
    return 1;
}

/* log_taken(): the process has handled an event; how many were lost since the last one. */
static int l_log_taken(lua_State *L)
{
    lua_pushinteger(L, pr_log_taken(log_of(PR_SELF(L))));
    return 1;
}

void pr_open_logging(struct pr_lua *lua, lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"log", l_log},
        {"wants_log", l_wants_log},
        {"set_log_level", l_set_log_level},
        {"log_sink", l_log_sink},
        {"log_process", l_log_process},
        {"log_subscribe", l_log_subscribe},
        {"log_taken", l_log_taken},
        {NULL, NULL},
    };
    pr_lua_register(L, lua, functions);
}
