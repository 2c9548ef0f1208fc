#include "libs/text/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static int64_t us_of(const char *text)
{
    int64_t us = -1;
    if (!time_read_us(str_of(text), &us))
        fail_msg("refused: %s", text);
    return us;
}

static void time_read_us__reads_epoch_seconds_to_the_microsecond_without_rounding(void **state)
{
    (void)state;
    assert_int_equal(us_of("0"), 0);
    assert_int_equal(us_of("1588205198.89971"), 1588205198899710);
    assert_int_equal(us_of("1627354345.934"), 1627354345934000);
    assert_int_equal(us_of("1627354345.9999999"), 1627354345999999);
    assert_int_equal(us_of("0.000001"), 1);
    assert_int_equal(us_of("1627354345.123456789012345678"), 1627354345123456);
    assert_int_equal(us_of("253402300799.999999"), TIME_MAX_US);
}

static void time_read_us__reads_dates_with_every_form_of_offset(void **state)
{
    (void)state;
    const char *same[] = {
        "2020-04-30T00:06:38.899Z",      "2020-04-30 00:06:38.899z",
        "2020-04-30t02:06:38,899+02:00", "2020-04-30T02:06:38.899+0200",
        "2020-04-30T02:06:38.899+02",    "2020-04-29T19:36:38.899000-04:30",
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        assert_int_equal(us_of(same[i]), 1588205198899000);
    assert_int_equal(us_of("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(us_of("1969-12-31T23:00:00-01:00"), 0);
    assert_int_equal(us_of("2000-02-29T12:00:00Z"), 951825600000000);
    assert_int_equal(us_of("9999-12-31T23:59:59.999999Z"), TIME_MAX_US);
    assert_int_equal(us_of("2016-12-31T23:59:60.5Z"), 1483228800000000);
    assert_int_equal(us_of("2017-01-01T00:59:60+01:00"), 1483228800000000);
}

static void time_read_us__refuses_what_is_not_a_time_and_leaves_the_output(void **state)
{
    (void)state;
    const char *wrong[] = {
        "",
        " ",
        "-1",
        "+1",
        "1.",
        ".5",
        "1e9",
        "1 ",
        " 1",
        "1588205198.",
        "nan",
        "0x10",
        "1588205198.1234567890123456789",
        "253402300800",
        "1588205198000",
        "1588205198899710",
        "2020-04-30",
        "2020-04-30T00:06:38",
        "2020-04-30T00:06Z",
        "2020-4-30T00:06:38Z",
        "2020-13-01T00:00:00Z",
        "2020-00-01T00:00:00Z",
        "2020-01-00T00:00:00Z",
        "2021-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2020-04-31T00:00:00Z",
        "2020-04-30T24:00:00Z",
        "2020-04-30T00:60:00Z",
        "2020-04-30T00:00:61Z",
        "2020-04-30T00:00:60Z",
        "2020-04-30T00:00:00.Z",
        "2020-04-30T00:00:00+24:00",
        "2020-04-30T00:00:00+01:60",
        "2020-04-30T00:00:00+1",
        "2020-04-30T00:00:00+01:",
        "2020-04-30T00:00:00+01:0",
        "2020-04-30T00:00:00ZZ",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "9999-12-31T23:59:60Z",
        "9999-12-31T23:59:59-00:01",
        "2020/04/30T00:00:00Z",
        "20200430T000000Z",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int64_t us = 7;
        if (time_read_us(str_of(wrong[i]), &us))
            fail_msg("taken: %s", wrong[i]);
        assert_int_equal(us, 7);
    }
    int64_t us = 7;
    assert_false(time_read_us((struct str){NULL, 0}, &us));
    assert_false(time_read_us((struct str){"12\0"
                                           "34",
                                           5},
                              &us));
}

static void time_add_rfc3339__agrees_with_the_system_on_every_day_of_400_years_and_then_to_9999(
    void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 64);
    /* 400 years are one full cycle of the calendar; after it every 97th day is enough. */
    for (int64_t day = 0; day * 86400 <= TIME_MAX_US / 1000000; day += day < 146097 ? 1 : 97) {
        time_t seconds = (time_t)(day * 86400 + day % 86400);
        struct tm tm;
        char want[64];
        int64_t back;
        gmtime_r(&seconds, &tm);
        strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%SZ", &tm);
        buf_clear(&out);
        time_add_rfc3339(&out, (int64_t)seconds * 1000000);
        if (!str_equal(buf_str(&out), str_of(want)))
            fail_msg("%s instead of %s", out.ptr, want);
        assert_true(time_read_us(buf_str(&out), &back));
        assert_true(back == (int64_t)seconds * 1000000);
    }
    buf_done(&out);
}

static void time_add_rfc3339__shows_fractions_and_times_out_of_range(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 200);
    time_add_rfc3339(&out, 1);
    buf_add_byte(&out, ' ');
    time_add_rfc3339(&out, TIME_MAX_US);
    buf_add_byte(&out, ' ');
    time_add_rfc3339(&out, TIME_MAX_US + 1);
    buf_add_byte(&out, ' ');
    time_add_rfc3339(&out, INT64_MIN);
    assert_true(
        str_equal(buf_str(&out), STR("1970-01-01T00:00:00.000001Z 9999-12-31T23:59:59.999999Z "
                                     "253402300800000000 -9223372036854775808")));
    buf_done(&out);
}

static void time_read_http__takes_the_one_form_of_date(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "Mon, 23 Nov 2026 12:29:43",
        "Mon, 23 Nov 2026 12:29:43 UTC",
        "Mon 23 Nov 2026 12:29:43 GMT",
        "Mon, 31 Nov 2026 12:29:43 GMT",
        "Mon, 23 nov 2026 12:29:43 GMT",
        "Mon, 23 Nov 26 12:29:43 GMT",
        "Mon, 23 Nov 2026 12:29:4 GMT",
        "Mon, 23 Nov 2026 24:29:43 GMT",
        "Monday, 23-Nov-26 12:29:43 GMT",
        "Mon, 23 Nov 2026 12:29:43 GMT x",
        "Mon, -3 Nov 2026 12:29:43 GMT",
    };
    int64_t us = -7;
    assert_true(time_read_http(STR("Mon, 23 Nov 2026 12:29:43 GMT"), &us));
    assert_true(us == INT64_C(1795436983000000));
    assert_true(time_read_http(STR(" Thu, 01 Jan 1970 00:00:01 GMT\r\n"), &us));
    assert_true(us == 1000000);
    us = -7;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (time_read_http(str_of(wrong[i]), &us) || us != -7)
            fail_msg("\"%s\" was taken", wrong[i]);
}

