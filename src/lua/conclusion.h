/* SPDX-License-Identifier: MIT
 *
 * What follows from what a server's callback returned: the reply, the new state, the timeout, the
 * continue, or the end. */
#ifndef PR_LUA_CONCLUSION_H
#define PR_LUA_CONCLUSION_H

#include "lua/frame.h"

/* What a server does next. */
enum pr_next {
    PR_NEXT_NONE,    /* the activation ends */
    PR_NEXT_MESSAGE, /* the next message */
    PR_NEXT_CONTINUE /* handle_continue, whose argument is on top */
};

/* A callback has returned; its results stand from PR_BASE + 1 on. */
enum pr_next pr_conclude(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server);

/* The server stops; the reply to the caller stands at `reply` of L (0: none). Returns 0, or
 * never when it waits: use as return value. Takes: reason. */
int pr_server_stop(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                   pierrot_term *reason, int reply);

/* It ends with its stop_reason, once format_status has said what may be told of that. As above. */
int pr_server_end(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server);

/* terminate has failed in `co`, or the reply after it: the report is to tell what was handled, and
 * whose call was being answered gets its reply all the same. */
void pr_server_terminate_failed(struct pr_lua *lua, struct pr_lua_process *server, lua_State *co);

/* A failure of the start that must not harm the starter. Takes: why. */
void pr_fail_start(struct pr_lua *lua, struct pr_lua_process *server, pierrot_term *why);

/* {tag, value at `index`}. Gives. */
pierrot_term *pr_tagged_reason(struct pr_lua *lua, lua_State *L, const char *tag, int index);

/* The caller whose call is handled. */
pierrot_from pr_from_on(lua_State *L);

/* gen_server.reply of the value at `index` of L. Raises what cannot be sent. */
void pr_server_reply(struct pr_lua *lua, lua_State *L, pierrot_from from, int index);

#endif
