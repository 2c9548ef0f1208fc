/* Traps of time: each test fails when the defence against it is taken away. */
#include "service/usage/tests/usage_house.h"

#define GB INT64_C(1000000000)

static int64_t at(const char *text)
{
    int64_t time_us = 0;
    if (!time_read_us(str_of(text), &time_us))
        fail_msg("%s", text);
    return time_us;
}

static void use_zone(const char *name)
{
    char zone[64];
    snprintf(zone, sizeof zone, "%s", name);
    house_set_zone(zone);
}

static struct usage_report days(const char *meter, const char *from, const char *to)
{
    return house_report(meter, ZONE_DAY, at(from), at(to));
}

/* One event an hour, through the day that contains them. */
static void send_hours(const char *from, int hours)
{
    static int serial;
    for (int i = 0; i < hours; i++) {
        char id[32];
        snprintf(id, sizeof id, "h%d", serial++);
        house_send(house_use(id, at(from) + i * HOUR, "api.calls", 1, ""));
    }
}

/* --- days of 23 and 25 hours ---------------------------------------------------------------- */

static void day__of_23_or_25_hours_counts_as_many(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        const char *from; /* the day's first moment */
        const char *to;
        int hours;
    } cases[] = {
        {"Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 23},
        {"Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 25},
        {"America/New_York", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", 23},
        {"America/New_York", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", 25},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        use_zone(cases[i].zone);
        house.now_us = at(cases[i].to) + HOUR;
        send_hours(cases[i].from, cases[i].hours);
        struct usage_report by_day = days("api.calls", cases[i].from, cases[i].to);
        assert_int_equal(by_day.count, 1);
        assert_int_equal(by_day.total, cases[i].hours);
        assert_int_equal(by_day.rows[0].period.from_us, at(cases[i].from));
        assert_int_equal(by_day.rows[0].period.to_us, at(cases[i].to));
        struct usage_report by_hour =
            house_report("api.calls", ZONE_HOUR, at(cases[i].from), at(cases[i].to));
        assert_int_equal(by_hour.count, cases[i].hours); /* each hour once, also the one twice */
    }
    use_zone("UTC");
    assert_int_equal(house_rebuild().events, 23 + 25 + 23 + 25);
}

static void level__through_such_a_day_is_that_many_hours(void **state)
{
    (void)state;
    use_zone("Europe/Berlin");
    house.now_us = at("2026-03-31T12:00:00Z");
    house_send(house_use("1", at("2026-03-28T23:00:00Z"), "storage.bytes", GB, ""));
    house_send(house_use("2", at("2026-03-30T22:00:00Z"), "storage.bytes", 0, ""));
    struct usage_report report =
        days("storage.bytes", "2026-03-28T23:00:00Z", "2026-03-30T22:00:00Z");
    assert_int_equal(report.count, 2);
    assert_true(report.rows[0].quantity == (__int128)23 * GB * HOUR);
    assert_true(report.rows[1].quantity == (__int128)24 * GB * HOUR);
}

/* --- half-hour and quarter-hour zones ------------------------------------------------------- */

static void hours__of_zones_with_30_and_45_minutes_begin_where_they_do(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        const char *first; /* an hour's beginning */
        int64_t offset_min;
    } cases[] = {
        {"Asia/Kolkata", "2026-11-20T18:30:00Z", 30},
        {"Asia/Kathmandu", "2026-11-21T18:15:00Z", 15},
        {"America/St_Johns", "2026-11-19T03:30:00Z", 30},
        {"Pacific/Chatham", "2026-11-18T10:15:00Z", 15},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char ids[2][32];
        int64_t first = at(cases[i].first);
        snprintf(ids[0], sizeof ids[0], "a%zu", i);
        snprintf(ids[1], sizeof ids[1], "b%zu", i);
        use_zone(cases[i].zone);
        house_rebuild();
        house_send(house_use(ids[0], first, "api.calls", 2, ""));
        house_send(house_use(ids[1], first - 1, "api.calls", 3, "")); /* the day before */
        struct usage_report hour = house_report("api.calls", ZONE_HOUR, first, first + 1);
        assert_int_equal(hour.rows[0].period.from_us, first);
        assert_int_equal(hour.rows[0].period.from_us / (60 * S) % 60, cases[i].offset_min);
        assert_int_equal(hour.rows[0].quantity, 2);
        struct usage_report day = house_report("api.calls", ZONE_DAY, first, first + 1);
        assert_int_equal(day.rows[0].period.from_us, first); /* it is midnight there */
        assert_int_equal(house_rebuild().differences, 0);
    }
}

/* Lord Howe's clocks move by half an hour: an hour of 30 or 90 minutes. */
static void clock_that_moves_by_half_an_hour__loses_nothing(void **state)
{
    (void)state;
    use_zone("Australia/Lord_Howe");
    house.now_us = at("2026-10-05T00:00:00Z");
    for (int i = 0; i < 12 * 26; i++) {
        char id[32];
        snprintf(id, sizeof id, "%d", i);
        house_send(house_use(id, at("2026-10-03T12:00:00Z") + i * 300 * S, "api.calls", 1, ""));
    }
    __int128 sum = 0;
    struct usage_report hours =
        house_report("api.calls", ZONE_HOUR, at("2026-10-03T12:00:00Z"), house.now_us);
    for (size_t i = 0; i < hours.count; i++) {
        if (i > 0)
            assert_true(hours.rows[i].period.from_us >= hours.rows[i - 1].period.to_us);
        sum += hours.rows[i].quantity;
    }
    assert_int_equal(sum, 12 * 26);
    assert_int_equal(days("api.calls", "2026-10-03T12:00:00Z", "2026-10-05T00:00:00Z").total,
                     12 * 26);
    assert_int_equal(house_rebuild().differences, 0);
}

/* --- a zone that changes in the middle of a month ------------------------------------------- */

static void zone__that_changes_moves_the_days_and_no_amount(void **state)
{
    (void)state;
    __int128 total = 0;
    for (int i = 0; i < 200; i++) {
        char id[32];
        snprintf(id, sizeof id, "%d", i);
        house_send(house_use(id, NOON - i * 3 * HOUR - i * 7 * S, "api.calls", i + 1, ""));
        total += i + 1;
    }
    house_send(house_use("l1", NOON - 500 * HOUR, "storage.bytes", 3 * GB, ""));
    house_send(house_use("l2", NOON - HOUR, "storage.bytes", 0, ""));
    static const char *const zones[] = {"UTC", "Pacific/Kiritimati", "Asia/Kathmandu",
                                        "America/New_York", "UTC"};
    struct usage_report first = house_report("api.calls", ZONE_DAY, NOON - 700 * HOUR, NOON);
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        use_zone(zones[i]);
        house_rebuild();
        struct usage_report report =
            house_report("api.calls", ZONE_DAY, NOON - 700 * HOUR, NOON + HOUR);
        assert_true(report.total == total);
        assert_true(
            house_report("storage.bytes", ZONE_MONTH, NOON - 700 * HOUR, NOON + HOUR).total ==
            (__int128)499 * 3 * GB * HOUR);
        assert_int_equal(house_rebuild().differences, 0);
    }
    struct usage_report last = house_report("api.calls", ZONE_DAY, NOON - 700 * HOUR, NOON);
    assert_int_equal(first.count, last.count);
    for (size_t i = 0; i < first.count; i++)
        assert_true(first.rows[i].quantity == last.rows[i].quantity);
}

/* --- months, leap days, the sum of days ----------------------------------------------------- */

static void leap_day__is_a_day_of_its_month(void **state)
{
    (void)state;
    use_zone("Europe/Berlin");
    house.now_us = at("2028-03-02T12:00:00Z");
    house_send(house_use("28", at("2028-02-28T22:59:59.999999Z"), "api.calls", 1, ""));
    house_send(house_use("29", at("2028-02-28T23:00:00Z"), "api.calls", 10, ""));
    house_send(house_use("29b", at("2028-02-29T22:59:59.999999Z"), "api.calls", 100, ""));
    house_send(house_use("1", at("2028-02-29T23:00:00Z"), "api.calls", 1000, ""));
    struct usage_report report = days("api.calls", "2028-02-28T00:00:00Z", "2028-03-01T12:00:00Z");
    assert_int_equal(report.count, 3);
    assert_int_equal(report.rows[1].quantity, 110);
    report = house_report("api.calls", ZONE_MONTH, at("2028-02-10T00:00:00Z"),
                          at("2028-02-11T00:00:00Z"));
    assert_int_equal(report.total, 111);
    assert_int_equal(report.rows[0].period.to_us - report.rows[0].period.from_us, 29 * 24 * HOUR);
}

static void month__begins_at_its_first_moment_and_a_late_event_is_of_its_own(void **state)
{
    (void)state;
    use_zone("America/New_York");
    house.now_us = at("2026-11-03T12:00:00Z");
    const char *const begin = "2026-11-01T04:00:00Z";
    house_send(house_use("n", at(begin), "api.calls", 5, ""));
    house_send(house_use("o", at(begin) - 1, "api.calls", 7, ""));
    struct usage_report november =
        house_report("api.calls", ZONE_MONTH, at(begin), at(begin) + HOUR);
    struct usage_report october =
        house_report("api.calls", ZONE_MONTH, at(begin) - HOUR, at(begin));
    assert_int_equal(november.total, 5);
    assert_int_equal(october.total, 7);
    assert_int_equal(october.rows[0].period.to_us, at(begin));
    /* What comes late counts where it belongs, not where it came. */
    house_send(house_use("late", at(begin) - 20 * 24 * HOUR, "api.calls", 11, ""));
    october = house_report("api.calls", ZONE_MONTH, at(begin) - HOUR, at(begin));
    assert_int_equal(october.total, 18);
    assert_true(november.complete_up_to_us < house.now_us);
}

static void days__sum_up_to_their_month_in_every_zone(void **state)
{
    (void)state;
    static const char *const zones[] = {"UTC",
                                        "Europe/Berlin",
                                        "America/New_York",
                                        "Asia/Kathmandu",
                                        "Australia/Lord_Howe",
                                        "Pacific/Chatham",
                                        "Pacific/Apia",
                                        "America/Sao_Paulo",
                                        "Africa/Casablanca"};
    uint32_t seed = 11;
    house.now_us = at("2026-12-31T12:00:00Z");
    int64_t from = at("2025-12-20T00:00:00Z");
    struct usage_batch batch = {.arena = &house.arena,
                                .scratch = &house.scratch,
                                .tenant = STR("acme"),
                                .backfill = true,
                                .received_us = house.now_us};
    for (int i = 0; i < 1500; i++) {
        char id[32];
        seed = seed * 1664525 + 1013904223;
        int64_t time_us = from + (int64_t)(seed % (375 * 86400)) * S;
        snprintf(id, sizeof id, "%d", i);
        const char *line = house_use(id, time_us, i % 9 ? "api.calls" : "storage.bytes",
                                     (int64_t)(seed >> 12), "");
        struct str kept = arena_copy(&house.arena, str_trim(str_of(line)));
        MUST(usage_batch_add(&batch, kept, &house.fault));
    }
    MUST(usage_batch_store(&batch, house.pool, &house.fault));
    assert_int_equal(batch.accepted, 1500);
    for (size_t z = 0; z < sizeof zones / sizeof zones[0]; z++) {
        use_zone(zones[z]);
        house_rebuild();
        for (int m = 0; m < 2; m++) {
            const char *meter = m ? "storage.bytes" : "api.calls";
            struct usage_report months =
                house_report(meter, ZONE_MONTH, from, at("2027-01-02T00:00:00Z"));
            __int128 all = 0;
            for (size_t i = 0; i < months.count; i++) {
                const struct usage_row *month = &months.rows[i];
                struct usage_report by_day =
                    house_report(meter, ZONE_DAY, month->period.from_us, month->period.to_us);
                assert_true(by_day.total == month->quantity);
                assert_int_equal(by_day.from_us, month->period.from_us);
                assert_int_equal(by_day.to_us, month->period.to_us);
                all += by_day.total;
            }
            assert_true(all == months.total);
            assert_true(house_report(meter, ZONE_HOUR, from, at("2027-01-02T00:00:00Z")).total ==
                        all);
        }
    }
}

/* --- clocks --------------------------------------------------------------------------------- */

static void clock__that_is_wrong_is_told_by_how_much_and_bounds_are_exact(void **state)
{
    (void)state;
    const int64_t late_us = (int64_t)USAGE_LATE_MAX_S * S;
    const int64_t future_us = (int64_t)USAGE_FUTURE_MAX_S * S;
    assert_int_equal(house_send(house_use("a", NOON + future_us, "api.calls", 1, "")).accepted, 1);
    assert_int_equal(house_send(house_use("b", NOON - late_us, "api.calls", 1, "")).accepted, 1);
    struct usage_batch batch = house_send(house_use("c", NOON + future_us + 1, "api.calls", 1, ""));
    assert_string_equal(batch.items[0].reason, "future");
    assert_non_null(strstr(batch.items[0].detail.ptr, "300 s ahead of the service's clock"));
    batch = house_send(house_use("d", NOON - late_us - 1, "api.calls", 1, ""));
    assert_string_equal(batch.items[0].reason, "late");
    assert_int_equal(house_whole("SELECT count(*) FROM usage_events"), 2);
}

static void event__is_the_same_whenever_it_is_received(void **state)
{
    (void)state;
    const char *line = house_use("1", NOON - HOUR, "api.calls", 5, "");
    house_send(line);
    house.now_us = NOON + 30 * 24 * HOUR; /* the sender was off for a month, or our clock was */
    assert_int_equal(house_send(line).duplicates, 1);
    house.now_us = NOON - 2 * HOUR; /* and when our clock goes back */
    house_send(house_use("2", NOON - 3 * HOUR, "api.calls", 7, ""));
    assert_int_equal(house_whole("SELECT count(*) FROM usage_events"), 2);
    assert_int_equal(house_whole("SELECT max(received_us) FROM usage_events WHERE seq = 1"), NOON);
    assert_int_equal(house_whole("SELECT max(received_us) FROM usage_events WHERE seq = 2"),
                     NOON - 2 * HOUR);
}

/* Of two corrections the one that was accepted last holds, whatever times they bear. */
static void order__is_that_of_acceptance_not_of_clocks(void **state)
{
    (void)state;
    house_send(house_use("1", NOON - HOUR, "api.calls", 5, ""));
    house_send(house_correct("amend", "a1", "1", NOON - HOUR, 100));
    house.now_us = NOON - 30 * 60 * S;
    house_send(house_correct("amend", "a2", "1", NOON - HOUR, 40)); /* bears an earlier time */
    house.now_us = NOON;
    assert_int_equal(house_report("api.calls", ZONE_DAY, NOON - HOUR, NOON).total, 40);
    assert_int_equal(house_rebuild().differences, 0);
    assert_int_equal(house_report("api.calls", ZONE_DAY, NOON - HOUR, NOON).total, 40);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)
    const struct CMUnitTest tests[] = {
        TEST(day__of_23_or_25_hours_counts_as_many),
        TEST(level__through_such_a_day_is_that_many_hours),
        TEST(hours__of_zones_with_30_and_45_minutes_begin_where_they_do),
        TEST(clock_that_moves_by_half_an_hour__loses_nothing),
        TEST(zone__that_changes_moves_the_days_and_no_amount),
        TEST(leap_day__is_a_day_of_its_month),
        TEST(month__begins_at_its_first_moment_and_a_late_event_is_of_its_own),
        TEST(days__sum_up_to_their_month_in_every_zone),
        TEST(clock__that_is_wrong_is_told_by_how_much_and_bounds_are_exact),
        TEST(event__is_the_same_whenever_it_is_received),
        TEST(order__is_that_of_acceptance_not_of_clocks),
    };
    return cmocka_run_group_tests_name("usage_time", tests, NULL, NULL);
}
