/* SPDX-License-Identifier: MIT */
#include "lua/stack.h"

#include <string.h>

enum { LEVELS_MAX = 200 };

/* By doubling and halving. */
int pr_count_frames(lua_State *co)
{
    lua_Debug ar;
    int low = 0, high = 1;
    if (!lua_getstack(co, 0, &ar))
        return 0;
    while (lua_getstack(co, high, &ar)) {
        low = high;
        high *= 2;
    }
    while (low + 1 < high) {
        int middle = low + (high - low) / 2;
        if (lua_getstack(co, middle, &ar))
            low = middle;
        else
            high = middle;
    }
    return low + 1;
}

int pr_bottom_frame(lua_State *co, lua_Debug *ar)
{
    return lua_getstack(co, pr_count_frames(co) - 1, ar);
}

int pr_push_local(lua_State *co, const lua_Debug *ar, int n, lua_State *L)
{
    if (!lua_getlocal(co, ar, n))
        return 0;
    lua_xmove(co, L, 1);
    return 1;
}

int pr_is_in_hook(lua_State *co)
{
    lua_Debug ar;
    for (int level = 0; level < LEVELS_MAX && lua_getstack(co, level, &ar); level++) {
        if (lua_getinfo(co, "n", &ar) && strcmp(ar.namewhat, "hook") == 0)
            return 1;
    }
    return 0;
}
