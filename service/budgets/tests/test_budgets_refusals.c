/* Refusals on record. */
#include "service/budgets/tests/budgets_house.h"

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(refusals__are_kept_each_and_audited_once_a_minute),
        TEST(refusals__are_found_by_budget_and_verdict_newest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
