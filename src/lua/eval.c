/* SPDX-License-Identifier: MIT
 *
 * Lua processes for a host: a function by its name, and a piece of code whose result is wanted. */
#include <string.h>

#include "lua/spawn.h"

static struct pr_spawn_options options_of(const pierrot_spawn_options *options)
{
    struct pr_spawn_options wanted = {0};
    wanted.name = options->name;
    wanted.name_len = options->name_len;
    wanted.max_queue = (uint64_t)options->max_queue;
    wanted.max_heap = (uint64_t)options->max_heap;
    return wanted;
}

/* The owner that options name, or NULL. */
static struct pr_owner *target_of(pierrot *rt, const pierrot_spawn_options *options)
{
    int index = options && options->scheduler > 0 ? options->scheduler - 1 : 0;
    int is_valid = rt && (!options || (options->size == sizeof *options && options->scheduler >= 0 &&
                                       !options->link && options->max_queue >= 0 &&
                                       options->max_heap >= 0));
    return is_valid && index < (int)rt->n_schedulers ? rt->system.owners[index] : NULL;
}

/* ---------------------------------------------------------------------- functions */

/* The host's thread may give up before the scheduler has begun: so it owns all. `options` and what stands
 * behind `texts` are copies. */
struct start {
    struct pr_host_visit visit; /* first */
    size_t size;                /* of the whole */
    const char *module;
    const char *function;
    pierrot_term *arg;
    pierrot_spawn_options options;
    pierrot_pid pid;
    pierrot_term *result; /* of an eval */
    char texts[];
};

static void free_start(struct pr_heap *heap, struct start *start)
{
    pierrot_term_free(start->arg);
    pierrot_term_free(start->result);
    pr_free(heap, start, start->size);
}

/* What was begun goes on: a function is not waited for, and an eval has its own alarm. */
static void start_abandoned(struct pr_owner *owner, struct pr_host_visit *visit, int result)
{
    (void)result;
    free_start(&owner->heap, (struct start *)visit);
}

static char *copy_text(char **at, const char *text, size_t len)
{
    char *copy = memcpy(*at, text, len);
    copy[len] = '\0';
    *at += len + 1;
    return copy;
}

/* Takes: arg. Gives; NULL: out of memory. */
static struct start *new_start(pierrot *rt, const char *module, const char *function,
                               pierrot_term *arg, const pierrot_spawn_options *options)
{
    size_t n_module = strlen(module), n_function = strlen(function);
    size_t n_name = options && options->name ? options->name_len : 0;
    size_t n_texts = n_module + n_function + 3;
    if (arg && !(arg = pr_host_import(rt, arg)))
        return NULL;
    struct start *start = n_name < SIZE_MAX - sizeof *start - n_texts
                              ? pr_zalloc(&rt->system.heap, sizeof *start + n_texts + n_name)
                              : NULL;
    if (!start) {
        pierrot_term_free(arg);
        return NULL;
    }
    char *at = start->texts;
    start->size = sizeof *start + n_texts + n_name;
    start->arg = arg;
    start->module = copy_text(&at, module, n_module);
    start->function = copy_text(&at, function, n_function);
    if (options)
        start->options = *options;
    else
        pierrot_spawn_options_init(&start->options);
    if (start->options.name)
        start->options.name = copy_text(&at, options->name, n_name);
    start->visit.abandoned = start_abandoned;
    return start;
}

/* It is nobody's child, whatever runs here at the moment. */
static int start_there(struct pr_owner *owner, struct pr_host_visit *visit)
{
    struct start *start = (struct start *)visit;
    struct pr_process *outer = owner->current;
    struct pr_spawn_options options = options_of(&start->options);
    pierrot_ref unused;
    owner->current = NULL;
    int error = pr_spawn_named_with(pr_lua_of(owner), start->module, start->function, start->arg,
                                    &options, &start->pid, &unused);
    owner->current = outer;
    return error;
}

