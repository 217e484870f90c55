/* SPDX-License-Identifier: MIT
 *
 * Pids, refs and sockets as Lua values: light userdata, told from foreign ones by their top bit. */
#ifndef PR_LUA_IDENT_H
#define PR_LUA_IDENT_H

#include "lua/state.h"

static inline void pr_push_id(lua_State *L, uint64_t id)
{
    lua_pushlightuserdata(L, (void *)(uintptr_t)id);
}

/* 0: the value is none of them. No pointer of a program, to full userdata or in light, has the top
 * bit: so the type need not be asked. */
static inline uint64_t pr_to_id(lua_State *L, int index)
{
    uint64_t id = (uint64_t)(uintptr_t)lua_touserdata(L, index);
    return id >> 63 ? id : 0;
}

static inline pierrot_pid pr_to_pid(lua_State *L, int index)
{
    uint64_t id = pr_to_id(L, index);
    return (pierrot_pid){pr_id_is_pid(id) ? id : 0};
}

static inline pierrot_ref pr_to_ref(lua_State *L, int index)
{
    uint64_t id = pr_to_id(L, index);
    return (pierrot_ref){pr_id_is_ref(id) ? id : 0};
}

/* Raise an argument error that says what was given. */
pierrot_pid pr_check_pid(lua_State *L, int arg);
pierrot_ref pr_check_ref(lua_State *L, int arg);

/* luaL_typeerror, with pids, refs and sockets called so. */
int pr_type_error(lua_State *L, int arg, const char *expected);

/* What a value is, for messages: "pid", "ref", "socket" or Lua's type name. */
const char *pr_type_name(lua_State *L, int index);

#endif
