/* Decisions as JSON, and the reply to a refusal. */
#ifndef IG_BUDGETS_REPLY_H
#define IG_BUDGETS_REPLY_H

#include "libs/text/json_write.h"
#include "service/budgets/budgets.h"

void budgets_put_time(struct json_out *out, const char *name, int64_t at_us);

/* A quantity, or null when it is not known. */
void budgets_put_quantity(struct json_out *out, const char *name, int64_t quantity);

/* The members of a decision that is allowed; `token` is "" when nothing was reserved. */
void budgets_put_allowed(struct json_out *out, const struct budgets_decision *decision,
                         const char *token);

/* The members of the problem that a refusal is. */
void budgets_put_refusal(struct json_out *out, const struct budgets_decision *decision);

int budgets_refusal_status(const struct budgets_decision *decision); /* 429, 402 */

#endif
