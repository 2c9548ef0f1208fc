#include "libs/zone/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define S INT64_C(1000000)
#define H (3600 * S)

static struct zone *open_zone(const char *name, int anchor_day)
{
    struct zone *zone = NULL;
    struct fault fault;
    if (zone_open(str_of(name), anchor_day, &zone, &fault) != FAULT_NONE)
        fail_msg("%s", fault.text);
    return zone;
}

static void assert_period(struct zone *zone, enum zone_unit unit, int64_t at_us, int64_t from_us,
                          int64_t to_us)
{
    struct zone_period period = zone_period_at(zone, unit, at_us);
    assert_int_equal(period.from_us, from_us);
    assert_int_equal(period.to_us, to_us);
}

static void utc__has_hours_days_and_months_without_surprise(void **state)
{
    (void)state;
    struct zone *zone = open_zone("UTC", 1);
    int64_t at_us = 1709210096 * S + 7; /* 2024-02-29T12:34:56 */
    assert_period(zone, ZONE_HOUR, at_us, 1709208000 * S, 1709211600 * S);
    assert_period(zone, ZONE_DAY, at_us, 1709164800 * S, 1709251200 * S);
    assert_period(zone, ZONE_MONTH, at_us, 1706745600 * S, 1709251200 * S); /* leap: 29 days */
    struct zone_date date = zone_date_at(zone, at_us);
    assert_int_equal(date.year, 2024);
    assert_int_equal(date.month, 2);
    assert_int_equal(date.day, 29);
    assert_int_equal(zone_weekday_at(zone, at_us), 4); /* a Thursday */
    zone_free(zone);
}

static void day__has_23_or_25_hours_when_clocks_change(void **state)
{
    (void)state;
    struct zone *zone = open_zone("Europe/Berlin", 1);
    /* 2024-03-31 begins at 23:00 UTC and is 23 hours long, 2024-10-27 is 25. */
    assert_period(zone, ZONE_DAY, 1711882800 * S, 1711839600 * S, 1711839600 * S + 23 * H);
    assert_period(zone, ZONE_DAY, 1730023200 * S, 1729980000 * S, 1729980000 * S + 25 * H);
    zone_free(zone);
}

static void hour__is_sixty_minutes_in_step_with_standard_time(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int64_t minutes; /* past the hour in UTC */
    } cases[] = {{"Asia/Kolkata", 30},     {"Asia/Kathmandu", 15},      {"Europe/Berlin", 0},
                 {"America/St_Johns", 30}, {"Australia/Lord_Howe", 30}, {"Pacific/Chatham", 15}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zone *zone = open_zone(cases[i].zone, 1);
        struct zone_period hour = zone_period_at(zone, ZONE_HOUR, 1720000000 * S);
        assert_int_equal(hour.from_us % H, cases[i].minutes * 60 * S);
        assert_int_equal(hour.to_us - hour.from_us, H);
        zone_free(zone);
    }
}

static void day__may_begin_at_one_and_a_date_may_be_left_out(void **state)
{
    (void)state;
    struct zone *zone = open_zone("America/Sao_Paulo", 1);
    /* 2018-11-04 had no midnight: it begins at 01:00 -02:00. */
    assert_period(zone, ZONE_DAY, 1541347200 * S, 1541300400 * S, 1541300400 * S + 23 * H);
    zone_free(zone);
    zone = open_zone("Pacific/Apia", 1);
    /* 2011-12-30 was left out: the 29th ends where the 31st begins. */
    int64_t end_us = 1325239200 * S;
    assert_period(zone, ZONE_DAY, end_us - 1, end_us - 24 * H, end_us);
    assert_int_equal(zone_date_at(zone, end_us - 1).day, 29);
    assert_int_equal(zone_date_at(zone, end_us).day, 31);
    zone_free(zone);
}

static void billing_period__begins_on_its_anchor_or_the_last_day_of_a_short_month(void **state)
{
    (void)state;
    struct zone *zone = open_zone("America/New_York", 31);
    struct zone_period period = zone_period_at(zone, ZONE_BILLING, 1709300000 * S); /* 2024-03-01 */
    struct zone_date from = zone_date_at(zone, period.from_us);
    struct zone_date to = zone_date_at(zone, period.to_us);
    assert_int_equal(from.month * 100 + from.day, 229);
    assert_int_equal(to.month * 100 + to.day, 331);
    zone_free(zone);
}

