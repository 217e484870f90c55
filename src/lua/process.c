/* SPDX-License-Identifier: MIT */
#include "lua/process.h"

#include <errno.h>
#include <string.h>

#include "lua/copy.h"
#include "lua/ident.h"
#include "lua/running.h"

/* -------------------------------------------------------------------- timeouts */

static void fire(struct pr_owner *owner, struct pr_alarm *alarm)
{
    struct pr_wait_alarm *wait = (struct pr_wait_alarm *)alarm;
    wait->has_fired = 1;
    pr_process_wake(owner, &wait->process->process);
}

/* One that is not armed, and perhaps need not be. NULL: out of memory. */
static struct pr_wait_alarm *new_alarm(struct pr_lua *lua, struct pr_lua_process *process,
                                       int has_fired)
{
    pr_wait_alarm_clear(lua, process);
    struct pr_wait_alarm *wait = pr_pool_alloc(&lua->scheduler->pool, sizeof *wait);
    if (!wait)
        return NULL;
    wait->process = process;
    wait->has_fired = has_fired;
    pr_timer_init(&wait->alarm.timer);
    process->alarm = wait;
    return wait;
}

int pr_wait_alarm_set(struct pr_lua *lua, struct pr_lua_process *process, uint64_t deadline_ns)
{
    if (deadline_ns == UINT64_MAX) {
        pr_wait_alarm_clear(lua, process);
        return 0;
    }
    struct pr_wait_alarm *wait = new_alarm(lua, process, 0);
    if (!wait)
        return PIERROT_ENOMEM;
    pr_alarm_set(lua->owner, &wait->alarm, deadline_ns, fire);
    return 0;
}

void pr_wait_alarm_end(struct pr_lua *lua, struct pr_lua_process *process)
{
    pr_alarm_cancel(lua->owner, &process->alarm->alarm);
    pr_pool_free(&lua->scheduler->pool, process->alarm, sizeof *process->alarm);
    process->alarm = NULL;
}

int pr_timeout_set(struct pr_lua *lua, struct pr_lua_process *server, uint64_t lasts_ns)
{
    uint64_t end_ns = lasts_ns;
    if (lasts_ns == 0) {
        struct pr_wait_alarm *wait = new_alarm(lua, server, 1);
        if (!wait)
            return PIERROT_ENOMEM;
        wait->lasts_ns = 0;
        return 0;
    }
    if (lasts_ns != UINT64_MAX)
        end_ns += pr_scheduler_now(lua->scheduler);
    int error = pr_wait_alarm_set(lua, server, end_ns);
    if (!error && server->alarm)
        server->alarm->lasts_ns = lasts_ns;
    return error;
}

uint64_t pr_timeout_take(struct pr_lua *lua, struct pr_lua_process *server)
{
    struct pr_wait_alarm *wait = server->alarm;
    if (!wait)
        return UINT64_MAX;
    int is_over = wait->has_fired && !(server->process.sys & PR_SYS_SUSPENDED);
    uint64_t lasts_ns = is_over ? 0 : wait->lasts_ns;
    pr_wait_alarm_end(lua, server);
    return lasts_ns;
}

/* ---------------------------------------------------------------------- reasons */

/* Whether a line of a traceback is pierrot's own: the files in the library, the bottom of a
 * coroutine. */
static int is_internal(const char *line, size_t len)
{
    static const char file[] = "\tpierrot/", bottom[] = "\t[C]: in ?", code[] = "\tpierrot:";
    return strncmp(line, file, sizeof file - 1) == 0 || strncmp(line, code, sizeof code - 1) == 0 ||
           (len == sizeof bottom - 1 && memcmp(line, bottom, len) == 0);
}

/* Pushes the traceback of user frames; protected, since it may not get out. */
static int push_traceback(lua_State *L)
{
    luaL_Buffer kept;
    luaL_traceback(L, lua_touserdata(L, 1), NULL, 0);
    const char *line = lua_tostring(L, -1);
    luaL_buffinit(L, &kept);
    while (*line) {
        size_t len = strcspn(line, "\n");
        if (!is_internal(line, len)) {
            if (luaL_bufflen(&kept) > 0)
                luaL_addchar(&kept, '\n');
            luaL_addlstring(&kept, line, len);
        }
        line += len + (line[len] == '\n');
    }
    luaL_pushresult(&kept);
    return 1;
}

