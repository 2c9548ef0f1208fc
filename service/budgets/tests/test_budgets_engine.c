/* Decisions: what each mode says, and that no limit is overshot whatever ends how. Long because the
 * ways to ask and to end are many, and each has its test. */
#include "service/budgets/tests/budgets_house.h"

/* --- modes ---------------------------------------------------------------------------------- */

static void decide__allows_a_tenant_without_budgets(void **state)
{
    (void)state;
    struct budgets_decision decision = house_reserve(0, 5);
    assert_int_equal(decision.verdict, BUDGETS_ALLOWED);
    assert_int_equal(decision.view_count, 0);
    assert_true(decision.reservation.number > 0);
}

static void decide__blocks_what_is_over_the_limit_and_says_why(void **state)
{
    (void)state;
    struct budgets_row row = house_add(BUDGETS_BLOCK, 100);
    assert_int_equal(house_reserve(0, 60).verdict, BUDGETS_ALLOWED);
    struct budgets_decision decision = house_reserve(0, 41);
    assert_int_equal(decision.verdict, BUDGETS_BLOCKED);
    assert_string_equal(decision.refused_by.id, row.id.ptr);
    assert_int_equal(decision.refused_by.used, 0);
    assert_int_equal(decision.refused_by.reserved, 60);
    assert_int_equal(decision.refused_by.limit, 100);
    assert_true(decision.refused_by.resets_us == NOON + 12 * HOUR);
    assert_int_equal(decision.refused_by.retry_after_s, 12 * 3600);
    assert_string_equal(decision.contact, "finance@corp.example");
    assert_int_equal(house_reserve(0, 40).verdict, BUDGETS_ALLOWED);
    assert_int_equal(house_reserve(0, 1).verdict, BUDGETS_BLOCKED);
}

static void decide__notify_never_refuses(void **state)
{
    (void)state;
    house_add(BUDGETS_NOTIFY, 10);
    struct budgets_decision decision = house_reserve(0, 1000);
    assert_int_equal(decision.verdict, BUDGETS_ALLOWED);
    assert_int_equal(decision.views[0].reserved, 0);
    assert_int_equal(house_check(0, 1).views[0].reserved, 1000);
}

static void decide__shadow_decides_as_if_and_refuses_nothing(void **state)
{
    (void)state;
    struct budgets_row row = house_row(BUDGETS_BLOCK, 10);
    row.definition.shadow = true;
    house_change(&row, 0);
    struct budgets_decision decision = house_reserve(0, 11);
    assert_int_equal(decision.verdict, BUDGETS_ALLOWED);
    assert_int_equal(decision.views[0].would, BUDGETS_BLOCKED);
    assert_true(decision.views[0].shadow);
    budgets_keep(house.engines[0]);
    assert_int_equal(house_whole("SELECT COUNT(*) FROM budgets_decisions WHERE shadow = 1"), 1);
}

static void decide__throttles_above_its_share_by_rate_and_burst(void **state)
{
    (void)state;
    struct budgets_row row = house_row(BUDGETS_THROTTLE, 100);
    row.definition.has_throttle = true;
    row.definition.throttle = (struct budgets_throttle){90 * BUDGETS_PERCENT, 2, 10};
    house_change(&row, 0);
    assert_int_equal(house_reserve(0, 89).verdict, BUDGETS_ALLOWED);
    assert_int_equal(house_check(0, 1).verdict, BUDGETS_ALLOWED); /* 89 %: no tokens are needed */
    house_event("a", 1);
    assert_int_equal(house_check(0, 10).verdict, BUDGETS_ALLOWED); /* the burst */
    struct budgets_decision decision = house_check(0, 3);
    assert_int_equal(decision.verdict, BUDGETS_THROTTLED);
    assert_int_equal(decision.refused_by.retry_after_s, 2);
    assert_int_equal(decision.refused_by.rate, 2);
    house_pass(1 * S);
    assert_int_equal(house_check(0, 3).verdict, BUDGETS_THROTTLED);
    house_pass(S / 2);
    assert_int_equal(house_check(0, 3).verdict, BUDGETS_ALLOWED);
    /* Larger than the burst: when the bucket is full, and paid off later. */
    house_pass(5 * S);
    assert_int_equal(house_check(0, 20).verdict, BUDGETS_ALLOWED);
    assert_int_equal(house_check(0, 1).refused_by.retry_after_s, 6);
}

