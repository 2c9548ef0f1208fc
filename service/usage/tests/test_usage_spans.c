/* Levels that nobody reported for long: what one of them touches, and what a request may. */
#include "service/usage/tests/usage_house.h"

#include "service/usage/usage_rollup.h"

enum { STORES = 3 };

#define LONG_AGO (1189000800 * S) /* 2007-09-05T14:00:00Z: 175,000 hours and days before noon */

/* The level of stores `from` to `to` at that moment, as a backfill. */
static enum fault_code report(int from, int to, int64_t at_us)
{
    struct usage_batch batch = {.arena = &house.arena,
                                .scratch = &house.scratch,
                                .tenant = STR("acme"),
                                .backfill = true,
                                .received_us = house.now_us};
    for (int i = from; i < to; i++) {
        char id[32];
        char of[64];
        snprintf(id, sizeof id, "%d at %lld", i, (long long)(at_us / S));
        snprintf(of, sizeof of, ",\"dimensions\":{\"store\":\"s%d\"}", i);
        MUST(usage_batch_add(&batch, str_of(house_use(id, at_us, "storage.bytes", 1 + i, of)),
                             &house.fault));
    }
    return usage_batch_store(&batch, house.pool, &house.fault);
}

static void levels__that_touch_too_much_are_refused_whole_and_counted_a_few_at_a_time(void **state)
{
    (void)state;
    const int64_t hours = (NOON - LONG_AGO) / HOUR;
    assert_true(STORES * (hours + hours / 24) > USAGE_ROLLUP_MAX);
    MUST(report(0, STORES, LONG_AGO));
    assert_int_equal(report(0, STORES, NOON), FAULT_LIMIT);
    assert_non_null(strstr(house.fault.text, "send less at once"));
    assert_int_equal(house_whole("SELECT count(*) FROM usage_events"), STORES);
    assert_int_equal(house_whole("SELECT count(*) FROM usage_hours"), STORES);

    MUST(report(0, 2, NOON)); /* less at once */
    MUST(report(2, STORES, NOON));
    struct usage_report found = house_report("storage.bytes", ZONE_MONTH, LONG_AGO, NOON);
    assert_true(found.total == (__int128)(1 + 2 + 3) * hours * HOUR);
    /* A rebuild reads them all at once. */
    struct usage_rebuilt rebuilt = house_rebuild();
    assert_true(rebuilt.events == 2 * STORES && rebuilt.differences == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            levels__that_touch_too_much_are_refused_whole_and_counted_a_few_at_a_time, house_open,
            house_close),
    };
    return cmocka_run_group_tests_name("usage_spans", tests, NULL, NULL);
}
