/* What is kept beside a connection hears of each write transaction once. */
#include "libs/store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/core/os.h"
#include "libs/store/tests/place.h"

static struct {
    char file[128];
    struct store *store;
    struct fault fault;
    int made;
    int freed;
    int before;
    int kept;
    int lost;
    bool fails;
} now;

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != FAULT_NONE)                                                                  \
            fail_msg("%s", now.fault.text);                                                        \
    } while (0)

static enum fault_code make(void **out, struct fault *fault)
{
    if (now.fails)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a companion");
    now.made++;
    *out = &now;
    return FAULT_NONE;
}

static void release(void *taken)
{
    (void)taken;
    now.freed++;
}

static enum fault_code run(struct store *store, const char *sql, struct fault *fault)
{
    struct statement *statement;
    enum fault_code code = store_prepare(store, sql, &statement, fault);
    return code == FAULT_NONE ? store_run(statement, fault) : code;
}

static enum fault_code add_seven(void *companion, struct store *store, struct fault *fault)
{
    static const char sql[] = "UPDATE counts SET n = n + 7";
    assert_ptr_equal(companion, &now);
    now.before++;
    if (now.fails)
        return fault_set(fault, FAULT_LIMIT, "too much was gathered");
    return run(store, sql, fault);
}

static void hear_end(void *companion, bool kept)
{
    assert_ptr_equal(companion, &now);
    now.kept += kept;
    now.lost += !kept;
}

static const struct store_companion kind = {make, release, add_seven, hear_end};

static int open_store(void **state)
{
    static const char table[] = "CREATE TABLE counts (n INTEGER NOT NULL) STRICT;"
                                "INSERT INTO counts VALUES (0);";
    static const struct store_migration migrations[] = {{1, "counts", {table, sizeof table - 1}}};
    char place[PLACE_MAX];
    void *companion;
    (void)state;
    memset(&now, 0, sizeof now);
    snprintf(now.file, sizeof now.file, "%s", "/tmp/test_store_companion.XXXXXX");
    int fd = mkstemp(now.file);
    assert_true(fd >= 0);
    close(fd);
    place_make(now.file, place);
    MUST(store_open(place, &now.store, &now.fault));
    MUST(store_migrate(now.store, migrations, 1, &now.fault));
    MUST(store_companion(now.store, &kind, &companion, &now.fault));
    assert_ptr_equal(companion, &now);
    return 0;
}

static int close_store(void **state)
{
    (void)state;
    store_close(now.store);
    return unlink(now.file);
}

static int64_t read_count(void)
{
    static const char sql[] = "SELECT n FROM counts";
    struct statement *query;
    int64_t n;
    MUST(store_prepare(now.store, sql, &query, &now.fault));
    MUST(store_read_whole(query, &n, &now.fault));
    return n;
}

static void companion__is_made_once_and_freed_with_the_connection(void **state)
{
    void *companion = NULL;
    MUST(store_companion(now.store, &kind, &companion, &now.fault));
    assert_ptr_equal(companion, &now);
    assert_int_equal(now.made, 1);
    assert_int_equal(now.freed, 0);
    store_close(now.store);
    assert_int_equal(now.freed, 1);
    unlink(now.file);
    open_store(state);
}

static void companion__writes_before_the_commit_and_hears_that_it_was_kept(void **state)
{
    (void)state;
    MUST(store_begin(now.store, &now.fault));
    assert_int_equal(now.before, 0);
    MUST(store_commit(now.store, &now.fault));
    assert_int_equal(now.before, 1);
    assert_int_equal(now.kept, 1);
    store_rollback(now.store); /* nothing is open: nobody hears of it */
    assert_int_equal(now.kept + now.lost, 1);
    assert_int_equal(read_count(), 7);
}

static void companion__hears_of_a_rollback(void **state)
{
    (void)state;
    MUST(store_begin(now.store, &now.fault));
    store_rollback(now.store);
    store_rollback(now.store);
    assert_int_equal(now.before, 0);
    assert_int_equal(now.lost, 1);
    assert_int_equal(now.kept, 0);
}

static void companion__that_refuses_takes_the_transaction_back(void **state)
{
    (void)state;
    static const char sql[] = "UPDATE counts SET n = 100";
    now.fails = true;
    MUST(store_begin(now.store, &now.fault));
    MUST(run(now.store, sql, &now.fault));
    assert_int_equal(store_commit(now.store, &now.fault), FAULT_LIMIT);
    assert_string_equal(now.fault.text, "too much was gathered");
    assert_int_equal(now.lost, 1);
    assert_int_equal(now.kept, 0);
    assert_int_equal(read_count(), 0);
    now.fails = false;
    MUST(store_begin(now.store, &now.fault)); /* and the connection can be used */
    MUST(store_commit(now.store, &now.fault));
    assert_int_equal(read_count(), 7);
}

static void companion__is_not_asked_about_reading(void **state)
{
    (void)state;
    MUST(store_begin_read(now.store, &now.fault));
    store_rollback(now.store);
    MUST(store_begin_read(now.store, &now.fault));
    MUST(store_commit(now.store, &now.fault));
    assert_int_equal(now.before + now.kept + now.lost, 0);
}

static void companion__that_cannot_be_made_leaves_the_connection_as_it_was(void **state)
{
    static const struct store_companion other = {make, release, add_seven, hear_end};
    void *companion = NULL;
    (void)state;
    now.fails = true;
    assert_int_equal(store_companion(now.store, &other, &companion, &now.fault), FAULT_NO_MEMORY);
    assert_null(companion);
    now.fails = false;
    MUST(store_companion(now.store, &other, &companion, &now.fault));
    assert_ptr_equal(companion, &now);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)
    const struct CMUnitTest tests[] = {
        TEST(companion__is_made_once_and_freed_with_the_connection),
        TEST(companion__writes_before_the_commit_and_hears_that_it_was_kept),
        TEST(companion__hears_of_a_rollback),
        TEST(companion__that_refuses_takes_the_transaction_back),
        TEST(companion__is_not_asked_about_reading),
        TEST(companion__that_cannot_be_made_leaves_the_connection_as_it_was),
    };
    return cmocka_run_group_tests_name("store_companion", tests, NULL, NULL);
}
