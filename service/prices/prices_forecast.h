/* What a period will have used at its end, from what its days and those before have used.
 *
 * The level is a median of the last days, so that one odd day does not carry it away; a weekday's
 * share is a median too, and leans to one as long as few of that weekday are known. The range is
 * where the end lies four times out of five if the days to come differ as those before have. It is
 * statistics, in doubles, and charged to nobody. */
#ifndef IG_PRICES_FORECAST_H
#define IG_PRICES_FORECAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PRICES_FORECAST_DAYS = 56,      /* of history that are looked at */
    PRICES_FORECAST_DAYS_LEAST = 3, /* below: the period's own pace, and a wide range */
    PRICES_FORECAST_REST_MAX = 32,  /* days that a period may still have */
};

struct prices_day {
    double used;
    int weekday; /* 1 Monday .. 7 */
};

struct prices_course {
    /* Whole days, oldest first, without today and without those before the first use. */
    struct prices_day days[PRICES_FORECAST_DAYS];
    size_t day_count;
    double used;                        /* in the period so far, today's included */
    double elapsed_s;                   /* of the period */
    int today;                          /* its weekday */
    double today_left;                  /* share of today that is still to come, 0 .. 1 */
    int rest[PRICES_FORECAST_REST_MAX]; /* weekdays of the days after today until its end */
    size_t rest_count;
};

struct prices_forecast {
    double expected;
    double low; /* never below what is used already */
    double high;
    size_t days; /* of history that it rests on */
};

/* false: nothing is known to say anything from, neither days before nor an hour of this period. */
bool prices_forecast(const struct prices_course *course, struct prices_forecast *out);

#endif
