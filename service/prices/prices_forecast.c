#include "service/prices/prices_forecast.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEVEL_DAYS = 14, WEEKDAYS = 7, LEAST_ELAPSED_S = 3600 };

/* Of a normal distribution: how far four out of five lie from the middle; the standard deviation
 * for a median deviation of 1; the error of a median for a standard deviation of 1. */
static const double reach = 1.2816;
static const double deviation_per_median = 1.4826;
static const double median_error = 1.2533;

/* No use is more regular than that, however alike the days before were. */
static const double least_spread = 0.02;

static int by_size(const void *a, const void *b)
{
    double one = *(const double *)a;
    double two = *(const double *)b;
    return one < two ? -1 : one > two;
}

/* Sorts them. */
static double median(double *values, size_t count)
{
    assert(count > 0);
    qsort(values, count, sizeof *values, by_size);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static double mean(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return count > 0 ? sum / (double)count : 0;
}

/* What a weekday uses against the middle of all. Fewer than two weeks tell nothing of weekdays. */
static void find_weekdays(const struct prices_course *course, double out[WEEKDAYS + 1])
{
    double values[PRICES_FORECAST_DAYS];
    double sum = 0;
    for (int weekday = 0; weekday <= WEEKDAYS; weekday++)
        out[weekday] = 1;
    if (course->day_count < (size_t)2 * WEEKDAYS)
        return;
    for (size_t i = 0; i < course->day_count; i++)
        values[i] = course->days[i].used;
    double middle = mean(values, course->day_count);
    if (middle <= 0)
        return;
    for (int weekday = 1; weekday <= WEEKDAYS; weekday++) {
        size_t count = 0;
        for (size_t i = 0; i < course->day_count; i++)
            if (course->days[i].weekday == weekday)
                values[count++] = course->days[i].used / middle;
        double own = count > 0 ? median(values, count) : 1;
        double known = (double)(count * count);
        out[weekday] = (own * known + 1) / (known + 1);
        sum += out[weekday];
    }
    for (int weekday = 1; weekday <= WEEKDAYS && sum > 0; weekday++)
        out[weekday] *= WEEKDAYS / sum;
}

/* What the days from `first` on have used, shared evenly among their weekdays. */
static double average_level(const struct prices_course *course, const double weekdays[WEEKDAYS + 1],
                            size_t first)
{
    double used = 0;
    double weight = 0;
    for (size_t i = first; i < course->day_count; i++) {
        used += course->days[i].used;
        weight += weekdays[course->days[i].weekday];
    }
    return weight > 0 ? used / weight : 0;
}

/* The level of a day whose weekday is as good as any, and how far days lie from it. */
static void find_level(const struct prices_course *course, const double weekdays[WEEKDAYS + 1],
                       double *out_level, double *out_spread)
{
    double values[PRICES_FORECAST_DAYS];
    double apart[PRICES_FORECAST_DAYS];
    size_t count = course->day_count;
    for (size_t i = 0; i < count; i++)
        values[i] = course->days[i].used / weekdays[course->days[i].weekday];
    size_t recent = count < LEVEL_DAYS ? count : LEVEL_DAYS;
    memcpy(apart, values + count - recent, recent * sizeof *apart);
    double level = median(apart, recent);
    double average = average_level(course, weekdays, count - recent);
    bool is_rare = level <= 0 && average > 0; /* used on few days: the median does not see them */
    if (is_rare)
        level = average;
    for (size_t i = 0; i < count; i++)
        apart[i] = fabs(values[i] - level);
    double spread = deviation_per_median * median(apart, count);
    if (is_rare) {
        for (size_t i = 0; i < count; i++)
            apart[i] = (values[i] - level) * (values[i] - level);
        spread = sqrt(mean(apart, count));
    }
    *out_level = level;
    *out_spread = fmax(spread, level * least_spread);
}

/* Nothing but the period itself: as it went on so far, or not at all, or three times so. */
static bool by_pace(const struct prices_course *course, struct prices_forecast *out)
{
    if (course->elapsed_s < LEAST_ELAPSED_S)
        return false;
    double days_left = course->today_left + (double)course->rest_count;
    double coming = course->used / course->elapsed_s * 86400 * days_left;
    *out = (struct prices_forecast){
        .expected = course->used + coming,
        .low = course->used,
        .high = course->used + 3 * coming,
        .days = course->day_count,
    };
    return true;
}

/* What is still to come, in days whose weekday is as good as any. */
struct coming {
    double days[WEEKDAYS + 1]; /* by weekday; today's as far as it is left */
    double weight;
    double squares; /* the sum of the single days' squares */
};

static void count_coming(const struct prices_course *course, const double weekdays[WEEKDAYS + 1],
                         struct coming *out)
{
    *out = (struct coming){0};
    for (size_t i = 0; i <= course->rest_count; i++) {
        int weekday = i == 0 ? course->today : course->rest[i - 1];
        double part = i == 0 ? course->today_left : 1;
        double share = weekdays[weekday];
        out->days[weekday] += part;
        out->weight += part * share;
        out->squares += part * share * share;
    }
}

/* By how much the weekdays' shares may be wrong, squared: each by as much as its median is. */
static double weekday_error(const struct prices_course *course, const double weekdays[WEEKDAYS + 1],
                            const struct coming *coming, double spread)
{
    double known[WEEKDAYS + 1] = {0};
    double sum = 0;
    if (course->day_count < (size_t)2 * WEEKDAYS)
        return 0;
    for (size_t i = 0; i < course->day_count; i++)
        known[course->days[i].weekday]++;
    for (int weekday = 1; weekday <= WEEKDAYS; weekday++) {
        double error = coming->days[weekday] * weekdays[weekday] * median_error * spread;
        sum += known[weekday] > 0 ? error * error / known[weekday] : 0;
    }
    return sum;
}

bool prices_forecast(const struct prices_course *course, struct prices_forecast *out)
{
    double weekdays[WEEKDAYS + 1];
    struct coming coming;
    double level;
    double spread;
    if (course->day_count < PRICES_FORECAST_DAYS_LEAST)
        return by_pace(course, out);
    find_weekdays(course, weekdays);
    find_level(course, weekdays, &level, &spread);
    count_coming(course, weekdays, &coming);
    size_t known = course->day_count < LEVEL_DAYS ? course->day_count : LEVEL_DAYS;
    /* Each day differs by itself, and all of them as the level and the weekdays are wrong. */
    double level_error = median_error * spread * coming.weight / sqrt((double)known);
    double error = sqrt(coming.squares * spread * spread + level_error * level_error +
                        weekday_error(course, weekdays, &coming, spread));
    double expected = course->used + level * coming.weight;
    *out = (struct prices_forecast){
        .expected = expected,
        .low = fmax(course->used, expected - reach * error),
        .high = expected + reach * error,
        .days = course->day_count,
    };
    return true;
}