static pierrot_term *error_tuple(struct pr_lua *lua, pierrot_term *value, const char *traceback,
                                 size_t len)
{
    struct pierrot_term tag = pr_cell_borrow("error", 5);
    struct pierrot_term text = pr_cell_borrow(traceback, (uint32_t)len);
    pierrot_term *reason =
        pr_term_tuple(&lua->owner->heap, (const pierrot_term *const[]){&tag, value, &text}, 3);
    pr_term_drop(value, &lua->owner->heap);
    return reason ? reason : PR_TERM(enomem);
}

int pr_is_exit_object(struct pr_lua *lua, lua_State *L, int index)
{
    if (!lua_istable(L, index) || !lua_getmetatable(L, index))
        return 0;
    pr_store_push(lua, L, lua->exit_meta_place);
    int is_exit = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return is_exit;
}

/* A signal that ends the program ends a wait in C code: io.read returns what the system says of that,
 * and its process ends with the others, but io.lines raises it. That is no crash. */
static int is_ended_wait(struct pr_lua *lua, lua_State *L, int index)
{
    struct pierrot *runtime = lua->scheduler->runtime;
    if (!runtime->options.program || lua_type(L, index) != LUA_TSTRING ||
        !atomic_load_explicit(&runtime->halt_requested, memory_order_relaxed))
        return 0;
    size_t len;
    const char *text = lua_tolstring(L, index, &len), *why = strerror(EINTR);
    size_t why_len = strlen(why);
    return len >= why_len && memcmp(text + len - why_len, why, why_len) == 0;
}

pierrot_term *pr_error_reason(struct pr_lua *lua, lua_State *L, int index, lua_State *co)
{
    index = lua_absindex(L, index);
    if (!lua_checkstack(L, 6))
        return PR_TERM(enomem);
    if (is_ended_wait(lua, L, index))
        return PR_TERM(shutdown);
    if (pr_is_exit_object(lua, L, index)) {
        lua_pushliteral(L, "reason");
        lua_rawget(L, index);
        pierrot_term *reason = pr_copy_to_reason(lua, L, -1);
        lua_pop(L, 1);
        return reason;
    }
    pierrot_term *value = pr_copy_to_reason(lua, L, index);
    lua_pushcfunction(L, push_traceback);
    lua_pushlightuserdata(L, co);
    size_t len = 0;
    const char *traceback = lua_pcall(L, 1, 1, 0) == LUA_OK ? lua_tolstring(L, -1, &len) : "";
    pierrot_term *reason = error_tuple(lua, value, traceback, len);
    lua_pop(L, 1);
    return reason;
}

int pr_raise_exit(struct pr_lua *lua, lua_State *L)
{
    luaL_checkstack(L, 4, NULL);
    lua_createtable(L, 0, 2);
    lua_insert(L, -2);
    lua_setfield(L, -2, "reason");
    lua_pushliteral(L, "exit");
    lua_setfield(L, -2, "class");
    pr_store_push(lua, L, lua->exit_meta_place);
    lua_setmetatable(L, -2);
    return lua_error(L);
}

int pr_process_is_lua(const struct pr_process *process)
{
    return process->kind->takes_local;
}

lua_State *pr_lua_body_of(struct pr_process *process)
{
    return pr_process_is_lua(process) ? pr_lua_process_of(process)->body.co : NULL;
}

/* It waits from now on: what should wake it may have happened before. */
void pr_lua_host_recheck(struct pr_lua *lua)
{
    struct pr_lua_process *host = lua->host;
    if (host->has_to_wake || host->process.exit_reason) {
        host->has_to_wake = 0;
        pr_process_wake(lua->owner, &host->process);
    }
}

/* An exit signal to the host's main process is an exit raised at its wait. */
void pr_lua_host_raise(struct pr_lua *lua, lua_State *L)
{
    pierrot_term *reason = lua->host->process.exit_reason;
    if (!reason)
        return;
    lua->host->process.exit_reason = NULL;
    pr_push_term(L, reason);
    pr_term_drop(reason, &lua->owner->heap);
    pr_raise_exit(lua, L);
}
