/* SPDX-License-Identifier: MIT */
#include "lua/passing.h"

#include "lua/digest.h"

static void note(struct pr_signal *message, uint64_t digest)
{
    message->u.digest = digest;
    message->flags |= PR_FLAG_NOTED;
    if (message->kind == PR_SIGNAL_MESSAGE)
        message->alike = NULL;
}

/* An EXIT from nobody has the receiver's pid where the digest would lie. */
static int has_room(const struct pr_signal *message)
{
    return !(message->flags & PR_FLAG_NAMED) &&
           !(message->kind == PR_SIGNAL_EXITED && !message->from.id);
}

void pr_pass(lua_State *L, struct pr_signal *message)
{
    if (!(message->flags & PR_FLAG_NOTED) && has_room(message))
        note(message, pr_digest_message(L));
}

void pr_pass_shown(struct pr_mailbox *mailbox, struct pr_signal *message)
{
    if (message->kind != PR_SIGNAL_MESSAGE)
        return; /* made anew for each look */
    if (message->flags & PR_FLAG_NOTED)
        mailbox->n_notes_gone++;
    note(message, 0);
}

/* The message's digest; 0: it must be looked at. A term need not become a Lua value for that. */
static uint64_t digest_of(const struct pr_signal *message)
{
    if (message->flags & PR_FLAG_NOTED)
        return message->u.digest;
    if (message->kind != PR_SIGNAL_MESSAGE || message->value.tag == PR_VALUE_LOCAL)
        return 0;
    return pr_digest_term(pr_value_cell(&message->value));
}

/* The last of the run that begins with the message. */
static struct pr_signal *last_alike(const struct pr_mailbox *mailbox, struct pr_signal *message)
{
    int begins_run = message->kind == PR_SIGNAL_MESSAGE && message->alike &&
                     message->alike_at == mailbox->n_notes_gone;
    return begins_run ? message->alike : message;
}

struct pr_signal *pr_pass_over(struct pr_lua_process *self, struct pr_signal *message,
                               uint64_t digest)
{
    const struct pr_mailbox *mailbox = &self->process.mailbox;
    struct pr_signal *first = NULL; /* of the run that the walk is in */
    for (; message; message = pr_mailbox_next(message)) {
        uint64_t its_own = digest_of(message);
        if (!its_own || its_own == digest)
            break;
        if (!(message->flags & PR_FLAG_NOTED))
            note(message, its_own);
        struct pr_signal *last = last_alike(mailbox, message);
        if (first && first->u.digest == its_own) {
            first->alike = last;
            first->alike_at = mailbox->n_notes_gone;
        } else {
            first = message->kind == PR_SIGNAL_MESSAGE ? message : NULL;
        }
        self->scanned = message = last;
    }
    return message;
}
