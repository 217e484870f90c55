/* SPDX-License-Identifier: MIT
 *
 * A process: identity, mailbox, relations and flags. What it runs (Lua, a C behaviour) is its
 * kind's affair; kinds embed struct pr_process as their first member.
 *
 *                 spawn
 *                   |
 *                   v        make_ready          slice begins
 *   WAITING <--> (WAITING) -------------> RUNNABLE ---------> RUNNING
 *      ^                                     ^                |  |  |
 *      |          the slice ends: waits      |   preempted    |  |  |
 *      +-------------------------------------|----------------+  |  |
 *                                            +-------------------+  |
 *   any state --(a fatal signal)--> + EXITING, then RUNNABLE;       v
 *   in its own slice the process then ends: ENDED, and is freed <---+
 *
 * Invariants
 *   - An EXITING process is dead in the process table and has its reason in `exit_reason`.
 *   - A process is in a run queue if and only if it is RUNNABLE.
 *   - RUNNING are the process of the current slice and the callees and callers nested in it. */
#ifndef PR_PROCESS_H
#define PR_PROCESS_H

#include "base/list.h"
#include "proc/mailbox.h"
#include "proc/owner.h"

enum pr_process_state { PR_WAITING, PR_RUNNABLE, PR_RUNNING, PR_ENDED };

enum pr_process_flag {
    PR_TRAP_EXIT = 1,
    PR_EXITING = 2,
    PR_WAKE_ON_MESSAGE = 4, /* it waits for any message: pushing one makes it ready */
    PR_SERVER = 8,          /* it has callbacks: a shutdown from its parent ends it, in order */
    PR_USED_SLICE = 16,     /* its last slice was used up */
    PR_STARTING = 32,       /* init has not answered yet */
    PR_UNKILLABLE = 64,     /* a host's main process: a fatal signal only leaves its reason */
    PR_TOLD_TO_STOP = 128   /* the runtime stops, and this process was told */
};

/* What ended a process that did not do so itself. */
enum pr_signalled {
    PR_BY_ANOTHER = 1, /* an exit signal of another process's or a host's */
    PR_BY_RUNTIME = 2  /* the end of the runtime */
};

enum pr_slice_end {
    PR_SLICE_WAITS,   /* until make_ready */
    PR_SLICE_USED_UP, /* wants more: preempted, or gave way */
    PR_SLICE_ENDED    /* exit_reason is set */
};

struct pr_call_request;
struct pr_alarm;

/* A kind of process: how it plugs into its scheduler. All are called on the owner's thread. */
struct pr_kind {
    const char *name;
    /* Messages from Lua processes of the same scheduler may be PR_VALUE_LOCAL. */
    int takes_local;
    /* Runs for one slice; is not called for an EXITING process. */
    enum pr_slice_end (*run)(struct pr_owner *owner, struct pr_process *process);
    /* The process is EXITING, nothing of it is on the C stack: end what it was doing (closing
     * values, terminate), report a crash. It is dead to everybody, but may still send. */
    void (*finish)(struct pr_owner *owner, struct pr_process *process, pierrot_term *reason);
    /* Its last act: frees the memory, the struct included. */
    void (*destroy)(struct pr_owner *owner, struct pr_process *process);
    /* Adds fields of its own to the table of info: memory, current_function, … May be NULL. */
    int (*info)(struct pr_owner *owner, struct pr_process *process, const char *item,
                struct pr_arena *arena, struct pierrot_term *cell);
};

/* The ancestors of a process as a shared chain: its parent, that one's parent, … Counted,
 * immutable. Of very many the oldest are forgotten: each process may start the next and end. */
struct pr_lineage {
    atomic_uint n_holds; /* (A) */
    uint32_t n_known;    /* in the chain from here on */
    pierrot_pid pid;
    struct pr_lineage *up; /* one hold of it, or NULL */
};

struct pr_published;

