/* SPDX-License-Identifier: MIT
 *
 * Signals: all that processes tell each other. Signals between one pair of processes arrive in the
 * order in which they were sent, whatever their kind: on one scheduler a signal takes effect within
 * the send, after what other schedulers have sent before; between schedulers it waits in the
 * target's inbox, which has one order over all senders.
 *
 * To take effect means: a message enters the mailbox; any other signal changes the state of its
 * target at once (a link, a monitor, an end that is now certain). The code of a process never runs
 * inside of that. */
#ifndef PR_SIGNAL_H
#define PR_SIGNAL_H

#include "base/list.h"
#include "proc/owner.h"
#include "proc/value.h"

enum pr_signal_kind {
    /* These lie in mailboxes. */
    PR_SIGNAL_MESSAGE,   /* value */
    PR_SIGNAL_CALL,      /* from, ref: whom to answer; value: the request */
    PR_SIGNAL_CAST,      /* value: the request */
    PR_SIGNAL_DOWN,      /* ref, from or name, value: the reason; see PR_FLAG_NAMED */
    PR_SIGNAL_EXITED,    /* from, value: {"EXIT", from, reason} for a process that traps */
    PR_SIGNAL_TIMEOUT,   /* ref, value: {"timeout", ref, value} */
    PR_SIGNAL_CANCELLED, /* ref, value: {"cancel_timer", ref, value} */
    PR_SIGNAL_ANSWER,    /* ref, value: {ref, value}: the reply to an asynchronous request */
    /* These take effect and are gone. */
    PR_SIGNAL_REPLY,     /* ref, value: the answer to a call or request; see pr_reply_flag */
    PR_SIGNAL_ALIAS,     /* ref, value: a message by way of an alias */
    PR_SIGNAL_EXIT,      /* from, value: the reason; see PR_FLAG_LINK */
    PR_SIGNAL_LINK,      /* from */
    PR_SIGNAL_UNLINK,    /* from, ref */
    PR_SIGNAL_UNLINKED,  /* from, ref: the peer has heard of the UNLINK with this ref */
    PR_SIGNAL_MONITOR,   /* from, ref */
    PR_SIGNAL_DEMONITOR, /* from, ref */
    PR_SIGNAL_VISIT      /* a struct pr_visit: run a function on the owner's thread */
};

enum pr_signal_flag {
    PR_FLAG_LINK = 1,         /* EXIT: by a link, not by exit(pid, reason) */
    PR_FLAG_MONITOR = 2,      /* CALL: the caller monitors with the same ref */
    PR_FLAG_NAMED = 4,        /* DOWN, in a mailbox: extra holds tag and name */
    PR_FLAG_FAILED = 8,       /* REPLY: value is why there is no answer */
    PR_FLAG_DEMONITORED = 16, /* REPLY: the callee has removed the caller's monitor */
    PR_FLAG_SYSTEM = 32,      /* CALL: a system message, for the behaviour's engine */
    PR_FLAG_TIMER = 64,       /* MONITOR: by a timer that goes to the target */
    PR_FLAG_NOTED = 128       /* in a mailbox, where u is free: a receive has passed over it */
};

/* What few monitors have: the name they were made by, a tag in place of "DOWN". Holds both. */
struct pr_monitor_extra {
    pierrot_term *name; /* or NULL */
    pierrot_term *tag;  /* or NULL */
};

struct pr_signal {
    struct pr_node node;
    uint64_t stamp; /* in a mailbox, see mailbox.h */
    uint8_t kind;
    uint8_t flags;
    uint16_t reserved;
    uint32_t number; /* in a mailbox, see mailbox.h */
    union {
        pierrot_pid to;                 /* on the way; in a mailbox, an EXITED from nobody */
        struct pr_monitor_extra *extra; /* in a mailbox, PR_FLAG_NAMED */
        uint64_t digest;                /* in a mailbox, PR_FLAG_NOTED */
    } u;
    union {
        pierrot_pid from;
        struct pr_signal *alike; /* in a mailbox, a MESSAGE with PR_FLAG_NOTED; or NULL */
    };
    union {
        pierrot_ref ref;
        uint64_t alike_at; /* where `alike` is */
    };
    struct pierrot_term value;
};

_Static_assert(sizeof(struct pr_signal) <= PR_PIECE_SIZE, "a signal is a piece");

/* Whose EXIT the receiver sees. One from nobody, as at the end of the program and from a host, has the
 * receiver's own pid: the message holds a pid always. */
static inline pierrot_pid pr_signal_exit_from(const struct pr_signal *exited)
{
    return exited->from.id ? exited->from : exited->u.to;
}

/* A function to run on the thread of an owner, in order with other signals: the first member of a
 * larger struct, which `run` frees. `process` is that of signal.u.to, NULL when it is dead or none.
 */
struct pr_visit {
    struct pr_signal signal;
    void (*run)(struct pr_owner *owner, struct pr_process *process, struct pr_visit *visit);
};

/* A new signal with nothing in it but its kind and target. NULL: out of memory. Thread: owner. */
struct pr_signal *pr_signal_new(struct pr_owner *owner, enum pr_signal_kind kind, pierrot_pid to);

/* Frees what few monitors have; NULL is fine. */
void pr_monitor_extra_free(struct pr_owner *owner, struct pr_monitor_extra *extra);

/* Frees a signal and what its value holds. Takes: signal. Thread: owner. */
void pr_signal_free(struct pr_owner *owner, struct pr_signal *signal);

/* Sends: takes effect before this returns if the target is here and nothing from elsewhere is
 * waiting before it. Takes: signal. Never fails. Thread: owner. */
void pr_signal_send(struct pr_owner *owner, struct pr_signal *signal);

/* Pushes a signal on the inbox of an owner and wakes it. Takes: signal. Thread: any. */
void pr_signal_push(struct pr_owner *target, struct pr_signal *signal);

/* Lets all signals that wait in the inbox take effect. Thread: owner. */
void pr_signal_drain(struct pr_owner *owner);

/* Before anything that relies on the order over all senders: a direct copy, a nested call, a test
 * for idleness. */
static inline void pr_signal_poll(struct pr_owner *owner)
{
    if (!pr_queue_seems_empty(&owner->inbox))
        pr_signal_drain(owner);
}

/* A message of kind MESSAGE or CAST. Takes: value. 0 or PIERROT_ENOMEM. Thread: owner. */
int pr_send_value(struct pr_owner *owner, enum pr_signal_kind kind, pierrot_pid to,
                  struct pierrot_term value);

#endif
