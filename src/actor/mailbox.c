/* SPDX-License-Identifier: MIT
 *
 * A host thread's mailbox: an actor that keeps what it is sent in a list which the host's thread takes
 * from, under a lock. A thread that waits makes a call, which is answered when the list has something;
 * the list alone says what is there, so a wait that was given up loses nothing. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "actor/behaviour.h"

struct entry {
    struct entry *next;
    pierrot_term *message;
};

/* Held by the host and by the actor; the last empties it. A host whose time is up goes while the actor
 * may be about to begin, or never begin: so the memory is that of the string which is the actor's
 * argument, and stays until nobody has that. */
struct pierrot_mailbox {
    pierrot *rt;          /* (I) */
    pierrot_pid pid;      /* (I) after pierrot_mailbox_open */
    pierrot_term *memory; /* (I) one hold of the host's */
    pthread_mutex_t mutex;
    struct entry *first; /* (M) */
    struct entry **end;  /* (M) */
    atomic_int n_holds;  /* (A) from 0 on it is over */
};

/* ------------------------------------------------------------------------ the list */

/* Whether it was not over yet. */
static int hold(pierrot_mailbox *self)
{
    int n = atomic_load_explicit(&self->n_holds, memory_order_relaxed);
    while (n > 0 && !atomic_compare_exchange_weak_explicit(&self->n_holds, &n, n + 1,
                                                           memory_order_relaxed,
                                                           memory_order_relaxed))
        ;
    return n > 0;
}

static void drop(pierrot_mailbox *self)
{
    /* acq_rel: the last has seen what the other did with the list. */
    if (atomic_fetch_sub_explicit(&self->n_holds, 1, memory_order_acq_rel) != 1)
        return;
    while (self->first) {
        struct entry *entry = self->first;
        self->first = entry->next;
        pierrot_term_free(entry->message);
        pierrot_shared_free(self->rt, entry, sizeof *entry);
    }
    pthread_mutex_destroy(&self->mutex);
}

static int is_empty(pierrot_mailbox *self)
{
    pthread_mutex_lock(&self->mutex);
    int empty = !self->first;
    pthread_mutex_unlock(&self->mutex);
    return empty;
}

/* Takes: message. */
static int push(pierrot_mailbox *self, pierrot_term *message)
{
    struct entry *entry = message ? pierrot_shared_alloc(self->rt, sizeof *entry) : NULL;
    if (!entry) {
        pierrot_term_free(message);
        return PIERROT_ENOMEM;
    }
    *entry = (struct entry){.message = message};
    pthread_mutex_lock(&self->mutex);
    *self->end = entry;
    self->end = &entry->next;
    pthread_mutex_unlock(&self->mutex);
    return 0;
}

/* Gives; NULL: there is none. */
static pierrot_term *pop(pierrot_mailbox *self)
{
    pthread_mutex_lock(&self->mutex);
    struct entry *entry = self->first;
    if (entry) {
        self->first = entry->next;
        if (!self->first)
            self->end = &self->first;
    }
    pthread_mutex_unlock(&self->mutex);
    if (!entry)
        return NULL;
    pierrot_term *message = entry->message;
    pierrot_shared_free(self->rt, entry, sizeof *entry);
    return message;
}

/* ----------------------------------------------------------------------- the actor */

struct state {
    pierrot_mailbox *mailbox; /* NULL: it was over when the actor began */
    pierrot_term *memory;     /* one hold of it */
    pierrot_from waiting;
    int is_waiting;
};

/* What lies in the string. */
static pierrot_mailbox *in(const pierrot_term *memory)
{
    return (pierrot_mailbox *)pierrot_as_string(memory, NULL);
}

static int init(pierrot_context *ctx, void *state, const pierrot_term *arg)
{
    struct state *self = state;
    pierrot_mailbox *mailbox = in(arg);
    (void)ctx;
    if (!hold(mailbox))
        return PIERROT_IGNORE;
    self->mailbox = mailbox;
    self->memory = pierrot_term_share((pierrot_term *)arg);
    return PIERROT_OK;
}

/* Takes: message. */
static int keep(struct state *self, pierrot_term *message)
{
    int error = push(self->mailbox, message);
    if (error || !self->is_waiting)
        return error;
    self->is_waiting = 0;
    return pierrot_reply(self->waiting, pierrot_bool(1));
}

static int wait_for_message(struct state *self, pierrot_from from)
{
    if (!is_empty(self->mailbox))
        return pierrot_reply(from, pierrot_bool(1));
    self->waiting = from;
    self->is_waiting = 1;
    return PIERROT_OK;
}

static int watch(pierrot_context *ctx, const pierrot_term *pid, pierrot_from from)
{
    pierrot_ref ref;
    int error = pierrot_monitor(ctx, pierrot_as_pid(pid), &ref);
    return pierrot_reply(from, error ? pierrot_int(error) : pierrot_ref_term(ref));
}

/* The host's own requests are {address of the mailbox, "wait" | "monitor" | "demonitor" [, id]}: nobody
 * else knows the address. */
static int handle_call(pierrot_context *ctx, void *state, const pierrot_term *request,
                       pierrot_from from)
{
    struct state *self = state;
    const pierrot_term *what = pierrot_table_at(request, 2), *id = pierrot_table_at(request, 3);
    if (pierrot_as_int(pierrot_table_at(request, 1)) != (intptr_t)self->mailbox)
        return keep(self, pr_tuple(3, pr_string("$gen_call"),
                                   pr_tuple(2, pierrot_pid_term(from.pid),
                                            pierrot_ref_term(from.ref)),
                                   pierrot_term_copy(request)));
    if (pierrot_is_string(what, "wait"))
        return wait_for_message(self, from);
    if (pierrot_is_string(what, "monitor"))
        return watch(ctx, id, from);
    pierrot_demonitor(ctx, pierrot_as_ref(id));
    return pierrot_reply(from, pierrot_bool(1));
}

