/* SPDX-License-Identifier: MIT
 *
 * What the report of a crash tells of a process of Lua's: what it handled last, for whom, and its
 * state as its format_status lets it be seen. Best effort, and bounded: nothing here raises. */
#ifndef PR_LUA_CRASH_H
#define PR_LUA_CRASH_H

#include "lua/process.h"

struct pr_last_words {
    pierrot_term *message; /* what was handled; or NULL */
    pierrot_term *state;   /* by format_status; or NULL */
    pierrot_term *reason;  /* by format_status, where that tells another; or NULL */
    pierrot_pid client;    /* whose call it was; id 0: it was none */
};

/* The reason of a failure whose error value is on top of `co`. How that shows itself, by its __tostring,
 * which runs now, in the process, is noted for reports. Gives. */
pierrot_term *pr_crash_reason(struct pr_lua *lua, lua_State *co);

/* Notes what the server handles, from the stack of its activation. */
void pr_crash_note(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server);

/* The same of a coroutine that has failed. */
void pr_crash_note_failed(struct pr_lua *lua, struct pr_lua_process *server, lua_State *co);

/* Pushes the argument of format_status; takes what it returned or failed with, on top of L, above that
 * argument. */
void pr_crash_push_status(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server);
void pr_crash_take_status(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server,
                          int has_returned);

/* Reports the end of the process, if it is one to be reported. */
void pr_crash_report(struct pr_lua *lua, struct pr_lua_process *process, pierrot_term *reason);

void pr_crash_forget(struct pr_lua *lua, struct pr_lua_process *process);

#endif
