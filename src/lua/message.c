/* SPDX-License-Identifier: MIT
 *
 * Messages as the Lua values that their receiver sees. */
#include "lua/message.h"

#include "lua/copy.h"
#include "lua/ident.h"

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
        push_triple(lua, L, "EXIT", pr_signal_exit_from(message).id, &message->value);
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
    case PR_SIGNAL_UNLINKED:
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