/* What few processes have. */
struct pr_process_extra {
    uint64_t max_queue; /* 0: unbounded */
    uint64_t n_dropped;
    struct pr_lineage *own_lineage; /* as parent of others; one hold */
    struct pr_published *published; /* what it offers to readers here (sched/publish.h); or NULL */
    uint64_t max_heap;        /* bytes; 0: unbounded */
    uint64_t n_allocated;     /* by it, since it was measured */
    int has_exceeded;         /* max_heap is what ended it */
    struct pr_signal *passed; /* suspended: the last message that must wait; or NULL */
    pierrot_pid tracer;       /* is told what it gets and answers; id 0: none */
    /* For the report of a crash. */
    pierrot_term *last_name;    /* one hold, or NULL */
    pierrot_term *last_message; /* of a C actor; one hold, or NULL */
    pierrot_pid client;         /* whose call that was; id 0: it was none */
};

struct pr_process {
    struct pr_process *next;    /* (O) in a run queue */
    const struct pr_kind *kind; /* (I) */
    pierrot_pid pid;            /* (I) */
    struct pr_mailbox mailbox;  /* (O) */
    struct pr_list relations;   /* (O) links, monitors, aliases, timers, in the order of making */
    struct pr_lineage *lineage; /* (O) its ancestors; NULL: none */
    pierrot_term *exit_reason;  /* (O) one hold; when EXITING */
    struct pr_process_extra *extra; /* (O) NULL while there is nothing */
    uint64_t reductions;            /* (O) slices and messages, roughly */
    uint8_t state;                  /* (O) enum pr_process_state */
    uint8_t flags;                  /* (O) enum pr_process_flag */
    uint8_t was_signalled;          /* (O) EXITING, and not by itself: enum pr_signalled */
    uint8_t sys;                    /* (O) enum pr_sys_flag, see system.h */
    uint8_t has_parent;             /* (O) see pr_process_is_child_of */
};

/* Sets up the process and enters it into the table: WAITING and alive. `parent` is its ancestor
 * when it lives here (its lineage), else parent_lineage is (takes one hold); both may be NULL. 0,
 * PIERROT_ENOMEM, PIERROT_ELIMIT, or PIERROT_ESTOPPED where all that lives here is being ended.
 * Thread: owner. */
int pr_process_init(struct pr_owner *owner, struct pr_process *process, const struct pr_kind *kind,
                    struct pr_lineage *lineage);

/* The lineage that children of this process have: itself, then its own. Gives: one hold; NULL: out
 * of memory. Thread: owner. */
struct pr_lineage *pr_process_lineage(struct pr_owner *owner, struct pr_process *process);
void pr_lineage_drop(struct pr_owner *owner, struct pr_lineage *lineage);

/* Whether `pid` is its parent in OTP's sense, who started it with a link or a monitor: an EXIT from
 * there ends a server that traps exits. What has no ancestors has the runtime (id 0) for a parent. */
int pr_process_is_child_of(const struct pr_process *process, pierrot_pid pid);

/* The rare fields, made when missing. NULL: out of memory. */
struct pr_process_extra *pr_process_extra(struct pr_owner *owner, struct pr_process *process);

/* A message is there for it, or what it waited for: run it some time. */
static inline void pr_process_wake(struct pr_owner *owner, struct pr_process *process)
{
    if (process->state == PR_WAITING) {
        process->state = PR_RUNNABLE;
        owner->ops->make_ready(owner, process);
    }
}

/* Puts a message into its mailbox and wakes it if it waits for one. Takes: message. Thread: owner.
 */
void pr_process_deliver(struct pr_owner *owner, struct pr_process *process,
                        struct pr_signal *message);

/* Whether the mailbox holds as many as it may (max_queue). */
int pr_process_is_full(const struct pr_process *process);

/* Whether one more message is refused because of that; it counts as dropped then. */
int pr_process_refuses(struct pr_process *process);

#endif