/* Every moment is in one period of each kind, and longer ones are made of whole days. */
static void periods__cover_time_without_gap_or_overlap(void **state)
{
    (void)state;
    static const char *const names[] = {
        "UTC",          "Europe/Berlin",     "America/New_York",    "Asia/Kolkata",
        "Pacific/Apia", "America/Sao_Paulo", "Australia/Lord_Howe", "Africa/Casablanca",
        "Asia/Tehran",  "America/Caracas"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct zone *zone = open_zone(names[i], 30);
        for (int unit = ZONE_DAY; unit < ZONE_UNITS; unit++) {
            struct zone_period period = zone_period_at(zone, (enum zone_unit)unit, 946684800 * S);
            while (period.to_us < 2000000000 * S) {
                struct zone_period next = zone_period_at(zone, (enum zone_unit)unit, period.to_us);
                assert_int_equal(next.from_us, period.to_us);
                assert_true(next.to_us > next.from_us);
                struct zone_period day = zone_period_at(zone, ZONE_DAY, next.from_us);
                assert_int_equal(day.from_us, next.from_us);
                period = next;
            }
        }
        zone_free(zone);
    }
}

static void local_time__is_that_of_the_clocks_with_their_offset(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int64_t at_s;
        const char *text;
    } cases[] = {
        {"UTC", 1709210096, "2024-02-29T12:34:56Z"},
        {"Europe/London", 1704067199, "2023-12-31T23:59:59Z"},
        {"Europe/Berlin", 1792879200, "2026-10-25T00:00:00+02:00"},
        {"Europe/Berlin", 1792888200, "2026-10-25T02:30:00+02:00"}, /* and again */
        {"Europe/Berlin", 1792891800, "2026-10-25T02:30:00+01:00"},
        {"America/New_York", 1772953200, "2026-03-08T03:00:00-04:00"},
        {"America/St_Johns", 1704067200, "2023-12-31T20:30:00-03:30"},
        {"Asia/Kathmandu", 1704067200, "2024-01-01T05:45:00+05:45"},
        {"UTC", 0, "1970-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zone *zone = open_zone(cases[i].zone, 1);
        struct buf text;
        buf_init(&text, 64);
        zone_add_local(zone, cases[i].at_s * S, &text);
        if (!str_equal(buf_str(&text), str_of(cases[i].text)))
            fail_msg("%s: %.*s", cases[i].text, STR_ARG(buf_str(&text)));
        buf_done(&text);
        zone_free(zone);
    }
}

static void zone_open__refuses_what_is_no_zone(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",
        "Mars/Olympus",
        "Europe/Berlin ",
        "GMT+25",
        "Etc/Unknown",
        "../etc/passwd",
        "Europe/B\xc3\xb6rlin",
        "Europe/Berlin/Berlin/Berlin/Berlin/Berlin/Berlin/Berlin/xyz"};
    struct fault fault;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct zone *zone = NULL;
        if (zone_open(str_of(names[i]), 1, &zone, &fault) != FAULT_INPUT)
            fail_msg("taken: %s", names[i]);
        assert_string_equal(fault.field, "zone");
        assert_null(zone);
    }
    struct zone *zone = NULL;
    assert_int_equal(zone_open(STR("UTC"), 0, &zone, &fault), FAULT_INPUT);
    assert_int_equal(zone_open(STR("UTC"), 32, &zone, &fault), FAULT_INPUT);
    assert_string_equal(fault.field, "anchor_day");
    zone_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utc__has_hours_days_and_months_without_surprise),
        cmocka_unit_test(day__has_23_or_25_hours_when_clocks_change),
        cmocka_unit_test(hour__is_sixty_minutes_in_step_with_standard_time),
        cmocka_unit_test(day__may_begin_at_one_and_a_date_may_be_left_out),
        cmocka_unit_test(billing_period__begins_on_its_anchor_or_the_last_day_of_a_short_month),
        cmocka_unit_test(periods__cover_time_without_gap_or_overlap),
        cmocka_unit_test(local_time__is_that_of_the_clocks_with_their_offset),
        cmocka_unit_test(zone_open__refuses_what_is_no_zone),
    };
    return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
