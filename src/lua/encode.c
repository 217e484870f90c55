/* SPDX-License-Identifier: MIT
 *
 * What signals carry, and the errors of what they cannot. */
#include <string.h>

#include "lua/class.h"
#include "lua/copy.h"
#include "lua/ident.h"

/* Where the user's code stands: below the files of the library itself. */
static void push_users_line(lua_State *L)
{
    lua_Debug ar;
    for (int level = 1; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline > 0 && strncmp(ar.short_src, "pierrot/", 8) != 0) {
            lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
            return;
        }
    }
    lua_pushliteral(L, "");
}

int pr_copy_error(struct pr_lua *lua, lua_State *L, int index)
{
    index = lua_absindex(L, index);
    luaL_checkstack(L, 4, NULL);
    pr_store_push(lua, L, lua->find_unsendable_place);
    lua_pushvalue(L, index);
    lua_call(L, 1, 1);
    push_users_line(L);
    lua_insert(L, -2);
    lua_concat(L, 2);
    return lua_error(L);
}

int pr_copy_raise(struct pr_lua *lua, lua_State *L, int index, int error)
{
    if (error == PIERROT_EINVAL)
        return pr_copy_error(lua, L, index);
    return luaL_error(L, "cannot send: %s", pierrot_strerror(error));
}

int pr_read_word(lua_State *L, int index, int type, struct pierrot_term *cell)
{
    uint64_t id;
    switch (type) {
    case LUA_TNIL:
        *cell = pr_cell_nil();
        return 1;
    case LUA_TBOOLEAN:
        *cell = pr_cell_bool(lua_toboolean(L, index));
        return 1;
    case LUA_TNUMBER:
        *cell = lua_isinteger(L, index) ? pr_cell_int(lua_tointeger(L, index))
                                        : pr_cell_num(lua_tonumber(L, index));
        return 1;
    case LUA_TLIGHTUSERDATA:
        id = pr_to_id(L, index);
        if (!id)
            return 0;
        *cell = pr_cell_id(id);
        return 1;
    default:
        return 0;
    }
}

/* Whether requests to it are spread over the arguments of callbacks (handler.h): those of scalars need
 * not become a table there. */
static int wants_short(struct pr_process *target)
{
    const struct pr_lua_process *server = pr_lua_process_of(target);
    return server->class_ && server->class_->has_names;
}

/* The last slots are for what is looked at next, by who waits for a message or an answer: else those
 * that lie with a busy process would hold all of them, and everybody else's would be terms, which makes
 * a conversation half as slow again. */
static int has_slot_for(const struct pr_lua *lua, const struct pr_process *target, uint8_t flag)
{
    int is_next = target->state == PR_WAITING && (target->flags & flag) == flag;
    return pr_store_has_plenty(lua) || (is_next && pr_store_has_slot(lua));
}

/* Terms are as good as Lua values where many messages wait, and better: the collector would mark the
 * values in each of its cycles, and a term lies in fewer lines of memory. With 1,000,000 in a
 * mailbox a message costs 550 ns so, and 890 as a Lua value. */
static struct pierrot_term encode(struct pr_lua *lua, lua_State *L, int index,
                                  struct pr_process *target, uint8_t flag)
{
    struct pierrot_term value;
    int error, type = lua_type(L, index);
    if (type < LUA_TSTRING && pr_read_word(L, index, type, &value))
        return value;
    pierrot_term *root = NULL;
    int takes_local = target && target->kind->takes_local;
    if (takes_local && type == LUA_TTABLE && wants_short(target))
        root = pr_copy_short(lua, L, index);
    if (!root && takes_local && has_slot_for(lua, target, flag)) {
        if (type == LUA_TSTRING)
            lua_pushvalue(L, index);
        else if ((error = type == LUA_TTABLE ? pr_copy_table(L, index) : PIERROT_EINVAL) != 0)
            pr_copy_raise(lua, L, index, error);
        /* A finalizer that ran meanwhile may have sent something, and have taken the last slot. */
        uint32_t place =
            pr_store_has_slot(lua) ? pr_store_put_slot(lua, L) : pr_store_put(lua, L);
        return (struct pierrot_term){.tag = PR_VALUE_LOCAL, .as.integer = place};
    }
    if (!root && !(root = pr_copy_to_term(lua, L, index, &error)))
        pr_copy_raise(lua, L, index, error);
    return pr_value_of_term(root);
}

struct pierrot_term pr_encode(struct pr_lua *lua, lua_State *L, int index,
                              struct pr_process *target)
{
    return encode(lua, L, index, target, PR_WAKE_ON_MESSAGE);
}

struct pierrot_term pr_encode_reply(struct pr_lua *lua, lua_State *L, int index,
                                    struct pr_process *caller)
{
    return encode(lua, L, index, caller, 0);
}

void pr_push_value(struct pr_lua *lua, lua_State *L, const struct pierrot_term *value)
{
    if (value->tag == PR_VALUE_LOCAL)
        pr_store_push(lua, L, (uint32_t)value->as.integer);
    else
        pr_push_term(L, pr_value_cell(value));
}
