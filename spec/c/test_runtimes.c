/* SPDX-License-Identifier: MIT
 *
 * Several runtimes in one program, each with memory of its own: what one makes may be given to another,
 * and goes back where it came from. */
#include "test.h"

#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include "pierrot.h"

/* -------------------------------------------------------------- memory with an owner */

/* Each block says whose it is. */
struct memory {
    atomic_llong n_bytes;
    atomic_int n_foreign;
};

union header {
    struct memory *memory;
    max_align_t alignment;
};

static void *allocate(void *ud, void *ptr, size_t old_size, size_t new_size)
{
    struct memory *memory = ud;
    union header *header = ptr ? (union header *)ptr - 1 : NULL;
    if (header && header->memory != memory) {
        atomic_fetch_add(&memory->n_foreign, 1);
        return NULL;
    }
    atomic_fetch_add(&memory->n_bytes, (long long)new_size - (long long)(ptr ? old_size : 0));
    if (new_size == 0) {
        if (ptr)
            memset(ptr, 0xdd, old_size); /* whoever still uses it is found out */
        free(header);
        return NULL;
    }
    header = realloc(header, sizeof *header + new_size);
    if (!header)
        return NULL;
    header->memory = memory;
    return header + 1;
}

static pierrot *open_in(struct memory *memory)
{
    pierrot_options options;
    pierrot *rt = NULL;
    pierrot_options_init(&options);
    options.alloc = allocate;
    options.alloc_ud = memory;
    CHECK_INT(pierrot_new(&options, &rt), 0);
    return rt;
}

/* ------------------------------------------------------------------------- actors */

/* Keeps what it is cast, and answers with it; with the request as long as there is nothing. */
struct keeper {
    pierrot_term *kept;
};

static int keep(pierrot_context *ctx, void *state, const pierrot_term *request)
{
    struct keeper *self = state;
    (void)ctx;
    pierrot_term_free(self->kept);
    self->kept = pierrot_term_share((pierrot_term *)request);
    return PIERROT_OK;
}

static int give(pierrot_context *ctx, void *state, const pierrot_term *request, pierrot_from from)
{
    struct keeper *self = state;
    (void)ctx;
    return pierrot_reply(from, self->kept ? pierrot_term_share(self->kept)
                                          : pierrot_term_copy(request));
}

static void drop(pierrot_context *ctx, void *state, const pierrot_term *reason)
{
    (void)ctx;
    (void)reason;
    pierrot_term_free(((struct keeper *)state)->kept);
}

static const pierrot_behaviour keeper = {.size = sizeof keeper,
                                         .name = "keeper",
                                         .state_size = sizeof(struct keeper),
                                         .handle_call = give,
                                         .handle_cast = keep,
                                         .terminate = drop};

/* Stands in one runtime for a process of another: hands on what it is cast, what it makes itself, and
 * the answers. */
static struct {
    pierrot *rt;
    pierrot_pid pid;
} other;

static int hand_on(pierrot_context *ctx, void *state, const pierrot_term *request)
{
    (void)ctx;
    (void)state;
    int error = pierrot_cast(other.rt, other.pid, pierrot_int(1));
    return error ? error : pierrot_cast(other.rt, other.pid, pierrot_term_copy(request));
}

static int ask_other(pierrot_context *ctx, void *state, const pierrot_term *request,
                     pierrot_from from)
{
    pierrot_term *reply = NULL;
    (void)ctx;
    (void)state;
    int error = pierrot_call(other.rt, other.pid, pierrot_term_copy(request), 10000, &reply);
    return error ? error : pierrot_reply(from, reply);
}

static const pierrot_behaviour bridge = {
    .size = sizeof bridge, .name = "bridge", .handle_call = ask_other, .handle_cast = hand_on};

/* --------------------------------------------------------------------------- tests */

/* {"text", a long text}. */
static pierrot_term *sample(void)
{
    static const char text[1000];
    pierrot_term *term = pierrot_table();
    CHECK_INT(pierrot_table_append(term, pierrot_string("text", 4)), 0);
    CHECK_INT(pierrot_table_append(term, pierrot_string(text, sizeof text)), 0);
    return term;
}

static pierrot_term *ask(pierrot *rt, pierrot_pid pid)
{
    pierrot_term *reply = NULL;
    CHECK_INT(pierrot_call(rt, pid, sample(), 10000, &reply), 0);
    return reply;
}

static void check_sample(pierrot_term *term)
{
    pierrot_term *expected = sample();
    CHECK(pierrot_term_equal(term, expected));
    pierrot_term_free(expected);
    pierrot_term_free(term);
}

