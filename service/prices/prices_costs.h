/* What usage costs by period, meter and dimensions, from the rollups and the table of prices. */
#ifndef IG_PRICES_COSTS_H
#define IG_PRICES_COSTS_H

#include "libs/zone/zone.h"
#include "service/prices/prices.h"
#include "service/usage/usage_query.h"

enum { PRICES_ROWS_MAX = USAGE_ROWS_MAX, PRICES_BY_MAX = 8 };

struct prices_query {
    enum zone_unit window; /* a day or longer */
    int64_t from_us;       /* moved to the beginning of its period */
    int64_t to_us;         /* and to the end of its own */
    const struct usage_meter *meters[PRICES_METERS_MAX];
    size_t meter_count; /* 0: all that there are */
    struct str by[PRICES_BY_MAX];
    size_t by_count; /* dimensions to tell apart; a meter that has none of them has one row */
    int64_t now_us;
};

struct prices_row {
    struct zone_period period;
    const struct usage_meter *meter;
    struct str dimensions;           /* canonical JSON of those asked for */
    __int128 quantity;               /* base units */
    int64_t cost;                    /* micro-units */
    bool has_price;                  /* of some of it, at least */
    const struct prices_price *open; /* while it is reckoned: the price of `open_quantity` */
    __int128 open_quantity;
};

struct prices_report {
    struct prices_row *rows; /* by period, meter, dimensions */
    size_t count;
    __int128 total; /* the sum of the rows' costs */
    int64_t from_us;
    int64_t to_us;
    int64_t complete_up_to_us;
    struct str zone;
    const struct usage_meter *unpriced[PRICES_METERS_MAX]; /* some of their use has no price */
    size_t unpriced_count;
};

/* Reads within a read transaction; texts and rows are in the arena. */
enum fault_code prices_report_run(const struct prices_query *query,
                                  const struct prices_table *table, struct store *store,
                                  struct str tenant, struct arena *arena, struct prices_report *out,
                                  struct fault *fault) MUST_USE;

/* As many periods of that kind as [from_us, to_us) has, right before it. */
struct zone_period prices_periods_before(struct zone *zone, enum zone_unit window, int64_t from_us,
                                         int64_t to_us);

#endif
