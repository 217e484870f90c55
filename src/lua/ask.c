/* SPDX-License-Identifier: MIT */
#include "lua/ask.h"

#include "lua/copy.h"
#include "lua/wait.h"

static int try_answer(lua_State *L, lua_KContext context)
{
    struct pr_lua *lua = PR_SELF(L);
    struct pr_call *call = (struct pr_call *)context;
    if (call->outcome == PR_PENDING)
        return -1;
    pr_push_value(lua, L, &call->value);
    (void)pr_call_end(lua->owner, call, NULL);
    return 1;
}

static int answer_k(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    return pr_wait(PR_SELF(L), L, context, try_answer, answer_k);
}

int pr_ask_wait(struct pr_lua *lua, lua_State *L, struct pr_call *call)
{
    return pr_wait(lua, L, (lua_KContext)call, try_answer, answer_k);
}

int pr_ask(struct pr_lua *lua, lua_State *L, struct pr_owner *home, struct pr_ask *ask)
{
    struct pr_owner *owner = lua->owner;
    pierrot_ref ref = pr_owner_make_ref(owner);
    struct pr_call *call =
        pr_call_begin(owner, owner->current, (pierrot_pid){0}, ref, 0, UINT64_MAX);
    if (!call)
        return PIERROT_ENOMEM;
    ask->visit.signal.kind = PR_SIGNAL_VISIT;
    ask->from = (pierrot_from){owner->current->pid, ref};
    pr_signal_push(home, &ask->visit.signal);
    return pr_ask_wait(lua, L, call);
}
