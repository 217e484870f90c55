/* SPDX-License-Identifier: MIT */
#include "lua/lend.h"

#include "lua/copy.h"

int pr_lend_scalar(lua_State *L, int index, struct pierrot_term *cell)
{
    int type = lua_type(L, index);
    size_t len;
    if (type != LUA_TSTRING)
        return pr_read_word(L, index, type, cell);
    const char *bytes = lua_tolstring(L, index, &len);
    if (len > UINT32_MAX)
        return 0;
    *cell = pr_cell_borrow(bytes, (uint32_t)len);
    return 1;
}

const pierrot_term *pr_lend_request(lua_State *L, int tag, int first, int n, struct pr_lent *lent)
{
    while (n > 0 && lua_isnil(L, first + n - 1))
        n--;
    if (n >= PR_LENT_MAX || !pr_lend_scalar(L, tag, &lent->items[0]))
        return NULL;
    for (int i = 0; i < n; i++) {
        if (!pr_lend_scalar(L, first + i, &lent->items[i + 1]))
            return NULL;
    }
    lent->table = (struct pr_table){
        .n_array = (uint32_t)n + 1, .cap_array = PR_LENT_MAX, .array = lent->items};
    lent->root = (struct pierrot_term){.tag = PIERROT_TABLE, .as.table = &lent->table};
    return &lent->root;
}