static void decide__the_strictest_of_several_decides(void **state)
{
    (void)state;
    struct budgets_row throttle = house_row(BUDGETS_THROTTLE, 10);
    throttle.definition.has_throttle = true;
    throttle.definition.throttle = (struct budgets_throttle){0, 1, 1};
    house_change(&throttle, 0);
    house_add(BUDGETS_NOTIFY, 1);
    assert_int_equal(house_reserve(0, 1).verdict, BUDGETS_ALLOWED);
    assert_int_equal(house_reserve(0, 5).verdict, BUDGETS_THROTTLED);
    struct budgets_row block = house_add(BUDGETS_BLOCK, 4);
    struct budgets_decision decision = house_reserve(0, 5);
    assert_int_equal(decision.verdict, BUDGETS_BLOCKED);
    assert_string_equal(decision.refused_by.id, block.id.ptr);
    assert_int_equal(decision.view_count, 3);
}

static void decide__takes_from_all_budgets_or_from_none(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    house_add(BUDGETS_BLOCK, 10);
    assert_int_equal(house_reserve(0, 11).verdict, BUDGETS_BLOCKED);
    struct budgets_decision decision = house_reserve(0, 10);
    assert_int_equal(decision.verdict, BUDGETS_ALLOWED);
    decision = house_check(0, 1);
    assert_int_equal(decision.views[0].reserved, 10);
    assert_int_equal(decision.views[1].reserved, 10);
}

static void decide__an_unknown_quantity_is_the_budget_s_estimate(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 25);
    assert_int_equal(house_reserve(0, -1).verdict, BUDGETS_ALLOWED);
    assert_int_equal(house_reserve(0, -1).verdict, BUDGETS_ALLOWED);
    assert_int_equal(house_reserve(0, -1).verdict, BUDGETS_BLOCKED);
    assert_int_equal(house_check(0, 5).views[0].reserved, 20);
}

static void decide__a_level_is_checked_and_never_reserved(void **state)
{
    (void)state;
    struct budgets_ask ask = house_ask(5, true);
    struct budgets_decision decision = {0};
    ask.meter = usage_meter_find(STR("storage.bytes"));
    assert_int_equal(budgets_decide(house.engines[0], &ask, &decision, &house.fault), FAULT_INPUT);
    ask.reserve = false;
    assert_int_equal(house_decide(0, &ask).verdict, BUDGETS_ALLOWED);
}

static void decide__asks_the_store_rarely_while_there_is_plenty(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 1000000);
    assert_int_equal(house_reserve(0, 1).verdict, BUDGETS_ALLOWED);
    assert_int_equal(house_held(), 500000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(house_reserve(0, 1).verdict, BUDGETS_ALLOWED);
    assert_int_equal(house_held(), 500000);
}

/* --- ends ----------------------------------------------------------------------------------- */

static void settle__counts_what_was_used_and_frees_the_rest(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    struct budgets_decision decision = house_reserve(0, 100);
    assert_int_equal(house_check(0, 1).verdict, BUDGETS_BLOCKED);
    assert_int_equal(house_settle(0, &decision, 30), BUDGETS_ENDED);
    assert_int_equal(house_used(), 30);
    assert_int_equal(house_reserve(0, 71).verdict, BUDGETS_BLOCKED);
    assert_int_equal(house_reserve(0, 70).verdict, BUDGETS_ALLOWED);
}

static void settle__twice_counts_once(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    struct budgets_decision decision = house_reserve(0, 10);
    enum budgets_end end;
    assert_int_equal(house_settle(0, &decision, 10), BUDGETS_ENDED);
    assert_int_equal(house_settle(0, &decision, 10), BUDGETS_ENDED_AGAIN);
    assert_int_equal(house_used(), 10);
    assert_int_equal(budgets_settle(house.engines[0], STR("acme"), &decision.reservation, 11, &end,
                                    &house.fault),
                     FAULT_CONFLICT);
    assert_int_equal(house_used(), 10);
    assert_int_equal(house_check(0, 90).verdict, BUDGETS_ALLOWED);
    assert_int_equal(house_check(0, 91).verdict, BUDGETS_BLOCKED);
}

