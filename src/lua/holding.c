/* SPDX-License-Identifier: MIT */
#include "lua/holding.h"

#include <string.h>

#include "lua/state.h"

#define OWN_SOURCE "@pierrot/"

enum { LEVELS_MAX = 20, TEXT_MAX = 2048 };

/* A line of the traceback, for a function of the user's in Lua: C functions have no place. 0: there
 * is no such level. */
static int add_frame(struct pr_text *text, lua_State *L, int level, int *n_shown)
{
    lua_Debug ar;
    if (!lua_getstack(L, level, &ar))
        return 0;
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline <= 0 || strncmp(ar.source, OWN_SOURCE, strlen(OWN_SOURCE)) == 0)
        return 1;
    pr_text_addf(text, "%s\n\t%s:%d: in ", *n_shown == 0 ? "\n  it goes on at:" : "", ar.short_src,
                 ar.currentline);
    ++*n_shown;
    if (strcmp(ar.what, "main") == 0)
        pr_text_addf(text, "main chunk");
    else
        pr_text_addf(text, "function <%s:%d>", ar.short_src, ar.linedefined);
    return 1;
}

void pr_holding_tell(lua_State *L)
{
    struct pr_owner *owner = pr_owner_here();
    struct pr_process *process = owner ? owner->current : NULL;
    uint64_t since_ns = process ? pr_watchdog_take_hold(pr_scheduler_of(owner)) : 0;
    if (!since_ns)
        return;
    char buffer[TEXT_MAX], pid[PR_IDENT_SIZE];
    struct pr_text text;
    pr_text_init(&text, buffer, sizeof buffer);
    pr_ident_print(process->pid.id, pid, sizeof pid);
    pr_text_addf(&text, "process %s held up scheduler %u for %llu ms, where it cannot be preempted",
                 pid, owner->index + 1,
                 (unsigned long long)((pr_clock_real_ns() - since_ns) / 1000000));
    int n_shown = 0;
    for (int level = 0; level < LEVELS_MAX && add_frame(&text, L, level, &n_shown); level++)
        ;
    pr_text_end(&text);
    pierrot_log(pr_runtime_of(owner), PIERROT_WARNING, "%s", buffer);
}
