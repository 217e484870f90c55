/* SPDX-License-Identifier: MIT
 *
 * The watchdog's interrupts may come at any instruction, those that change hooks among them. Here
 * they do: the processor's own flag stops a scheduler after each one. */
#include "tally.h"
#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
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

static pthread_t scheduler; /* that is stopped */

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
    if (!pthread_equal(pthread_self(), scheduler)) /* of another thread's slice */
        return;
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

/* ------------------------------------------------------------------------ a runtime */

static atomic_int is_running;
static atomic_int is_over; /* no more interrupts come */
static atomic_int is_done;
static char complaint[2000]; /* valid once is_done */

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
    scheduler = pthread_self();
    atomic_store(&is_running, 1);
    return 0;
}

static int ends(pierrot *rt, void *ud, const pierrot_term *args, pierrot_term **result)
{
    (void)rt;
    (void)ud;
    (void)args;
    *result = pierrot_bool(atomic_load(&is_over));
    return 0;
}

/* With what went wrong, if anything. */
static int finish(pierrot *rt, void *ud, const pierrot_term *args, pierrot_term **result)
{
    const pierrot_term *wrong = pierrot_table_at(args, 1);
    (void)rt;
    (void)ud;
    (void)result;
    if (pierrot_term_type(wrong) != PIERROT_NIL)
        (void)pierrot_term_print(wrong, complaint, sizeof complaint);
    atomic_store(&is_done, 1);
    return 0;
}

static const pierrot_function functions[] = {{.name = "begin", .call = begin},
                                             {.name = "ends", .call = ends},
                                             {.name = "finish", .call = finish},
                                             {.name = NULL}};

static pierrot *open_runtime(struct tally *tally, pierrot_preempt preempt)
{
    pierrot_options options;
    pierrot *rt = NULL;
    pierrot_options_init(&options);
    options.preempt = preempt;
    options.functions = functions;
    options.alloc = tally_alloc;
    options.alloc_ud = tally;
    CHECK_INT(pierrot_new(&options, &rt), 0);
    return rt;
}

/* Runs a function of the fixture, until it has begun. */
static void run(pierrot *rt, const char *function, pierrot_term *arg)
{
    pierrot_pid pid;
    atomic_store(&is_running, 0);
    atomic_store(&is_over, 0);
    atomic_store(&is_done, 0);
    complaint[0] = 0;
    CHECK_INT(pierrot_spawn_function(rt, "spec.fixtures.interrupted", function, arg, NULL, &pid),
              0);
    while (!atomic_load(&is_running))
        sched_yield();
}

/* Twice, so many instructions apart. */
static void interrupt(int n_instructions)
{
    atomic_store(&n_steps, n_instructions);
    pthread_kill(scheduler, SIGURG);
    while (atomic_load(&n_steps) != IS_OVER)
        sched_yield();
}

/* ---------------------------------------------------------------------------- tests */

struct fixture {
    struct tally tally;
    struct sigaction old_urgent, old_trap;
    pierrot *rt;
    pierrot *beside; /* it has the handler, where `rt` has none */
};

static void open_fixture(struct fixture *fixture, pierrot_preempt preempt)
{
    *fixture = (struct fixture){0};
    CHECK_INT(handle(SIGURG, begin_steps, &fixture->old_urgent), 0);
    CHECK_INT(handle(SIGTRAP, step, &fixture->old_trap), 0);
    fixture->rt = open_runtime(&fixture->tally, preempt);
    if (preempt != PIERROT_PREEMPT_SIGNAL)
        fixture->beside = open_runtime(&fixture->tally, PIERROT_PREEMPT_SIGNAL);
}

static void close_fixture(struct fixture *fixture)
{
    pierrot_free(fixture->rt);
    pierrot_free(fixture->beside);
    sigaction(SIGURG, &fixture->old_urgent, NULL);
    sigaction(SIGTRAP, &fixture->old_trap, NULL);
    CHECK_INT(fixture->tally.n_bytes, 0);
}

/* A second interrupt comes so many instructions after a first one, whose hook is set by then, runs,
 * is taken away or has gone. None may be the last that has an effect: then the process cannot be
 * ended. */
TEST(a_script_can_be_ended_after_interrupts_at_any_instruction)
{
    enum { N_INSTRUCTIONS = 400 };
    struct fixture fixture;
    if (!can_step())
        return;
    open_fixture(&fixture, PIERROT_PREEMPT_SIGNAL);
    run(fixture.rt, "spin", NULL);

    for (int i = 1; i <= N_INSTRUCTIONS; i += i < N_INSTRUCTIONS / 2 ? 1 : 3)
        interrupt(i);

    close_fixture(&fixture);
}

/* Most lie close together, where hooks are set and taken away. */
static int draw_distance(unsigned *seed)
{
    static const unsigned most[] = {60, 60, 400, 400, 400, 1500};
    *seed = *seed * 1664525u + 1013904223u;
    return 1 + (int)((*seed >> 8) % most[(*seed >> 24) % (sizeof most / sizeof *most)]);
}

/* A piece of work of the fixture, again and again. */
static void check_work(const char *name, pierrot_preempt preempt)
{
    const char *wanted = getenv("PIERROT_INTERRUPTS"); /* to look longer */
    int n = wanted ? atoi(wanted) : 30;
    unsigned seed = wanted ? (unsigned)time(NULL) : 1;
    struct fixture fixture;
    if (!can_step())
        return;
    open_fixture(&fixture, preempt);
    run(fixture.rt, "work", pierrot_string(name, strlen(name)));

    for (int i = 0; i < n && !atomic_load(&is_done); i++)
        interrupt(draw_distance(&seed));
    atomic_store(&is_over, 1);
    while (!atomic_load(&is_done))
        sched_yield();

    CHECK_TEXT(complaint, "");
    close_fixture(&fixture);
}

#define WORK(sentence, name)                                                                       \
    TEST(sentence)                                                                                 \
    {                                                                                              \
        check_work(name, PIERROT_PREEMPT_SIGNAL);                                                  \
    }

WORK(plain_code_comes_out_right, "plain")
WORK(coroutines_come_out_right, "coroutines")
WORK(code_in_coroutines_comes_out_right, "plain_in_coroutines")
WORK(a_hook_of_the_users_misses_no_event, "hooked")
WORK(a_hook_is_told_of_the_line_after_it_was_set, "hook_set_within")
WORK(a_hook_is_seen_as_it_was_set, "hook_seen")
WORK(calls_of_servers_come_out_right, "servers")
WORK(messages_come_one_by_one, "messages")
WORK(what_runs_on_lent_stacks_comes_out_right, "lent")
WORK(callbacks_of_the_loop_come_out_right, "callbacks")
WORK(values_are_closed_when_a_process_is_ended, "closing")
WORK(a_limited_process_goes_on, "limited")

TEST(with_preemption_by_count_interrupts_do_no_harm)
{
    check_work("hook_set_within", PIERROT_PREEMPT_COUNT);
    check_work("hooked", PIERROT_PREEMPT_COUNT);
}
