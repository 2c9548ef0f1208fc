/* What POST /v1/decisions is asked: one object, or {"decisions": [...]} with up to 1,000 of them.
 * Reading and checking only: no store, no clock. */
#ifndef IG_BUDGETS_ASK_H
#define IG_BUDGETS_ASK_H

#include "libs/core/arena.h"
#include "libs/text/json.h"
#include "service/budgets/budgets.h"

enum {
    BUDGETS_ASKS_MAX = 1000,       /* of one request */
    BUDGETS_ASK_BODY_MAX = 1 << 20 /* bytes of it */
};

enum budgets_action { BUDGETS_CHECK, BUDGETS_RESERVE, BUDGETS_SETTLE, BUDGETS_RELEASE };

struct budgets_request {
    enum budgets_action action;
    const struct usage_meter *meter; /* check, reserve */
    int64_t quantity;                /* -1: not said; settle: what was used */
    struct str dimensions;           /* canonical */
    int64_t ttl_s;
    struct str reservation; /* settle, release: its name, not looked at yet */
};

/* One of them. Texts are in the arena. FAULT_INPUT and FAULT_LIMIT name the member. */
enum fault_code budgets_ask_read(struct arena *arena, const struct json *value,
                                 struct budgets_request *out, struct fault *fault) MUST_USE;

/* The members of a body that holds several, one after the other; *out_first is NULL when it holds
 * one. FAULT_LIMIT for more than BUDGETS_ASKS_MAX, FAULT_INPUT for none. */
enum fault_code budgets_ask_several(const struct json *body, const struct json **out_first,
                                    size_t *out_count, struct fault *fault) MUST_USE;

#endif
