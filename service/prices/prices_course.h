/* How a period has gone so far, read from the rollups for a forecast. */
#ifndef IG_PRICES_COURSE_H
#define IG_PRICES_COURSE_H

#include "service/prices/prices_costs.h"
#include "service/prices/prices_forecast.h"

struct prices_course_query {
    enum zone_unit period;
    const struct usage_meter *meters[PRICES_METERS_MAX];
    size_t meter_count; /* 0: all that there are */
    bool of_cost;       /* micro-units, days before at the prices of now */
    __int128 per;       /* else base units that make one of what is counted */
    double used;        /* in the period so far */
    int64_t now_us;
};

/* Reads within a read transaction. *out_known as prices_forecast has it. */
enum fault_code prices_course_forecast(const struct prices_course_query *query,
                                       const struct prices_table *table, struct store *store,
                                       struct str tenant, struct arena *arena, bool *out_known,
                                       struct prices_forecast *out, struct fault *fault) MUST_USE;

/* A forecast as a whole number, from 0 to 9 * 10^18. */
int64_t prices_forecast_whole(double amount);

#endif
