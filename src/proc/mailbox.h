/* SPDX-License-Identifier: MIT
 *
 * The mailbox of a process: the messages it has not taken yet, oldest first.
 *
 * Each message is stamped with the number of the newest ref its owner had made when it came, so the
 * stamps do not decrease; a message with a stamp below a ref's number is older than that ref and
 * cannot hold it. That is how waiting for a fresh ref skips what is older, however much that is.
 *
 * The save point: a receive that found nothing remembers the last message it looked at, so that the
 * next message alone is looked at. `n_taken` counts what was taken out: a receive that another one ran
 * inside of sees it change, and finds its place again by the number that each message has.
 *
 * A receiver that passes over messages may note in them how to do so faster the next time (`digest`
 * and `alike` of a signal). What it notes is its own affair; the mailbox counts the noted messages
 * that were taken out, since others' notes may lead to them. */
#ifndef PR_MAILBOX_H
#define PR_MAILBOX_H

#include "base/list.h"
#include "proc/value.h"

struct pr_signal;

struct pr_mailbox {
    struct pr_list messages; /* (O) signals of message kinds, see signal.h */
    uint32_t n_messages;     /* (O) */
    uint32_t n_taken;        /* (O) wraps */
    uint32_t n_pushed;       /* (O) wraps; the number of the next message */
    uint32_t n_notes_gone;   /* (O) wraps */
};

void pr_mailbox_init(struct pr_mailbox *mailbox);

/* Takes: message. Thread: owner. */
void pr_mailbox_push(struct pr_owner *owner, struct pr_mailbox *mailbox, struct pr_signal *message);

/* Gives: message, taken out. */
void pr_mailbox_take(struct pr_mailbox *mailbox, struct pr_signal *message);

/* The oldest message, or NULL; the one after `message`. Lends. */
struct pr_signal *pr_mailbox_first(const struct pr_mailbox *mailbox);
struct pr_signal *pr_mailbox_next(const struct pr_signal *message);

/* The newest message that is not newer than the one of that number, which may be gone; or NULL. */
struct pr_signal *pr_mailbox_seek(const struct pr_mailbox *mailbox, uint32_t number);

/* The oldest message that can hold `ref`; NULL when there is none. Costs what is newer than the
 * ref. A ref of another owner's can be anywhere. */
struct pr_signal *pr_mailbox_first_since(const struct pr_owner *owner,
                                         const struct pr_mailbox *mailbox, pierrot_ref ref);

/* Drops everything. */
void pr_mailbox_clear(struct pr_owner *owner, struct pr_mailbox *mailbox);

#endif
