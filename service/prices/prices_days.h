/* What each meter of a tenant has used on each day of the last two months, read once: what budgets
 * and forecasts are reckoned from. */
#ifndef IG_PRICES_DAYS_H
#define IG_PRICES_DAYS_H

#include "libs/zone/zone.h"
#include "service/prices/prices.h"

/* Before today: two billing periods of 31 days. Then today, and tomorrow, since an event's time may
 * be a little ahead. */
enum { PRICES_DAYS_BEFORE = 62, PRICES_DAYS_MAX = PRICES_DAYS_BEFORE + 2 };

struct prices_days {
    struct zone_period days[PRICES_DAYS_MAX]; /* oldest first, without a gap */
    int weekdays[PRICES_DAYS_MAX];            /* 1 Monday .. 7 */
    size_t count;
    size_t today;
    /* By usage_meter_at's index, in base units; a level's up to now. */
    __int128 used[PRICES_METERS_MAX][PRICES_DAYS_MAX];
};

/* Within a read transaction; in the arena. */
enum fault_code prices_days_load(struct store *store, struct str tenant, struct zone *zone,
                                 int64_t now_us, struct arena *arena, struct prices_days **out,
                                 struct fault *fault) MUST_USE;

/* Of the days that begin in the period; never below 0. */
__int128 prices_days_quantity(const struct prices_days *days, const struct usage_meter *meter,
                              struct zone_period period);

/* In micro-units; rounded once for each price in force. */
__int128 prices_days_cost(const struct prices_days *days, const struct prices_table *table,
                          const struct usage_meter *meter, struct zone_period period);

#endif
