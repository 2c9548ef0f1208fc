/* A rebuild counts nothing anew from events that are not what was taken. */
#include "service/usage/tests/usage_house.h"

static enum fault_code change_in(struct store *store, void *context, struct fault *fault)
{
    struct statement *statement;
    enum fault_code code = store_prepare(store, context, &statement, fault);
    return code == FAULT_NONE ? store_run(statement, fault) : code;
}

/* A statement's text is a literal. */
static void change(const char *sql)
{
    MUST(store_pool_write(house.pool, change_in, (void *)(uintptr_t)sql, &house.fault));
}

/* Three requests: uses and a level; corrections of them; a use of another tenant beside ours. */
static void fill(void)
{
    char lines[8192];
    int64_t at_us = NOON - HOUR;
    snprintf(lines, sizeof lines, "%s%s%s",
             house_use("1", at_us, "api.calls", 5, ",\"dimensions\":{\"route\":\"/v1/a\"}"),
             house_use("2", at_us + 1, "storage.bytes", 7, ",\"dimensions\":{\"store\":\"a\"}"),
             house_use("3", at_us, "api.calls", 11, ""));
    house_send(lines);
    snprintf(lines, sizeof lines, "%s%s", house_correct("amend", "a", "1", at_us, 4),
             house_correct("void", "v", "3", at_us, 0));
    house_send(lines);
    house_send_for("globex", house_use("1", at_us, "api.calls", 5, ""));
    house_send(house_use("4", at_us, "api.calls", 1, ""));
}

static void events__that_are_what_was_taken_are_counted_anew(void **state)
{
    (void)state;
    fill();
    struct usage_rebuilt rebuilt = house_rebuild();
    assert_true(rebuilt.events == 6 && rebuilt.differences == 0);
    house_reopen(); /* and so they are when the service starts again and more come */
    house_send(house_use("5", NOON - HOUR, "api.calls", 1, ""));
    assert_int_equal(house_rebuild().differences, 0);
}

/* What a rebuild says after `sql` and `also`, and that the sums are as they were. */
static void check_seen(const char *sql, const char *also, const char *words)
{
    struct usage_rebuilt rebuilt;
    fill();
    MUST(store_pool_write(house.pool, house_rebuild_in, &rebuilt, &house.fault));
    int64_t before = house_whole("SELECT CAST(sum(low) AS BIGINT) FROM usage_days");
    change(sql);
    if (also)
        change(also);
    house_reopen();
    enum fault_code code = store_pool_write(house.pool, house_rebuild_in, &rebuilt, &house.fault);
    if (code != FAULT_CORRUPT || !strstr(house.fault.text, words))
        fail_msg("%s: %d, %s", sql, code, house.fault.text);
    assert_non_null(strstr(house.fault.text, "restore the store"));
    assert_int_equal(house_whole("SELECT CAST(sum(low) AS BIGINT) FROM usage_days"), before);
}

#define SEEN(name, sql, also, words)                                                               \
    static void event__##name(void **state)                                                        \
    {                                                                                              \
        (void)state;                                                                               \
        check_seen(sql, also, words);                                                              \
    }

/* seq 1 to 3, 4 and 5, 6 of globex, 7 */
SEEN(whose_quantity_was_changed_is_named,
     "UPDATE usage_events SET quantity = quantity + 1 WHERE seq = 1", NULL, "event 1 is not what")
SEEN(whose_time_was_changed_is_named, "UPDATE usage_events SET time_us = time_us + 1 WHERE seq = 2",
     NULL, "event 2 is not what")
SEEN(that_was_given_to_another_meter_is_named,
     "UPDATE usage_events SET meter = 'connector.compute' WHERE seq = 3", NULL,
     "event 3 is not what")
SEEN(that_was_given_to_other_dimensions_is_named,
     "UPDATE usage_events SET dimset = 3 - dimset WHERE seq = 1", NULL, "event 1 is not what")
