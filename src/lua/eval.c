/* SPDX-License-Identifier: MIT
 *
 * Lua processes for a host: a function by its name, and a piece of code whose result is wanted. */
#include <string.h>

#include "lua/spawn.h"

static struct pr_spawn_options options_of(const pierrot_spawn_options *options)
{
    struct pr_spawn_options wanted = {0};
    if (!options)
        return wanted;
    wanted.name = options->name;
    wanted.name_len = options->name_len;
    wanted.max_queue = options->max_queue > 0 ? (uint64_t)options->max_queue : 0;
    wanted.max_heap = options->max_heap > 0 ? (uint64_t)options->max_heap : 0;
    return wanted;
}

/* The owner that options name, or NULL. */
static struct pr_owner *target_of(pierrot *rt, const pierrot_spawn_options *options)
{
    int index = options && options->scheduler > 0 ? options->scheduler - 1 : 0;
    int is_valid = !options || (options->size == sizeof *options && options->scheduler >= 0 &&
                                !options->link);
    return is_valid && index < (int)rt->n_schedulers ? rt->system.owners[index] : NULL;
}

/* ---------------------------------------------------------------------- functions */

struct start {
    struct pr_host_visit visit; /* first */
    const char *module;
    const char *function;
    const pierrot_term *arg;
    const pierrot_spawn_options *options;
    pierrot_pid pid;
};

/* It is nobody's child, whatever runs here at the moment. */
static int start_there(struct pr_owner *owner, struct pr_host_visit *visit)
{
    struct start *start = (struct start *)visit;
    struct pr_process *outer = owner->current;
    struct pr_spawn_options options = options_of(start->options);
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
    struct start start = {.visit.run = start_there,
                          .module = module,
                          .function = function,
                          .arg = arg,
                          .options = options};
    struct pr_owner *target = target_of(rt, options);
    int error =
        module && function && target ? pr_host_visit(rt, target, &start.visit) : PIERROT_EINVAL;
    pierrot_term_free(arg);
    if (!error)
        *pid = start.pid;
    return error;
}

/* --------------------------------------------------------------------------- code */

struct eval {
    struct start start; /* first */
    int timeout_ms;
    pierrot_term **result;
};

static int give(struct eval *eval, const pierrot_term *value, int error)
{
    pierrot_term *copy = value ? pierrot_term_copy(value) : pierrot_nil();
    if (!copy)
        return PIERROT_ENOMEM;
    if (eval->result)
        *eval->result = copy;
    else
        pierrot_term_free(copy);
    return error;
}

/* The process ends with {"shutdown", true, value}, or by what went wrong. */
static int ended(struct pr_host_visit *visit, const pierrot_term *reason)
{
    struct eval *eval = (struct eval *)visit;
    const pierrot_term *tag = pierrot_table_at(reason, 1);
    if (pierrot_is_string(tag, "shutdown") && pierrot_as_bool(pierrot_table_at(reason, 2)))
        return give(eval, pierrot_table_at(reason, 3), 0);
    if (pierrot_is_string(reason, "normal"))
        return give(eval, NULL, 0);
    return give(eval, reason, pierrot_is_string(tag, "error") ? PIERROT_ELUA : PIERROT_EEXITED);
}

static int eval_there(struct pr_owner *owner, struct pr_host_visit *visit)
{
    struct eval *eval = (struct eval *)visit;
    int error = start_there(owner, visit);
    if (error)
        return error;
    struct pr_host_wait wait = {eval->start.pid, ended, eval->timeout_ms, 1};
    error = pr_host_await_end(owner, visit, &wait);
    if (error < 0)
        pr_process_exit(owner, pr_ptable_find(owner, eval->start.pid), PR_TERM(killed));
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
    if (!code || !target) {
        pierrot_term_free(arg);
        return PIERROT_EINVAL;
    }
    pierrot_term *request = make_request(code, len, chunkname ? chunkname : "=eval", arg);
    struct eval eval = {.start = {.visit.run = eval_there,
                                  .module = "pierrot.start",
                                  .function = "eval",
                                  .arg = request,
                                  .options = options},
                        .timeout_ms = timeout_ms,
                        .result = result};
    int error = request ? pr_host_visit(rt, target, &eval.start.visit) : PIERROT_ENOMEM;
    pierrot_term_free(request);
    return error;
}
