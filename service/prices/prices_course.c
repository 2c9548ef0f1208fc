#include "service/prices/prices_course.h"

#include <math.h>

/* What is beyond fits into no forecast; 2^63 is a little more. */
static const double whole_max = 9e18;

int64_t prices_forecast_whole(double amount)
{
    if (!(amount > 0))
        return 0;
    return amount < whole_max ? llrint(amount) : (int64_t)whole_max;
}

static bool is_asked_for(const struct prices_course_query *query, const struct usage_meter *meter)
{
    bool is_one = query->meter_count == 0;
    for (size_t i = 0; i < query->meter_count; i++)
        is_one = is_one || query->meters[i] == meter;
    return is_one;
}

static double used_on(const struct prices_course_query *query, const struct prices_days *days,
                      size_t day)
{
    double sum = 0;
    for (int i = 0; usage_meter_at(i); i++) {
        const struct usage_meter *meter = usage_meter_at(i);
        int64_t until_us;
        if (!is_asked_for(query, meter))
            continue;
        if (!query->table) {
            sum += (double)days->used[i][day] / (double)query->per;
            continue;
        }
        const struct prices_price *price = prices_at(query->table, meter, query->now_us, &until_us);
        if (price)
            sum += (double)prices_cost(price, days->used[i][day]);
    }
    return sum;
}

bool prices_course_forecast(const struct prices_course_query *query, const struct prices_days *days,
                            struct zone *zone, struct prices_forecast *out)
{
    struct prices_course course = {
        .used = (double)query->used,
        .elapsed_s = (double)(query->now_us - query->period.from_us) / 1e6,
        .today = days->weekdays[days->today],
    };
    struct zone_period today = days->days[days->today];
    size_t first = days->today > PRICES_FORECAST_DAYS ? days->today - PRICES_FORECAST_DAYS : 0;
    for (size_t i = first; i < days->today; i++) {
        double used = used_on(query, days, i);
        if (used > 0 || course.day_count > 0) /* from the first day with any use */
            course.days[course.day_count++] = (struct prices_day){used, days->weekdays[i]};
    }
    course.today_left =
        (double)(today.to_us - query->now_us) / (double)(today.to_us - today.from_us);
    for (int64_t day_us = today.to_us;
         day_us < query->period.to_us && course.rest_count < PRICES_FORECAST_REST_MAX;) {
        course.rest[course.rest_count++] = zone_weekday_at(zone, day_us);
        day_us = zone_period_at(zone, ZONE_DAY, day_us).to_us;
    }
    return prices_forecast(&course, out);
}
