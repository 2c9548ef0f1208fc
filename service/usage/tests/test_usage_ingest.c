#include "service/usage/tests/usage_house.h"

/* --- once ----------------------------------------------------------------------------------- */

static void event__counts_once_whatever_is_repeated(void **state)
{
    (void)state;
    char lines[4096];
    const char *one = house_use("1", NOON - HOUR, "api.calls", 5, "");
    snprintf(lines, sizeof lines, "%s%s%s", one, one,
             house_use("2", NOON - HOUR, "api.calls", 7, ""));
    struct usage_batch batch = house_send(lines);
    assert_int_equal(batch.accepted, 2);
    assert_int_equal(batch.duplicates, 1);
    batch = house_send(lines);
    assert_int_equal(batch.accepted, 0);
    assert_int_equal(batch.duplicates, 3);
    struct usage_report report = house_report("api.calls", ZONE_DAY, NOON - HOUR, NOON);
    assert_int_equal(report.count, 1);
    assert_int_equal(report.total, 12);
    assert_int_equal(report.rows[0].events, 2);
}

static void event__of_the_same_id_with_other_content_is_a_clash_and_waits_in_the_dlq(void **state)
{
    (void)state;
    house_send(house_use("1", NOON - HOUR, "api.calls", 5, ""));
    struct usage_batch batch = house_send(house_use("1", NOON - HOUR, "api.calls", 6, ""));
    assert_int_equal(batch.rejected, 1);
    assert_int_equal(batch.items[0].status, 409);
    assert_string_equal(batch.items[0].reason, "clash");
    assert_int_equal(house_whole("SELECT count(*) FROM usage_dlq WHERE reason = 'clash'"), 1);
    assert_int_equal(house_report("api.calls", ZONE_DAY, NOON - HOUR, NOON).total, 5);
}

static void tenants__are_apart(void **state)
{
    (void)state;
    const char *line = house_use("1", NOON - HOUR, "api.calls", 5, "");
    assert_int_equal(house_send(line).accepted, 1);
    assert_int_equal(house_send_for("globex", line).accepted, 1); /* no duplicate of acme's */
    assert_int_equal(house_report("api.calls", ZONE_DAY, NOON - HOUR, NOON).total, 5);
    /* And a correction finds its own tenant's events only. */
    house_send(house_use("2", NOON - HOUR, "api.calls", 9, ""));
    struct usage_batch batch =
        house_send_for("globex", house_correct("void", "v", "2", NOON - HOUR, 0));
    assert_int_equal(batch.items[0].status, 404);
    assert_int_equal(house_report("api.calls", ZONE_DAY, NOON - HOUR, NOON).total, 14);
}

/* --- time ----------------------------------------------------------------------------------- */

static void event__from_the_future_or_too_late_waits_in_the_dlq(void **state)
{
    (void)state;
    const int64_t day = 24 * HOUR;
    struct usage_batch batch = house_send(house_use("1", NOON + 301 * S, "api.calls", 1, ""));
    assert_string_equal(batch.items[0].reason, "future");
    assert_int_equal(house_send(house_use("2", NOON + 299 * S, "api.calls", 1, "")).accepted, 1);
    batch = house_send(house_use("3", NOON - 35 * day - S, "api.calls", 1, ""));
    assert_string_equal(batch.items[0].reason, "late");
    assert_non_null(strstr(batch.items[0].detail.ptr, "backfill"));
    assert_int_equal(house_send(house_use("4", NOON - 35 * day + S, "api.calls", 1, "")).accepted,
                     1);
    struct usage_batch backfill = {.arena = &house.arena,
                                   .scratch = &house.scratch,
                                   .tenant = STR("acme"),
                                   .received_us = NOON,
                                   .backfill = true};
    MUST(usage_batch_add(&backfill, str_of(house_use("5", NOON - 400 * day, "api.calls", 1, "")),
                         &house.fault));
    MUST(usage_batch_store(&backfill, house.pool, &house.fault));
    assert_int_equal(backfill.accepted, 1);
}

