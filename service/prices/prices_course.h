/* How a period has gone so far, and what comes of it by its end. */
#ifndef IG_PRICES_COURSE_H
#define IG_PRICES_COURSE_H

#include "service/prices/prices_days.h"
#include "service/prices/prices_forecast.h"

struct prices_course_query {
    struct zone_period period; /* that holds now */
    const struct usage_meter *const *meters;
    size_t meter_count;               /* 0: all that there are */
    const struct prices_table *table; /* of cost: days before at the prices of now. NULL: of
                                         quantity */
    __int128 per;                     /* base units that make one of what is counted */
    __int128 used;                    /* in the period so far */
    int64_t now_us;
};

/* As prices_forecast; false when it cannot be told. */
bool prices_course_forecast(const struct prices_course_query *query, const struct prices_days *days,
                            struct zone *zone, struct prices_forecast *out);

/* A forecast as a whole number, from 0 to 9 * 10^18. */
int64_t prices_forecast_whole(double amount);

#endif
