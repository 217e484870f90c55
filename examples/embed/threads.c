/* SPDX-License-Identifier: MIT
 *
 * Eight threads of the host's call Lua servers at once, on as many schedulers as there are servers. A
 * thread that waits for an answer waits alone; the schedulers go on. */
#include <pierrot.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { N_THREADS = 8, N_SERVERS = 2, N_CALLS = 1000 };

static const char counter_code[] =
    "package.preload.counter = function()\n"
    "  local Counter = {}\n"
    "  function Counter.init(start) return 'ok', start end\n"
    "  Counter.handle_call = {\n"
    "    next = function(n) return 'reply', n + 1, n + 1 end,\n"
    "  }\n"
    "  return Counter\n"
    "end\n";

static pierrot *rt;
static pierrot_pid servers[N_SERVERS];

/* A Lua state belongs to a scheduler, so each loads the module. */
static int load_everywhere(void)
{
    for (int i = 1; i <= pierrot_schedulers(rt); i++) {
        pierrot_spawn_options options;
        pierrot_spawn_options_init(&options);
        options.scheduler = i;
        int error = pierrot_eval(rt, counter_code, strlen(counter_code), "=counter", NULL,
                                 &options, 5000, NULL);
        if (error)
            return error;
    }
    return 0;
}

static int start_servers(void)
{
    for (int i = 0; i < N_SERVERS; i++) {
        pierrot_spawn_options options;
        pierrot_spawn_options_init(&options);
        options.scheduler = i + 1;
        int error = pierrot_start(rt, "counter", pierrot_int(0), &options, &servers[i]);
        if (error)
            return error;
    }
    return 0;
}

static void *run_thread(void *ud)
{
    int n_failed = 0;
    for (int i = 0; i < N_CALLS; i++) {
        pierrot_term *reply = NULL;
        n_failed += pierrot_call(rt, servers[i % N_SERVERS], pierrot_string("next", 4), 5000,
                                 &reply) != 0;
        pierrot_term_free(reply);
    }
    *(int *)ud = n_failed;
    return NULL;
}

static int run_threads(void)
{
    pthread_t threads[N_THREADS];
    int n_failed[N_THREADS], n_started = 0, n = 0;
    while (n_started < N_THREADS &&
           pthread_create(&threads[n_started], NULL, run_thread, &n_failed[n_started]) == 0)
        n_started++;
    for (int i = 0; i < n_started; i++) {
        pthread_join(threads[i], NULL);
        n += n_failed[i];
    }
    return n_started < N_THREADS ? -1 : n;
}

/* What the next number would be, less one: how many were given out. */
static long long total(void)
{
    long long sum = 0;
    for (int i = 0; i < N_SERVERS; i++) {
        pierrot_term *reply = NULL;
        if (pierrot_call(rt, servers[i], pierrot_string("next", 4), 5000, &reply) == 0)
            sum += pierrot_as_int(reply) - 1;
        pierrot_term_free(reply);
    }
    return sum;
}

int main(void)
{
    pierrot_options options;
    pierrot_options_init(&options);
    options.schedulers = N_SERVERS;
    int error = pierrot_new(&options, &rt);
    if (error) {
        fprintf(stderr, "%s\n", pierrot_strerror(error));
        return 1;
    }
    error = load_everywhere();
    if (!error)
        error = start_servers();
    int n_failed = error ? 0 : run_threads();
    if (!error)
        printf("%d threads, %lld calls, %d failed\n", N_THREADS, total(), n_failed);
    pierrot_stop(rt, 1000);
    pierrot_free(rt);
    return error || n_failed;
}
