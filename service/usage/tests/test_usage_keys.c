/* Which events are there already: in one transaction, after it, after a start, and between two
 * services on one store. */
#include <pthread.h>

#include "service/usage/tests/usage_house.h"

/* An event is new, the same again, or in the DLQ. */
static const char *send(const char *id, int64_t at_us, int64_t quantity)
{
    struct usage_batch batch = house_send(house_use(id, at_us, "api.calls", quantity, ""));
    return batch.accepted ? "new" : batch.duplicates ? "same" : batch.items[0].reason;
}

static int64_t total(void)
{
    return (int64_t)house_report("api.calls", ZONE_DAY, NOON - 30 * 24 * HOUR, NOON).total;
}

/* --- one service ---------------------------------------------------------------------------- */

static void event__of_the_same_id_at_another_time_is_a_clash_and_waits_in_the_dlq(void **state)
{
    (void)state;
    assert_string_equal(send("1", NOON - HOUR, 5), "new");
    assert_string_equal(send("1", NOON - HOUR + S, 5), "clash");
    assert_string_equal(send("1", NOON - 20 * 24 * HOUR, 5), "clash");
    assert_string_equal(send("1", NOON - HOUR + 1, 5), "clash"); /* a microsecond */
    assert_string_equal(send("1", NOON - HOUR, 5), "same");
    assert_int_equal(house_whole("SELECT count(*) FROM usage_dlq WHERE reason = 'clash'"), 3);
    assert_int_equal(total(), 5);
    struct usage_batch batch = house_send(house_use("1", NOON, "api.calls", 5, ""));
    assert_int_equal(batch.items[0].status, 409);
    assert_non_null(strstr(batch.items[0].detail.ptr, "another time"));
}

static void event__of_the_same_id_at_another_time_is_a_clash_within_a_request(void **state)
{
    (void)state;
    char lines[4096];
    snprintf(lines, sizeof lines, "%s%s%s", house_use("1", NOON - HOUR, "api.calls", 5, ""),
             house_use("1", NOON - 2 * HOUR, "api.calls", 5, ""),
             house_use("1", NOON - HOUR, "api.calls", 5, ""));
    struct usage_batch batch = house_send(lines);
    assert_int_equal(batch.accepted, 1);
    assert_int_equal(batch.rejected, 1);
    assert_int_equal(batch.duplicates, 1);
    assert_int_equal(total(), 5);
}

static void event__of_another_tenant_or_source_is_no_clash(void **state)
{
    (void)state;
    assert_string_equal(send("1", NOON - HOUR, 5), "new");
    struct usage_batch batch =
        house_send_for("globex", house_use("1", NOON - 2 * HOUR, "api.calls", 7, ""));
    assert_int_equal(batch.accepted, 1);
    assert_string_equal(send("2", NOON - 2 * HOUR, 5), "new");
    assert_int_equal(total(), 10);
}

static void correction__of_an_event_of_the_same_request_finds_it(void **state)
{
    (void)state;
    char lines[4096];
    snprintf(lines, sizeof lines, "%s%s%s", house_use("1", NOON - HOUR, "api.calls", 5, ""),
             house_correct("amend", "a", "1", NOON - HOUR, 3),
             house_correct("void", "v", "1", NOON - HOUR, 0));
    assert_int_equal(house_send(lines).accepted, 3);
    assert_int_equal(total(), 0);
    assert_int_equal(house_send(lines).duplicates, 3);
    assert_int_equal(house_rebuild().differences, 0);
}

static void event__is_known_after_a_start(void **state)
{
    (void)state;
    assert_string_equal(send("1", NOON - HOUR, 5), "new");
    house_reopen();
    assert_string_equal(send("1", NOON - HOUR, 5), "same");
    assert_string_equal(send("1", NOON - HOUR, 6), "clash");
    assert_string_equal(send("1", NOON - 2 * HOUR, 5), "clash");
    assert_string_equal(send("2", NOON - HOUR, 7), "new");
    assert_int_equal(total(), 12);
}

/* --- what is taken back --------------------------------------------------------------------- */

static enum fault_code store_and_fail(struct store *store, void *context, struct fault *fault)
{
    struct usage_batch *batch = context;
    enum fault_code code = usage_batch_store_in(batch, store, fault);
    return code == FAULT_NONE ? fault_set(fault, FAULT_CONFLICT, "on purpose") : code;
}

