#include "libs/store/store_pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/core/os.h"

static const char table[] = "CREATE TABLE counts (n INTEGER NOT NULL) STRICT;"
                            "INSERT INTO counts VALUES (0);";
static const struct store_migration migrations[] = {{1, "counts", {table, sizeof table - 1}}};

static char file[128];

static int make_file(void **state)
{
    (void)state;
    snprintf(file, sizeof file, "%s", "/tmp/test_store_pool.XXXXXX");
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    return close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(file);
}

static void good(enum fault_code code, const struct fault *fault)
{
    if (code != FAULT_NONE)
        fail_msg("failed with %d: %s", code, fault->text);
}

static struct store_pool *new_pool(int room)
{
    struct store_pool *pool = NULL;
    struct fault fault;
    good(store_pool_new(file, room, migrations, 1, &pool, &fault), &fault);
    return pool;
}

static enum fault_code change(struct store *store, struct fault *fault)
{
    static const char sql[] = "UPDATE counts SET n = n + 1";
    struct statement *statement;
    enum fault_code code = store_prepare(store, sql, &statement, fault);
    return code == FAULT_NONE ? store_run(statement, fault) : code;
}

static int64_t read_count(struct store *store)
{
    static const char sql[] = "SELECT n FROM counts";
    struct statement *query;
    struct fault fault;
    bool row = false;
    good(store_prepare(store, sql, &query, &fault), &fault);
    good(store_step(query, &row, &fault), &fault);
    int64_t n = store_whole(query, 0);
    store_reset(query);
    return n;
}

static void store_pool_give__rolls_back_what_is_open(void **state)
{
    (void)state;
    struct store_pool *pool = new_pool(2);
    struct store *store;
    struct fault fault;
    good(store_pool_take(pool, &store, &fault), &fault);
    good(store_begin(store, &fault), &fault);
    good(change(store, &fault), &fault);
    store_pool_give(pool, store);
    good(store_pool_take(pool, &store, &fault), &fault);
    assert_int_equal(read_count(store), 0);
    good(store_begin(store, &fault), &fault);
    store_pool_give(pool, store);
    store_pool_free(pool);
    store_pool_free(NULL);
}

/* A clock five seconds behind the one that waiting uses: the time is over at once. */
static int64_t behind_us(void)
{
    return os_posix.monotonic_us() - 5000000 + 20000;
}

static void store_pool_take__says_when_all_are_in_use(void **state)
{
    (void)state;
    struct store_pool *pool = new_pool(2);
    struct store *one;
    struct store *two;
    struct store *three = NULL;
    struct fault fault;
    good(store_pool_take(pool, &one, &fault), &fault);
    good(store_pool_take(pool, &two, &fault), &fault);
    assert_ptr_not_equal(one, two);
    struct os_platform behind = os_posix;
    behind.monotonic_us = behind_us;
    os_platform_set(&behind);
    enum fault_code code = store_pool_take(pool, &three, &fault);
    os_platform_set(&os_posix);
    assert_int_equal(code, FAULT_UNAVAILABLE);
    assert_string_equal(fault.text, "all 2 connections to the store are in use; try again");
    assert_null(three);
    store_pool_give(pool, two);
    good(store_pool_take(pool, &three, &fault), &fault);
    assert_ptr_equal(three, two);
    store_pool_give(pool, one);
    store_pool_give(pool, three);
    store_pool_free(pool);
}

static void store_pool_take_writer__lends_one_connection_by_turns(void **state)
{
    (void)state;
    struct store_pool *pool = new_pool(1);
    struct store *other;
    struct store *writer;
    struct store *second = NULL;
    struct fault fault;
    good(store_pool_take(pool, &other, &fault), &fault); /* which takes no place from it */
    good(store_pool_take_writer(pool, &writer, &fault), &fault);
    assert_ptr_not_equal(writer, other);
    good(store_begin(writer, &fault), &fault);
    good(change(writer, &fault), &fault);
    struct os_platform behind = os_posix;
    behind.monotonic_us = behind_us;
    os_platform_set(&behind);
    enum fault_code code = store_pool_take_writer(pool, &second, &fault);
    os_platform_set(&os_posix);
    assert_int_equal(code, FAULT_UNAVAILABLE);
    assert_non_null(strstr(fault.text, "others are writing; try again"));
    assert_null(second);
    store_pool_give(pool, writer); /* rolls back */
    good(store_pool_take_writer(pool, &second, &fault), &fault);
    assert_ptr_equal(second, writer);
    assert_int_equal(read_count(second), 0);
    store_pool_give(pool, second);
    store_pool_give(pool, other);
    store_pool_free(pool);
}

