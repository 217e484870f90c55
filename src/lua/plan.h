/* SPDX-License-Identifier: MIT
 *
 * A pattern read once for all the messages that a receive looks at. Most patterns are a table of a
 * few scalars, {"msg", any}, {ref}: one walk tells that there is no function in it, which ref it
 * waits for, and what each message must have where; a message is then compared place by place. With
 * a walk for each of these, and one for each message, they cost more than the copy of the message:
 * to send {"msg", 1} and receive it by {"msg", any} took 5,610 instructions, and takes 4,590. */
#ifndef PR_LUA_PLAN_H
#define PR_LUA_PLAN_H

#include "lua/state.h"

enum { PR_PLAN_MAX = 6 };

/* What stands at an integer key. */
struct pr_plan_item {
    lua_Integer key;
    int type; /* of Lua; LUA_TNONE: anything but nil */
    union {
        lua_Integer integer;
        const void *address;
        int is_true;
        struct {
            const char *bytes; /* the pattern's own */
            size_t len;
        } string;
    } as;
};

enum pr_plan_kind {
    PR_PLAN_NONE,     /* the pattern has not been read */
    PR_PLAN_ANYTHING, /* there is no pattern */
    PR_PLAN_VALUE,    /* the first item says what the message is */
    PR_PLAN_TABLE,    /* the items say what it has */
    PR_PLAN_DEEP      /* the pattern itself must be matched */
};

/* Good while the strings that it has stay on the stack, whatever becomes of the pattern: a finalizer or
 * another process may change that at any moment. */
struct pr_plan {
    enum pr_plan_kind kind;
    int n;           /* items */
    pierrot_ref ref; /* as pr_pattern_ref, unless it is deep */
    struct pr_plan_item items[PR_PLAN_MAX];
};

/* Reads the pattern at `pattern`. What a plan of tables has is left on the stack, up to twice
 * PR_PLAN_MAX values, so that the strings stay; nothing otherwise. */
void pr_plan_make(struct pr_lua *lua, lua_State *L, int pattern, struct pr_plan *plan);

/* Whether a table with that pid or ref at `key` may have what a plan of tables asks for. */
int pr_plan_admits(const struct pr_plan *plan, lua_Integer key, uint64_t id);

/* Whether the value on top has what a plan of values or tables asks for. */
int pr_plan_match(lua_State *L, const struct pr_plan *plan);

#endif
