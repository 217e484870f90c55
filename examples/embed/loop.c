/* SPDX-License-Identifier: MIT
 *
 * pierrot on the host's own libuv loop: processes run whenever the host runs its loop, beside its timers
 * and sockets, and a call is answered by a callback on the same thread. Nothing here needs a lock.
 *
 * The loop runs until the host's handles are closed and the last process on it has ended. */
#include <pierrot.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

enum { N_TICKS = 3 };

static const char script[] =
    "package.preload.adder = function()\n"
    "  local Adder = {}\n"
    "  function Adder.init() return 'ok', 0 end\n"
    "  Adder.handle_call = {\n"
    "    add = function(sum, from, n) return 'reply', sum + n, sum + n end,\n"
    "  }\n"
    "  return Adder\n"
    "end\n";

struct host {
    pierrot *rt;
    pierrot_pid adder;
    int n_ticks;
    int n_answers;
};

static void stop_adder(struct host *host)
{
    pierrot_exit(host->rt, host->adder, pierrot_string("shutdown", 8));
}

static void on_sum(void *ud, int error, pierrot_term *reply)
{
    struct host *host = ud;
    if (error)
        fprintf(stderr, "the call failed: %s\n", pierrot_strerror(error));
    else
        printf("the sum is %lld\n", (long long)pierrot_as_int(reply));
    pierrot_term_free(reply);
    if (++host->n_answers == N_TICKS)
        stop_adder(host);
}

/* {"add", n}; NULL without memory, which pierrot_call_async reports. */
static pierrot_term *add_request(int n)
{
    pierrot_term *request = pierrot_table();
    if (request && (pierrot_table_append(request, pierrot_string("add", 3)) != 0 ||
                    pierrot_table_append(request, pierrot_int(n)) != 0)) {
        pierrot_term_free(request);
        request = NULL;
    }
    return request;
}

static void on_tick(uv_timer_t *timer)
{
    struct host *host = timer->data;
    printf("tick %d\n", ++host->n_ticks);
    int error = pierrot_call_async(host->rt, host->adder, add_request(host->n_ticks), 5000, on_sum,
                                   host);
    if (error)
        fprintf(stderr, "no call: %s\n", pierrot_strerror(error));
    if (host->n_ticks == N_TICKS)
        uv_close((uv_handle_t *)timer, NULL);
}

static int run(struct host *host, uv_loop_t *loop)
{
    uv_timer_t timer;
    int error = pierrot_run_string(host->rt, script, "=loop");
    if (!error)
        error = pierrot_start(host->rt, "adder", NULL, NULL, &host->adder);
    if (error)
        return error;
    uv_timer_init(loop, &timer);
    timer.data = host;
    uv_timer_start(&timer, on_tick, 1, 5);
    uv_run(loop, UV_RUN_DEFAULT);
    return 0;
}

int main(void)
{
    uv_loop_t *loop = uv_default_loop();
    struct host host = {0};
    pierrot_options options;
    pierrot_options_init(&options);
    options.loop = loop;
    int error = pierrot_new(&options, &host.rt);
    if (!error) {
        error = run(&host, loop);
        pierrot_stop(host.rt, 1000);
        pierrot_free(host.rt);
    }
    if (error)
        fprintf(stderr, "%s\n", pierrot_strerror(error));
    return uv_loop_close(loop) != 0 || error != 0;
}
