/* Several processes on one store: never more than the limit, whoever dies, stands still or settles.
 */
#include "service/budgets/tests/budgets_house.h"

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

/* A service that falls again and again leaves one behind each time, for a while. */
static void processes__that_died_are_all_counted_however_many(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 1000);
    house_sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
              " INSERT INTO budgets_slices"
              " (tenant, budget, period_from_us, node, held, reserved, recalled)"
              " SELECT 'acme', 'bdg_0000000000000000000001', 1795392000000000, 1000 + i, 1, 0, 0"
              " FROM n");
    assert_int_equal(house_reserve(0, 701).verdict, BUDGETS_BLOCKED);
    assert_int_equal(house_reserve(0, 700).verdict, BUDGETS_ALLOWED);
}

/* --- how long others wait for one that is gone ------------------------------------------------ */

static int64_t told_grace_s(void)
{
    return house_whole("SELECT MAX(grace_s) FROM budgets_nodes");
}

/* Seconds until engine 0 has all of it, when engine 1 is never heard of again. */
static int wait_for_all(int64_t quantity)
{
    int seconds = 0;
    budgets_keep(house.engines[0]);
    while (seconds < 100 && house_check(0, quantity).verdict != BUDGETS_ALLOWED) {
        house_pass(S);
        budgets_keep(house.engines[0]);
        seconds++;
    }
    return seconds;
}

static void processes__a_killed_one_that_had_short_reservations_is_waited_for_shortly(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100);
    house_start_engine(1);
    struct budgets_ask ask = house_ask(10, true);
    ask.ttl_s = 10;
    assert_int_equal(house_decide(1, &ask).verdict, BUDGETS_ALLOWED);
    int seconds = wait_for_all(100);
    assert_true(seconds >= 10 + NODE_DEAD_S && seconds <= 10 + NODE_DEAD_S + 3);
}

static void processes__whose_long_reservations_have_ended_are_waited_for_shortly_again(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 1000);
    struct budgets_decision decision = house_reserve(0, 10);
    assert_int_equal(told_grace_s(), 60);
    house_settle(0, &decision, 10);
    struct budgets_ask ask = house_ask(1, true);
    ask.ttl_s = 10;
    for (int i = 0; i < 62; i++) {
        assert_int_equal(house_decide(0, &ask).verdict, BUDGETS_ALLOWED);
        house_pass(S);
        budgets_keep(house.engines[0]);
    }
    assert_int_equal(told_grace_s(), 10);
}

/* A beat that goes with asking for more knows nothing of the reservation that another thread is
 * about to give. */
static void processes__asking_for_more_takes_back_nothing_that_was_told(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 1000);
    struct budgets_ask ask = house_ask(10, true);
    ask.ttl_s = 3600;
    assert_int_equal(house_decide(0, &ask).verdict, BUDGETS_ALLOWED);
    assert_int_equal(told_grace_s(), 3600);
    /* As the other thread finds it, between the store's word and memory's. */
    atomic_store(&house.engines[0]->grace_s, GRACE_LEAST_S);
    assert_int_equal(house_check(0, 900).verdict, BUDGETS_ALLOWED);
    assert_int_equal(told_grace_s(), 3600);
}

static struct {
    pthread_t thread;
    int engine;
    int reads; /* of the clock until it comes; 0: it does not */
    _Atomic bool given;
} late_one;

static void *give_late_one(void *context)
{
    struct budgets_ask ask = house_ask(10, true);
    struct budgets_decision decision = {0};
    struct fault fault;
    (void)context;
    ask.ttl_s = 600;
    enum fault_code code = budgets_decide(house.engines[late_one.engine], &ask, &decision, &fault);
    atomic_store(&late_one.given, true);
    return code == FAULT_NONE && decision.reservation.number > 0 ? &late_one : NULL;
}

/* In the middle of the keeper's round another thread asks; if it needs the store's word it waits
 * for the round's end. */
static int64_t read_steady_and_ask(void)
{
    if (late_one.reads > 0 && --late_one.reads == 0) {
        atomic_store(&late_one.given, false);
        assert_int_equal(pthread_create(&late_one.thread, NULL, give_late_one, NULL), 0);
        for (int i = 0; i < 200 && !atomic_load(&late_one.given); i++)
            usleep(1000);
    }
    return house_read_steady();
}

