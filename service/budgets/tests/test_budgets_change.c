/* What changes under decisions: clocks, periods, administrators, and what the events say. */
#include "service/budgets/tests/budgets_house.h"

/* --- clocks and periods --------------------------------------------------------------------- */

static void period__its_end_in_the_middle_of_a_reservation_counts_where_it_began(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    house_pass(12 * HOUR - 10 * S);
    struct budgets_decision before = house_reserve(0, 60);
    house_pass(20 * S);
    struct budgets_decision after = house_reserve(0, 100);
    assert_int_equal(after.verdict, BUDGETS_ALLOWED);
    assert_int_equal(after.views[0].reserved, 0);
    assert_int_equal(house_settle(0, &before, 60), BUDGETS_ENDED);
    assert_int_equal(house_check(0, 1).refused_by.used, 0);
    assert_int_equal(house_whole("SELECT CAST(SUM(low) AS BIGINT) FROM usage_days"
                                 " WHERE from_us < 1795478400000000"),
                     60);
    assert_int_equal(house_settle(0, &after, 100), BUDGETS_ENDED);
}

static void clock__that_jumps_ahead_expires_no_reservation(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    house_reserve(0, 100);
    house_jump(2 * HOUR);
    budgets_keep(house.engines[0]);
    assert_int_equal(house_check(0, 1).verdict, BUDGETS_BLOCKED);
}

static void clock__that_jumps_back_into_yesterday_and_on_again_overshoots_neither_day(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    struct budgets_decision today = house_reserve(0, 80);
    house_jump(-DAY);
    struct budgets_decision yesterday = house_reserve(0, 90);
    assert_int_equal(yesterday.verdict, BUDGETS_ALLOWED);
    assert_int_equal(house_reserve(0, 11).verdict, BUDGETS_BLOCKED);
    house_jump(DAY);
    assert_int_equal(house_reserve(0, 21).verdict, BUDGETS_BLOCKED);
    assert_int_equal(house_settle(0, &today, 80), BUDGETS_ENDED);
    assert_int_equal(house_settle(0, &yesterday, 90), BUDGETS_ENDED);
    assert_int_equal(house_reserve(0, 21).verdict, BUDGETS_BLOCKED);
    assert_int_equal(house_reserve(0, 20).verdict, BUDGETS_ALLOWED);
}

static void clock__that_went_back_after_a_reservation_settles_it_all_the_same(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    struct budgets_decision decision = house_reserve(0, 80);
    house_jump(-HOUR);
    assert_int_equal(house_settle(0, &decision, 80), BUDGETS_ENDED);
    assert_int_equal(house_used(), 80);
}

/* --- administration ------------------------------------------------------------------------- */

static void budget__changed_while_in_use_holds_from_the_next_decision(void **state)
{
    (void)state;
    struct budgets_row row = house_add(BUDGETS_BLOCK, 1000);
    struct budgets_decision decision = house_reserve(0, 50);
    row.definition.limit = 100;
    row.version = 2;
    house_change(&row, 1);
    assert_int_equal(house_reserve(0, 51).verdict, BUDGETS_BLOCKED);
    assert_int_equal(house_reserve(0, 50).verdict, BUDGETS_ALLOWED);
    budgets_keep(house.engines[0]);
    assert_int_equal(house_held(), 100);
    row.definition.limit = 20;
    row.version = 3;
    house_change(&row, 1);
    assert_int_equal(house_reserve(0, 1).verdict, BUDGETS_BLOCKED);
    assert_int_equal(house_settle(0, &decision, 50), BUDGETS_ENDED);
}

