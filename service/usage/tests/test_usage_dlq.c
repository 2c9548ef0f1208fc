/* The DLQ: what is in it, how much of it there may be, and what leaves it. */
#include "service/usage/tests/usage_house.h"

#include "service/usage/usage_dlq_forget.h"

static struct audit *audit;
static atomic_bool ending;

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

static int open_log(void **state)
{
    int rc = house_open(state);
    if (rc == 0)
        MUST(audit_open(house.folder, house.store, &audit, &house.fault));
    change("INSERT INTO jobs_leases (name, holder, fence, beat, began_us, error)"
           " VALUES ('usage.dlq_forget', 'me', 1, 0, 0, '')");
    atomic_store(&ending, false);
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

/* --- ways to fill and to look --------------------------------------------------------------- */

/* An event whose quantity is none; `id` tells it apart. */
static const char *bad(const char *id)
{
    return house_use(id, NOON - HOUR, "api.calls", -1, "");
}

static struct usage_batch send_text(struct str text)
{
    struct usage_batch batch = {.arena = &house.arena,
                                .scratch = &house.scratch,
                                .tenant = STR("acme"),
                                .received_us = house.now_us};
    MUST(usage_batch_add(&batch, text, &house.fault));
    MUST(usage_batch_store(&batch, house.pool, &house.fault));
    return batch;
}

static struct usage_dlq_books books(void)
{
    struct usage_dlq_books found;
    MUST(usage_dlq_books_read(house.store, STR("acme"), &found, &house.fault));
    return found;
}

static struct usage_dlq_entry entry(int64_t id)
{
    struct usage_dlq_entry found;
    MUST(usage_dlq_find(house.store, STR("acme"), id, &house.arena, &found, &house.fault));
    return found;
}

struct ended {
    int64_t id;
    int64_t at_us;
    const char *state;
};

static enum fault_code end_in(struct store *store, void *context, struct fault *fault)
{
    const struct ended *ended = context;
    const struct usage_dlq_end end = {
        .state = ended->state, .by = STR("mara"), .why = STR("a test"), .at_us = ended->at_us};
    return usage_dlq_end(store, STR("acme"), ended->id, &end, fault);
}

static enum fault_code end(int64_t id, const char *state, int64_t at_us)
{
    struct ended ended = {id, at_us, state};
    return store_pool_write(house.pool, end_in, &ended, &house.fault);
}

static enum fault_code forget(int64_t now_us, int64_t expire_s)
{
    struct usage_dlq_forgetting forgetting = {audit, expire_s};
    struct jobs_turn turn = {.pool = house.pool,
                             .name = "usage.dlq_forget",
                             .fence = 1,
                             .now_us = now_us,
                             .ending = &ending};
    return usage_dlq_forget(&turn, &forgetting, &house.fault);
}

/* What the books say is what is there. */
static void check_books(void)
{
    assert_int_equal(books().open,
                     house_whole("SELECT count(*) FROM usage_dlq WHERE state = 'open'"));
}

/* --- once ----------------------------------------------------------------------------------- */

static void dlq__has_an_event_once_however_often_it_comes_while_it_waits(void **state)
{
    (void)state;
    char twice[4096];
    snprintf(twice, sizeof twice, "%s%s", bad("1"), bad("1"));
    assert_int_equal(house_send(twice).rejected, 2);
    house.now_us += HOUR;
    assert_int_equal(house_send(bad("1")).rejected, 1);
    house_send(bad("2"));
    assert_int_equal(house_whole("SELECT count(*) FROM usage_dlq"), 2);
    struct usage_dlq_entry first = entry(1);
    assert_true(first.times == 3 && first.received_us == NOON && first.last_us == NOON + HOUR);
    assert_int_equal(entry(2).times, 1);
    check_books();

    /* What was discarded and comes again is a matter of its own: somebody may have sent it anew. */
    MUST(end(1, "discarded", house.now_us));
    house_send(bad("1"));
    assert_int_equal(entry(3).times, 1);
    assert_int_equal(entry(1).times, 3);
    check_books();
}

static void dlq__tells_events_apart_of_which_it_keeps_the_same_beginning(void **state)
{
    (void)state;
    static char text[USAGE_EVENT_MAX + 10];
    memset(text, 'x', sizeof text);
    send_text((struct str){text, sizeof text});
    text[sizeof text - 1] = 'y';
    send_text((struct str){text, sizeof text});
    assert_int_equal(house_whole("SELECT count(*) FROM usage_dlq"), 2);
    check_books();
}

static void dlq__keeps_bytes_that_are_no_text_so_that_they_can_be_read(void **state)
{
    (void)state;
    static char text[USAGE_EVENT_MAX + 10];
    /* A good event beside it is taken, on either engine. */
    struct usage_batch batch = {.arena = &house.arena,
                                .scratch = &house.scratch,
                                .tenant = STR("acme"),
                                .received_us = house.now_us};
    MUST(usage_batch_add(&batch, STR("{\"id\":\"gr\xfc\xc3\xbc\0n\"}"), &house.fault));
    MUST(usage_batch_add(&batch, str_of(house_use("1", NOON - HOUR, "api.calls", 5, "")),
                         &house.fault));
    MUST(usage_batch_store(&batch, house.pool, &house.fault));
    assert_true(batch.accepted == 1 && batch.rejected == 1);
    assert_true(str_equal(entry(1).event, STR("{\"id\":\"gr\\xfc\xc3\xbc\\x00n\"}")));

    /* A long one that is cut in the middle of a character. */
    memset(text, 'x', sizeof text);
    memcpy(text + 1023, "\xc3\xbc", 2);
    send_text((struct str){text, sizeof text});
    struct str kept = entry(2).event;
    assert_true(str_is_utf8(kept) && str_starts(kept, str_take((struct str){text, 1023}, 1023)));
}

/* --- full ----------------------------------------------------------------------------------- */

static void dlq__that_is_full_takes_good_events_and_says_that_nobody_has_the_others(void **state)
{
    (void)state;
    char lines[8192];
    house_send(bad("known"));
    change("UPDATE usage_dlq_books SET open_entries = 49999");
    assert_int_equal(USAGE_DLQ_OPEN_MAX, 50000);
    snprintf(lines, sizeof lines, "%s%s%s%s", house_use("1", NOON - HOUR, "api.calls", 5, ""),
             bad("last"), bad("none"), bad("known"));
    struct usage_batch batch = house_send(lines);
    assert_true(batch.accepted == 1 && batch.rejected == 3 && batch.unkept == 1);
    assert_true(!batch.items[1].unkept && batch.items[2].unkept && !batch.items[3].unkept);
    assert_int_equal(batch.items[2].status, 400); /* as why it was rejected stays the same */
    assert_int_equal(entry(1).times, 2);
    assert_true(books().unkept == 1 && books().open == USAGE_DLQ_OPEN_MAX);
    assert_int_equal(house_whole("SELECT count(*) FROM usage_dlq"), 2);

    /* Once somebody has looked at one there is room for another. */
    MUST(end(1, "discarded", NOON));
    assert_int_equal(house_send(bad("none")).unkept, 0);
    assert_int_equal(house_send(bad("more")).unkept, 1);
    assert_int_equal(books().unkept, 2);
    assert_int_equal(house_send_for("globex", bad("1")).unkept,
                     0); /* another tenant's is its own */
}

/* --- forgotten ------------------------------------------------------------------------------ */

static void dlq_forget__removes_what_ended_long_ago_and_never_what_is_open(void **state)
{
    (void)state;
    const int64_t day = 24 * HOUR;
    for (int i = 0; i < 4; i++) {
        char id[8];
        snprintf(id, sizeof id, "%d", i);
        house_send(bad(id));
    }
    MUST(end(1, "discarded", NOON));
    MUST(end(2, "replayed", NOON + day));
    MUST(end(4, "discarded", NOON));
    MUST(forget(NOON + 400 * day, 400 * 86400));
    assert_int_equal(house_whole("SELECT count(*) FROM usage_dlq"), 4); /* to the moment */
    MUST(forget(NOON + 400 * day + S, 0));
    assert_int_equal(house_whole("SELECT count(*) FROM usage_dlq"), 4); /* never */
    MUST(forget(NOON + 400 * day + S, 400 * 86400));
    assert_int_equal(house_whole("SELECT CAST(sum(id) AS BIGINT) FROM usage_dlq"), 2 + 3);
    MUST(forget(NOON + 10000 * day, 400 * 86400));
    assert_int_equal(house_whole("SELECT count(*) FROM usage_dlq WHERE id = 3"), 1);
    check_books();
    /* The number of what is forgotten is not given again: it is on record as another's. */
    house_send(bad("new"));
    assert_int_equal(entry(5).times, 1);
}

static void dlq_forget__goes_on_record_with_what_it_removes(void **state)
{
    (void)state;
    house_send(bad("1"));
    house_send_for("globex", bad("1"));
    MUST(end(1, "discarded", NOON));
    MUST(forget(NOON + 2 * HOUR, 3600));
    assert_int_equal(house_whole("SELECT count(*) FROM audit_entries WHERE tenant = 'acme'"), 1);
    assert_int_equal(house_whole("SELECT count(*) FROM audit_entries"),
                     1); /* nothing of globex's */
    struct statement *query;
    bool row = false;
    MUST(store_prepare(house.store, "SELECT entry FROM audit_entries", &query, &house.fault));
    MUST(store_step(query, &row, &house.fault));
    struct str record = store_text(query, 0);
    assert_true(row && str_find(record, STR("\"usage.dlq_expired\"")) < record.len);
    assert_true(str_find(record, STR("\"entries\":1")) < record.len);
    assert_true(str_find(record, STR("\"intelgraphd\"")) < record.len);
    store_reset(query);
    MUST(forget(NOON + 2 * HOUR, 3600));
    assert_int_equal(house_whole("SELECT count(*) FROM audit_entries"), 1);
}

static void dlq_forget__writes_nothing_without_its_lease(void **state)
{
    (void)state;
    house_send(bad("1"));
    MUST(end(1, "discarded", NOON));
    change("UPDATE jobs_leases SET fence = 2");
    assert_int_equal(forget(NOON + 2 * HOUR, 3600), FAULT_CONFLICT);
    assert_int_equal(house_whole("SELECT count(*) FROM usage_dlq"), 1);
    assert_int_equal(house_whole("SELECT count(*) FROM audit_entries"), 0);
}

static void dlq_forget__of_more_than_a_transaction_s_worth_goes_on_until_all_is_gone(void **state)
{
    (void)state;
    static char lines[(2 * USAGE_DLQ_FORGET_AT_ONCE + 1) * 256];
    size_t len = 0;
    for (int i = 0; i <= 2 * USAGE_DLQ_FORGET_AT_ONCE; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        len += (size_t)snprintf(lines + len, sizeof lines - len, "%s", bad(id));
    }
    house_send(lines);
    change("UPDATE usage_dlq SET state = 'discarded', ended_us = 1795435200000000");
    atomic_store(&ending, true);
    MUST(forget(NOON + 2 * HOUR, 3600)); /* a service that stops does not wait for it */
    assert_int_equal(house_whole("SELECT count(*) FROM usage_dlq"),
                     2 * USAGE_DLQ_FORGET_AT_ONCE + 1);
    atomic_store(&ending, false);
    MUST(forget(NOON + 2 * HOUR, 3600));
    assert_int_equal(house_whole("SELECT count(*) FROM usage_dlq"), 0);
    assert_int_equal(house_whole("SELECT count(*) FROM audit_entries"), 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_log, close_log)
    const struct CMUnitTest tests[] = {
        TEST(dlq__has_an_event_once_however_often_it_comes_while_it_waits),
        TEST(dlq__tells_events_apart_of_which_it_keeps_the_same_beginning),
        TEST(dlq__keeps_bytes_that_are_no_text_so_that_they_can_be_read),
        TEST(dlq__that_is_full_takes_good_events_and_says_that_nobody_has_the_others),
        TEST(dlq_forget__removes_what_ended_long_ago_and_never_what_is_open),
        TEST(dlq_forget__goes_on_record_with_what_it_removes),
        TEST(dlq_forget__writes_nothing_without_its_lease),
        TEST(dlq_forget__of_more_than_a_transaction_s_worth_goes_on_until_all_is_gone),
    };
    return cmocka_run_group_tests_name("usage_dlq", tests, NULL, NULL);
}