static void settle__the_same_twice_in_one_batch_counts_once(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    struct budgets_decision decision = house_reserve(0, 10);
    struct budgets_settlement items[2] = {{.reservation = decision.reservation, .quantity = 10},
                                          {.reservation = decision.reservation, .quantity = 10}};
    MUST(budgets_settle_many(house.engines[0], STR("acme"), items, 2, &house.fault));
    assert_int_equal(items[0].end, BUDGETS_ENDED);
    assert_int_equal(items[1].end, BUDGETS_ENDED_AGAIN);
    assert_int_equal(house_used(), 10);
    assert_int_equal(house_check(0, 90).verdict, BUDGETS_ALLOWED);
}

static void settle__more_than_was_reserved_is_counted_and_told(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    struct budgets_decision decision = house_reserve(0, 90);
    assert_int_equal(house_settle(0, &decision, 120), BUDGETS_ENDED_OVER);
    decision = house_check(0, 1);
    assert_int_equal(decision.verdict, BUDGETS_BLOCKED);
    assert_int_equal(decision.refused_by.used, 120);
}

static void settle__of_one_that_expired_is_counted_and_told(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    struct budgets_decision decision = house_reserve(0, 100);
    house_pass(62 * S);
    budgets_keep(house.engines[0]);
    assert_int_equal(house_check(0, 100).verdict, BUDGETS_ALLOWED);
    assert_int_equal(house_settle(0, &decision, 100), BUDGETS_ENDED_LATE);
    assert_int_equal(house_used(), 100);
    assert_int_equal(house_check(0, 1).verdict, BUDGETS_BLOCKED);
}

/* --- a store that refuses ------------------------------------------------------------------- */

static void settle__that_the_store_refuses_holds_until_it_is_sent_again(void **state)
{
    enum budgets_end end;
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    struct budgets_decision decision = house_reserve(0, 60);
    house_break("budgets_settled", "number");
    assert_int_not_equal(budgets_settle(house.engines[0], STR("acme"), &decision.reservation, 50,
                                        &end, &house.fault),
                         FAULT_NONE);
    assert_int_equal(house_used(), 0);
    assert_int_equal(house_reserve(0, 41).verdict, BUDGETS_BLOCKED);
    house_mend("budgets_settled");
    budgets_keep(house.engines[0]); /* memory and store are made to agree */
    assert_int_equal(house_reserve(0, 41).verdict, BUDGETS_BLOCKED);
    assert_int_equal(house_settle(0, &decision, 50), BUDGETS_ENDED);
    assert_int_equal(house_settle(0, &decision, 50), BUDGETS_ENDED_AGAIN);
    assert_int_equal(house_used(), 50);
    assert_int_equal(house_reserve(0, 51).verdict, BUDGETS_BLOCKED);
    assert_int_equal(house_reserve(0, 50).verdict, BUDGETS_ALLOWED);
}

static void decide__allows_nothing_that_the_store_cannot_lend(void **state)
{
    struct budgets_decision decision = {0};
    const struct budgets_ask ask = house_ask(5, true);
    (void)state;
    struct budgets_row row = house_add(BUDGETS_BLOCK, 100);
    house_break("budgets_slices", "held");
    assert_int_not_equal(budgets_decide(house.engines[0], &ask, &decision, &house.fault),
                         FAULT_NONE);
    assert_int_equal(decision.reservation.number, 0);
    /* One that only watches stands in nobody's way. */
    row.definition.shadow = true;
    row.version = 2;
    house_change(&row, 1);
    assert_int_equal(house_reserve(0, 5).verdict, BUDGETS_ALLOWED);
    house_mend("budgets_slices");
    row.definition.shadow = false;
    row.version = 3;
    house_change(&row, 1);
    budgets_keep(house.engines[0]);
    assert_int_equal(house_reserve(0, 96).verdict, BUDGETS_BLOCKED);
    assert_int_equal(house_reserve(0, 95).verdict, BUDGETS_ALLOWED);
}

static void release__frees_at_once_and_twice_is_no_fault(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    struct budgets_decision decision = house_reserve(0, 100);
    assert_int_equal(house_release(0, &decision), BUDGETS_ENDED);
    struct budgets_decision other = house_reserve(0, 100);
    assert_int_equal(other.verdict, BUDGETS_ALLOWED);
    assert_int_equal(house_release(0, &decision), BUDGETS_ENDED_AGAIN);
    assert_int_equal(house_check(0, 1).verdict, BUDGETS_BLOCKED);
    house_pass(61 * S);
    assert_int_equal(house_release(0, &decision), BUDGETS_ENDED_LATE);
}

