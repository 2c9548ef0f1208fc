#include "libs/store/store_pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/core/os.h"
#include "libs/store/tests/place.h"

static const char table[] = "CREATE TABLE counts (n INTEGER NOT NULL) STRICT;"
                            "INSERT INTO counts VALUES (0);";
static const struct store_migration migrations[] = {{1, "counts", {table, sizeof table - 1}}};

static char file[128];
static char place[PLACE_MAX];

static int make_file(void **state)
{
    (void)state;
    snprintf(file, sizeof file, "%s", "/tmp/test_store_pool.XXXXXX");
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    place_make(file, place);
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
    good(store_pool_new(place, room, migrations, 1, &pool, &fault), &fault);
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

/* --- writing -------------------------------------------------------------------------------- */

static enum fault_code change_in(struct store *store, void *context, struct fault *fault)
{
    (void)context;
    return change(store, fault);
}

static enum fault_code change_and_fail(struct store *store, void *context, struct fault *fault)
{
    good(change(store, fault), fault);
    return fault_set(fault, FAULT_INPUT, "%s", (const char *)context);
}

static int64_t count_in(struct store_pool *pool)
{
    struct store *store;
    struct fault fault;
    good(store_pool_take(pool, &store, &fault), &fault);
    int64_t count = read_count(store);
    store_pool_give(pool, store);
    return count;
}

static void store_pool_write__keeps_what_succeeds_and_takes_back_what_fails(void **state)
{
    (void)state;
    struct store_pool *pool = new_pool(1);
    struct store *other;
    struct fault fault;
    good(store_pool_take(pool, &other, &fault), &fault); /* which takes no place from the writer */
    good(store_pool_write(pool, change_in, NULL, &fault), &fault);
    assert_int_equal(read_count(other), 1);
    char why[] = "not this one";
    assert_int_equal(store_pool_write(pool, change_and_fail, why, &fault), FAULT_INPUT);
    assert_string_equal(fault.text, why);
    assert_int_equal(read_count(other), 1);
    good(store_pool_write(pool, change_in, NULL, &fault), &fault);
    assert_int_equal(read_count(other), 2);
    store_pool_give(pool, other);
    store_pool_free(pool);
}

/* A work that stays in its transaction until it is told to go on; what is called meanwhile waits.
 */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool entered;
    bool open;
};

static enum fault_code wait_at(struct store *store, void *context, struct fault *fault)
{
    struct gate *gate = context;
    pthread_mutex_lock(&gate->lock);
    gate->entered = true;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
    return change(store, fault);
}

struct call {
    pthread_t thread;
    struct store_pool *pool;
    store_work *work;
    void *context;
    enum fault_code code;
    struct fault fault;
};

static void *write_it(void *argument)
{
    struct call *call = argument;
    call->code = store_pool_write(call->pool, call->work, call->context, &call->fault);
    return NULL;
}

static void start(struct call *call)
{
    assert_int_equal(pthread_create(&call->thread, NULL, write_it, call), 0);
}

static void enter(struct gate *gate, struct call *call)
{
    start(call);
    pthread_mutex_lock(&gate->lock);
    while (!gate->entered)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static void leave(struct gate *gate, struct call *call)
{
    pthread_mutex_lock(&gate->lock);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
    pthread_join(call->thread, NULL);
    good(call->code, &call->fault);
}

enum { WAITERS = 6 };

/* Six works come while a first one is under way. */
static void write_together(struct store_pool *pool, struct call calls[WAITERS])
{
    struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false};
    struct call first = {.pool = pool, .work = wait_at, .context = &gate};
    enter(&gate, &first);
    for (int i = 0; i < WAITERS; i++)
        start(&calls[i]);
    usleep(200000); /* they all wait by now */
    leave(&gate, &first);
    for (int i = 0; i < WAITERS; i++)
        pthread_join(calls[i].thread, NULL);
}

static atomic_int flushes;

static int count_flush(int fd)
{
    flushes++;
    return os_posix.fdatasync(fd);
}

static void store_pool_write__flushes_once_for_all_that_wait(void **state)
{
    (void)state;
    struct store_pool *pool = new_pool(1);
    struct call calls[WAITERS];
    struct fault fault;
    for (int i = 0; i < WAITERS; i++)
        calls[i] = (struct call){.pool = pool, .work = change_in};
    good(store_pool_write(pool, change_in, NULL, &fault), &fault); /* opens */
    struct os_platform counting = os_posix;
    counting.fdatasync = count_flush;
    os_platform_set(&counting);
    flushes = 0;
    write_together(pool, calls);
    os_platform_set(&os_posix);
    for (int i = 0; i < WAITERS; i++)
        good(calls[i].code, &calls[i].fault);
    assert_in_range(flushes, 2, WAITERS); /* 2 unless the machine was too busy for them to wait */
    assert_int_equal(count_in(pool), 2 + WAITERS);
    store_pool_free(pool);
}

static void store_pool_write__refuses_the_one_that_fails_and_no_other(void **state)
{
    (void)state;
    struct store_pool *pool = new_pool(1);
    struct call calls[WAITERS];
    char why[] = "not this one";
    for (int i = 0; i < WAITERS; i++)
        calls[i] = (struct call){
            .pool = pool, .work = i == 3 ? change_and_fail : change_in, .context = why};
    write_together(pool, calls);
    for (int i = 0; i < WAITERS; i++)
        if (i != 3)
            good(calls[i].code, &calls[i].fault);
    assert_int_equal(calls[3].code, FAULT_INPUT);
    assert_string_equal(calls[3].fault.text, why);
    assert_int_equal(count_in(pool), 1 + WAITERS - 1);
    store_pool_free(pool);
}

