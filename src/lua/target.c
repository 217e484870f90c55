/* SPDX-License-Identifier: MIT */
#include "lua/target.h"

#include <string.h>

#include "lua/blame.h"
#include "lua/copy.h"
#include "lua/ident.h"
#include "lua/lend.h"

enum { MAX_VIAS = 100 }; /* one in the other */

int pr_is_via(lua_State *L, int arg)
{
    lua_rawgeti(L, arg, 1);
    int is = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "via") == 0;
    lua_pop(L, 1);
    return is;
}

/* The via as a term: its elements stand at the top of L, or (a via in a via) it is copied to
 * *copied, which may be NULL and is the caller's to drop. NULL: it cannot be one, or there is no
 * memory. */
static const pierrot_term *read_via(struct pr_lua *lua, lua_State *L, int arg, struct pr_lent *lent,
                                    pierrot_term **copied)
{
    int error;
    for (int i = 1; i <= 3; i++)
        lua_rawgeti(L, arg, i);
    const pierrot_term *via = pr_lend_request(L, lua_gettop(L) - 2, lua_gettop(L) - 1, 2, lent);
    *copied = via ? NULL : pr_copy_to_term(lua, L, arg, &error);
    return via ? via : *copied;
}

pierrot_term *pr_name_term(struct pr_lua *lua, lua_State *L, int arg)
{
    struct pr_heap *heap = &lua->owner->heap;
    struct pr_lent lent;
    pierrot_term *copied = NULL;
    size_t len;
    if (lua_type(L, arg) == LUA_TSTRING) {
        const char *name = lua_tolstring(L, arg, &len);
        return pr_term_new_string(heap, name, len);
    }
    luaL_checkstack(L, 5, NULL);
    const pierrot_term *via = read_via(lua, L, arg, &lent, &copied);
    if (via && !copied)
        copied = pr_term_copy(heap, via);
    lua_pop(L, 3);
    return copied;
}

pierrot_pid pr_find_via(struct pr_lua *lua, lua_State *L, int arg)
{
    struct pr_lent lent;
    pierrot_term *copied;
    pierrot_pid pid = {0};
    int top = lua_gettop(L);
    luaL_checkstack(L, 5, NULL);
    const pierrot_term *via = read_via(lua, L, arg, &lent, &copied);
    pr_signal_poll(lua->owner);
    int error = via ? pr_via_find(lua->scheduler->runtime, via, &pid) : PIERROT_ENOTFOUND;
    pr_term_drop(copied, &lua->owner->heap);
    lua_settop(L, top);
    if (error == PIERROT_ENOMEM)
        luaL_error(L, "not enough memory");
    if (error == PIERROT_EEXIST)
        pr_argument_error(
            lua, L, arg,
            "via on a registry with unique keys expected, got one with duplicate keys");
    return pid;
}

/* A registry and a key, as argument.is_via of Lua's sees it. One that goes on for ever is none. */
static int is_well_formed(lua_State *L, int via, int depth)
{
    if (depth > MAX_VIAS)
        return 0;
    luaL_checkstack(L, 3, NULL);
    lua_rawgeti(L, via, 2);
    lua_rawgeti(L, via, 3);
    int key = lua_type(L, -1);
    int is_key = key == LUA_TSTRING || key == LUA_TBOOLEAN || pr_to_id(L, -1) ||
                 (key == LUA_TNUMBER && lua_rawequal(L, -1, -1));
    lua_pop(L, 1);
    int is_server = lua_type(L, -1) == LUA_TSTRING || pr_to_pid(L, -1).id ||
                    (lua_type(L, -1) == LUA_TTABLE && pr_is_via(L, lua_gettop(L)) &&
                     is_well_formed(L, lua_gettop(L), depth + 1));
    lua_pop(L, 1);
    return is_key && is_server;
}

static void raise_target(struct pr_lua *lua, lua_State *L, int arg)
{
    lua_pushfstring(L, "pid, name or via expected, got %s", pr_type_name(L, arg));
    pr_argument_error(lua, L, arg, lua_tostring(L, -1));
}

struct pr_target pr_check_target(struct pr_lua *lua, lua_State *L, int arg, int with_alias)
{
    struct pr_target target = {{0}, {0}};
    uint64_t id = pr_to_id(L, arg);
    if (pr_id_is_pid(id)) {
        target.pid.id = id;
    } else if (pr_id_is_ref(id) && with_alias) {
        target.alias.id = id;
        target.pid = pr_alias_process(lua->owner->system, target.alias);
    } else if (lua_type(L, arg) == LUA_TSTRING) {
        size_t len;
        const char *name = lua_tolstring(L, arg, &len);
        pr_signal_poll(lua->owner);
        target.pid = pr_name_find(lua->owner->system, name, len);
    } else if (lua_type(L, arg) == LUA_TTABLE && pr_is_via(L, arg)) {
        target.pid = pr_find_via(lua, L, arg);
        if (!target.pid.id && !is_well_formed(L, arg, 1))
            raise_target(lua, L, arg);
    } else {
        raise_target(lua, L, arg);
    }
    return target;
}
