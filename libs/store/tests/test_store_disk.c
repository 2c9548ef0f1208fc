/* The n-th write or flush is refused, by a file system of our own beneath SQLite: what was
 * committed stays, what was refused is gone, and a failed flush ends the writing. */
#include "libs/store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "libs/core/os.h"
#include "libs/store/store_sqlite.h"

static const char table[] = "CREATE TABLE numbers (n INTEGER PRIMARY KEY, data BLOB) STRICT;";
static const struct store_migration migrations[] = {{1, "numbers", {table, sizeof table - 1}}};

/* The refusing file system: SQLite's own, whose methods count before they are called. */
static sqlite3_vfs *below;
static sqlite3_vfs refusing;

/* SQLite gives the database and its log different tables of methods; both write alike. */
enum { TABLES = 4 };
static sqlite3_io_methods tables[TABLES];
static const sqlite3_io_methods *tables_below[TABLES];

enum refusal { REFUSE_NOTHING, REFUSE_WRITE, REFUSE_SYNC };
static enum refusal refusal;
static int left_before_refusal;
static int write_code; /* what a refused write is */

static bool refuses(enum refusal kind)
{
    return refusal == kind && left_before_refusal-- == 0;
}

static int file_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 at)
{
    if (refuses(REFUSE_WRITE)) {
        /* As a disk that is full does it: half of the data is there. */
        tables_below[0]->xWrite(file, data, len / 2, at);
        return write_code;
    }
    return tables_below[0]->xWrite(file, data, len, at);
}

static int file_sync(sqlite3_file *file, int flags)
{
    return refuses(REFUSE_SYNC) ? SQLITE_IOERR_FSYNC : tables_below[0]->xSync(file, flags);
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    int code = below->xOpen(below, name, file, flags, out);
    if (code != SQLITE_OK || !file->pMethods)
        return code;
    size_t i = 0;
    while (tables_below[i] && tables_below[i] != file->pMethods)
        assert_true(++i < TABLES);
    tables_below[i] = file->pMethods;
    tables[i] = *file->pMethods;
    tables[i].xWrite = file_write;
    tables[i].xSync = file_sync;
    file->pMethods = &tables[i];
    return code;
}

static char path[128];

static void remove_files(void)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char name[160];
        snprintf(name, sizeof name, "%s%s", path, endings[i]);
        unlink(name);
    }
}

static int set_up(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "%s", "/tmp/test_store_disk.XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_true(store_platform_init());
    below = sqlite3_vfs_find(NULL);
    refusing = *below;
    refusing.zName = "refusing";
    refusing.xOpen = vfs_open;
    return sqlite3_vfs_register(&refusing, 1);
}

static int tear_down(void **state)
{
    (void)state;
    remove_files();
    return sqlite3_vfs_unregister(&refusing);
}

static void good(enum fault_code code, const struct fault *fault)
{
    if (code != FAULT_NONE)
        fail_msg("failed with %d: %s", code, fault->text);
}

static struct store *open_store(void)
{
    struct store *store = NULL;
    struct fault fault;
    good(store_open(path, &store, &fault), &fault);
    good(store_migrate(store, migrations, 1, &fault), &fault);
    return store;
}

