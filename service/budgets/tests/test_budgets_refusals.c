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
    struct store_list list;
    struct budgets_refusal_filter filter = {.limit = 10};
    struct store *store;
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
    MUST(budgets_refusals_list(store, STR("acme"), &filter, &house.arena, &list, &house.fault));
    const struct budgets_refusal *rows = list.rows;
    assert_int_equal(list.count, 5);
    assert_string_equal(rows[0].id.ptr, newest);
    assert_int_equal(rows[0].quantity, 24);
    assert_string_equal(rows[0].caller.ptr, "gateway");
    assert_string_equal(rows[0].subject.ptr, "mara");
    filter.before = rows[1].id;
    MUST(budgets_refusals_list(store, STR("acme"), &filter, &house.arena, &list, &house.fault));
    assert_int_equal(list.count, 3);
    filter = (struct budgets_refusal_filter){.verdict = STR("throttle"), .limit = 10};
    MUST(budgets_refusals_list(store, STR("acme"), &filter, &house.arena, &list, &house.fault));
    assert_int_equal(list.count, 0);
    filter = (struct budgets_refusal_filter){.limit = 10};
    MUST(budgets_refusals_list(store, STR("other"), &filter, &house.arena, &list, &house.fault));
    assert_int_equal(list.count, 0);
    store_pool_give(house.pools[0], store);
}

/* The store's answer to a commit was lost, though it was kept; meanwhile others are refused. */
static void refusals__that_an_earlier_try_has_kept_take_no_others_with_them(void **state)
{
    char kept[512];
    char id[BUDGETS_DECISION_ID_SIZE];
    (void)state;
    struct budgets_row row = house_add(BUDGETS_BLOCK, 10);
    struct budgets_decision decision = house_check(0, 12);
    budgets_decision_id(&decision, id);
    house_break("audit_entries", "idx");
    budgets_keep(house.engines[0]);
    house_mend("audit_entries");
    assert_int_equal(house_whole("SELECT COUNT(*) FROM budgets_decisions"), 0);
    snprintf(kept, sizeof kept,
             "INSERT INTO budgets_decisions (tenant, id, at_us, budget, budget_name, meter,"
             " quantity, used, reserved, limit_amount, is_cost, verdict, shadow, caller, subject)"
             " VALUES ('acme', '%s', 1, '%.*s', 'b', 'm', 12, 0, 0, 10, 0, 'block', 0, '', '')",
             id, STR_ARG(row.id));
    house_sql(kept);
    house_check(0, 13);
    budgets_keep(house.engines[0]);
    budgets_keep(house.engines[0]);
    assert_int_equal(house_whole("SELECT COUNT(*) FROM budgets_decisions WHERE quantity = 12"), 1);
    assert_int_equal(house_whole("SELECT COUNT(*) FROM budgets_decisions WHERE quantity = 13"), 1);
}

/* Those that hold nothing have no number in the store. */
static void refusals__of_two_processes_at_one_moment_are_two(void **state)
{
    (void)state;
    struct budgets_row row = house_row(BUDGETS_THROTTLE, 100);
    row.definition.has_throttle = true;
    row.definition.throttle = (struct budgets_throttle){0, 1, 1};
    house_change(&row, 0);
    house_start_engine(1);
    for (int engine = 0; engine < 2; engine++) {
        assert_int_equal(house_check(engine, 1).verdict, BUDGETS_ALLOWED);
        assert_int_equal(house_check(engine, 1).verdict, BUDGETS_THROTTLED);
    }
    budgets_keep(house.engines[0]);
    budgets_keep(house.engines[1]);
    assert_int_equal(house_whole("SELECT COUNT(*) FROM budgets_decisions"), 2);
}

static void refusals__of_the_last_minute_are_told_when_the_service_ends(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 10);
    house_start_engine(1);
    house_check(1, 11);
    budgets_keep(house.engines[1]);
    for (int i = 0; i < 7; i++)
        house_check(1, 11);
    house_stop_engine(1);
    assert_int_equal(house_whole("SELECT COUNT(*) FROM budgets_decisions"), 8);
    assert_int_equal(house_whole("SELECT COUNT(*) FROM audit_entries"), 2);
}

/* --- works that go on record by themselves -------------------------------------------------- */

static bool is_anew(const char *tenant, const char *work, const struct budgets_decision *decision,
                    int64_t *out_before)
{
    return budgets_refused_anew(house.engines[0], str_of(tenant), str_of(work), decision,
                                out_before);
}

static void refused_works__are_news_once_a_minute_with_what_came_between(void **state)
{
    int64_t before;
    (void)state;
    house_add(BUDGETS_BLOCK, 10);
    struct budgets_decision decision = house_check(0, 11);
    assert_true(is_anew("acme", "one", &decision, &before));
    assert_int_equal(before, 0);
    house_pass(59 * S);
    for (int i = 0; i < 3; i++)
        assert_false(is_anew("acme", "one", &decision, &before));
    assert_true(is_anew("acme", "two", &decision, &before));
    assert_true(is_anew("other", "one", &decision, &before));
    decision.verdict = BUDGETS_THROTTLED;
    assert_true(is_anew("acme", "one", &decision, &before));
    decision.verdict = BUDGETS_BLOCKED;
    house_pass(S);
    assert_true(is_anew("acme", "one", &decision, &before));
    assert_int_equal(before, 3);
    budgets_refused_untold(house.engines[0], STR("acme"), STR("one"), &decision, before);
    assert_true(is_anew("acme", "one", &decision, &before));
    assert_int_equal(before, 4);
}

static void refused_works__of_a_flood_are_told_up_to_a_number(void **state)
{
    char work[16];
    int64_t before;
    int told = 0;
    (void)state;
    house_add(BUDGETS_BLOCK, 10);
    struct budgets_decision decision = house_check(0, 11);
    for (int i = 0; i < 1000; i++) {
        snprintf(work, sizeof work, "work %d", i);
        told += is_anew("acme", work, &decision, &before);
    }
    assert_int_equal(told, BUDGETS_REPEATS_OF_TENANT);
    assert_true(is_anew("other", "one", &decision, &before));
    for (int tenant = 0; tenant < 8; tenant++) {
        char name[16];
        snprintf(name, sizeof name, "tenant-%d", tenant);
        for (int i = 0; i < BUDGETS_REPEATS_OF_TENANT; i++) {
            snprintf(work, sizeof work, "work %d", i);
            told += is_anew(name, work, &decision, &before);
        }
    }
    assert_int_equal(told + 1, BUDGETS_REPEATS_MAX);
    house_pass(60 * S);
    assert_true(is_anew("acme", "work 999", &decision, &before));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(refusals__are_kept_each_and_audited_once_a_minute),
        TEST(refusals__that_an_earlier_try_has_kept_take_no_others_with_them),
        TEST(refusals__of_two_processes_at_one_moment_are_two),
        TEST(refusals__of_the_last_minute_are_told_when_the_service_ends),
        TEST(refused_works__are_news_once_a_minute_with_what_came_between),
        TEST(refused_works__of_a_flood_are_told_up_to_a_number),
        TEST(refusals__are_found_by_budget_and_verdict_newest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