/* A long reservation comes at the `reads`-th look at the clock of the round in which the grace is
 * lowered. */
static void ask_while_lowering(int engine, int reads)
{
    void *given;
    struct budgets_ask ask = house_ask(10, true);
    ask.ttl_s = 61;
    assert_int_equal(house_decide(engine, &ask).verdict, BUDGETS_ALLOWED);
    for (int i = 0; i < 61; i++) {
        house_pass(S);
        house_check(engine, 1);
        budgets_keep(house.engines[engine]);
    }
    assert_int_equal(told_grace_s(), 3600);
    house_pass(S);
    late_one.engine = engine;
    late_one.reads = reads;
    budgets_keep(house.engines[engine]);
    assert_int_equal(late_one.reads, 0);
    pthread_join(late_one.thread, &given);
    assert_non_null(given);
    assert_int_equal(told_grace_s(), 3600);
}

static void processes__tell_the_store_before_a_long_reservation_is_given(void **state)
{
    (void)state;
    house_add(BUDGETS_BLOCK, 100000);
    house_start_engine(1);
    house_platform.monotonic_us = read_steady_and_ask;
    ask_while_lowering(0, 2);
    house_sql("UPDATE budgets_nodes SET grace_s = 10");
    ask_while_lowering(1, 3);
}

struct late_commit {
    struct budgets *engine;
    struct budgets_reservation reservation;
};

static enum fault_code commit_in(struct store *store, void *context, struct fault *fault)
{
    const struct late_commit *late = context;
    return budgets_settle_in(late->engine, STR("acme"), &late->reservation, store, fault);
}

/* Work that is done in the process itself, such as a hand-off, and that stood still with it. */
static void stand_still_and_commit(bool beats_first)
{
    house_add(BUDGETS_BLOCK, 100);
    house_start_engine(1);
    struct budgets_decision decision = house_reserve(1, 10);
    struct late_commit late = {house.engines[1], decision.reservation};
    budgets_settle_begin(house.engines[1], STR("acme"), &late.reservation);
    assert_true(wait_for_all(100) < 100);
    assert_int_equal(house_reserve(0, 100).verdict, BUDGETS_ALLOWED);
    if (beats_first)
        budgets_keep(house.engines[1]);
    assert_int_equal(store_pool_write(house.pools[1], commit_in, &late, &house.fault),
                     FAULT_UNAVAILABLE);
    assert_non_null(strstr(house.fault.text, "nothing was done; send the same again"));
    budgets_settle_done(house.engines[1], STR("acme"), &late.reservation, BUDGETS_UNKNOWN);
    house_pass(S);
    budgets_keep(house.engines[1]);
    assert_int_equal(house_whole("SELECT COUNT(*) FROM budgets_settled"), 0);
    assert_int_equal(house_check(1, 1).verdict, BUDGETS_BLOCKED);
}

static void processes__one_that_stood_still_keeps_nothing_of_what_others_were_lent(void **state)
{
    (void)state;
    stand_still_and_commit(false);
}

static void processes__one_that_begins_anew_keeps_nothing_of_what_others_were_lent(void **state)
{
    (void)state;
    stand_still_and_commit(true);
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
        TEST(processes__share_a_limit_without_overshoot),
        TEST(processes__one_settles_what_another_gave),
        TEST(processes__a_release_elsewhere_reaches_the_one_that_gave),
        TEST(processes__a_killed_one_s_slice_comes_back_and_its_reservations_hold_till_they_end),
        TEST(processes__one_that_stood_still_and_was_taken_for_dead_begins_with_nothing),
        TEST(processes__a_clock_that_jumps_takes_no_living_one_for_dead),
        TEST(processes__see_an_administrator_s_change_within_a_second),
        TEST(processes__that_died_are_all_counted_however_many),
        TEST(processes__a_killed_one_that_had_short_reservations_is_waited_for_shortly),
        TEST(processes__whose_long_reservations_have_ended_are_waited_for_shortly_again),
        TEST(processes__asking_for_more_takes_back_nothing_that_was_told),
        TEST(processes__tell_the_store_before_a_long_reservation_is_given),
        TEST(processes__one_that_stood_still_keeps_nothing_of_what_others_were_lent),
        TEST(processes__one_that_begins_anew_keeps_nothing_of_what_others_were_lent),
        TEST(token__says_what_it_is_to_its_tenant_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
