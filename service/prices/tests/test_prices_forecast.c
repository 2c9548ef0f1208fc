/* Forecasts, tried on drawn months whose end is known. */
#include "service/prices/tests/prices_house.h"

#include "service/prices/prices_course.h"

static double noise(void) /* about normal, standard deviation 1 */
{
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += (double)draw(1000000) / 1e6;
    return sum - 6;
}

static double day_of(int weekday, double spread)
{
    double base = weekday >= 6 ? 20 : 100;
    double used = base * (1 + spread * noise());
    return used > 0 ? used : 0;
}

/* Four times out of five the end lies within the range; weekends are known for what they are. */
static void prices_forecast__holds_four_times_out_of_five(void **state)
{
    (void)state;
    enum { ROUNDS = 2000 };
    int within = 0;
    double error = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct prices_course course = {.today = 1, .today_left = 1, .elapsed_s = 86400};
        struct prices_forecast forecast;
        int weekday = 1;
        for (int i = 0; i < 42; i++, weekday = weekday % 7 + 1)
            course.days[course.day_count++] = (struct prices_day){day_of(weekday, 0.2), weekday};
        double end = day_of(1, 0.2);
        course.today = 1;
        for (int i = 0; i < 13; i++) {
            course.rest[course.rest_count++] = (i + 1) % 7 + 1;
            end += day_of((i + 1) % 7 + 1, 0.2);
        }
        assert_true(prices_forecast(&course, &forecast));
        assert_true(forecast.low <= forecast.expected && forecast.expected <= forecast.high);
        within += end >= forecast.low && end <= forecast.high;
        error += (forecast.expected - end) / end;
    }
    if (within < ROUNDS * 75 / 100 || within > ROUNDS * 85 / 100)
        fail_msg("%d of %d lie within", within, ROUNDS);
    assert_true(error / ROUNDS < 0.02 && error / ROUNDS > -0.02);
}

static void prices_forecast__is_not_carried_away_by_one_odd_day(void **state)
{
    (void)state;
    struct prices_course course = {.today = 1, .today_left = 0, .elapsed_s = 86400};
    struct prices_forecast plain;
    struct prices_forecast odd;
    for (int i = 0; i < 28; i++)
        course.days[course.day_count++] = (struct prices_day){100 + i % 3, i % 7 + 1};
    course.rest_count = 10;
    for (int i = 0; i < 10; i++)
        course.rest[i] = i % 7 + 1;
    assert_true(prices_forecast(&course, &plain));
    course.days[25].used = 100000;
    assert_true(prices_forecast(&course, &odd));
    assert_true(odd.expected < plain.expected * 1.15);
}

static void prices_forecast__says_what_it_can_of_few_days(void **state)
{
    (void)state;
    struct prices_course course = {.today = 1, .today_left = 0.5, .rest_count = 9};
    struct prices_forecast forecast;
    for (int i = 0; i < 9; i++)
        course.rest[i] = i % 7 + 1;
    course.elapsed_s = 600;
    assert_false(prices_forecast(&course, &forecast)); /* ten minutes say nothing */
    course.elapsed_s = 43200;
    course.used = 100;
    assert_true(prices_forecast(&course, &forecast));
    assert_true(forecast.expected > 1999 && forecast.expected < 2001); /* 200 a day */
    assert_true(forecast.low == 100 && forecast.high > forecast.expected);
    assert_int_equal(forecast.days, 0);
    /* Used on few days only: the median is 0, the forecast is not. */
    struct prices_course rare = {.today = 1, .rest_count = 14, .elapsed_s = 86400, .used = 5};
    for (int i = 0; i < 28; i++)
        rare.days[rare.day_count++] = (struct prices_day){i % 7 == 3 ? 70 : 0, i % 7 + 1};
    for (int i = 0; i < 14; i++)
        rare.rest[i] = i % 7 + 1;
    assert_true(prices_forecast(&rare, &forecast));
    assert_true(forecast.expected > 50 && forecast.expected < 300);
    assert_true(forecast.low >= 5);
    /* Nothing was ever used. */
    struct prices_course none = {.today = 1, .elapsed_s = 86400, .rest_count = 1, .rest = {2}};
    assert_true(prices_forecast(&none, &forecast));
    assert_true(forecast.expected == 0 && forecast.high == 0);
    assert_int_equal(prices_forecast_whole(-1), 0);
    assert_int_equal(prices_forecast_whole(2.5), 2);
    assert_int_equal(prices_forecast_whole(1e30), INT64_C(9000000000000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prices_forecast__holds_four_times_out_of_five),
        cmocka_unit_test(prices_forecast__is_not_carried_away_by_one_odd_day),
        cmocka_unit_test(prices_forecast__says_what_it_can_of_few_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