static void events__out_of_order_come_to_the_same_sums(void **state)
{
    (void)state;
    house_send(house_use("3", NOON - HOUR, "api.calls", 4, ""));
    house_send(house_use("1", NOON - 30 * HOUR, "api.calls", 1, ""));
    house_send(house_use("2", NOON - 2 * HOUR, "api.calls", 2, ""));
    struct usage_report report = house_report("api.calls", ZONE_HOUR, NOON - 30 * HOUR, NOON);
    assert_int_equal(report.count, 3);
    assert_int_equal(report.rows[0].quantity, 1);
    assert_int_equal(report.rows[1].quantity, 2);
    assert_int_equal(report.rows[2].quantity, 4);
    assert_int_equal(report.total, 7);
}

/* --- corrections ---------------------------------------------------------------------------- */

static void corrections__take_the_place_of_what_they_name(void **state)
{
    (void)state;
    int64_t at_us = NOON - HOUR;
    house_send(house_use("1", at_us, "inference.tokens", 100, ",\"dimensions\":{\"model\":\"m\"}"));
    house_send(house_correct("amend", "a1", "1", at_us, 40));
    assert_int_equal(house_report("inference.tokens", ZONE_DAY, at_us, NOON).total, 40);
    house_send(house_correct("amend", "a2", "1", at_us, 50)); /* the latest holds */
    assert_int_equal(house_report("inference.tokens", ZONE_DAY, at_us, NOON).total, 50);
    house_send(house_correct("void", "v1", "1", at_us, 0));
    assert_int_equal(house_report("inference.tokens", ZONE_DAY, at_us, NOON).total, 0);
    house_send(house_correct("amend", "a3", "1", at_us, 7)); /* and it may count again */
    struct usage_report report = house_report("inference.tokens", ZONE_DAY, at_us, NOON);
    assert_int_equal(report.total, 7);
    assert_int_equal(report.rows[0].events, 1);
    struct usage_batch again = house_send(house_correct("amend", "a3", "1", at_us, 7));
    assert_int_equal(again.duplicates, 1);
    assert_int_equal(house_rebuild().differences, 0);
    assert_int_equal(house_report("inference.tokens", ZONE_DAY, at_us, NOON).total, 7);
}

static void correction__of_what_has_not_come_or_of_a_correction_waits(void **state)
{
    (void)state;
    struct usage_batch batch = house_send(house_correct("void", "v", "missing", NOON - HOUR, 0));
    assert_string_equal(batch.items[0].reason, "unknown_event");
    house_send(house_use("1", NOON - HOUR, "api.calls", 5, ""));
    house_send(house_correct("void", "v1", "1", NOON - HOUR, 0));
    batch = house_send(house_correct("void", "v2", "v1", NOON, 0));
    assert_string_equal(batch.items[0].reason, "not_a_use");
}

/* --- levels --------------------------------------------------------------------------------- */

#define GB INT64_C(1000000000)

static void level__is_integrated_over_time_and_carried_on(void **state)
{
    (void)state;
    const char *of = ",\"dimensions\":{\"store\":\"a\"}";
    house_send(house_use("1", NOON - 3 * HOUR, "storage.bytes", 2 * GB, of));
    house_send(house_use("2", NOON - 2 * HOUR, "storage.bytes", 5 * GB, of));
    struct usage_report report =
        house_report("storage.bytes", ZONE_HOUR, NOON - 3 * HOUR, NOON + HOUR);
    /* 2 GB-hours, then 5 an hour, up to now and not beyond. */
    assert_true(report.total == (__int128)(2 + 5 + 5) * GB * HOUR);
    struct buf shown;
    buf_init(&shown, 64);
    usage_add_shown(&shown, usage_meter_find(STR("storage.bytes")), report.total);
    assert_true(str_equal(buf_str(&shown), STR("12")));
    buf_done(&shown);
    house.now_us = NOON + HOUR;
    report = house_report("storage.bytes", ZONE_HOUR, NOON - 3 * HOUR, NOON + HOUR);
    assert_true(report.total == (__int128)(2 + 5 + 5 + 5) * GB * HOUR);
}

