/* SPDX-License-Identifier: MIT */
#include "proc/system.h"

#include "proc/ptable.h"

int pr_is_parents_exit(const struct pr_process *process, const struct pr_signal *message)
{
    return message->kind == PR_SIGNAL_EXITED && pr_process_is_child_of(process, message->from);
}

struct pr_signal *pr_system_next(struct pr_process *process)
{
    struct pr_process_extra *extra = process->extra;
    struct pr_signal *message = pr_mailbox_first(&process->mailbox);
    if (!(process->sys & PR_SYS_SUSPENDED))
        return message;
    /* What was passed over stays passed over: nobody else takes messages out of the mailbox. */
    if (extra && extra->passed)
        message = pr_mailbox_next(extra->passed);
    while (message && !pr_is_system(message) && !pr_is_parents_exit(process, message)) {
        if (extra)
            extra->passed = message;
        message = pr_mailbox_next(message);
    }
    return message;
}

void pr_system_suspend(struct pr_owner *owner, struct pr_process *process)
{
    /* Without memory for the place it goes on from, it looks at all messages again. */
    struct pr_process_extra *extra = pr_process_extra(owner, process);
    if (extra)
        extra->passed = NULL;
    process->sys |= PR_SYS_SUSPENDED;
}

void pr_system_resume(struct pr_process *process)
{
    process->sys &= (uint8_t)~PR_SYS_SUSPENDED;
    if (process->extra)
        process->extra->passed = NULL;
}

int pr_system_set_tracer(struct pr_owner *owner, struct pr_process *process, pierrot_pid tracer)
{
    struct pr_process_extra *extra = pr_process_extra(owner, process);
    if (!extra)
        return PIERROT_ENOMEM;
    extra->tracer = tracer;
    if (tracer.id)
        process->sys |= PR_SYS_TRACED;
    else
        process->sys &= (uint8_t)~PR_SYS_TRACED;
    return 0;
}

pierrot_pid pr_system_tracer(struct pr_owner *owner, struct pr_process *process)
{
    pierrot_pid tracer = {0};
    if (!(process->sys & PR_SYS_TRACED))
        return tracer;
    if (pr_ptable_is_alive(owner->system, process->extra->tracer))
        return process->extra->tracer;
    process->sys &= (uint8_t)~PR_SYS_TRACED;
    return tracer;
}
