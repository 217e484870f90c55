/* SPDX-License-Identifier: MIT */
#include "lua/plan.h"

#include <string.h>

#include "lua/ident.h"
#include "lua/pattern.h"

static void note_ref(struct pr_lua *lua, struct pr_plan *plan, uint64_t id)
{
    pierrot_ref ref = {id};
    if (id >> 63 && pr_id_is_ref(id) && pr_ref_home(ref) == lua->owner->index &&
        (!plan->ref.id || pr_ref_number(ref) > pr_ref_number(plan->ref)))
        plan->ref = ref;
}

/* The value at `index`, of that type, as an item. Whether it can be one. */
static int read_value(struct pr_lua *lua, lua_State *L, int index, int type, struct pr_plan *plan,
                      struct pr_plan_item *item)
{
    item->type = type;
    switch (type) {
    case LUA_TSTRING:
        item->as.string.bytes = lua_tolstring(L, index, &item->as.string.len);
        return 1;
    case LUA_TNUMBER:
        item->as.integer = lua_tointeger(L, index);
        return lua_isinteger(L, index);
    case LUA_TBOOLEAN:
        item->as.is_true = lua_toboolean(L, index);
        return 1;
    case LUA_TLIGHTUSERDATA:
        item->as.address = lua_touserdata(L, index);
        if (pr_pattern_is_any(item->as.address))
            item->type = LUA_TNONE;
        note_ref(lua, plan, (uint64_t)(uintptr_t)item->as.address);
        return 1;
    default:
        return 0;
    }
}

/* Whether the table at `pattern` is one of a few scalars. Leaves keys and values on the stack. */
static int read_table(struct pr_lua *lua, lua_State *L, int pattern, struct pr_plan *plan)
{
    /* Alternatives have a metatable. */
    if (lua_getmetatable(L, pattern))
        return 0;
    lua_pushnil(L);
    while (lua_next(L, pattern)) {
        if (plan->n == PR_PLAN_MAX || !lua_isinteger(L, -2) ||
            !read_value(lua, L, -1, lua_type(L, -1), plan, &plan->items[plan->n]))
            return 0;
        lua_Integer key = plan->items[plan->n++].key = lua_tointeger(L, -2);
        lua_pushinteger(L, key);
    }
    return 1;
}

void pr_plan_make(struct pr_lua *lua, lua_State *L, int pattern, struct pr_plan *plan)
{
    int type = lua_type(L, pattern), top = lua_gettop(L);
    plan->n = 0;
    plan->ref.id = 0;
    switch (type) {
    case LUA_TNIL:
        plan->kind = PR_PLAN_ANYTHING;
        return;
    case LUA_TTABLE:
        plan->kind = read_table(lua, L, pattern, plan) ? PR_PLAN_TABLE : PR_PLAN_DEEP;
        if (plan->kind == PR_PLAN_DEEP)
            lua_settop(L, top);
        return;
    default:
        plan->kind = read_value(lua, L, pattern, type, plan, &plan->items[0]) ? PR_PLAN_VALUE
                                                                               : PR_PLAN_DEEP;
    }
}

/* The value on top, as lua_rawequal has it: an integer equals a float of the same value. */
static int has_value(lua_State *L, int type, const struct pr_plan_item *item)
{
    size_t len;
    const char *bytes;
    int is_integer;
    if (item->type == LUA_TNONE)
        return type != LUA_TNIL;
    if (type != item->type)
        return 0;
    switch (type) {
    case LUA_TSTRING:
        /* Short strings are one and the same when they are equal. */
        bytes = lua_tolstring(L, -1, &len);
        return bytes == item->as.string.bytes ||
               (len == item->as.string.len && memcmp(bytes, item->as.string.bytes, len) == 0);
    case LUA_TNUMBER:
        return lua_tointegerx(L, -1, &is_integer) == item->as.integer && is_integer;
    case LUA_TBOOLEAN:
        return lua_toboolean(L, -1) == item->as.is_true;
    default:
        return lua_touserdata(L, -1) == item->as.address;
    }
}

int pr_plan_admits(const struct pr_plan *plan, lua_Integer key, uint64_t id)
{
    for (int i = 0; i < plan->n; i++) {
        const struct pr_plan_item *item = &plan->items[i];
        if (item->key != key || item->type == LUA_TNONE)
            continue;
        if (item->type != LUA_TLIGHTUSERDATA || (uint64_t)(uintptr_t)item->as.address != id)
            return 0;
    }
    return 1;
}

int pr_plan_match(lua_State *L, const struct pr_plan *plan)
{
    int value = lua_gettop(L), type = lua_type(L, value), i = 0;
    if (plan->kind == PR_PLAN_VALUE)
        return has_value(L, type, &plan->items[0]);
    if (type != LUA_TTABLE)
        return 0;
    while (i < plan->n && has_value(L, lua_rawgeti(L, value, plan->items[i].key), &plan->items[i]))
        i++;
    lua_settop(L, value);
    return i == plan->n;
}
