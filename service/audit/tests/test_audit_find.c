/* Finding records, and that what finds them is held against them. */
#include "service/audit/tests/fixture.h"

#include "service/audit/audit_find.h"
#include "service/audit/audit_prover.h"

enum { RECORDS = 20 };

static int make_log(void **state)
{
    fixture_make(state);
    fixture_append(*state, STR("acme"), RECORDS, false);
    fixture_append(*state, STR("zeta"), 3, false);
    return 0;
}

static enum fault_code count(void *context, const struct audit_found *found, bool *out_stop,
                             struct fault *fault)
{
    (void)out_stop;
    (void)fault;
    assert_true(str_find(found->entry, STR("handoff.committed")) < found->entry.len);
    ++*(int *)context;
    return FAULT_NONE;
}

static int count_of(struct fixture *fixture, const char *tenant, const char *subject)
{
    struct audit_find find = {
        .tenant = str_of(tenant),
        .subject = str_of(subject),
        .to_us = INT64_MAX,
        .size = INT64_MAX,
        .before_us = INT64_MAX,
        .before_index = INT64_MAX,
        .most = 1000,
    };
    struct fault fault;
    int found = 0;
    good(audit_find_handoffs(fixture->store, &find, count, &found, &fault), &fault);
    return found;
}

static void audit_find__finds_each_tenants_records_only(void **state)
{
    assert_int_equal(count_of(*state, "acme", ""), RECORDS);
    assert_int_equal(count_of(*state, "zeta", ""), 3);
    assert_int_equal(count_of(*state, "acme", "analyst 19"), 1);
    assert_int_equal(count_of(*state, "zeta", "analyst 19"), 0);
}

static void audit_find__passes_over_records_of_anything_else(void **state)
{
    struct fixture *fixture = *state;
    struct audit_record record = {
        .action = "token.used", .result = "success", .tenant = STR("acme"), .handoff = STR("x")};
    struct fault fault;
    struct buf note;
    int64_t index;
    buf_init(&note, 4096);
    good(store_begin(fixture->store, &fault), &fault);
    good(audit_append(fixture->audit, fixture->store, &record, &index, &note, &fault), &fault);
    good(store_commit(fixture->store, &fault), &fault);
    buf_done(&note);
    assert_int_equal(count_of(fixture, "acme", ""), RECORDS);
}

/* How many migrations there were before there was finding. */
static size_t count_before(void)
{
    for (size_t i = 0; i < service_migration_count; i++)
        if (str_ends(str_of(service_migrations[i].name), STR("audit_find")))
            return i;
    fail_msg("no migration is named audit_find");
    return 0;
}

static void audit_find__finds_what_was_recorded_before_there_was_finding(void **state)
{
    if (place_is_server())
        skip(); /* no older version has written there */
    struct fixture *fixture = *state;
    struct store *newer = fixture->store;
    struct fault fault;
    char path[256];
    snprintf(path, sizeof path, "%s/older.db", fixture->folder);
    good(store_open(path, &fixture->store, &fault), &fault);
    good(store_migrate(fixture->store, service_migrations, count_before(), &fault), &fault);
    fixture_tamper(fixture,
                   "INSERT INTO audit_entries (tenant, idx, entry) VALUES "
                   "('odd', 0, x'00ff'), ('odd', 1, CAST('[1]' AS BLOB)), "
                   "('odd', 2, CAST('{\"action\":\"handoff.x\"}' AS BLOB)), "
                   "('acme', 0, CAST('{\"action\":\"token.used\",\"time_us\":5}' AS BLOB)), "
                   "('acme', 1, CAST('{\"action\":\"handoff.committed\",\"time_us\":6,"
                   "\"subject\":\"mara\"}' AS BLOB))");
    good(store_migrate(fixture->store, service_migrations, service_migration_count, &fault),
         &fault);
    assert_int_equal(count_of(fixture, "acme", ""), 1);
    assert_int_equal(count_of(fixture, "acme", "mara"), 1);
    assert_int_equal(count_of(fixture, "odd", ""), 0);
    store_close(fixture->store);
    unlink(path);
    fixture->store = newer;
}