static int handle_cast(pierrot_context *ctx, void *state, const pierrot_term *request)
{
    (void)ctx;
    return keep(state, pr_tuple(2, pr_string("$gen_cast"), pierrot_term_copy(request)));
}

static int handle_info(pierrot_context *ctx, void *state, const pierrot_term *message)
{
    (void)ctx;
    return keep(state, pierrot_term_copy(message));
}

static void terminate(pierrot_context *ctx, void *state, const pierrot_term *reason)
{
    struct state *self = state;
    (void)ctx;
    (void)reason;
    if (!self->mailbox)
        return;
    drop(self->mailbox);
    pierrot_term_free(self->memory);
}

static const pierrot_behaviour behaviour = {.size = sizeof behaviour,
                                            .name = "mailbox",
                                            .state_size = sizeof(struct state),
                                            .init = init,
                                            .handle_call = handle_call,
                                            .handle_cast = handle_cast,
                                            .handle_info = handle_info,
                                            .terminate = terminate};

/* ------------------------------------------------------------------ the host's side */

/* The host has done with it. */
static void let_go(pierrot_mailbox *self)
{
    pierrot_term *memory = self->memory;
    drop(self);
    pierrot_term_free(memory);
}

/* In the memory of a string of its own. NULL: out of memory. */
static pierrot_mailbox *make(pierrot *rt)
{
    pierrot_mailbox empty = {.rt = rt};
    pierrot_term *memory = pierrot_string((const char *)&empty, sizeof empty);
    if (!memory)
        return NULL;
    pierrot_mailbox *self = in(memory);
    if (pthread_mutex_init(&self->mutex, NULL) != 0) {
        pierrot_term_free(memory);
        return NULL;
    }
    self->memory = memory;
    self->end = &self->first;
    atomic_init(&self->n_holds, 1);
    return self;
}

int pierrot_mailbox_open(pierrot *rt, const pierrot_spawn_options *options, pierrot_mailbox **mailbox)
{
    if (!rt || !mailbox)
        return PIERROT_EINVAL;
    pierrot_mailbox *self = make(rt);
    if (!self)
        return PIERROT_ENOMEM;
    int error =
        pierrot_spawn(rt, &behaviour, pierrot_term_share(self->memory), options, &self->pid);
    if (error)
        let_go(self);
    else
        *mailbox = self;
    return error;
}

pierrot_pid pierrot_mailbox_pid(const pierrot_mailbox *mailbox)
{
    return mailbox ? mailbox->pid : (pierrot_pid){0};
}

/* Takes: id (NULL: none). Gives: *reply. */
static int ask(pierrot_mailbox *self, const char *what, pierrot_term *id, int timeout_ms,
               pierrot_term **reply)
{
    pierrot_term *request = id ? pr_tuple(3, pierrot_int((intptr_t)self), pr_string(what), id)
                               : pr_tuple(2, pierrot_int((intptr_t)self), pr_string(what));
    int error = pierrot_call(self->rt, self->pid, request, timeout_ms, reply);
    return error == PIERROT_EEXITED ? PIERROT_ENOPROC : error;
}

/* A copy that this thread has made: it may be kept when the runtime is gone. Takes: message. Gives. */
static pierrot_term *outside(pierrot_term *message)
{
    pierrot_term *copy = pierrot_term_copy(message);
    if (!copy)
        return message;
    pierrot_term_free(message);
    return copy;
}

int pierrot_mailbox_receive(pierrot_mailbox *mailbox, int timeout_ms, pierrot_term **message)
{
    if (!mailbox || !message)
        return PIERROT_EINVAL;
    pierrot_term *taken = pop(mailbox), *ready = NULL;
    int error = 0;
    if (!taken) {
        error = timeout_ms == 0 ? PIERROT_ETIMEOUT : ask(mailbox, "wait", NULL, timeout_ms, &ready);
        pierrot_term_free(ready);
        taken = pop(mailbox);
    }
    if (taken)
        *message = outside(taken);
    return taken ? 0 : error ? error : PIERROT_ETIMEOUT;
}

int pierrot_mailbox_monitor(pierrot_mailbox *mailbox, pierrot_pid pid, pierrot_ref *ref)
{
    if (!mailbox || !ref)
        return PIERROT_EINVAL;
    pierrot_term *reply = NULL, *id = pierrot_pid_term(pid);
    int error = id ? ask(mailbox, "monitor", id, -1, &reply) : PIERROT_ENOMEM;
    if (!error && pierrot_term_type(reply) == PIERROT_REF)
        *ref = pierrot_as_ref(reply);
    else if (!error)
        error = (int)pierrot_as_int(reply);
    pierrot_term_free(reply);
    return error;
}

int pierrot_mailbox_demonitor(pierrot_mailbox *mailbox, pierrot_ref ref)
{
    if (!mailbox)
        return PIERROT_EINVAL;
    pierrot_term *reply = NULL, *id = pierrot_ref_term(ref);
    int error = id ? ask(mailbox, "demonitor", id, -1, &reply) : PIERROT_ENOMEM;
    pierrot_term_free(reply);
    return error;
}

void pierrot_mailbox_close(pierrot_mailbox *mailbox)
{
    if (!mailbox)
        return;
    /* Nothing stops it from ending: it does not trap exits. Without memory it goes with the runtime. */
    (void)pierrot_exit(mailbox->rt, mailbox->pid, pr_string("shutdown"));
    let_go(mailbox);
}