static void fail_to_send(const char *lines)
{
    struct usage_batch batch = {.arena = &house.arena,
                                .scratch = &house.scratch,
                                .tenant = STR("acme"),
                                .received_us = house.now_us};
    MUST(usage_batch_add(&batch, str_of(lines), &house.fault));
    assert_int_equal(store_pool_write(house.pool, store_and_fail, &batch, &house.fault),
                     FAULT_CONFLICT);
}

static void event__that_was_taken_back_is_not_there(void **state)
{
    (void)state;
    const char *of = ",\"dimensions\":{\"route\":\"/a\"}";
    assert_string_equal(send("0", NOON - HOUR, 1), "new");
    fail_to_send(house_use("1", NOON - HOUR, "api.calls", 5, of));
    assert_int_equal(house_whole("SELECT count(*) FROM usage_events"), 1);
    assert_int_equal(total(), 1);
    assert_string_equal(send("1", NOON - 2 * HOUR, 7), "new"); /* no clash with what never was */
    house_send(house_use("2", NOON - HOUR, "api.calls", 9, of));
    assert_int_equal(total(), 17);
    assert_int_equal(house_report_by("api.calls", ZONE_DAY, NOON - HOUR, NOON, "route").count, 2);
    assert_int_equal(house_rebuild().differences, 0);
}

/* --- at once -------------------------------------------------------------------------------- */

enum { THREADS = 6, THREAD_REQUESTS = 30, THREAD_EVENTS = 20 };

/* Requests overlap, so that most events are sent by several threads; each fifth is taken back, with
 * whatever shares its transaction, and sent again. */
static void *send_thread(void *argument)
{
    int first = *(int *)argument;
    struct arena arena;
    struct arena scratch;
    struct fault fault;
    arena_init(&arena, 64 << 20);
    arena_init(&scratch, 4 << 20);
    for (int request = 0; request < THREAD_REQUESTS; request++) {
        struct usage_batch batch = {
            .arena = &arena, .scratch = &scratch, .tenant = STR("acme"), .received_us = NOON};
        for (int i = 0; i < THREAD_EVENTS; i++) {
            char line[512];
            int number = (first + request) * THREAD_EVENTS / 2 + i;
            snprintf(line, sizeof line,
                     "{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.use\","
                     "\"source\":\"/gw\",\"id\":\"%d\",\"time\":\"2026-11-23T11:%02d:00Z\","
                     "\"data\":{\"meter\":\"api.calls\",\"quantity\":%d,\"dimensions\":{"
                     "\"route\":\"%d\"}}}",
                     number, number % 60, number, number % 7);
            struct str kept = arena_copy(&arena, str_of(line));
            if (usage_batch_add(&batch, kept, &fault) != FAULT_NONE)
                return argument;
        }
        if (request % 5 == 0 &&
            store_pool_write(house.pool, store_and_fail, &batch, &fault) != FAULT_CONFLICT)
            return argument;
        if (usage_batch_store(&batch, house.pool, &fault) != FAULT_NONE || batch.rejected > 0)
            return argument;
    }
    arena_done(&arena);
    arena_done(&scratch);
    return NULL;
}