/* Each proof is the one that is made without keeping anything, whatever was asked before. */
static void audit_prover__proves_as_if_it_kept_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct audit_prover *prover;
    struct fault fault;
    fixture_append(fixture, STR("acme"), 600, false);
    int64_t size = RECORDS + 600;
    good(audit_prover_new(fixture->store, STR("acme"), &prover, &fault), &fault);
    for (int64_t i = 0; i < size; i += 7)
        for (int64_t of = i + 1; of <= size; of += 111) {
            struct merkle_proof kept = {.count = 0};
            struct merkle_proof plain = {.count = 0};
            good(audit_prover_inclusion(prover, i, of, &kept, &fault), &fault);
            good(audit_inclusion(fixture->store, STR("acme"), i, of, &plain, &fault), &fault);
            assert_int_equal(kept.count, plain.count);
            assert_memory_equal(kept.hashes, plain.hashes,
                                (size_t)plain.count * sizeof plain.hashes[0]);
            good(audit_prover_consistency(prover, i + 1, of, &kept, &fault), &fault);
            good(audit_consistency(fixture->store, STR("acme"), i + 1, of, &plain, &fault), &fault);
            assert_int_equal(kept.count, plain.count);
            assert_memory_equal(kept.hashes, plain.hashes,
                                (size_t)plain.count * sizeof plain.hashes[0]);
        }
    audit_prover_free(prover);
}

static void expect(struct fixture *fixture, const char *sentence)
{
    struct buf out;
    struct fault fault = {.text = ""};
    buf_init(&out, 10000);
    assert_int_equal(audit_verify(fixture->audit, fixture->store, NULL, &out, &fault),
                     FAULT_CORRUPT);
    assert_string_equal(fault.text, sentence);
    assert_true(str_find(buf_str(&out), STR("good  tenant zeta: 3 records")) < out.len);
    buf_done(&out);
}

static void audit_verify__names_a_record_that_is_found_under_another_analyst(void **state)
{
    fixture_tamper(*state, "UPDATE audit_handoffs SET subject = 'theo' WHERE tenant = 'acme' "
                           "AND idx = 7");
    expect(*state, "tenant acme: record 7 is found under what it does not say: audit_handoffs was "
                   "changed");
}

static void audit_verify__names_a_record_that_is_found_at_another_time(void **state)
{
    fixture_tamper(*state, "UPDATE audit_handoffs SET time_us = 5 WHERE tenant = 'acme' "
                           "AND idx = 3");
    expect(*state, "tenant acme: record 3 is found under what it does not say: audit_handoffs was "
                   "changed");
}

static void audit_verify__names_a_record_that_is_hidden(void **state)
{
    fixture_tamper(*state, "DELETE FROM audit_handoffs WHERE tenant = 'acme' AND idx = 11");
    expect(*state, "tenant acme: record 11 cannot be found by time, analyst and search: "
                   "audit_handoffs lacks it");
}

static void audit_verify__names_a_record_that_is_found_but_is_not_there(void **state)
{
    fixture_tamper(*state, "INSERT INTO audit_handoffs VALUES ('acme', 1, 900, 'handoff.committed',"
                           " 'theo', '', '', '')");
    expect(*state, "tenant acme: record 900 is found under what it does not say: audit_handoffs "
                   "was changed");
}

#define WITH_LOG(test) cmocka_unit_test_setup_teardown(test, make_log, fixture_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOG(audit_find__finds_each_tenants_records_only),
        WITH_LOG(audit_find__passes_over_records_of_anything_else),
        WITH_LOG(audit_find__finds_what_was_recorded_before_there_was_finding),
        WITH_LOG(audit_prover__proves_as_if_it_kept_nothing),
        WITH_LOG(audit_verify__names_a_record_that_is_found_under_another_analyst),
        WITH_LOG(audit_verify__names_a_record_that_is_found_at_another_time),
        WITH_LOG(audit_verify__names_a_record_that_is_hidden),
        WITH_LOG(audit_verify__names_a_record_that_is_found_but_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