TEST(an_actor_may_stand_for_a_process_of_another_runtime)
{
    struct memory memories[2] = {0};
    pierrot *near = open_in(&memories[0]), *far = open_in(&memories[1]);
    pierrot_pid pid;
    other.rt = far;
    REQUIRE(pierrot_spawn(far, &keeper, NULL, NULL, &other.pid) == 0);
    REQUIRE(pierrot_spawn(near, &bridge, NULL, NULL, &pid) == 0);

    CHECK_INT(pierrot_cast(near, pid, sample()), 0);
    check_sample(ask(near, pid));

    pierrot_free(near);
    check_sample(ask(far, other.pid));
    pierrot_free(far);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(memories[i].n_foreign, 0);
        CHECK_INT(memories[i].n_bytes, 0);
    }
}

TEST(an_answer_of_one_runtime_may_be_sent_to_another)
{
    struct memory memories[2] = {0};
    pierrot *near = open_in(&memories[0]), *far = open_in(&memories[1]);
    pierrot_pid here, there;
    REQUIRE(pierrot_spawn(near, &keeper, NULL, NULL, &here) == 0);
    REQUIRE(pierrot_spawn(far, &keeper, NULL, NULL, &there) == 0);
    CHECK_INT(pierrot_cast(near, here, sample()), 0);
    static const char code[] = "return { 'text', ('\\0'):rep(1000) }";
    pierrot_term *in_lua = NULL;
    CHECK_INT(pierrot_eval(near, code, strlen(code), NULL, NULL, NULL, 10000, &in_lua), 0);

    CHECK_INT(pierrot_cast(far, there, ask(near, here)), 0);
    check_sample(ask(far, there));
    CHECK_INT(pierrot_cast(far, there, in_lua), 0);

    pierrot_free(near);
    check_sample(ask(far, there));
    pierrot_free(far);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(memories[i].n_foreign, 0);
        CHECK_INT(memories[i].n_bytes, 0);
    }
}

static _Atomic(pierrot_term *) answered;

static void note_answer(void *ud, int error, pierrot_term *reply)
{
    (void)ud;
    CHECK_INT(error, 0);
    atomic_store(&answered, reply);
}

TEST(what_a_host_was_given_outlives_the_runtime)
{
    static const char made[] = "return { 'text', ('\\0'):rep(1000) }";
    static const char ended[] = "local p = require 'pierrot'\n"
                                "return p.spawn(function()\n"
                                "  p.receive()\n"
                                "  p.exit({ 'text', ('\\0'):rep(1000) })\n"
                                "end)";
    struct memory memory = {0};
    pierrot *rt = open_in(&memory);
    pierrot_term *terms[5] = {NULL}, *pid = NULL;
    pierrot_mailbox *mailbox = NULL;
    pierrot_pid bridged;
    other.rt = rt;
    REQUIRE(pierrot_mailbox_open(rt, NULL, &mailbox) == 0);
    REQUIRE(pierrot_spawn(rt, &keeper, NULL, NULL, &bridged) == 0);
    other.pid = pierrot_mailbox_pid(mailbox);
    CHECK_INT(pierrot_eval(rt, ended, strlen(ended), NULL, NULL, NULL, 10000, &pid), 0);

    CHECK_INT(pierrot_eval(rt, made, strlen(made), NULL, NULL, NULL, 10000, &terms[0]), 0);
    CHECK_INT(pierrot_send(rt, pierrot_as_pid(pid), pierrot_nil()), 0);
    CHECK_INT(pierrot_await_end(rt, pierrot_as_pid(pid), 10000, &terms[1]), 0);
    CHECK_INT(pierrot_send(rt, other.pid, sample()), 0);
    CHECK_INT(pierrot_mailbox_receive(mailbox, 10000, &terms[2]), 0);
    CHECK_INT(pierrot_call(rt, bridged, sample(), 10000, &terms[3]), 0);
    CHECK_INT(pierrot_call_async(rt, bridged, sample(), 10000, note_answer, NULL), 0);
    pierrot_term_free(ask(rt, bridged)); /* the answer before this one is there */
    while (!(terms[4] = atomic_load(&answered)))
        sched_yield();
    pierrot_mailbox_close(mailbox);
    pierrot_term_free(pid);
    pierrot_free(rt);

    CHECK_INT(memory.n_bytes, 0);
    for (int i = 0; i < 5; i++)
        check_sample(terms[i]);
}