struct worker {
    pthread_t thread;
    struct store_pool *pool;
    enum fault_code (*take)(struct store_pool *, struct store **, struct fault *);
    int failures;
    char text[FAULT_TEXT_MAX];
};

static void *work(void *argument)
{
    struct worker *worker = argument;
    for (int i = 0; i < 50; i++) {
        struct store *store;
        struct fault fault;
        enum fault_code code = worker->take(worker->pool, &store, &fault);
        if (code == FAULT_NONE) {
            code = store_begin(store, &fault);
            if (code == FAULT_NONE)
                code = change(store, &fault);
            if (code == FAULT_NONE)
                code = store_commit(store, &fault);
            store_pool_give(worker->pool, store);
        }
        if (code != FAULT_NONE) {
            worker->failures++;
            snprintf(worker->text, sizeof worker->text, "%s", fault.text);
        }
    }
    return NULL;
}

static void store_pool__loses_no_change_of_many_threads(void **state)
{
    (void)state;
    enum { THREADS = 8 };
    struct store_pool *pool = new_pool(3);
    struct worker workers[THREADS] = {0};
    for (int i = 0; i < THREADS; i++) {
        workers[i].pool = pool;
        workers[i].take = i % 2 ? store_pool_take : store_pool_take_writer;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        if (workers[i].failures)
            fail_msg("a thread failed %d times: %s", workers[i].failures, workers[i].text);
    }
    struct store *store;
    struct fault fault;
    good(store_pool_take(pool, &store, &fault), &fault);
    assert_int_equal(read_count(store), THREADS * 50);
    store_pool_give(pool, store);
    store_pool_free(pool);
}

static void store_pool_new__tells_why_the_file_cannot_be_opened(void **state)
{
    (void)state;
    struct store_pool *pool = NULL;
    struct fault fault;
    assert_int_equal(store_pool_new("/nonexistent/x.db", 2, migrations, 1, &pool, &fault),
                     FAULT_IO);
    assert_non_null(strstr(fault.text, "/nonexistent/x.db"));
    assert_null(pool);
    static const struct store_migration none[1];
    store_pool_free(new_pool(1));
    assert_int_equal(store_pool_new(file, 2, none, 0, &pool, &fault), FAULT_CONFLICT);
    assert_null(pool);
}

static void *refuse(void *ptr, size_t size)
{
    return size ? NULL : os_posix.resize(ptr, 0);
}

static void store_pool_take__has_its_place_free_again_after_a_failed_opening(void **state)
{
    (void)state;
    struct store_pool *pool = new_pool(2);
    struct store *one;
    struct store *two = NULL;
    struct fault fault;
    good(store_pool_take(pool, &one, &fault), &fault);
    struct os_platform refusing = os_posix;
    refusing.resize = refuse;
    for (int i = 0; i < 6; i++) {
        os_platform_set(&refusing);
        enum fault_code code = i % 2 ? store_pool_take(pool, &two, &fault)
                                     : store_pool_take_writer(pool, &two, &fault);
        os_platform_set(&os_posix);
        assert_int_equal(code, FAULT_NO_MEMORY);
    }
    good(store_pool_take(pool, &two, &fault), &fault);
    store_pool_give(pool, one);
    store_pool_give(pool, two);
    good(store_pool_take_writer(pool, &two, &fault), &fault);
    store_pool_give(pool, two);
    store_pool_free(pool);
}

int main(void)
{
#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, make_file, remove_file)
    const struct CMUnitTest tests[] = {
        WITH_FILE(store_pool_give__rolls_back_what_is_open),
        WITH_FILE(store_pool_take__says_when_all_are_in_use),
        WITH_FILE(store_pool_take_writer__lends_one_connection_by_turns),
        WITH_FILE(store_pool__loses_no_change_of_many_threads),
        WITH_FILE(store_pool_new__tells_why_the_file_cannot_be_opened),
        WITH_FILE(store_pool_take__has_its_place_free_again_after_a_failed_opening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
