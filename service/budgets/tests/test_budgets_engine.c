/* Decisions: what each mode says, how reservations end, and what a store that refuses changes. */
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

/* What is asked at once is left to who may wait, unless memory says yes. */
static bool waits(int64_t quantity, bool reserve)
{
    struct budgets_ask ask = house_ask(quantity, reserve);
    struct budgets_decision decision = {.views = house_views, .view_room = BUDGETS_APPLY_MAX};
    ask.at_once = true;
    enum fault_code code = budgets_decide(house.engines[0], &ask, &decision, &house.fault);
    if (code == FAULT_NONE)
        assert_int_equal(decision.verdict, BUDGETS_ALLOWED);
    assert_int_equal(decision.waits, code == FAULT_UNAVAILABLE);
    return decision.waits;
}

static void decide__at_once_is_a_yes_out_of_memory_or_none(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 1000);
    assert_true(waits(1, false)); /* nothing was read yet */
    assert_int_equal(house_reserve(0, 1).verdict, BUDGETS_ALLOWED);
    assert_int_equal(house_held(), 500);
    assert_false(waits(1, false));
    assert_false(waits(400, true));
    assert_int_equal(house_held(), 500);
    assert_true(waits(101, true)); /* the slice is too small: the store would lend */
    assert_int_equal(house_held(), 500);
    assert_int_equal(house_reserve(0, 599).verdict, BUDGETS_ALLOWED);
    assert_int_equal(house_reserve(0, 1).verdict, BUDGETS_BLOCKED);
    budgets_keep(house.engines[0]);
    int64_t refusals = house_whole("SELECT COUNT(*) FROM budgets_decisions");
    assert_true(waits(1, false)); /* a refusal is put on record by who may wait */
    budgets_keep(house.engines[0]);
    assert_int_equal(house_whole("SELECT COUNT(*) FROM budgets_decisions"), refusals);
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

/* Else what it held would be out of reach for an hour: nobody looks at its second again. */
static void reservation__that_ended_while_its_settlement_was_in_doubt_is_free(void **state)
{
    enum budgets_end end;
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    struct budgets_decision decision = house_reserve(0, 100);
    house_break("budgets_settled", "number");
    assert_int_not_equal(budgets_settle(house.engines[0], STR("acme"), &decision.reservation, 50,
                                        &end, &house.fault),
                         FAULT_NONE);
    house_pass(62 * S); /* the store is not to be had for that long */
    house_mend("budgets_settled");
    for (int i = 0; i < 3; i++) {
        budgets_keep(house.engines[0]);
        house_pass(S);
    }
    assert_int_equal(house_check(0, 100).verdict, BUDGETS_ALLOWED);
    assert_int_equal(house_settle(0, &decision, 50), BUDGETS_ENDED_LATE);
    assert_int_equal(house_used(), 50);
}

/* A batch of them goes into doubt at once. */
static void reservations__in_doubt_are_all_cleared_up_however_many(void **state)
{
    enum { MANY = 200 };
    static struct budgets_settlement settlements[MANY];
    (void)state;
    house_add(BUDGETS_BLOCK, MANY);
    for (int i = 0; i < MANY; i++)
        settlements[i] = (struct budgets_settlement){.reservation = house_reserve(0, 1).reservation,
                                                     .quantity = 1};
    house_break("budgets_settled", "number");
    assert_int_not_equal(
        budgets_settle_many(house.engines[0], STR("acme"), settlements, MANY, &house.fault),
        FAULT_NONE);
    house_mend("budgets_settled");
    budgets_keep(house.engines[0]);
    for (int32_t i = 0; i < MANY; i++)
        assert_false(budgets_tenant_known(house.engines[0], STR("acme"))->holds[i].doubtful);
    house_pass(62 * S);
    budgets_keep(house.engines[0]);
    assert_int_equal(house_check(0, MANY).verdict, BUDGETS_ALLOWED);
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
    assert_int_equal(house_whole("SELECT MAX(grace_s) FROM budgets_nodes"), 10);
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
        TEST(decide__at_once_is_a_yes_out_of_memory_or_none),
        TEST(settle__counts_what_was_used_and_frees_the_rest),
        TEST(settle__twice_counts_once),
        TEST(settle__the_same_twice_in_one_batch_counts_once),
        TEST(settle__more_than_was_reserved_is_counted_and_told),
        TEST(settle__of_one_that_expired_is_counted_and_told),
        TEST(settle__that_the_store_refuses_holds_until_it_is_sent_again),
        TEST(decide__allows_nothing_that_the_store_cannot_lend),
        TEST(release__frees_at_once_and_twice_is_no_fault),
        TEST(release__of_a_settled_one_is_a_conflict),
        TEST(reservation__that_ended_while_its_settlement_was_in_doubt_is_free),
        TEST(reservations__in_doubt_are_all_cleared_up_however_many),
        TEST(reservation__expires_by_itself),
        TEST(reservation__lasts_as_long_as_it_was_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
