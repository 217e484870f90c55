/* SPDX-License-Identifier: MIT
 *
 * What the gen_servers in C have in common: how they answer, and what they do with requests and
 * messages that they do not know. */
#ifndef PR_BEHAVIOUR_H
#define PR_BEHAVIOUR_H

#include "pierrot.h"

/* The terms as a sequence. Takes: the n terms, any of which may be NULL (a failed constructor).
 * Gives: the table; NULL when out of memory. */
pierrot_term *pr_tuple(int n, ...);

/* A string that the caller knows the end of. Gives; NULL when out of memory. */
pierrot_term *pr_string(const char *text);

/* Answers; a term that there was no memory for becomes nil. Takes: reply. What the callback
 * returns. */
int pr_answer_or_nil(pierrot_from from, pierrot_term *reply);

/* The actor ends with {"bad_call", request} or {"bad_cast", request}. What the callback returns. */
int pr_bad_call(pierrot_context *ctx, const pierrot_term *request);
int pr_bad_cast(pierrot_context *ctx, const pierrot_term *request);

/* A message that nothing is known of is logged and dropped. */
void pr_drop_message(pierrot_context *ctx, const char *name, const pierrot_term *message);

/* Whether the message is {tag, …}. */
int pr_is_tagged(const pierrot_term *message, const char *tag);

#endif
