#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/web/web_sli.h"

static const int64_t minute_us = INT64_C(60) * 1000000;

static struct web_sli sli;

static int set_up(void **state)
{
    (void)state;
    web_sli_init(&sli);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    web_sli_done(&sli);
    return 0;
}

static struct web_sli_counts counts_of(enum web_sli_kind kind, int64_t window_us, int64_t now_us)
{
    struct web_sli_counts counts;
    web_sli_read(&sli, kind, window_us, now_us, &counts);
    return counts;
}

static void sli__counts_each_kind_by_itself_and_failures_apart(void **state)
{
    (void)state;
    web_sli_add(&sli, WEB_SLI_READ, 900, false, minute_us);
    web_sli_add(&sli, WEB_SLI_READ, 900, true, minute_us);
    web_sli_add(&sli, WEB_SLI_DECISION, 90, false, minute_us);
    struct web_sli_counts reads = counts_of(WEB_SLI_READ, 0, minute_us);
    assert_int_equal(reads.answers, 2);
    assert_int_equal(reads.failed, 1);
    assert_int_equal(reads.sum_us, 1800);
    assert_int_equal(counts_of(WEB_SLI_DECISION, 0, minute_us).answers, 1);
    assert_int_equal(counts_of(WEB_SLI_WRITE, 0, minute_us).answers, 0);
}

static void sli__a_bucket_holds_what_took_up_to_its_bound(void **state)
{
    (void)state;
    web_sli_add(&sli, WEB_SLI_READ, web_sli_bounds_us[3], false, minute_us);
    web_sli_add(&sli, WEB_SLI_READ, web_sli_bounds_us[3] + 1, false, minute_us);
    web_sli_add(&sli, WEB_SLI_READ, INT64_MAX / 2, false, minute_us);
    struct web_sli_counts reads = counts_of(WEB_SLI_READ, 0, minute_us);
    assert_int_equal(reads.buckets[3], 1);
    assert_int_equal(reads.buckets[4], 1);
    assert_int_equal(reads.buckets[WEB_SLI_BUCKETS - 1], 1);
}

static void sli__a_window_holds_its_minutes_only(void **state)
{
    (void)state;
    int64_t now_us = 0;
    for (int minute = 1; minute <= 90; minute++) { /* so the copies turn round */
        now_us = minute * minute_us;
        web_sli_add(&sli, WEB_SLI_READ, 1000, minute <= 60, now_us);
    }
    struct web_sli_counts five = counts_of(WEB_SLI_READ, 5 * minute_us, now_us);
    assert_int_equal(five.answers, 6); /* those of both ends */
    assert_int_equal(five.failed, 0);
    struct web_sli_counts hour = counts_of(WEB_SLI_READ, 60 * minute_us, now_us);
    assert_int_equal(hour.answers, 61);
    assert_int_equal(hour.failed, 31);
    assert_int_equal(counts_of(WEB_SLI_READ, 0, now_us).answers, 90);
}

static void sli__what_was_before_an_idle_time_is_not_in_the_window_after_it(void **state)
{
    (void)state;
    web_sli_add(&sli, WEB_SLI_READ, 1000, true, minute_us);
    assert_int_equal(counts_of(WEB_SLI_READ, 5 * minute_us, 7 * minute_us).answers, 0);
    web_sli_add(&sli, WEB_SLI_READ, 1000, false, 300 * minute_us);
    struct web_sli_counts five = counts_of(WEB_SLI_READ, 5 * minute_us, 301 * minute_us);
    assert_int_equal(five.answers, 1);
    assert_int_equal(five.failed, 0);
}

static void sli__a_quantile_lies_within_its_bucket(void **state)
{
    (void)state;
    for (int i = 0; i < 90; i++)
        web_sli_add(&sli, WEB_SLI_READ, 800, false, minute_us); /* 0.5 to 1 ms */
    for (int i = 0; i < 10; i++)
        web_sli_add(&sli, WEB_SLI_READ, 20000, false, minute_us); /* 10 to 25 ms */
    struct web_sli_counts reads = counts_of(WEB_SLI_READ, 0, minute_us);
    assert_float_equal(web_sli_quantile_s(&reads, 0.45), 0.00075, 1e-9);
    assert_float_equal(web_sli_quantile_s(&reads, 0.95), 0.0175, 1e-9);
    web_sli_add(&sli, WEB_SLI_WRITE, 60 * minute_us, false, minute_us);
    struct web_sli_counts writes = counts_of(WEB_SLI_WRITE, 0, minute_us);
    assert_float_equal(web_sli_quantile_s(&writes, 0.95), 10, 1e-9); /* the last bound there is */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sli__counts_each_kind_by_itself_and_failures_apart, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(sli__a_bucket_holds_what_took_up_to_its_bound, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(sli__a_window_holds_its_minutes_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            sli__what_was_before_an_idle_time_is_not_in_the_window_after_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sli__a_quantile_lies_within_its_bucket, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
