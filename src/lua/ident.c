/* SPDX-License-Identifier: MIT */
#include "lua/ident.h"

#include "lua/blame.h"

const char *pr_type_name(lua_State *L, int index)
{
    uint64_t id = pr_to_id(L, index);
    if (pr_id_is_pid(id))
        return "pid";
    if (pr_id_is_ref(id))
        return "ref";
    if (pr_id_is_socket(id))
        return "socket";
    return lua_isnone(L, index) ? "no value" : luaL_typename(L, index);
}

int pr_type_error(lua_State *L, int arg, const char *expected)
{
    const char *text = lua_pushfstring(L, "%s expected, got %s", expected, pr_type_name(L, arg));
    return pr_argument_error(PR_LUA(L), L, arg, text);
}

pierrot_pid pr_check_pid(lua_State *L, int arg)
{
    pierrot_pid pid = pr_to_pid(L, arg);
    if (!pid.id)
        pr_type_error(L, arg, "pid");
    return pid;
}

pierrot_ref pr_check_ref(lua_State *L, int arg)
{
    pierrot_ref ref = pr_to_ref(L, arg);
    if (!ref.id)
        pr_type_error(L, arg, "ref");
    return ref;
}