int pierrot_spawn_function(pierrot *rt, const char *module, const char *function,
                           pierrot_term *arg, const pierrot_spawn_options *options,
                           pierrot_pid *pid)
{
    struct pr_owner *target = target_of(rt, options);
    if (!module || !function || !pid || !target || pr_host_check_arg(rt, arg)) {
        pierrot_term_free(arg);
        return PIERROT_EINVAL;
    }
    struct start *start = new_start(rt, module, function, arg, options);
    if (!start)
        return PIERROT_ENOMEM;
    start->visit.run = start_there;
    int error = pr_host_visit_within(rt, target, &start->visit, start->options.timeout_ms);
    if (error == PR_HOST_LATER)
        return PIERROT_ETIMEOUT;
    if (!error)
        *pid = start->pid;
    free_start(&rt->system.heap, start);
    return error;
}

/* --------------------------------------------------------------------------- code */

static int give(struct start *eval, const pierrot_term *value, int error)
{
    eval->result = value ? pierrot_term_copy(value) : pierrot_nil();
    return eval->result ? error : PIERROT_ENOMEM;
}

/* The process ends with {"shutdown", true, value}, or by what went wrong. */
static int ended(struct pr_host_visit *visit, const pierrot_term *reason)
{
    struct start *eval = (struct start *)visit;
    const pierrot_term *tag = pierrot_table_at(reason, 1);
    if (pierrot_is_string(tag, "shutdown") && pierrot_as_bool(pierrot_table_at(reason, 2)))
        return give(eval, pierrot_table_at(reason, 3), 0);
    if (pierrot_is_string(reason, "normal"))
        return give(eval, NULL, 0);
    return give(eval, reason, pierrot_is_string(tag, "error") ? PIERROT_ELUA : PIERROT_EEXITED);
}

static int eval_there(struct pr_owner *owner, struct pr_host_visit *visit)
{
    int error = start_there(owner, visit);
    if (error)
        return error;
    pierrot_pid pid = ((struct start *)visit)->pid;
    struct pr_host_wait wait = {pid, ended, pr_host_remaining_ms(visit), 1};
    error = pr_host_await_end(owner, visit, &wait);
    if (error < 0)
        pr_process_exit(owner, pr_ptable_find(owner, pid), PR_TERM(killed));
    return error;
}

static int set(pierrot_term *table, const char *field, pierrot_term *value)
{
    return pierrot_table_set(table, pierrot_string(field, strlen(field)), value);
}

/* Takes: arg. Gives; NULL: out of memory. */
static pierrot_term *make_request(const char *code, size_t len, const char *chunkname,
                                  pierrot_term *arg)
{
    pierrot_term *request = pierrot_table();
    if (!request) {
        pierrot_term_free(arg);
        return NULL;
    }
    int error = arg ? set(request, "arg", arg) : 0;
    if (!error)
        error = set(request, "code", pierrot_string(code, len));
    if (!error)
        error = set(request, "name", pierrot_string(chunkname, strlen(chunkname)));
    if (!error)
        return request;
    pierrot_term_free(request);
    return NULL;
}

int pierrot_eval(pierrot *rt, const char *code, size_t len, const char *chunkname,
                 pierrot_term *arg, const pierrot_spawn_options *options, int timeout_ms,
                 pierrot_term **result)
{
    struct pr_owner *target = target_of(rt, options);
    if (!code || !target || pr_host_check_arg(rt, arg)) {
        pierrot_term_free(arg);
        return PIERROT_EINVAL;
    }
    pierrot_term *request = make_request(code, len, chunkname ? chunkname : "=eval", arg);
    struct start *eval =
        request ? new_start(rt, "pierrot.start", "eval", request, options) : NULL;
    if (!eval)
        return PIERROT_ENOMEM;
    eval->visit.run = eval_there;
    int error = pr_host_visit_within(rt, target, &eval->visit, timeout_ms);
    if (error == PR_HOST_LATER)
        return PIERROT_ETIMEOUT;
    if (result && eval->result) {
        *result = pr_host_export(eval->result);
        eval->result = NULL;
    }
    free_start(&rt->system.heap, eval);
    return error;
}