static void level__that_comes_late_changes_what_lies_between(void **state)
{
    (void)state;
    const char *of = ",\"dimensions\":{\"store\":\"a\"}";
    int64_t from = NOON - 10 * HOUR;
    house_send(house_use("1", from, "storage.bytes", 2 * GB, of));
    house_send(house_use("2", NOON, "storage.bytes", 0, of));
    assert_true(house_report("storage.bytes", ZONE_DAY, from, NOON).total ==
                (__int128)20 * GB * HOUR);
    house_send(house_use("3", NOON - 4 * HOUR, "storage.bytes", 7 * GB, of));
    assert_true(house_report("storage.bytes", ZONE_DAY, from, NOON).total ==
                (__int128)(12 + 28) * GB * HOUR);
    house_send(house_correct("amend", "a", "3", NOON - 4 * HOUR, GB));
    assert_true(house_report("storage.bytes", ZONE_DAY, from, NOON).total ==
                (__int128)(12 + 4) * GB * HOUR);
    house_send(house_correct("void", "v", "3", NOON - 4 * HOUR, 0));
    assert_true(house_report("storage.bytes", ZONE_DAY, from, NOON).total ==
                (__int128)20 * GB * HOUR);
    house_send(house_correct("void", "v2", "2", NOON, 0)); /* the end: time is open again */
    house.now_us = NOON + HOUR;
    assert_true(house_report("storage.bytes", ZONE_DAY, from, NOON + HOUR).total ==
                (__int128)22 * GB * HOUR);
    assert_int_equal(house_rebuild().differences, 0);
}

/* --- the whole ------------------------------------------------------------------------------ */

/* The simplest way to the same numbers, over what was accepted. */
struct oracle {
    int64_t time_us[400];
    int64_t quantity[400];
    int count;
};

static void sums__are_those_of_the_simplest_way_after_any_order_of_things(void **state)
{
    (void)state;
    static struct oracle oracle;
    char zone[] = "America/New_York";
    uint32_t seed = 7;
    house_set_zone(zone);
    for (int i = 0; i < 400; i++) {
        char id[32];
        seed = seed * 1664525 + 1013904223;
        int64_t at_us = NOON - (int64_t)(seed % (30 * 86400)) * S;
        snprintf(id, sizeof id, "%d", i);
        oracle.time_us[i] = at_us;
        oracle.quantity[i] = (int64_t)(seed >> 20) + 1;
        oracle.count++;
        house_send(house_use(id, at_us, "api.calls", oracle.quantity[i], ""));
        int target = (int)(seed >> 8) % (i + 1);
        char refers[32];
        char correction[32];
        snprintf(refers, sizeof refers, "%d", target);
        snprintf(correction, sizeof correction, "c%d", i);
        if (i % 3 == 0) {
            bool is_void = i % 2 == 0;
            oracle.quantity[target] = is_void ? 0 : 11;
            house_send(house_correct(is_void ? "void" : "amend", correction, refers,
                                     oracle.time_us[target], 11));
        }
    }
    for (int unit = ZONE_HOUR; unit <= ZONE_MONTH; unit++) {
        struct usage_report report =
            house_report("api.calls", (enum zone_unit)unit, NOON - 31 * 24 * HOUR, NOON);
        __int128 total = 0;
        for (int i = 0; i < oracle.count; i++)
            total += oracle.quantity[i];
        assert_true(report.total == total);
        for (size_t r = 0; r < report.count; r++) {
            __int128 sum = 0;
            for (int i = 0; i < oracle.count; i++)
                if (oracle.time_us[i] >= report.rows[r].period.from_us &&
                    oracle.time_us[i] < report.rows[r].period.to_us)
                    sum += oracle.quantity[i];
            assert_true(report.rows[r].quantity == sum);
        }
    }
    struct usage_rebuilt rebuilt = house_rebuild();
    assert_int_equal(rebuilt.differences, 0);
    assert_int_equal(rebuilt.events, house_whole("SELECT count(*) FROM usage_events"));
}