static void threads__that_send_the_same_at_once_count_it_once(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    int firsts[THREADS];
    int64_t expected = 0;
    const int numbers = (THREADS - 1 + THREAD_REQUESTS - 1) * THREAD_EVENTS / 2 + THREAD_EVENTS;
    for (int i = 0; i < THREADS; i++) {
        firsts[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, send_thread, &firsts[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    for (int number = 0; number < numbers; number++)
        expected += number;
    assert_int_equal(house_whole("SELECT count(*) FROM usage_events"), numbers);
    assert_int_equal(total(), expected);
    assert_int_equal(house_rebuild().differences, 0);
}

/* --- two services --------------------------------------------------------------------------- */

static struct store_pool *open_other(void)
{
    struct store_pool *pool;
    MUST(store_pool_new(house.place, 2, service_migrations, service_migration_count, &pool,
                        &house.fault));
    return pool;
}

static void swap(struct store_pool **other)
{
    struct store_pool *pool = house.pool;
    store_pool_give(house.pool, house.store);
    house.pool = *other;
    *other = pool;
    MUST(store_pool_take(house.pool, &house.store, &house.fault));
}

static void two_services__know_each_others_events(void **state)
{
    (void)state;
    struct store_pool *other = open_other();
    assert_string_equal(send("1", NOON - HOUR, 5), "new");
    swap(&other);
    assert_string_equal(send("1", NOON - HOUR, 5), "same");
    assert_string_equal(send("1", NOON - HOUR, 6), "clash");
    assert_string_equal(send("1", NOON - 2 * HOUR, 5), "clash");
    assert_string_equal(send("2", NOON - HOUR, 10), "new");
    swap(&other);
    assert_string_equal(send("2", NOON - HOUR, 10), "same");
    assert_string_equal(send("2", NOON - 3 * HOUR, 10), "clash");
    /* One takes back what it has begun, and the other gives its number to another event. */
    fail_to_send(house_use("3", NOON - HOUR, "api.calls", 100, ""));
    swap(&other);
    assert_string_equal(send("4", NOON - HOUR, 20), "new");
    swap(&other);
    assert_string_equal(send("4", NOON - HOUR, 20), "same");
    assert_string_equal(send("3", NOON - HOUR, 40), "new");
    assert_int_equal(total(), 75);
    assert_int_equal(house_rebuild().differences, 0);
    store_pool_free(other);
}

static void two_services__give_dimensions_one_id(void **state)
{
    (void)state;
    struct store_pool *other = open_other();
    const char *of = ",\"dimensions\":{\"route\":\"/a\"}";
    house_send(house_use("1", NOON - HOUR, "api.calls", 1, ""));
    swap(&other);
    house_send(house_use("2", NOON - HOUR, "api.calls", 2, of));
    swap(&other);
    house_send(house_use("3", NOON - HOUR, "api.calls", 4, of));
    assert_int_equal(house_whole("SELECT count(*) FROM usage_dimsets"), 2);
    assert_int_equal(total(), 7);
    store_pool_free(other);
}

/* --- the index ------------------------------------------------------------------------------ */

enum { MANY = 66000, A_REQUEST = 3000 };

static int64_t time_of(int number)
{
    return NOON - HOUR + (int64_t)(number * 7919 % 60000) * 1000;
}

/* Events first .. last, quantity 1 each; so many were new. */
static int64_t send_many(int first, int last, int64_t shift_us)
{
    static char lines[A_REQUEST * 256];
    int64_t accepted = 0;
    for (int i = first; i < last;) {
        size_t len = 0;
        for (int k = 0; k < A_REQUEST && i < last; k++, i++) {
            char id[32];
            snprintf(id, sizeof id, "%d", i);
            len += (size_t)snprintf(lines + len, sizeof lines - len, "%s",
                                    house_use(id, time_of(i) + shift_us, "api.calls", 1, ""));
        }
        accepted += house_send(lines).accepted;
        arena_reset(&house.arena);
    }
    return accepted;
}

static void index__follows_the_events_and_what_it_lacks_is_known(void **state)
{
    (void)state;
    assert_int_equal(send_many(0, MANY, 0), MANY);
    assert_int_equal(house_whole("SELECT seq FROM usage_keys_done"), 0);
    assert_int_equal(send_many(MANY, MANY + 100, 0), 100); /* a step */
    int64_t indexed = house_whole("SELECT count(*) FROM usage_keys");
    assert_in_range(indexed, 200, 20000);
    house_reopen(); /* half-way */
    assert_int_equal(send_many(MANY - 50, MANY + 150, 0), 50);
    assert_int_equal(send_many(0, 100, 0), 0);
    assert_int_equal(send_many(0, 100, S), 0); /* clashes */
    for (int i = 0; i < 40 && house_whole("SELECT seq FROM usage_keys_done") == 0; i++)
        send_many(MANY + 1000 * (i + 1), MANY + 1000 * (i + 2), 0);
    int64_t done = house_whole("SELECT seq FROM usage_keys_done");
    assert_true(done >= MANY);
    assert_true(house_whole("SELECT count(*) FROM usage_keys") >= done);
    struct usage_rebuilt rebuilt = house_rebuild();
    assert_int_equal(rebuilt.differences, 0);
    assert_int_equal(house_whole("SELECT count(*) FROM usage_keys"), rebuilt.events);
    assert_int_equal(house_whole("SELECT seq FROM usage_keys_done"), rebuilt.events);
    assert_int_equal(send_many(MANY - 50, MANY + 50, 0), 0);
    house_reopen();
    assert_int_equal(send_many(MANY - 50, MANY + 50, 0), 0);
    assert_int_equal(total(), rebuilt.events);
}

static void run(const char *sql)
{
    struct store *store;
    struct statement *statement;
    MUST(store_pool_take(house.pool, &store, &house.fault));
    MUST(store_begin(store, &house.fault));
    MUST(store_prepare(store, sql, &statement, &house.fault));
    MUST(store_run(statement, &house.fault));
    MUST(store_commit(store, &house.fault));
    store_pool_give(house.pool, store);
}

/* What the comment in usage_keys.h promises, and what it does not. */
static void event__of_long_ago_is_known_by_its_time(void **state)
{
    (void)state;
    static const char fill[] =
        "INSERT INTO usage_events (seq, event_key, tenant, meter, kind, time_us, quantity, dimset,"
        " content, provenance, received_us)"
        " WITH RECURSIVE many(n) AS (SELECT 10 UNION ALL SELECT n + 1 FROM many WHERE n < 1048700)"
        " SELECT n, CAST(printf('%016d', n) AS BLOB), 'other', 'api.calls', 0, 0, 0, 0,"
        " x'00000000000000000000000000000000', 0, 0 FROM many";
    if (place_is_server())
        skip(); /* printf and blobs as SQLite has them */
    assert_string_equal(send("1", NOON - HOUR, 5), "new");
    run(fill);
    house_rebuild(); /* all of them are in the index then */
    house_reopen();
    assert_string_equal(send("1", NOON - HOUR, 5), "same");
    assert_string_equal(send("1", NOON - HOUR, 6), "clash");
    assert_int_equal(house_send(house_correct("void", "v", "1", NOON - HOUR, 0)).accepted, 1);
    assert_string_equal(send("1", NOON - 2 * HOUR, 7), "new"); /* forgotten, but for its time */
    assert_int_equal(total(), 7);
}

/* As when a server takes another's place without what that one acknowledged last. */
static void event__that_the_store_has_lost_is_new_again(void **state)
{
    (void)state;
    static const char lose[] = "DELETE FROM usage_events WHERE seq >= 2";
    static const char lose_links[] = "DELETE FROM usage_batches WHERE last_seq >= 2";
    struct store_pool *other = open_other();
    assert_string_equal(send("1", NOON - HOUR, 5), "new");
    assert_string_equal(send("2", NOON - HOUR, 5), "new");
    assert_string_equal(send("3", NOON - HOUR, 5), "new");
    run(lose);
    run(lose_links);
    assert_string_equal(send("3", NOON - HOUR, 5), "new");
    assert_string_equal(send("1", NOON - HOUR, 5), "same");
    run(lose);
    run(lose_links);
    swap(&other); /* which gives the numbers to other events, and goes beyond */
    assert_string_equal(send("4", NOON - HOUR, 5), "new");
    assert_string_equal(send("5", NOON - HOUR, 5), "new");
    swap(&other);
    assert_string_equal(send("4", NOON - HOUR, 5), "same");
    assert_string_equal(send("5", NOON - 2 * HOUR, 5), "clash");
    assert_string_equal(send("3", NOON - HOUR, 5), "new");
    house_rebuild();
    assert_int_equal(total(), 20);
    store_pool_free(other);
}

static void index__that_lacks_an_event_is_told_by_a_rebuild(void **state)
{
    (void)state;
    assert_string_equal(send("1", NOON - HOUR, 5), "new");
    house_rebuild();
    static const char sql[] = "DELETE FROM usage_keys";
    run(sql);
    struct usage_rebuilt rebuilt;
    assert_int_equal(store_pool_write(house.pool, house_rebuild_in, &rebuilt, &house.fault),
                     FAULT_CORRUPT);
    assert_non_null(strstr(house.fault.text, "index of their keys"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)
    const struct CMUnitTest tests[] = {
        TEST(event__of_the_same_id_at_another_time_is_a_clash_and_waits_in_the_dlq),
        TEST(event__of_the_same_id_at_another_time_is_a_clash_within_a_request),
        TEST(event__of_another_tenant_or_source_is_no_clash),
        TEST(correction__of_an_event_of_the_same_request_finds_it),
        TEST(event__is_known_after_a_start),
        TEST(event__that_was_taken_back_is_not_there),
        TEST(threads__that_send_the_same_at_once_count_it_once),
        TEST(two_services__know_each_others_events),
        TEST(two_services__give_dimensions_one_id),
        TEST(index__follows_the_events_and_what_it_lacks_is_known),
        TEST(event__of_long_ago_is_known_by_its_time),
        TEST(event__that_the_store_has_lost_is_new_again),
        TEST(index__that_lacks_an_event_is_told_by_a_rebuild),
    };
    return cmocka_run_group_tests_name("usage_keys", tests, NULL, NULL);
}
