/* SPDX-License-Identifier: MIT */
#include "actor/listeners.h"

#include "actor/behaviour.h"

/* A copy of what is there; NULL for nil. 0 or PIERROT_ENOMEM. */
static int copy_field(const pierrot_term *options, const char *field, pierrot_term **copy)
{
    const pierrot_term *found = pierrot_table_field(options, field);
    *copy = NULL;
    if (pierrot_term_type(found) == PIERROT_NIL)
        return 0;
    *copy = pierrot_term_copy(found);
    return *copy ? 0 : PIERROT_ENOMEM;
}

int pr_listeners_init(struct pr_listeners *listeners, const pierrot_term *options)
{
    int error = copy_field(options, "listeners", &listeners->names);
    if (!error && pierrot_table_len(listeners->names) == 0) {
        pierrot_term_free(listeners->names);
        listeners->names = NULL;
    }
    return error ? error : copy_field(options, "name", &listeners->registry);
}

void pr_listeners_fini(struct pr_listeners *listeners)
{
    pierrot_term_free(listeners->registry);
    pierrot_term_free(listeners->names);
    *listeners = (struct pr_listeners){NULL, NULL};
}

static pierrot_term *registry_term(pierrot_context *ctx, const struct pr_listeners *listeners)
{
    return listeners->registry ? pierrot_term_share(listeners->registry)
                               : pierrot_pid_term(pierrot_self(ctx));
}

/* The key as it was asked for, or as it is kept. */
static pierrot_term *key_term(const struct pr_key *key)
{
    return key->slot.type == PIERROT_STRING ? pierrot_string(key->bytes, key->len)
                                            : pr_slot_term(&key->slot);
}

int pr_news_of_register(pierrot_context *ctx, const struct pr_listeners *listeners,
                        const struct pr_key *key, pierrot_pid pid, const struct pr_slot *value,
                        pierrot_term **news)
{
    *news = NULL;
    if (!listeners->names)
        return 0;
    *news = pr_tuple(5, pr_string("register"), registry_term(ctx, listeners), key_term(key),
                     pierrot_pid_term(pid), pr_slot_term(value));
    return *news ? 0 : PIERROT_ENOMEM;
}

int pr_news_of_unregister(pierrot_context *ctx, const struct pr_listeners *listeners,
                          const struct pr_key *key, pierrot_pid pid, pierrot_term **news)
{
    *news = NULL;
    if (!listeners->names)
        return 0;
    *news = pr_tuple(4, pr_string("unregister"), registry_term(ctx, listeners), key_term(key),
                     pierrot_pid_term(pid));
    return *news ? 0 : PIERROT_ENOMEM;
}

void pr_listeners_tell(pierrot *rt, const struct pr_listeners *listeners, pierrot_term *news)
{
    size_t n = news ? pierrot_table_len(listeners->names) : 0, len;
    int error = 0;
    for (size_t i = 1; i <= n; i++) {
        pierrot_pid pid;
        const char *name = pierrot_as_string(pierrot_table_at(listeners->names, (int64_t)i), &len);
        if (pierrot_whereis(rt, name, len, &pid) == 0 &&
            pierrot_send(rt, pid, pierrot_term_share(news)) != 0)
            error = PIERROT_ENOMEM;
    }
    pierrot_term_free(news);
    if (error)
        pierrot_log(rt, PIERROT_WARNING, "registry: a listener was not told: %s",
                    pierrot_strerror(error));
}