SEEN(whose_dimensions_were_changed_is_named,
     "UPDATE usage_dimsets SET dimensions = '{\"route\":\"/v1/b\"}' WHERE dimensions LIKE '%route%'"
     " AND tenant = 'acme'",
     NULL, "event 1 is not what")
SEEN(that_corrects_by_another_amount_is_named, "UPDATE usage_events SET quantity = 3 WHERE seq = 4",
     NULL, "event 4 is not what")
SEEN(that_was_given_to_another_tenant_is_named,
     "UPDATE usage_events SET tenant = 'acme' WHERE seq = 6", NULL, "event 6 is not what")
SEEN(whose_digest_was_changed_with_it_breaks_the_chain,
     "UPDATE usage_events SET quantity = 11, dimset = (SELECT dimset FROM usage_events WHERE seq ="
     " 3), content = (SELECT content FROM usage_events WHERE seq = 3) WHERE seq = 1",
     NULL, "the events up to 3 are not")
SEEN(that_is_gone_is_missed_by_the_index, "DELETE FROM usage_events WHERE seq = 2", NULL,
     "1 events of the index of keys are gone")
SEEN(that_is_gone_with_its_key_is_missed_by_the_chain, "DELETE FROM usage_events WHERE seq = 2",
     "DELETE FROM usage_keys WHERE seq = 2", "the events up to 3 are not")
SEEN(that_is_gone_from_the_end_of_its_request_is_missed, "DELETE FROM usage_events WHERE seq = 5",
     "DELETE FROM usage_keys WHERE seq = 5", "the events up to 5 are not")
SEEN(that_is_the_last_and_gone_is_missed, "DELETE FROM usage_events WHERE seq = 7",
     "DELETE FROM usage_keys WHERE seq = 7", "the events of 1 requests after event 5 are gone")
SEEN(of_a_request_that_is_gone_is_told,
     "DELETE FROM usage_batches WHERE tenant = 'acme' AND last_seq = 7", NULL,
     "event 7 is of no request")

/* Its dimensions are lost by rule; the chain holds all the same. */
static void event__over_the_cap_of_dimensions_is_held_by_the_chain_alone(void **state)
{
    (void)state;
    fill();
    change("UPDATE usage_dimsets SET dimensions = '{\"overflow\":\"true\"}' WHERE tenant = 'acme'"
           " AND dimensions LIKE '%route%'");
    assert_int_equal(house_rebuild().differences, 0);
    change("DELETE FROM usage_events WHERE seq = 1");
    struct usage_rebuilt rebuilt;
    assert_int_equal(store_pool_write(house.pool, house_rebuild_in, &rebuilt, &house.fault),
                     FAULT_CORRUPT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)
    const struct CMUnitTest tests[] = {
        TEST(events__that_are_what_was_taken_are_counted_anew),
        TEST(event__whose_quantity_was_changed_is_named),
        TEST(event__whose_time_was_changed_is_named),
        TEST(event__that_was_given_to_another_meter_is_named),
        TEST(event__that_was_given_to_other_dimensions_is_named),
        TEST(event__whose_dimensions_were_changed_is_named),
        TEST(event__that_corrects_by_another_amount_is_named),
        TEST(event__whose_digest_was_changed_with_it_breaks_the_chain),
        TEST(event__that_is_gone_is_missed_by_the_index),
        TEST(event__that_is_gone_with_its_key_is_missed_by_the_chain),
        TEST(event__that_is_gone_from_the_end_of_its_request_is_missed),
        TEST(event__that_is_the_last_and_gone_is_missed),
        TEST(event__of_a_request_that_is_gone_is_told),
        TEST(event__that_was_given_to_another_tenant_is_named),
        TEST(event__over_the_cap_of_dimensions_is_held_by_the_chain_alone),
    };
    return cmocka_run_group_tests_name("usage_verify", tests, NULL, NULL);
}