static enum fault_code put(struct store *store, int64_t number, struct fault *fault)
{
    static const char sql[] = "INSERT INTO numbers (n, data) VALUES ($1, $2)";
    static char data[3000];
    struct statement *insert;
    enum fault_code code = store_prepare(store, sql, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(insert, 1, number);
    store_bind_bytes(insert, 2, (struct str){data, sizeof data});
    return store_run(insert, fault);
}

static enum fault_code commit_number(struct store *store, int64_t number, struct fault *fault)
{
    enum fault_code code = store_begin(store, fault);
    if (code != FAULT_NONE)
        return code;
    code = put(store, number, fault);
    if (code == FAULT_NONE)
        return store_commit(store, fault);
    store_rollback(store);
    return code;
}

static bool holds(struct store *store, int64_t number)
{
    static const char sql[] = "SELECT n FROM numbers WHERE n = $1";
    struct statement *query;
    struct fault fault;
    bool row = false;
    good(store_prepare(store, sql, &query, &fault), &fault);
    store_bind_whole(query, 1, number);
    good(store_step(query, &row, &fault), &fault);
    store_reset(query);
    return row;
}

enum { NUMBERS = 12 };

/* Commits numbers until one is refused; the store opened anew holds all before it and not it. A
 * flush that failed may have reached the disk all the same: that one number may be there. */
static void check_refusal(enum refusal kind, int n, bool *out_reached)
{
    struct fault fault = {.text = ""};
    store_flush_failed = false;
    remove_files();
    struct store *store = open_store();
    refusal = kind;
    left_before_refusal = n;
    int64_t number = 0;
    enum fault_code code = FAULT_NONE;
    while (number < NUMBERS && code == FAULT_NONE)
        code = commit_number(store, number++, &fault);
    *out_reached = left_before_refusal < 0;
    refusal = REFUSE_NOTHING;
    int64_t refused = -1;
    if (code != FAULT_NONE) {
        assert_int_equal(code, FAULT_IO);
        assert_non_null(strstr(fault.text, path));
        refused = number - 1;
        enum fault_code next = commit_number(store, 100, &fault);
        assert_int_equal(next, kind == REFUSE_SYNC ? FAULT_IO : FAULT_NONE);
        if (kind == REFUSE_SYNC)
            assert_non_null(strstr(fault.text, "has failed to flush"));
    }
    store_close(store);
    store_flush_failed = false;
    store = open_store();
    for (int64_t i = 0; i < NUMBERS; i++) {
        bool expected = refused < 0 || i < refused;
        if (i != refused || kind == REFUSE_WRITE)
            assert_int_equal(holds(store, i), expected);
    }
    assert_int_equal(holds(store, 100), refused >= 0 && kind == REFUSE_WRITE);
    store_close(store);
}

static void store__loses_nothing_acknowledged_when_any_write_is_refused(void **state)
{
    (void)state;
    static const int codes[] = {SQLITE_FULL, SQLITE_IOERR_WRITE};
    for (int i = 0; i < 2; i++) {
        write_code = codes[i];
        bool reached = true;
        int n = 0;
        while (reached)
            check_refusal(REFUSE_WRITE, n++, &reached);
        assert_true(n > NUMBERS);
    }
}

static void store__writes_no_more_once_a_flush_has_failed(void **state)
{
    (void)state;
    bool reached = true;
    int n = 0;
    while (reached)
        check_refusal(REFUSE_SYNC, n++, &reached);
    assert_true(n >= NUMBERS);
}

/* The copying of the log into the file comes after a commit that holds: its failed flush must end
 * the writing too, or the log would be overwritten although the file lost what was in it. */
static void store__writes_no_more_once_a_checkpoint_could_not_be_flushed(void **state)
{
    (void)state;
    struct fault fault;
    store_flush_failed = false;
    remove_files();
    struct store *store = open_store();
    good(store_begin(store, &fault), &fault);
    for (int64_t i = 0; i < STORE_CHECKPOINT_PAGES + 100; i++)
        good(put(store, i, &fault), &fault);
    refusal = REFUSE_SYNC;
    left_before_refusal = 1; /* the commit's own flush, then those of the copying */
    good(store_commit(store, &fault), &fault);
    assert_true(left_before_refusal < 0);
    refusal = REFUSE_NOTHING;
    assert_int_equal(commit_number(store, -1, &fault), FAULT_IO);
    assert_true(holds(store, 0));
    store_close(store);
    store_flush_failed = false;
    store = open_store();
    assert_true(holds(store, STORE_CHECKPOINT_PAGES + 99));
    assert_false(holds(store, -1));
    store_close(store);
}

/* The thread beside the writer flushes what it copied before the log begins anew. */
static void store__writes_no_more_once_copied_pages_could_not_be_flushed(void **state)
{
    (void)state;
    struct fault fault;
    int done;
    store_flush_failed = false;
    remove_files();
    struct store *store = open_store();
    good(commit_number(store, 1, &fault), &fault);
    good(store_checkpoint(store, &done, &fault), &fault);
    good(store_flush(store, &fault), &fault);
    refusal = REFUSE_SYNC;
    left_before_refusal = 0;
    assert_int_equal(store_flush(store, &fault), FAULT_IO);
    refusal = REFUSE_NOTHING;
    assert_int_equal(commit_number(store, 2, &fault), FAULT_IO);
    assert_true(holds(store, 1));
    store_close(store);
    store_flush_failed = false;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(store__loses_nothing_acknowledged_when_any_write_is_refused),
        TEST(store__writes_no_more_once_a_flush_has_failed),
        TEST(store__writes_no_more_once_a_checkpoint_could_not_be_flushed),
        TEST(store__writes_no_more_once_copied_pages_could_not_be_flushed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