static void release__of_a_settled_one_is_a_conflict(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    struct budgets_decision decision = house_reserve(0, 10);
    enum budgets_end end;
    house_settle(0, &decision, 10);
    assert_int_equal(
        budgets_release(house.engines[0], STR("acme"), &decision.reservation, &end, &house.fault),
        FAULT_CONFLICT);
    assert_int_equal(house_used(), 10);
}

static void reservation__expires_by_itself(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    house_reserve(0, 100);
    house_pass(59 * S);
    budgets_keep(house.engines[0]);
    assert_int_equal(house_check(0, 1).verdict, BUDGETS_BLOCKED);
    house_pass(3 * S);
    budgets_keep(house.engines[0]);
    assert_int_equal(house_check(0, 100).verdict, BUDGETS_ALLOWED);
}

static void reservation__lasts_as_long_as_it_was_asked_for(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    struct budgets_ask ask = house_ask(100, true);
    ask.ttl_s = 3600;
    assert_int_equal(house_decide(0, &ask).verdict, BUDGETS_ALLOWED);
    assert_int_equal(house_whole("SELECT MAX(grace_s) FROM budgets_nodes"), 3600);
    for (int i = 0; i < 3590; i += 10) {
        house_pass(10 * S);
        budgets_keep(house.engines[0]);
    }
    assert_int_equal(house_check(0, 1).verdict, BUDGETS_BLOCKED);
    house_pass(12 * S);
    budgets_keep(house.engines[0]);
    assert_int_equal(house_check(0, 100).verdict, BUDGETS_ALLOWED);
    house_pass(2 * S);
    budgets_keep(house.engines[0]);
    assert_int_equal(house_whole("SELECT MAX(grace_s) FROM budgets_nodes"), 60);
}

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

/* --- several processes ---------------------------------------------------------------------- */

static void processes__share_a_limit_without_overshoot(void **state)
{
    (void)state;
    int64_t allowed = 0;
    house_add(BUDGETS_BLOCK, 1000);
    house_start_engine(1);
    house_start_engine(2);
    for (int i = 0; i < 3000; i++) {
        allowed += house_reserve(i % 3, 1).verdict == BUDGETS_ALLOWED;
        if (i % 50 == 0)
            house_pass(S / 10);
    }
    assert_true(allowed <= 1000);
    for (int round = 0; round < 4; round++) { /* what others had too much comes back */
        house_pass(S);
        for (int i = 0; i < 3; i++)
            budgets_keep(house.engines[i]);
        for (int i = 0; i < 3; i++)
            while (house_reserve(i, 1).verdict == BUDGETS_ALLOWED)
                allowed++;
    }
    assert_int_equal(allowed, 1000);
}

static void processes__one_settles_what_another_gave(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    house_start_engine(1);
    struct budgets_decision decision = house_reserve(0, 60);
    assert_int_equal(house_settle(1, &decision, 50), BUDGETS_ENDED);
    assert_int_equal(house_settle(0, &decision, 50), BUDGETS_ENDED_AGAIN);
    assert_int_equal(house_settle(1, &decision, 50), BUDGETS_ENDED_AGAIN);
    assert_int_equal(house_used(), 50);
    house_pass(S);
    budgets_keep(house.engines[0]);
    budgets_keep(house.engines[1]);
    assert_int_equal(house_check(0, 51).verdict, BUDGETS_BLOCKED);
    house_pass(S);
    budgets_keep(house.engines[1]);
    budgets_keep(house.engines[0]);
    assert_int_equal(house_reserve(0, 50).verdict, BUDGETS_ALLOWED);
    house_pass(120 * S);
    budgets_keep(house.engines[0]);
    assert_int_equal(house_used(), 50);
}

static void processes__a_release_elsewhere_reaches_the_one_that_gave(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    house_start_engine(1);
    struct budgets_decision decision = house_reserve(0, 100);
    assert_int_equal(house_release(1, &decision), BUDGETS_ENDED);
    budgets_keep(house.engines[0]);
    assert_int_equal(house_reserve(0, 100).verdict, BUDGETS_ALLOWED);
}

static void processes__a_killed_one_s_slice_comes_back_and_its_reservations_hold_till_they_end(
    void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    house_start_engine(1);
    assert_int_equal(house_reserve(1, 10).verdict, BUDGETS_ALLOWED);
    /* Engine 1 is never heard of again. */
    budgets_keep(house.engines[0]);
    assert_int_equal(house_reserve(0, 91).verdict, BUDGETS_BLOCKED);
    for (int i = 0; i < 70; i++) {
        house_pass(S);
        budgets_keep(house.engines[0]);
        assert_int_equal(house_check(0, 91).verdict, BUDGETS_BLOCKED);
    }
    for (int i = 0; i < 5; i++) {
        house_pass(S);
        budgets_keep(house.engines[0]);
    }
    assert_int_equal(house_check(0, 100).verdict, BUDGETS_ALLOWED);
}

