/* SPDX-License-Identifier: MIT */
#include "lua/program.h"

#include <signal.h>
#include <string.h>

#include "lua/embed.h"
#include "lua/ident.h"
#include "lua/state.h"

/* How long supervisors may take over their children, whose own limits count first. */
enum { TREES_TIMEOUT_MS = 60000 };

static void set_string(lua_State *L, const char *field, const char *text)
{
    lua_pushstring(L, text);
    lua_setfield(L, -2, field);
}

static void push_steps(lua_State *L, const struct pr_program *program)
{
    lua_createtable(L, program->n_steps, 0);
    for (int i = 0; i < program->n_steps; i++) {
        int executes = program->steps[i].kind == PR_PROGRAM_EXECUTE;
        lua_createtable(L, 0, 2);
        set_string(L, "kind", executes ? "execute" : "load");
        set_string(L, "text", program->steps[i].text);
        lua_rawseti(L, -2, i + 1);
    }
}

/* Runs protected: the main function, made by pierrot.program of a table of what is asked for. */
static int make_main(lua_State *L)
{
    const struct pr_program *program = lua_touserdata(L, 1);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "pierrot.program");
    lua_call(L, 1, 1);
    lua_createtable(L, 0, 6);
    push_steps(L, program);
    lua_setfield(L, -2, "steps");
    set_string(L, "script", program->script);
    set_string(L, "command", program->command);
    set_string(L, "version", PIERROT_VERSION);
    lua_pushboolean(L, program->script_index >= program->argc);
    lua_setfield(L, -2, "is_nameless");
    if (program->interactive) {
        pr_push_id(L, program->terminal.id);
        lua_setfield(L, -2, "terminal");
    }
    lua_call(L, 1, 1);
    return 1;
}

static int load_main(pierrot *rt, const struct pr_program *program)
{
    lua_State *L = pr_main_lua(rt)->main;
    lua_pushcfunction(L, make_main);
    lua_pushlightuserdata(L, (void *)program);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK)
        return 0;
    const char *text = lua_tostring(L, -1);
    pierrot_log(rt, PIERROT_ERROR, "pierrot: %s", text ? text : "cannot load the script");
    lua_pop(L, 1);
    return 1;
}

static int halt_status(pierrot *rt)
{
    return atomic_load_explicit(&rt->halt_requested, memory_order_acquire) - 1;
}

static int run(pierrot *rt, const struct pr_program *program)
{
    enum pr_main_end end;
    int script = program->script_index < program->argc ? program->script_index : 0;
    int error = pr_main_set_arg(rt, program->argc, program->argv, script);
    if (!error)
        error = pr_halt_on_terminate(rt);
    if (!error && !program->keeps_interrupt)
        error = pr_halt_on_interrupt(rt);
    if (error) {
        pierrot_log(rt, PIERROT_ERROR, "pierrot: %s", pierrot_strerror(error));
        return 1;
    }
    if (program->mask)
        (void)pthread_sigmask(SIG_SETMASK, program->mask, NULL);
    if (load_main(rt, program) != 0)
        return 1;
    error = pr_main_run(rt, &end);
    if (error) {
        pierrot_log(rt, PIERROT_ERROR, "pierrot: %s", pierrot_strerror(error));
        return 1;
    }
    if (end == PR_MAIN_CRASHED)
        return 1;
    if (end == PR_MAIN_CLEAN && program->no_halt) {
        /* The prompt, whose Ctrl-C was, has been left: it ends the program now. */
        if (program->keeps_interrupt)
            (void)pr_halt_on_interrupt(rt);
        pr_main_wait_halt(rt);
    }
    return end == PR_MAIN_HALTED || program->no_halt ? halt_status(rt) : 0;
}

int pr_program_run(pierrot *rt, const struct pr_program *program)
{
    struct pr_owner *outer = pr_owner_here();
    pr_owner_set_here(&rt->schedulers[0]->owner);
    int status = run(rt, program);
    (void)pr_main_stop_trees(rt, TREES_TIMEOUT_MS);
    pr_owner_set_here(outer);
    return status;
}
