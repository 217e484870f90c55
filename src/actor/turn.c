/* SPDX-License-Identifier: MIT */
#include "actor/turn.h"

#include "actor/behaviour.h"

int pr_turn_answer(const struct pr_turn *turn, pierrot_term *reply)
{
    return pr_answer_or_nil(turn->from, reply);
}

int pr_turn_answer_nil(const struct pr_turn *turn)
{
    return pierrot_reply(turn->from, pierrot_nil());
}

int pr_turn_answer_bool(const struct pr_turn *turn, int value)
{
    return pierrot_reply(turn->from, pierrot_bool(value));
}

int pr_turn_key(const struct pr_turn *turn, struct pr_key *key)
{
    return pr_key_of_term(pierrot_table_at(turn->request, 2), key);
}

struct pr_roster_name *pr_turn_find(const struct pr_turn *turn, const struct pr_key *key)
{
    return pr_holding_find(turn->ctx, turn->registry->roster, key);
}

int pr_turn_enter(const struct pr_turn *turn, const struct pr_key *key, const struct pr_slot *value,
                  pierrot_pid pid, enum pr_origin origin)
{
    const struct pr_listeners *listeners = &turn->registry->listeners;
    pierrot_term *news;
    if (pr_news_of_register(turn->ctx, listeners, key, pid, value, &news) != 0) {
        pr_slot_free(value);
        return PIERROT_ENOMEM;
    }
    int error = pr_holding_enter(turn->ctx, turn->registry->roster, key, value, pid, origin);
    if (error)
        pierrot_term_free(news);
    else
        pr_listeners_tell(turn->rt, listeners, news);
    return error;
}