static void processes__one_that_stood_still_and_was_taken_for_dead_begins_with_nothing(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    house_start_engine(1);
    struct budgets_decision decision = house_reserve(1, 50);
    house_check(0, 1);
    budgets_keep(house.engines[0]);
    for (int i = 0; i < 75; i++) {
        house_pass(S);
        budgets_keep(house.engines[0]);
    }
    assert_int_equal(house_reserve(0, 100).verdict, BUDGETS_ALLOWED);
    assert_int_equal(house_reserve(1, 1).verdict, BUDGETS_BLOCKED);
    assert_int_equal(house_settle(1, &decision, 50), BUDGETS_ENDED_LATE);
    assert_int_equal(house_used(), 50);
}

static void processes__a_clock_that_jumps_takes_no_living_one_for_dead(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    house_start_engine(1);
    assert_int_equal(house_reserve(1, 50).verdict, BUDGETS_ALLOWED);
    budgets_keep(house.engines[0]);
    house_jump(3 * HOUR);
    for (int i = 0; i < 5; i++) {
        house_pass(S);
        budgets_keep(house.engines[0]);
        budgets_keep(house.engines[1]);
    }
    assert_int_equal(house_reserve(0, 51).verdict, BUDGETS_BLOCKED);
}

static void processes__see_an_administrator_s_change_within_a_second(void **state)
{
    (void)state;
    struct budgets_row row = house_add(BUDGETS_BLOCK, 1000);
    house_start_engine(1);
    assert_int_equal(house_check(1, 200).verdict, BUDGETS_ALLOWED);
    row.definition.limit = 100;
    row.version = 2;
    house_change(&row, 1);
    house_pass(S);
    budgets_keep(house.engines[1]);
    assert_int_equal(house_check(1, 200).verdict, BUDGETS_BLOCKED);
}

/* --- records -------------------------------------------------------------------------------- */

static void refusals__are_kept_each_and_audited_once_a_minute(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 10);
    for (int i = 0; i < 500; i++)
        assert_int_equal(house_check(0, 11).verdict, BUDGETS_BLOCKED);
    budgets_keep(house.engines[0]);
    assert_int_equal(house_whole("SELECT COUNT(*) FROM budgets_decisions"), 500);
    assert_int_equal(house_whole("SELECT COUNT(DISTINCT id) FROM budgets_decisions"), 500);
    assert_int_equal(house_whole("SELECT COUNT(*) FROM audit_entries"), 1);
    for (int i = 0; i < 70; i++) {
        house_check(0, 11);
        house_pass(S);
        budgets_keep(house.engines[0]);
    }
    assert_int_equal(house_whole("SELECT COUNT(*) FROM audit_entries"), 2);
    assert_int_equal(house_whole("SELECT COUNT(*) FROM budgets_decisions"), 570);
}

static void refusals__are_found_by_budget_and_verdict_newest_first(void **state)
{
    struct budgets_refusal rows[10];
    struct budgets_refusal_filter filter = {.limit = 10};
    struct store *store;
    size_t count;
    (void)state;
    struct budgets_row row = house_add(BUDGETS_BLOCK, 10);
    char newest[BUDGETS_DECISION_ID_SIZE];
    for (int i = 0; i < 5; i++) {
        struct budgets_decision decision = house_check(0, 20 + i);
        budgets_decision_id(&decision, newest);
        house_pass(S / 100);
    }
    budgets_keep(house.engines[0]);
    MUST(store_pool_take(house.pools[0], &store, &house.fault));
    filter.budget = row.id;
    filter.verdict = STR("block");
    MUST(budgets_refusals_list(store, STR("acme"), &filter, &house.arena, rows, &count,
                               &house.fault));
    assert_int_equal(count, 5);
    assert_string_equal(rows[0].id.ptr, newest);
    assert_int_equal(rows[0].quantity, 24);
    assert_string_equal(rows[0].caller.ptr, "gateway");
    assert_string_equal(rows[0].subject.ptr, "mara");
    filter.before = rows[1].id;
    MUST(budgets_refusals_list(store, STR("acme"), &filter, &house.arena, rows, &count,
                               &house.fault));
    assert_int_equal(count, 3);
    filter = (struct budgets_refusal_filter){.verdict = STR("throttle"), .limit = 10};
    MUST(budgets_refusals_list(store, STR("acme"), &filter, &house.arena, rows, &count,
                               &house.fault));
    assert_int_equal(count, 0);
    filter = (struct budgets_refusal_filter){.limit = 10};
    MUST(budgets_refusals_list(store, STR("other"), &filter, &house.arena, rows, &count,
                               &house.fault));
    assert_int_equal(count, 0);
    store_pool_give(house.pools[0], store);
}