static void store_pool_write__says_when_its_turn_does_not_come(void **state)
{
    (void)state;
    struct store_pool *pool = new_pool(1);
    struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false};
    struct call first = {.pool = pool, .work = wait_at, .context = &gate};
    struct fault fault;
    enter(&gate, &first);
    struct os_platform behind = os_posix;
    behind.monotonic_us = behind_us;
    os_platform_set(&behind);
    enum fault_code code = store_pool_write(pool, change_in, NULL, &fault);
    os_platform_set(&os_posix);
    assert_int_equal(code, FAULT_UNAVAILABLE);
    assert_non_null(strstr(fault.text, "others are writing; try again"));
    leave(&gate, &first);
    assert_int_equal(count_in(pool), 1); /* what was refused is not done later */
    good(store_pool_write(pool, change_in, NULL, &fault), &fault);
    store_pool_free(pool);
}

struct worker {
    pthread_t thread;
    struct store_pool *pool;
    bool by_turns; /* on a connection of its own, beside the queue */
    int failures;
    char text[FAULT_TEXT_MAX];
};

static enum fault_code change_by_turns(struct store_pool *pool, struct fault *fault)
{
    struct store *store;
    enum fault_code code = store_pool_take(pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = store_begin(store, fault);
    if (code == FAULT_NONE)
        code = change(store, fault);
    if (code == FAULT_NONE)
        code = store_commit(store, fault);
    store_pool_give(pool, store);
    return code;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    char why[] = "refused";
    for (int i = 0; i < 50; i++) {
        struct fault fault;
        enum fault_code code = worker->by_turns
                                   ? change_by_turns(worker->pool, &fault)
                                   : store_pool_write(worker->pool, change_in, NULL, &fault);
        if (code == FAULT_NONE && i % 10 == 0 &&
            store_pool_write(worker->pool, change_and_fail, why, &fault) != FAULT_INPUT)
            code = fault.code;
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
        workers[i].by_turns = i % 4 == 0;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        if (workers[i].failures)
            fail_msg("a thread failed %d times: %s", workers[i].failures, workers[i].text);
    }
    assert_int_equal(count_in(pool), THREADS * 50);
    store_pool_free(pool);
}

static enum fault_code put_large(struct store *store, void *context, struct fault *fault)
{
    static const char sql[] = "INSERT INTO large (n, bytes) VALUES ($1, zeroblob(4000000))";
    const int64_t *n = context;
    struct statement *insert;
    enum fault_code code = store_prepare(store, sql, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(insert, 1, *n);
    return store_run(insert, fault);
}

static int64_t log_size(void)
{
    char path[160];
    struct stat info;
    snprintf(path, sizeof path, "%s-wal", file);
    assert_int_equal(stat(path, &info), 0);
    return (int64_t)info.st_size;
}

/* 160 MB through a log of at most 96 MiB and a transaction: the thread copies most of it, and the
 * writer what is left. */
static void log__begins_anew_under_a_writer_that_never_rests(void **state)
{
    static const char sql[] = "CREATE TABLE large (n INTEGER PRIMARY KEY, bytes BLOB) STRICT;";
    const struct store_migration both[] = {migrations[0], {2, "large", {sql, sizeof sql - 1}}};
    struct store_pool *pool = NULL;
    struct store *store;
    struct fault fault;
    (void)state;
    good(store_pool_new(place, 1, both, 2, &pool, &fault), &fault);
    for (int64_t n = 1; n <= 40; n++) {
        good(store_pool_write(pool, put_large, &n, &fault), &fault);
        good(store_pool_write(pool, change_in, NULL, &fault), &fault);
    }
    assert_in_range(log_size(), 1, 110 * 1000 * 1000);
    assert_int_equal(count_in(pool), 40);
    store_pool_free(pool);
    good(store_open(place, &store, &fault), &fault);
    assert_int_equal(read_count(store), 40);
    store_close(store);
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
    assert_int_equal(store_pool_new(place, 2, none, 0, &pool, &fault), FAULT_CONFLICT);
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
                                     : store_pool_write(pool, change_in, NULL, &fault);
        os_platform_set(&os_posix);
        assert_int_equal(code, FAULT_NO_MEMORY);
    }
    good(store_pool_take(pool, &two, &fault), &fault);
    store_pool_give(pool, one);
    store_pool_give(pool, two);
    good(store_pool_write(pool, change_in, NULL, &fault), &fault);
    store_pool_free(pool);
}

int main(void)
{
#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, make_file, remove_file)
    const struct CMUnitTest both[] = {
        WITH_FILE(store_pool_give__rolls_back_what_is_open),
        WITH_FILE(store_pool_take__says_when_all_are_in_use),
        WITH_FILE(store_pool_write__keeps_what_succeeds_and_takes_back_what_fails),
        WITH_FILE(store_pool_write__refuses_the_one_that_fails_and_no_other),
        WITH_FILE(store_pool_write__says_when_its_turn_does_not_come),
        WITH_FILE(store_pool__loses_no_change_of_many_threads),
    };
    const struct CMUnitTest of_sqlite[] = {
        WITH_FILE(store_pool_write__flushes_once_for_all_that_wait),
        WITH_FILE(log__begins_anew_under_a_writer_that_never_rests),
        WITH_FILE(store_pool_new__tells_why_the_file_cannot_be_opened),
        WITH_FILE(store_pool_take__has_its_place_free_again_after_a_failed_opening),
    };
    int failed = cmocka_run_group_tests(both, NULL, NULL);
    return place_is_server() ? failed : failed + cmocka_run_group_tests(of_sqlite, NULL, NULL);
}
