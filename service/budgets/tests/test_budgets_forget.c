/* What decisions leave behind goes after its time, in small steps, and nothing else does. */
#include "service/budgets/budgets_forget.h"

#include "service/budgets/tests/budgets_house.h"

enum { KEPT_DAYS = 90 };

static atomic_bool ending;

static int open_house(void **state)
{
    atomic_store(&ending, false);
    int rc = house_open(state);
    if (rc == 0)
        house_sql("INSERT INTO jobs_leases (name, holder, fence, beat, began_us, error)"
                  " VALUES ('budgets.forget', 'me', 1, 0, 0, '')");
    return rc;
}

static enum fault_code forget(int64_t now_us, int64_t expire_s)
{
    struct budgets_forgetting forgetting = {expire_s};
    struct jobs_turn turn = {.pool = house.pools[0],
                             .name = "budgets.forget",
                             .fence = 1,
                             .now_us = now_us,
                             .ending = &ending};
    return budgets_forget(&turn, &forgetting, &house.fault);
}

/* A statement's text is a literal. */
#define REFUSALS_OF(tenant)                                                                        \
    house_whole("SELECT COUNT(*) FROM budgets_decisions WHERE tenant = '" tenant "'")

#define COPY_TO(tenant)                                                                            \
    house_sql(                                                                                     \
        "INSERT INTO budgets_decisions (tenant, id, at_us, budget, budget_name, meter,"            \
        " quantity, used, reserved, limit_amount, is_cost, verdict, shadow, caller, subject)"      \
        " SELECT '" tenant "', id, at_us, budget, budget_name, meter, quantity, used,"             \
        " reserved, limit_amount, is_cost, verdict, shadow, caller, subject"                       \
        " FROM budgets_decisions WHERE tenant = 'acme'")

/* So many are refused now, and one is settled; all of it is written down. */
static void refuse(int count)
{
    struct budgets_decision decision = house_reserve(0, 1);
    house_settle(0, &decision, 0);
    for (int i = 0; i < count; i++)
        assert_int_equal(house_check(0, 1000).verdict, BUDGETS_BLOCKED);
    budgets_keep(house.engines[0]);
}

static void budgets_forget__removes_every_tenant_s_refusals_when_their_time_is_over(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 10);
    refuse(3);
    house_pass(DAY);
    refuse(2);
    COPY_TO("aaaa");
    COPY_TO("zulu");
    const int64_t first_end_us = NOON + KEPT_DAYS * DAY;
    MUST(forget(first_end_us, KEPT_DAYS * 86400));
    assert_int_equal(REFUSALS_OF("acme"), 5); /* to the moment */
    MUST(forget(first_end_us + S, KEPT_DAYS * 86400));
    assert_int_equal(REFUSALS_OF("aaaa"), 2);
    assert_int_equal(REFUSALS_OF("acme"), 2);
    assert_int_equal(REFUSALS_OF("zulu"), 2);
    MUST(forget(first_end_us + DAY + S, KEPT_DAYS * 86400));
    assert_int_equal(house_whole("SELECT COUNT(*) FROM budgets_decisions"), 0);
}

static void budgets_forget__leaves_the_audit_log_the_history_and_the_counts(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 10);
    house_sql("INSERT INTO budgets_history (tenant, id, budget, at_us, kind, done_by, detail)"
              " VALUES ('acme', 1, 'bdg_0000000000000000000001', 1, 'created', 'ada', 'made')");
    house_pass(S);
    refuse(3);
    house_pass(S);
    budgets_keep(house.engines[0]);
    int64_t audited = house_whole("SELECT COUNT(*) FROM audit_entries");
    int64_t allowed = house_whole("SELECT CAST(SUM(decisions) AS BIGINT) FROM budgets_allowed");
    assert_true(audited > 0 && allowed > 0);
    MUST(forget(NOON + 3650 * DAY, 1));
    assert_int_equal(REFUSALS_OF("acme"), 0);
    assert_int_equal(house_whole("SELECT COUNT(*) FROM audit_entries"), audited);
    assert_int_equal(house_whole("SELECT COUNT(*) FROM budgets_history"), 1);
    assert_int_equal(house_whole("SELECT CAST(SUM(decisions) AS BIGINT) FROM budgets_allowed"),
                     allowed);
    assert_int_equal(house_whole("SELECT COUNT(*) FROM budgets WHERE deleted_us IS NULL"), 1);
}

/* Each step beats the lease once: so many transactions, between which others write. */
static void budgets_forget__goes_in_small_steps(void **state)
{
    enum { MANY = 2 * BUDGETS_FORGET_AT_ONCE + 1 };
    (void)state;
    house_add(BUDGETS_BLOCK, 10);
    refuse(MANY);
    MUST(forget(NOON + DAY, 60));
    assert_int_equal(REFUSALS_OF("acme"), 0);
    /* Three that remove and one that finds nothing; one for settlements, which are all young. */
    assert_int_equal(house_whole("SELECT beat FROM jobs_leases WHERE name = 'budgets.forget'"), 5);
}

static void budgets_forget__keeps_what_never_expires_and_what_a_wrong_clock_says(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 10);
    refuse(3);
    MUST(forget(NOON + 3650 * DAY, 0));
    assert_int_equal(REFUSALS_OF("acme"), 3);
    MUST(forget(60 * S, KEPT_DAYS * 86400)); /* 1970: before every name that there could be */
    assert_int_equal(REFUSALS_OF("acme"), 3);
}

static void budgets_forget__ends_when_the_service_stops_or_another_has_the_job(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 10);
    refuse(3);
    atomic_store(&ending, true);
    MUST(forget(NOON + DAY, 60));
    assert_int_equal(REFUSALS_OF("acme"), 3);
    atomic_store(&ending, false);
    house_sql("UPDATE jobs_leases SET fence = 2 WHERE name = 'budgets.forget'");
    assert_int_equal(forget(NOON + DAY, 60), FAULT_CONFLICT);
    assert_int_equal(REFUSALS_OF("acme"), 3);
}

/* As long as an event of its time may come and say the same again. */
static void budgets_forget__removes_settlements_when_no_event_can_name_their_time(void **state)
{
    const int64_t kept_us = ((int64_t)USAGE_LATE_MAX_S + BUDGETS_TTL_MAX_S) * S;
    (void)state;
    house_add(BUDGETS_BLOCK, 10);
    refuse(1);
    MUST(forget(NOON + kept_us, 0));
    assert_int_equal(house_whole("SELECT COUNT(*) FROM budgets_settled"), 1);
    MUST(forget(NOON + kept_us + 1, 0));
    assert_int_equal(house_whole("SELECT COUNT(*) FROM budgets_settled"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_house, house_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(budgets_forget__removes_every_tenant_s_refusals_when_their_time_is_over),
        TEST(budgets_forget__leaves_the_audit_log_the_history_and_the_counts),
        TEST(budgets_forget__goes_in_small_steps),
        TEST(budgets_forget__keeps_what_never_expires_and_what_a_wrong_clock_says),
        TEST(budgets_forget__ends_when_the_service_stops_or_another_has_the_job),
        TEST(budgets_forget__removes_settlements_when_no_event_can_name_their_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
