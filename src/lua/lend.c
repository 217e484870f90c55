/* SPDX-License-Identifier: MIT */
#include "lua/lend.h"

#include "lua/ident.h"

/* Whether the value is a scalar. */
static int lend(lua_State *L, int index, struct pierrot_term *cell)
{
    uint64_t id;
    size_t len;
    const char *bytes;
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        bytes = lua_tolstring(L, index, &len);
        if (len > UINT32_MAX)
            return 0;
        *cell = pr_cell_borrow(bytes, (uint32_t)len);
        return 1;
    case LUA_TNUMBER:
        *cell = lua_isinteger(L, index) ? pr_cell_int(lua_tointeger(L, index))
                                        : pr_cell_num(lua_tonumber(L, index));
        return 1;
    case LUA_TLIGHTUSERDATA:
        id = pr_to_id(L, index);
        *cell = pr_cell_id(id);
        return id != 0;
    case LUA_TBOOLEAN:
        *cell = pr_cell_bool(lua_toboolean(L, index));
        return 1;
    case LUA_TNIL:
        *cell = pr_cell_nil();
        return 1;
    default:
        return 0;
    }
}

const pierrot_term *pr_lend_request(lua_State *L, int tag, int first, int n, struct pr_lent *lent)
{
    while (n > 0 && lua_isnil(L, first + n - 1))
        n--;
    if (n >= PR_LENT_MAX || !lend(L, tag, &lent->items[0]))
        return NULL;
    for (int i = 0; i < n; i++) {
        if (!lend(L, first + i, &lent->items[i + 1]))
            return NULL;
    }
    lent->table = (struct pr_table){
        .n_array = (uint32_t)n + 1, .cap_array = PR_LENT_MAX, .array = lent->items};
    lent->root = (struct pierrot_term){.tag = PIERROT_TABLE, .as.table = &lent->table};
    return &lent->root;
}