static void rebuild__finds_and_mends_what_somebody_changed(void **state)
{
    (void)state;
    house_send(house_use("1", NOON - HOUR, "api.calls", 5, ""));
    MUST(store_begin(house.store, &house.fault));
    static const char sql[] = "UPDATE usage_hours SET low = low + 1";
    struct statement *update;
    MUST(store_prepare(house.store, sql, &update, &house.fault));
    MUST(store_run(update, &house.fault));
    MUST(store_commit(house.store, &house.fault));
    assert_int_equal(house_report("api.calls", ZONE_HOUR, NOON - HOUR, NOON).total, 6);
    assert_int_equal(house_rebuild().differences, 1);
    assert_int_equal(house_report("api.calls", ZONE_HOUR, NOON - HOUR, NOON).total, 5);
    assert_int_equal(house_whole("SELECT count(*) FROM usage_rebuild_old"), 0);
}

static void dimensions__over_the_cap_are_counted_under_one_name(void **state)
{
    (void)state;
    static char lines[400 * 256];
    int64_t at_us = NOON - HOUR;
    for (int i = 0; i < USAGE_DIMSETS_MAX + 100;) {
        size_t len = 0;
        for (int k = 0; k < 300 && i < USAGE_DIMSETS_MAX + 100; k++, i++) {
            char id[32];
            char of[64];
            snprintf(id, sizeof id, "%d", i);
            snprintf(of, sizeof of, ",\"dimensions\":{\"route\":\"r%d\"}", i);
            len += (size_t)snprintf(lines + len, sizeof lines - len, "%s",
                                    house_use(id, at_us, "api.calls", 1, of));
        }
        struct usage_batch batch = house_send(lines);
        assert_int_equal(batch.rejected, 0);
        arena_reset(&house.arena);
    }
    assert_int_equal(house_whole("SELECT count(*) FROM usage_dimsets"), USAGE_DIMSETS_MAX + 1);
    struct usage_report report = house_report_by("api.calls", ZONE_DAY, at_us, NOON, "route");
    assert_int_equal(report.total, USAGE_DIMSETS_MAX + 100);
    int64_t overflow = 0;
    for (size_t i = 0; i < report.count; i++)
        if (str_equal(report.rows[i].dimensions, STR(USAGE_OVERFLOW)))
            overflow = (int64_t)report.rows[i].quantity;
    assert_int_equal(overflow, 100);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)
    const struct CMUnitTest tests[] = {
        TEST(event__counts_once_whatever_is_repeated),
        TEST(event__of_the_same_id_with_other_content_is_a_clash_and_waits_in_the_dlq),
        TEST(tenants__are_apart),
        TEST(event__from_the_future_or_too_late_waits_in_the_dlq),
        TEST(events__out_of_order_come_to_the_same_sums),
        TEST(corrections__take_the_place_of_what_they_name),
        TEST(correction__of_what_has_not_come_or_of_a_correction_waits),
        TEST(level__is_integrated_over_time_and_carried_on),
        TEST(level__that_comes_late_changes_what_lies_between),
        TEST(sums__are_those_of_the_simplest_way_after_any_order_of_things),
        TEST(rebuild__finds_and_mends_what_somebody_changed),
        TEST(dimensions__over_the_cap_are_counted_under_one_name),
    };
    return cmocka_run_group_tests_name("usage_ingest", tests, NULL, NULL);
}
