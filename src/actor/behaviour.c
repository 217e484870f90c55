/* SPDX-License-Identifier: MIT */
#include "actor/behaviour.h"

#include <stdarg.h>
#include <string.h>

pierrot_term *pr_tuple(int n, ...)
{
    pierrot_term *tuple = pierrot_table();
    int error = tuple ? 0 : PIERROT_ENOMEM;
    va_list items;
    va_start(items, n);
    for (int i = 0; i < n; i++) {
        pierrot_term *item = va_arg(items, pierrot_term *);
        if (error)
            pierrot_term_free(item);
        else
            error = pierrot_table_append(tuple, item);
    }
    va_end(items);
    if (!error)
        return tuple;
    pierrot_term_free(tuple);
    return NULL;
}

pierrot_term *pr_string(const char *text)
{
    return pierrot_string(text, strlen(text));
}

int pr_answer_or_nil(pierrot_from from, pierrot_term *reply)
{
    return pierrot_reply(from, reply ? reply : pierrot_nil());
}

static int stop_with(pierrot_context *ctx, const char *tag, const pierrot_term *request)
{
    pierrot_term *reason = pr_tuple(2, pr_string(tag), pierrot_term_copy(request));
    int error = pierrot_stop_reason(ctx, reason);
    return error ? error : PIERROT_STOP;
}

int pr_bad_call(pierrot_context *ctx, const pierrot_term *request)
{
    return stop_with(ctx, "bad_call", request);
}

int pr_bad_cast(pierrot_context *ctx, const pierrot_term *request)
{
    return stop_with(ctx, "bad_cast", request);
}

void pr_drop_message(pierrot_context *ctx, const char *name, const pierrot_term *message)
{
    char text[200], id[40] = "";
    pierrot_term *self = pierrot_pid_term(pierrot_self(ctx));
    if (self)
        pierrot_term_print(self, id, sizeof id);
    pierrot_term_free(self);
    pierrot_term_print(message, text, sizeof text);
    pierrot_log(pierrot_runtime(ctx), PIERROT_WARNING, "%s %s dropped an unexpected message: %s",
                name, id, text);
}

int pr_is_tagged(const pierrot_term *message, const char *tag)
{
    return pierrot_is_string(pierrot_table_at(message, 1), tag);
}
