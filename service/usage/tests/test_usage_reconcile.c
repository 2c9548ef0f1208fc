#include "service/usage/tests/usage_house.h"

#include "service/audit/audit.h"
#include "service/usage/usage.h"

static struct audit *audit;

static int open_log(void **state)
{
    int rc = house_open(state);
    if (rc == 0)
        MUST(audit_open(house.folder, house.store, &audit, &house.fault));
    audit_watch_set(audit, usage_count_recorded, NULL);
    return rc;
}

static int close_log(void **state)
{
    static const char *const files[] = {"audit.key", "audit.vkey"};
    char path[128];
    audit_close(audit);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", house.folder, files[i]);
        unlink(path);
    }
    return house_close(state);
}

/* --- what happens --------------------------------------------------------------------------- */

static enum fault_code record_in(struct store *store, void *context, struct fault *fault)
{
    struct buf checkpoint;
    int64_t index;
    buf_init(&checkpoint, AUDIT_CHECKPOINT_MAX);
    enum fault_code code = audit_append(audit, store, context, &index, &checkpoint, fault);
    buf_done(&checkpoint);
    return code;
}

static enum fault_code record_for(const char *tenant, const char *action)
{
    struct audit_record record = {
        .action = action, .result = "success", .tenant = str_of(tenant), .subject = STR("mara")};
    return store_pool_write(house.pool, record_in, &record, &house.fault);
}

static void record(const char *action)
{
    MUST(record_for("acme", action));
}

static enum fault_code change_in(struct store *store, void *context, struct fault *fault)
{
    struct statement *statement;
    const char *sql = context;
    enum fault_code code = store_prepare(store, sql, &statement, fault);
    return code == FAULT_NONE ? store_run(statement, fault) : code;
}

static void change(const char *sql)
{
    MUST(store_pool_write(house.pool, change_in, (void *)(uintptr_t)sql, &house.fault));
}

static struct usage_reconciled reconcile(void)
{
    struct usage_reconciled found;
    MUST(store_begin_read(house.store, &house.fault));
    MUST(usage_reconcile(house.store, STR("acme"), &found, &house.fault));
    store_rollback(house.store);
    return found;
}

/* --- tests ---------------------------------------------------------------------------------- */

static void operations__are_counted_as_they_go_on_record(void **state)
{
    (void)state;
    record("token.used");
    record("token.issued");
    record("token.issued");
    record("entity.opened");
    record("token.created"); /* is not metered */
    MUST(record_for("globex", "token.used"));
    struct usage_reconciled found = reconcile();
    assert_true(usage_reconciles(&found));
    static const int64_t wanted[USAGE_OPERATIONS] = {1, 2, 1, 0};
    for (int i = 0; i < USAGE_OPERATIONS; i++) {
        assert_int_equal(found.operations[i].on_record, wanted[i]);
        assert_int_equal(found.operations[i].counted, wanted[i]);
    }
    assert_int_equal(house_rebuild().differences, 0);
}

static void record__that_cannot_be_counted_is_not_kept(void **state)
{
    (void)state;
    record("token.used");
    change("INSERT INTO usage_tenants (tenant, zone, anchor_day) VALUES ('acme', 'Mars/X', 1)");
    assert_int_not_equal(record_for("acme", "token.used"), FAULT_NONE);
    change("DELETE FROM usage_tenants");
    struct usage_reconciled found = reconcile();
    assert_int_equal(found.operations[0].on_record, 1);
    assert_true(usage_reconciles(&found));
}

static void what_was_on_record_before_metering__is_not_missed(void **state)
{
    (void)state;
    audit_watch_set(audit, NULL, NULL);
    record("token.used");
    record("token.used");
    assert_false(usage_reconciles(&(struct usage_reconciled){.strange = 1}));
    struct usage_reconciled found = reconcile();
    assert_false(usage_reconciles(&found)); /* two on record, none counted */
    change("INSERT INTO usage_metered_from (tenant, idx) SELECT tenant, size FROM audit_heads");
    audit_watch_set(audit, usage_count_recorded, NULL);
    record("token.used");
    found = reconcile();
    assert_int_equal(found.operations[0].on_record, 1);
    assert_true(usage_reconciles(&found));
}

static void difference__shows_whoever_was_tampered_with(void **state)
{
    (void)state;
    static const struct {
        const char *there;
        const char *back;
    } tamperings[] = {
        {"UPDATE usage_days SET low = low + 1 WHERE meter = 'operations'",
         "UPDATE usage_days SET low = low - 1 WHERE meter = 'operations'"},
        {"UPDATE usage_days SET meter = 'api.calls' WHERE meter = 'operations'",
         "UPDATE usage_days SET meter = 'operations' WHERE meter = 'api.calls'"},
        {"UPDATE usage_dimsets SET dimensions = '{\"operation\":\"nothing\"}'"
         " WHERE dimensions = '{\"operation\":\"token.used\"}'",
         "UPDATE usage_dimsets SET dimensions = '{\"operation\":\"token.used\"}'"
         " WHERE dimensions = '{\"operation\":\"nothing\"}'"},
        {"UPDATE audit_entries SET idx = idx + 5000 WHERE idx = 1",
         "UPDATE audit_entries SET idx = 1 WHERE idx = 5001"},
    };
    record("token.used");
    record("token.used");
    struct usage_reconciled found = reconcile();
    assert_true(usage_reconciles(&found));
    for (size_t i = 0; i < sizeof tamperings / sizeof tamperings[0]; i++) {
        change(tamperings[i].there);
        found = reconcile();
        if (usage_reconciles(&found))
            fail_msg("not seen: %s", tamperings[i].there);
        change(tamperings[i].back);
        found = reconcile();
        assert_true(usage_reconciles(&found));
    }
}

static void operations__are_taken_from_nobody_else(void **state)
{
    (void)state;
    record("token.used");
    struct usage_batch batch = house_send(
        house_use("1", NOON, "operations", 1, ",\"dimensions\":{\"operation\":\"token.used\"}"));
    assert_int_equal(batch.rejected, 1);
    assert_int_equal(batch.items[0].status, 400);
    assert_non_null(strstr(batch.items[0].detail.ptr, "which the service counts itself"));
    struct usage_reconciled found = reconcile();
    assert_true(usage_reconciles(&found));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_log, close_log)
    const struct CMUnitTest tests[] = {
        TEST(operations__are_counted_as_they_go_on_record),
        TEST(record__that_cannot_be_counted_is_not_kept),
        TEST(what_was_on_record_before_metering__is_not_missed),
        TEST(difference__shows_whoever_was_tampered_with),
        TEST(operations__are_taken_from_nobody_else),
    };
    return cmocka_run_group_tests_name("usage_reconcile", tests, NULL, NULL);
}