static void budget__deleted_while_in_use_lets_reservations_end(void **state)
{
    (void)state;
    struct budgets_row row = house_add(BUDGETS_BLOCK, 100);
    struct budgets_decision first = house_reserve(0, 60);
    struct budgets_decision second = house_reserve(0, 40);
    house_change(&row, 2);
    assert_int_equal(house_reserve(0, 1000).verdict, BUDGETS_ALLOWED);
    assert_int_equal(house_settle(0, &first, 60), BUDGETS_ENDED);
    assert_int_equal(house_release(0, &second), BUDGETS_ENDED);
    budgets_keep(house.engines[0]);
    assert_int_equal(house_held(), 0);
    assert_int_equal(house_used(), 60);
}

static void budget__made_while_reservations_are_open_starts_from_what_is_used(void **state)
{
    (void)state;
    struct budgets_decision decision = house_reserve(0, 70);
    house_settle(0, &decision, 70);
    house_add(BUDGETS_BLOCK, 100);
    assert_int_equal(house_reserve(0, 31).verdict, BUDGETS_BLOCKED);
    assert_int_equal(house_reserve(0, 30).verdict, BUDGETS_ALLOWED);
}

static void override__of_an_amount_counts_until_it_expires(void **state)
{
    (void)state;
    struct budgets_row row = house_add(BUDGETS_BLOCK, 100);
    struct budgets_decision decision = house_reserve(0, 100);
    house_override(&row, BUDGETS_AMOUNT, 50, NOON + 10 * S);
    assert_int_equal(house_check(0, 50).verdict, BUDGETS_ALLOWED);
    assert_int_equal(house_check(0, 51).verdict, BUDGETS_BLOCKED);
    house_pass(10 * S);
    assert_int_equal(house_check(0, 1).verdict, BUDGETS_BLOCKED);
    assert_int_equal(house_settle(0, &decision, 100), BUDGETS_ENDED);
}

static void override__that_bypasses_refuses_nothing_until_it_expires(void **state)
{
    (void)state;
    struct budgets_row row = house_add(BUDGETS_BLOCK, 100);
    house_override(&row, BUDGETS_BYPASS, 0, NOON + 10 * S);
    struct budgets_decision decision = house_reserve(0, 500);
    assert_int_equal(decision.verdict, BUDGETS_ALLOWED);
    house_pass(11 * S);
    assert_int_equal(house_check(0, 1).verdict, BUDGETS_BLOCKED);
    assert_int_equal(house_settle(0, &decision, 5), BUDGETS_ENDED);
    assert_int_equal(house_check(0, 95).verdict, BUDGETS_ALLOWED);
    assert_int_equal(house_check(0, 96).verdict, BUDGETS_BLOCKED);
}

static void override__is_taken_back_when_the_clock_jumps_past_its_end(void **state)
{
    (void)state;
    struct budgets_row row = house_add(BUDGETS_BLOCK, 100);
    house_override(&row, BUDGETS_BYPASS, 0, NOON + HOUR);
    assert_int_equal(house_check(0, 500).verdict, BUDGETS_ALLOWED);
    house_jump(2 * HOUR);
    assert_int_equal(house_check(0, 500).verdict, BUDGETS_BLOCKED);
}

/* --- what the events say -------------------------------------------------------------------- */

static void used__grows_with_events_in_the_same_process_at_once(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    assert_int_equal(house_check(0, 1).verdict, BUDGETS_ALLOWED);
    house_event("a", 95);
    assert_int_equal(house_reserve(0, 6).verdict, BUDGETS_BLOCKED);
    assert_int_equal(house_reserve(0, 5).verdict, BUDGETS_ALLOWED);
    house_event("b", 50); /* usage that happened is counted, whatever the limit */
    assert_int_equal(house_check(0, 1).refused_by.used, 145);
}

