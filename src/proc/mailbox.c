/* SPDX-License-Identifier: MIT */
#include "proc/mailbox.h"

#include "base/assert.h"
#include "proc/owner.h"
#include "proc/signal.h"
#include "term/ident.h"

void pr_mailbox_init(struct pr_mailbox *mailbox)
{
    pr_list_init(&mailbox->messages);
    mailbox->n_messages = 0;
    mailbox->n_taken = 0;
    mailbox->n_pushed = 0;
    mailbox->n_notes_gone = 0;
}

static struct pr_signal *signal_at(struct pr_node *node)
{
    return node ? PR_CONTAINER_OF(node, struct pr_signal, node) : NULL;
}

void pr_mailbox_push(struct pr_owner *owner, struct pr_mailbox *mailbox, struct pr_signal *message)
{
    message->stamp = owner->last_ref;
    message->number = mailbox->n_pushed++;
    pr_list_append(&mailbox->messages, &message->node);
    mailbox->n_messages++;
}

void pr_mailbox_take(struct pr_mailbox *mailbox, struct pr_signal *message)
{
    PR_ASSERT(mailbox->n_messages > 0);
    pr_list_remove(&mailbox->messages, &message->node);
    mailbox->n_messages--;
    mailbox->n_taken++;
    if (message->flags & PR_FLAG_NOTED)
        mailbox->n_notes_gone++;
}

struct pr_signal *pr_mailbox_first(const struct pr_mailbox *mailbox)
{
    return signal_at(mailbox->messages.head);
}

struct pr_signal *pr_mailbox_next(const struct pr_signal *message)
{
    return signal_at(message->node.next);
}

struct pr_signal *pr_mailbox_seek(const struct pr_mailbox *mailbox, uint32_t number)
{
    struct pr_signal *found = NULL;
    for (struct pr_node *node = mailbox->messages.head; node; node = node->next) {
        struct pr_signal *message = signal_at(node);
        if ((int32_t)(message->number - number) > 0)
            break;
        found = message;
    }
    return found;
}

struct pr_signal *pr_mailbox_first_since(const struct pr_owner *owner,
                                         const struct pr_mailbox *mailbox, pierrot_ref ref)
{
    if (pr_ref_home(ref) != owner->index)
        return pr_mailbox_first(mailbox);
    uint64_t number = pr_ref_number(ref);
    /* From both ends: a fresh ref is near the tail, and who asks for old ones in turn near the head. */
    struct pr_signal *from_head = signal_at(mailbox->messages.head);
    struct pr_node *from_tail = mailbox->messages.tail;
    while (from_head && from_head->stamp < number) {
        struct pr_signal *newest = signal_at(from_tail);
        if (newest->stamp < number)
            return pr_mailbox_next(newest);
        from_head = pr_mailbox_next(from_head);
        from_tail = from_tail->prev;
    }
    return from_head;
}

void pr_mailbox_clear(struct pr_owner *owner, struct pr_mailbox *mailbox)
{
    struct pr_signal *message;
    while ((message = pr_mailbox_first(mailbox)) != NULL) {
        pr_mailbox_take(mailbox, message);
        pr_signal_free(owner, message);
    }
}