static void time_read_certificate__takes_what_openssl_writes(void **state)
{
    (void)state;
    int64_t us = -7;
    assert_true(time_read_certificate(STR("Nov 23 12:29:43 2026 GMT"), &us));
    assert_true(us == INT64_C(1795436983000000));
    assert_true(time_read_certificate(STR("Jan  1 00:00:01 1970 GMT"), &us));
    assert_true(us == 1000000);
    us = -7;
    assert_false(time_read_certificate(STR("Jan  1 00:00:01 1970"), &us));
    assert_false(time_read_certificate(STR("2026-11-23 12:29:43 GMT"), &us));
    assert_false(time_read_certificate(STR("Nov 23 12:29:43 12026 GMT"), &us));
    assert_false(time_read_certificate(STR("Bad time value"), &us));
    assert_true(us == -7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_read_us__reads_epoch_seconds_to_the_microsecond_without_rounding),
        cmocka_unit_test(time_read_us__reads_dates_with_every_form_of_offset),
        cmocka_unit_test(time_read_us__refuses_what_is_not_a_time_and_leaves_the_output),
        cmocka_unit_test(
            time_add_rfc3339__agrees_with_the_system_on_every_day_of_400_years_and_then_to_9999),
        cmocka_unit_test(time_add_rfc3339__shows_fractions_and_times_out_of_range),
        cmocka_unit_test(time_read_http__takes_the_one_form_of_date),
        cmocka_unit_test(time_read_certificate__takes_what_openssl_writes),
    };
    return cmocka_run_group_tests_name("time", tests, NULL, NULL);
}
