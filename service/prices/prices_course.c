#include "service/prices/prices_course.h"

#include <math.h>

#include "service/usage/usage_store.h"

#define DAY_US INT64_C(86400000000)

/* What is beyond fits into no forecast; 2^63 is a little more. */
static const double whole_max = 9e18;

int64_t prices_forecast_whole(double amount)
{
    if (!(amount > 0))
        return 0;
    return amount < whole_max ? llrint(amount) : (int64_t)whole_max;
}

/* The days of the report, and those between them on which nothing was used; today is left out. */
static void read_days(const struct prices_course_query *query, const struct prices_report *report,
                      struct zone *zone, int64_t today_us, struct prices_course *course)
{
    size_t at = 0;
    int64_t day_us = report->count > 0 ? report->rows[0].period.from_us : today_us;
    while (day_us < today_us && course->day_count < PRICES_FORECAST_DAYS) {
        double used = 0;
        for (; at < report->count && report->rows[at].period.from_us == day_us; at++)
            used += query->of_cost ? (double)report->rows[at].cost
                                   : (double)report->rows[at].quantity / (double)query->per;
        course->days[course->day_count++] =
            (struct prices_day){used, zone_weekday_at(zone, day_us)};
        day_us = zone_period_at(zone, ZONE_DAY, day_us).to_us;
    }
}

static void read_rest(struct zone *zone, struct zone_period today, int64_t period_to_us,
                      struct prices_course *course)
{
    int64_t day_us = today.to_us;
    while (day_us < period_to_us && course->rest_count < PRICES_FORECAST_REST_MAX) {
        course->rest[course->rest_count++] = zone_weekday_at(zone, day_us);
        day_us = zone_period_at(zone, ZONE_DAY, day_us).to_us;
    }
}

static int64_t first_day(struct zone *zone, int64_t today_us)
{
    int64_t day_us = today_us;
    for (int i = 0; i < PRICES_FORECAST_DAYS && day_us > DAY_US; i++)
        day_us = zone_period_at(zone, ZONE_DAY, day_us - 1).from_us;
    return day_us;
}

static enum fault_code read_course(const struct prices_course_query *query,
                                   const struct prices_table *table, struct store *store,
                                   struct str tenant, struct zone *zone, struct arena *arena,
                                   struct prices_course *course, struct fault *fault)
{
    struct zone_period today = zone_period_at(zone, ZONE_DAY, query->now_us);
    struct zone_period period = zone_period_at(zone, query->period, query->now_us);
    struct prices_report report;
    struct prices_query asked = {
        .window = ZONE_DAY,
        .from_us = first_day(zone, today.from_us),
        .to_us = query->now_us + 1,
        .meter_count = query->meter_count,
        .now_us = query->now_us,
        .price_at_us = query->now_us,
    };
    for (size_t i = 0; i < query->meter_count; i++)
        asked.meters[i] = query->meters[i];
    enum fault_code code = prices_report_run(&asked, table, store, tenant, arena, &report, fault);
    if (code != FAULT_NONE)
        return code;
    read_days(query, &report, zone, today.from_us, course);
    read_rest(zone, today, period.to_us, course);
    course->used = query->used;
    course->elapsed_s = (double)(query->now_us - period.from_us) / 1e6;
    course->today = zone_weekday_at(zone, query->now_us);
    course->today_left =
        (double)(today.to_us - query->now_us) / (double)(today.to_us - today.from_us);
    return FAULT_NONE;
}

enum fault_code prices_course_forecast(const struct prices_course_query *query,
                                       const struct prices_table *table, struct store *store,
                                       struct str tenant, struct arena *arena, bool *out_known,
                                       struct prices_forecast *out, struct fault *fault)
{
    struct prices_course course = {0};
    struct zone *zone = NULL;
    struct str name;
    int anchor_day;
    enum fault_code code = usage_store_zone(store, tenant, arena, &name, &anchor_day, fault);
    if (code == FAULT_NONE)
        code = zone_open(name, anchor_day, &zone, fault);
    if (code == FAULT_NONE)
        code = read_course(query, table, store, tenant, zone, arena, &course, fault);
    zone_free(zone);
    if (code == FAULT_NONE)
        *out_known = prices_forecast(&course, out);
    return code;
}