/* Settling makes the event: one that names a reservation would count it a second time. */
static void used__an_event_that_names_a_reservation_is_refused(void **state)
{
    (void)state;
    struct arena scratch;
    struct usage_batch batch = {
        .arena = &house.arena, .scratch = &scratch, .tenant = STR("acme"), .received_us = NOON};
    arena_init(&scratch, 1 << 20);
    MUST(usage_batch_add(
        &batch,
        STR("{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.use\",\"source\":\"/gw\","
            "\"id\":\"1\",\"time\":\"2026-11-23T12:00:00Z\",\"data\":{\"meter\":"
            "\"inference.tokens\",\"quantity\":1,\"reservation\":\"rsv_x\"}}"),
        &house.fault));
    assert_true(batch.items[0].refused);
    assert_int_equal(batch.items[0].status, 400);
    assert_non_null(strstr(batch.items[0].detail.ptr, "POST /v1/decisions"));
    arena_done(&scratch);
}

static void used__after_a_restart_is_what_the_events_say(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    struct budgets_decision decision = house_reserve(0, 40);
    house_settle(0, &decision, 40);
    house_event("a", 10);
    house_stop_engine(0);
    house_start_engine(0);
    struct budgets_decision after = house_check(0, 51);
    assert_int_equal(after.verdict, BUDGETS_BLOCKED);
    assert_int_equal(after.refused_by.used, 50);
    assert_int_equal(after.refused_by.reserved, 0);
    assert_int_equal(house_check(0, 50).verdict, BUDGETS_ALLOWED);
}

static void used__open_reservations_are_kept_over_an_orderly_restart(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    struct budgets_decision decision = house_reserve(0, 40);
    house_stop_engine(0);
    house_start_engine(0);
    assert_int_equal(house_reserve(0, 61).verdict, BUDGETS_BLOCKED);
    /* Its process is gone: whoever is asked settles it. */
    assert_int_equal(house_settle(0, &decision, 40), BUDGETS_ENDED);
    assert_int_equal(house_used(), 40);
}

static void used__of_the_largest_events_adds_up(void **state)
{
    (void)state;
    house_add(BUDGETS_NOTIFY, 100);
    house_check(0, 1);
    for (int i = 0; i < 10000; i++)
        budgets_count(house.engines[0], STR("acme"), usage_meter_find(STR("inference.tokens")),
                      NOON, USAGE_QUANTITY_MAX);
    assert_true(house_check(0, 1).views[0].used == INT64_MAX);
    house_pass(2 * S);
    budgets_keep(house.engines[0]); /* what the store says, which has none of it */
    assert_int_equal(house_check(0, 1).views[0].used, 0);
}

/* As after a quarter without a pause: every period that was lent goes back. */
static void used__by_nobody_is_given_back_at_an_orderly_end_however_many_periods(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    house_start_engine(1);
    for (int i = 0; i < 90; i++) {
        assert_int_equal(house_check(1, 1).verdict, BUDGETS_ALLOWED);
        house_pass(DAY);
    }
    assert_true(house_held() > 0);
    house_stop_engine(1);
    assert_int_equal(house_held(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(period__its_end_in_the_middle_of_a_reservation_counts_where_it_began),
        TEST(clock__that_jumps_ahead_expires_no_reservation),
        TEST(clock__that_jumps_back_into_yesterday_and_on_again_overshoots_neither_day),
        TEST(clock__that_went_back_after_a_reservation_settles_it_all_the_same),
        TEST(budget__changed_while_in_use_holds_from_the_next_decision),
        TEST(budget__deleted_while_in_use_lets_reservations_end),
        TEST(budget__made_while_reservations_are_open_starts_from_what_is_used),
        TEST(override__of_an_amount_counts_until_it_expires),
        TEST(override__that_bypasses_refuses_nothing_until_it_expires),
        TEST(override__is_taken_back_when_the_clock_jumps_past_its_end),
        TEST(used__grows_with_events_in_the_same_process_at_once),
        TEST(used__an_event_that_names_a_reservation_is_refused),
        TEST(used__of_the_largest_events_adds_up),
        TEST(used__after_a_restart_is_what_the_events_say),
        TEST(used__by_nobody_is_given_back_at_an_orderly_end_however_many_periods),
        TEST(used__open_reservations_are_kept_over_an_orderly_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
