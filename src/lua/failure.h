/* SPDX-License-Identifier: MIT
 *
 * How the value of an error shows itself in reports: as its __tostring says, as stock lua has it of
 * what its script failed with. The reason that is made of the value holds a copy without a
 * metatable; the text is a note of that reason (term/note.h), and goes with it to whoever reports
 * the same failure again: in Lua the text of a reason is found by the table that the reason was
 * pushed as. */
#ifndef PR_LUA_FAILURE_H
#define PR_LUA_FAILURE_H

#include "lua/state.h"

/* Notes how the error value on top of L shows itself on the reason that was made of it. Its
 * __tostring runs now, on a coroutine of its own, within a budget. Never raises. */
void pr_failure_note(struct pr_lua *lua, lua_State *L, pierrot_term *reason);

/* The root on top of L was pushed from `reason`, which has a note. May raise a memory error. */
void pr_failure_pushed(lua_State *L, const pierrot_term *reason);

/* Adds functions to the table on top: failure_text(reason), note_failure(reason, value). */
void pr_open_failure(struct pr_lua *lua, lua_State *L);

#endif
