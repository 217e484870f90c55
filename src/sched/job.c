/* SPDX-License-Identifier: MIT */
#include "sched/job.h"

#include "base/assert.h"

/* A visit may fall into a slice: here the job only queues up. */
static int enqueue(struct pr_owner *owner, struct pr_host_visit *visit)
{
    struct pierrot *runtime = pr_runtime_of(owner);
    struct pr_job *job = (struct pr_job *)visit;
    struct pr_job **end = &runtime->jobs;
    while (*end)
        end = &(*end)->next;
    job->next = NULL;
    *end = job;
    runtime->n_stops += job->is_stop;
    return PR_HOST_LATER;
}

void pr_job_run_all(struct pierrot *runtime)
{
    while (runtime->jobs) {
        struct pr_job *job = runtime->jobs;
        runtime->jobs = job->next;
        runtime->n_stops -= job->is_stop;
        int result = pr_host_is_abandoned(&job->visit) ? PIERROT_ETIMEOUT : job->run(runtime, job);
        pr_host_complete(runtime->system.owners[0], &job->visit, result);
    }
}

void pr_job_drop_all(struct pierrot *runtime)
{
    while (runtime->jobs) {
        struct pr_job *job = runtime->jobs;
        runtime->jobs = job->next;
        pr_host_complete(runtime->system.owners[0], &job->visit, PIERROT_ESTOPPED);
    }
}

static int do_here(struct pierrot *runtime, struct pr_job *job, int timeout_ms)
{
    struct pr_owner *outer = pr_owner_here();
    uv_thread_t self = uv_thread_self();
    if (pr_host_would_deadlock(runtime))
        return PIERROT_EDEADLK;
    if (!uv_thread_equal(&self, &runtime->creator))
        return PIERROT_EINVAL;
    job->visit.end_ns =
        timeout_ms < 0 ? UINT64_MAX : pr_clock_deadline(pr_clock_real_ns(), timeout_ms);
    pr_owner_set_here(runtime->system.owners[0]);
    int result = job->run(runtime, job);
    pr_owner_set_here(outer);
    return result;
}

int pr_job_do(struct pierrot *runtime, struct pr_job *job, int timeout_ms)
{
    if (!runtime->schedulers[0]->has_thread)
        return do_here(runtime, job, timeout_ms);
    job->visit.run = enqueue;
    return pr_host_visit_within(runtime, runtime->system.owners[0], &job->visit, timeout_ms);
}
