/* A table of prices as an administrator writes it: a JSON object, strictly read.
 *
 *     {"currency":"EUR","valid_from":"2026-12-01T00:00:00Z","prices":[
 *         {"meter":"inference.tokens","unit":"tokens","per":"1000000","price":"2.50"}]} */
#ifndef IG_PRICES_READ_H
#define IG_PRICES_READ_H

#include "libs/text/json.h"
#include "service/prices/prices.h"

struct prices_given {
    struct str currency;
    bool has_from;
    int64_t valid_from_us;
    struct prices_price prices[PRICES_METERS_MAX];
    size_t count;
};

/* Texts are in the arena. FAULT_INPUT names the member. */
enum fault_code prices_read(struct arena *arena, const struct json *value, struct prices_given *out,
                            struct fault *fault) MUST_USE;

/* Three capitals, as ISO 4217 has them. */
bool prices_currency_is_good(struct str text);

#endif
