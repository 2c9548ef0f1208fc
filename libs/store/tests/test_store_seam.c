/* Nothing of SQLite's goes past libs/core/os.h. */
#include "libs/store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/core/os.h"

static struct {
    int blocks;
    int opens;
    int closes;
    int reads;
    int writes;
    int flushes;
} calls;

static void *count_resize(void *ptr, size_t size)
{
    calls.blocks += (size > 0) - (ptr != NULL);
    return os_posix.resize(ptr, size);
}

static int count_open(const char *path, int flags, unsigned mode)
{
    calls.opens++;
    return os_posix.open(path, flags, mode);
}

static int count_close(int fd)
{
    calls.closes++;
    return os_posix.close(fd);
}

static ssize_t count_pread(int fd, void *out, size_t len, off_t at)
{
    calls.reads++;
    return os_posix.pread(fd, out, len, at);
}

static ssize_t count_read(int fd, void *out, size_t len)
{
    calls.reads++;
    return os_posix.read(fd, out, len);
}

static ssize_t count_pwrite(int fd, const void *data, size_t len, off_t at)
{
    calls.writes++;
    return os_posix.pwrite(fd, data, len, at);
}

static ssize_t count_write(int fd, const void *data, size_t len)
{
    calls.writes++;
    return os_posix.write(fd, data, len);
}

static int count_fdatasync(int fd)
{
    calls.flushes++;
    return os_posix.fdatasync(fd);
}

static int64_t long_ago(void)
{
    return INT64_C(981173106) * 1000000; /* 2001-02-03T04:05:06Z */
}

static void must(enum fault_code code, const struct fault *fault)
{
    if (code != FAULT_NONE)
        fail_msg("%s", fault->text);
}

static int64_t ask(struct store *store, const char *sql)
{
    struct statement *query;
    struct fault fault;
    bool row = false;
    must(store_prepare(store, sql, &query, &fault), &fault);
    must(store_step(query, &row, &fault), &fault);
    assert_true(row);
    int64_t number = store_whole(query, 0);
    store_reset(query);
    return number;
}

static void store__takes_files_memory_and_clock_from_the_seam(void **state)
{
    (void)state;
    static const char table[] = "CREATE TABLE numbers (n INTEGER PRIMARY KEY) STRICT";
    static const struct store_migration migrations[] = {{1, "numbers", {table, sizeof table - 1}}};
    static const char sql_now[] = "SELECT unixepoch('now')";
    static const char sql_count[] = "SELECT count(*) FROM numbers";
    struct os_platform counting = os_posix;
    char folder[] = "/tmp/test_store_seam.XXXXXX";
    char path[64];
    struct store *store;
    struct fault fault;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/db", folder);
    counting.resize = count_resize;
    counting.open = count_open;
    counting.close = count_close;
    counting.read = count_read;
    counting.pread = count_pread;
    counting.write = count_write;
    counting.pwrite = count_pwrite;
    counting.fdatasync = count_fdatasync;
    counting.now_us = long_ago;
    os_platform_set(&counting);
    must(store_open(path, &store, &fault), &fault);
    must(store_migrate(store, migrations, 1, &fault), &fault);
    assert_true(calls.blocks > 10);
    assert_true(calls.reads > 0);
    assert_true(calls.writes > 0);
    assert_true(calls.flushes > 0);
    assert_int_equal(ask(store, sql_count), 0);
    assert_int_equal(ask(store, sql_now), 981173106);
    store_close(store);
    os_platform_set(&os_posix);
    assert_true(calls.opens > 2);
    assert_int_equal(calls.closes, calls.opens);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0); /* the log and its index are gone too */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store__takes_files_memory_and_clock_from_the_seam),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