/* --- names ---------------------------------------------------------------------------------- */

static void token__says_what_it_is_to_its_tenant_alone(void **state)
{
    (void)state;
    char token[BUDGETS_TOKEN_SIZE];
    struct budgets_reservation read;
    struct budgets_ask ask = house_ask(7, true);
    ask.dimensions = STR("{\"model\":\"m-large\"}");
    struct budgets_decision decision = house_decide(0, &ask);
    house_start_engine(1);
    budgets_token_write(house.engines[0], STR("acme"), &decision.reservation, token);
    MUST(budgets_token_read(house.engines[1], STR("acme"), str_of(token), &read, &house.fault));
    assert_int_equal(read.number, decision.reservation.number);
    assert_int_equal(read.quantity, 7);
    assert_string_equal(read.dimensions, "{\"model\":\"m-large\"}");
    assert_int_equal(
        budgets_token_read(house.engines[0], STR("other"), str_of(token), &read, &house.fault),
        FAULT_NOT_FOUND);
    for (size_t i = 0; token[i]; i++) {
        char kept = token[i];
        token[i] = kept == 'A' ? 'B' : 'A';
        assert_int_equal(
            budgets_token_read(house.engines[0], STR("acme"), str_of(token), &read, &house.fault),
            FAULT_NOT_FOUND);
        token[i] = '\0';
        assert_int_equal(
            budgets_token_read(house.engines[0], STR("acme"), str_of(token), &read, &house.fault),
            FAULT_NOT_FOUND);
        token[i] = kept;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(decide__allows_a_tenant_without_budgets),
        TEST(decide__blocks_what_is_over_the_limit_and_says_why),
        TEST(decide__notify_never_refuses),
        TEST(decide__shadow_decides_as_if_and_refuses_nothing),
        TEST(decide__throttles_above_its_share_by_rate_and_burst),
        TEST(decide__the_strictest_of_several_decides),
        TEST(decide__takes_from_all_budgets_or_from_none),
        TEST(decide__an_unknown_quantity_is_the_budget_s_estimate),
        TEST(decide__a_level_is_checked_and_never_reserved),
        TEST(decide__asks_the_store_rarely_while_there_is_plenty),
        TEST(settle__counts_what_was_used_and_frees_the_rest),
        TEST(settle__twice_counts_once),
        TEST(settle__the_same_twice_in_one_batch_counts_once),
        TEST(settle__more_than_was_reserved_is_counted_and_told),
        TEST(settle__of_one_that_expired_is_counted_and_told),
        TEST(settle__that_the_store_refuses_holds_until_it_is_sent_again),
        TEST(decide__allows_nothing_that_the_store_cannot_lend),
        TEST(release__frees_at_once_and_twice_is_no_fault),
        TEST(release__of_a_settled_one_is_a_conflict),
        TEST(reservation__expires_by_itself),
        TEST(reservation__lasts_as_long_as_it_was_asked_for),
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
        TEST(used__after_a_restart_is_what_the_events_say),
        TEST(used__open_reservations_are_kept_over_an_orderly_restart),
        TEST(processes__share_a_limit_without_overshoot),
        TEST(processes__one_settles_what_another_gave),
        TEST(processes__a_release_elsewhere_reaches_the_one_that_gave),
        TEST(processes__a_killed_one_s_slice_comes_back_and_its_reservations_hold_till_they_end),
        TEST(processes__one_that_stood_still_and_was_taken_for_dead_begins_with_nothing),
        TEST(processes__a_clock_that_jumps_takes_no_living_one_for_dead),
        TEST(processes__see_an_administrator_s_change_within_a_second),
        TEST(refusals__are_kept_each_and_audited_once_a_minute),
        TEST(refusals__are_found_by_budget_and_verdict_newest_first),
        TEST(token__says_what_it_is_to_its_tenant_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
