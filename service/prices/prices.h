/* What a tenant's usage costs: a table of prices in versions, each from a day on.
 *
 *     GET  /v1/prices    the table, all versions
 *     POST /v1/prices    a new version
 *     GET  /v1/costs     by day, month or billing period; JSON or CSV
 *
 * Prices hold for whole days of the tenant's time zone. A cost is quantity x price / per, whole
 * micro-units, rounded once for each row and price in force, halves to even; a total is the sum of
 * its rows as they are shown. */
#ifndef IG_PRICES_PRICES_H
#define IG_PRICES_PRICES_H

#include "libs/core/arena.h"
#include "libs/store/store.h"
#include "service/prices/prices_money.h"
#include "service/usage/usage_meter.h"
#include "service/web/web.h"

enum {
    PRICES_METERS_MAX = 64,    /* of one version */
    PRICES_VERSIONS_MAX = 500, /* of one tenant */
    PRICES_CURRENCY_LEN = 3,
};

#define PRICES_PER_MAX   INT64_C(1000000000000)    /* 10^12 */
#define PRICES_PRICE_MAX INT64_C(1000000000000000) /* micro-units: 10^9 of the currency */

extern const struct web_route prices_routes[];
extern const struct web_route prices_costs_routes[];

struct prices_price {
    const struct usage_meter *meter;
    struct str unit; /* one of prices_unit's */
    int64_t per;     /* of the unit */
    int64_t price;   /* micro-units */
};

struct prices_version {
    int64_t version;
    int64_t valid_from_us;
    int64_t created_us;
    struct str created_by;
    struct prices_price prices[PRICES_METERS_MAX];
    size_t count;
};

struct prices_table {
    struct str currency;             /* "" when there is no version */
    struct prices_version *versions; /* in the order in which they begin to hold; of two that begin
                                        together the older first */
    size_t count;
};

/* Base units of the meter (usage_meter.h) in one of `unit`; 0: it has no such unit. Every meter has
 * its own unit and the one it is shown in; stored bytes have GB-months too, of 730 hours. */
__int128 prices_unit(const struct usage_meter *meter, struct str unit);

/* Texts are in the arena. */
enum fault_code prices_load(struct store *store, struct str tenant, struct arena *arena,
                            struct prices_table *out, struct fault *fault) MUST_USE;

/* The price that holds at that moment, and until when it does (INT64_MAX: no end is known). NULL:
 * the meter has none then. */
const struct prices_price *prices_at(const struct prices_table *table,
                                     const struct usage_meter *meter, int64_t at_us,
                                     int64_t *out_until_us);

/* What that many base units cost, in micro-units, at most INT64_MAX; halves to even. */
int64_t prices_cost(const struct prices_price *price, __int128 quantity);

/* The same rounded up: for what must not be too little. */
int64_t prices_cost_up(const struct prices_price *price, __int128 quantity);

/* Grows with each change to the tenant's prices, budgets and overrides: how what has them in memory
 * learns that they are old. 0: never changed. */
enum fault_code prices_generation(struct store *store, struct str tenant, int64_t *out,
                                  struct fault *fault) MUST_USE;
enum fault_code prices_generation_raise(struct store *store, struct str tenant,
                                        struct fault *fault) MUST_USE;

/* Within a write transaction. A version that says what the newest says, from the same day on, is
 * not added again: *out_version is that one and *out_new false. */
struct prices_change {
    struct str tenant;
    struct str currency;
    int64_t valid_from_us;
    const struct prices_price *prices;
    size_t count;
    int64_t at_us;
    struct str by;
};
enum fault_code prices_put(struct store *store, const struct prices_change *change,
                           struct arena *arena, int64_t *out_version, bool *out_new,
                           struct fault *fault) MUST_USE;

#endif
