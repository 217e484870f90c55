/* SPDX-License-Identifier: MIT
 *
 * The watchdog's interrupts may come at any instruction, those that change hooks among them. Here
 * they do: the processor's own flag stops a scheduler after each one. */
#include "tally.h"
#include "test.h"

#include <lauxlib.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <ucontext.h>

#include "pierrot.h"

/* ThreadSanitizer holds signals back, and valgrind has no such flag. */
static int can_step(void)
{
#if !defined __linux__ || !defined __x86_64__ || defined __SANITIZE_THREAD__
    return 0;
#else
    const char *which = getenv("PIERROT_FAULTS");
    return !which || strcmp(which, "few") != 0;
#endif
}

/* --------------------------------------------------------------------------- steps */

enum { TRAP_FLAG = 0x100 };

/* > 0: steps to come. */
enum { IS_OVER = 0, HAS_STEPPED = -1 };
static atomic_int n_steps;

static void set_trap_flag(void *context, int is_set)
{
#if defined __linux__ && defined __x86_64__
    greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];
    *flags = is_set ? *flags | TRAP_FLAG : *flags & ~TRAP_FLAG;
#else
    (void)context, (void)is_set;
#endif
}

/* The program's handler of SIGURG, which the watchdog's calls: walks on instruction by instruction.
 */
static void begin_steps(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    if (atomic_load(&n_steps) > 0)
        set_trap_flag(context, 1);
    else
        atomic_store(&n_steps, IS_OVER);
}

/* Interrupts after the last one. */
static void step(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    if (atomic_fetch_sub(&n_steps, 1) > 1)
        return;
    set_trap_flag(context, 0);
    atomic_store(&n_steps, HAS_STEPPED);
    pthread_kill(pthread_self(), SIGURG);
}

static int handle(int number, void (*handler)(int, siginfo_t *, void *), struct sigaction *old)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGURG);
    return sigaction(number, &action, old);
}

/* ------------------------------------------------------------------------- a script */

static atomic_int is_spinning;
static pthread_t spinner; /* valid once is_spinning */

static int begin(pierrot *rt, void *ud, const pierrot_term *args, pierrot_term **result)
{
    sigset_t trap;
    (void)rt;
    (void)ud;
    (void)args;
    (void)result;
    sigemptyset(&trap);
    sigaddset(&trap, SIGTRAP);
    pthread_sigmask(SIG_UNBLOCK, &trap, NULL); /* schedulers take none of the program's signals */
    spinner = pthread_self();
    atomic_store(&is_spinning, 1);
    return 0;
}

static const pierrot_function functions[] = {{.name = "begin", .call = begin}, {.name = NULL}};

/* Where the process cannot give way: so a hook runs, and there is none again. */
static int open_state(void *ud, lua_State *L)
{
    (void)ud;
    return luaL_dostring(L, "package.preload.spinner = function()\n"
                            "  return {\n"
                            "    run = function()\n"
                            "      table.sort({ 1, 2, 3 }, function()\n"
                            "        require('pierrot.host').begin()\n"
                            "        while true do end\n"
                            "      end)\n"
                            "    end,\n"
                            "  }\n"
                            "end");
}

static pierrot *open_runtime(struct tally *tally)
{
    pierrot_options options;
    pierrot *rt = NULL;
    pierrot_options_init(&options);
    options.preempt = PIERROT_PREEMPT_SIGNAL;
    options.functions = functions;
    options.alloc = tally_alloc;
    options.alloc_ud = tally;
    options.open = open_state;
    CHECK_INT(pierrot_new(&options, &rt), 0);
    return rt;
}

/* ---------------------------------------------------------------------------- tests */

/* A second interrupt comes so many instructions after a first one, whose hook is set by then, runs,
 * is taken away or has gone. None may be the last that has an effect: then the process cannot be
 * ended. */
TEST(a_script_can_be_ended_after_interrupts_at_every_instruction)
{
    enum { N_INSTRUCTIONS = 400 };
    struct tally tally = {0};
    struct sigaction old_urgent, old_trap;
    pierrot_pid pid;
    if (!can_step())
        return;
    REQUIRE(handle(SIGURG, begin_steps, &old_urgent) == 0);
    REQUIRE(handle(SIGTRAP, step, &old_trap) == 0);
    pierrot *rt = open_runtime(&tally);
    CHECK_INT(pierrot_spawn_function(rt, "spinner", "run", NULL, NULL, &pid), 0);
    while (!atomic_load(&is_spinning))
        sched_yield();

    for (int i = 1; i <= N_INSTRUCTIONS; i++) {
        atomic_store(&n_steps, i);
        pthread_kill(spinner, SIGURG);
        while (atomic_load(&n_steps) != IS_OVER)
            sched_yield();
    }
    pierrot_free(rt);

    sigaction(SIGURG, &old_urgent, NULL);
    sigaction(SIGTRAP, &old_trap, NULL);
    CHECK_INT(tally.n_bytes, 0);
}
