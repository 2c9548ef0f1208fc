#include "libs/store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "libs/core/file.h"
#include "libs/core/os.h"
#include "libs/store/tests/place.h"

static const char sql_insert[] = "INSERT INTO things (id, name, data) VALUES ($1, $2, $3)";
static const char sql_select[] = "SELECT id, name, data FROM things WHERE id >= $1 ORDER BY id";
static const char sql_count[] = "SELECT count(*) FROM things";

#define TEXT(literal)                                                                              \
    {                                                                                              \
        ("" literal), sizeof(literal) - 1                                                          \
    }

static const struct store_migration migrations[] = {
    {1, "things",
     TEXT("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL, data BLOB) STRICT;\n"
          "-- the last statement needs no semicolon\n"
          "CREATE TABLE parts (thing INTEGER NOT NULL REFERENCES things (id)) STRICT")},
    {2, "names are unique", TEXT("CREATE UNIQUE INDEX things_name ON things (name);\n")},
};

struct folder {
    char path[64];
    char file[PLACE_MAX];
};

static int make_folder(void **state)
{
    static struct folder folder;
    /* In memory where there is such a place: hundreds of stores are made here. */
    snprintf(folder.path, sizeof folder.path, "%s", "/dev/shm/test_store.XXXXXX");
    if (!mkdtemp(folder.path)) {
        snprintf(folder.path, sizeof folder.path, "%s", "/tmp/test_store.XXXXXX");
        assert_non_null(mkdtemp(folder.path));
    }
    char file[PLACE_MAX];
    snprintf(file, sizeof file, "%s/test.db", folder.path);
    place_make(file, folder.file);
    *state = &folder;
    return 0;
}

static int remove_folder(void **state)
{
    struct folder *folder = *state;
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char name[2 * PLACE_MAX];
        snprintf(name, sizeof name, "%s/test.db%s", folder->path, endings[i]);
        unlink(name);
    }
    return rmdir(folder->path);
}

static void good(enum fault_code code, const struct fault *fault)
{
    if (code != FAULT_NONE)
        fail_msg("failed with %d: %s", code, fault->text);
}

/* What a fault calls the store. */
static const char *name_of(const struct folder *folder)
{
    return place_is_server() ? "postgresql:///postgres?host=/" : folder->file;
}

static struct store *open_migrated(const char *path)
{
    struct store *store = NULL;
    struct fault fault;
    good(store_open(path, &store, &fault), &fault);
    good(store_migrate(store, migrations, 2, &fault), &fault);
    return store;
}

static enum fault_code insert(struct store *store, int64_t id, struct str name, struct str data,
                              struct fault *fault)
{
    struct statement *statement;
    enum fault_code code = store_prepare(store, sql_insert, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(statement, 1, id);
    store_bind_text(statement, 2, name);
    if (data.ptr)
        store_bind_bytes(statement, 3, data);
    else
        store_bind_null(statement, 3);
    return store_run(statement, fault);
}

static int64_t count_things(struct store *store)
{
    struct statement *query;
    struct fault fault;
    bool row = false;
    good(store_prepare(store, sql_count, &query, &fault), &fault);
    good(store_step(query, &row, &fault), &fault);
    assert_true(row);
    int64_t count = store_whole(query, 0);
    store_reset(query);
    return count;
}

static void put_file(const char *path, struct str content, unsigned mode)
{
    struct fault fault;
    good(file_replace(path, content, mode, &fault), &fault);
}

static void store__gives_back_what_was_put_in(void **state)
{
    const struct folder *folder = *state;
    struct store *store = open_migrated(folder->file);
    struct fault fault;
    good(store_begin(store, &fault), &fault);
    good(insert(store, 1, STR("gr\xc3\xbc\xc3\x9f dich"), STR("\0\xff\1"), &fault), &fault);
    assert_int_equal(store_changes(store), 1);
    good(insert(store, INT64_MAX, STR(""), STR(""), &fault), &fault);
    good(insert(store, INT64_MIN, STR("no data"), (struct str){NULL, 0}, &fault), &fault);
    good(store_commit(store, &fault), &fault);
    store_close(store);

    store = open_migrated(folder->file);
    struct statement *query;
    bool row = false;
    good(store_prepare(store, sql_select, &query, &fault), &fault);
    store_bind_whole(query, 1, INT64_MIN);
    good(store_step(query, &row, &fault), &fault);
    assert_true(row && store_whole(query, 0) == INT64_MIN && store_is_null(query, 2));
    assert_int_equal(store_text(query, 2).len, 0);
    good(store_step(query, &row, &fault), &fault);
    assert_true(row && store_whole(query, 0) == 1);
    assert_true(str_equal(store_text(query, 1), STR("gr\xc3\xbc\xc3\x9f dich")));
    assert_true(str_equal(store_text(query, 2), STR("\0\xff\1")));
    good(store_step(query, &row, &fault), &fault);
    assert_true(row && store_whole(query, 0) == INT64_MAX);
    assert_false(store_is_null(query, 1));
    assert_false(store_is_null(query, 2));
    assert_int_equal(store_text(query, 2).len, 0);
    good(store_step(query, &row, &fault), &fault);
    assert_false(row);
    store_close(store);
}

static void store_changes__counts_the_rows_of_the_last_change(void **state)
{
    static const char sql_returning[] =
        "UPDATE things SET name = name || '!' WHERE id <> $1 RETURNING id";
    const struct folder *folder = *state;
    struct store *store = open_migrated(folder->file);
    struct statement *update;
    struct fault fault;
    bool row = true;
    int64_t rows = 0;
    good(insert(store, 1, STR("a"), STR(""), &fault), &fault);
    good(insert(store, 2, STR("b"), STR(""), &fault), &fault);
    good(insert(store, 3, STR("c"), STR(""), &fault), &fault);
    assert_int_equal(store_changes(store), 1);
    good(store_prepare(store, sql_returning, &update, &fault), &fault);
    store_bind_whole(update, 1, 2);
    while (row) {
        good(store_step(update, &row, &fault), &fault);
        rows += row;
    }
    assert_int_equal(rows, 2);
    assert_int_equal(store_changes(store), 2);
    assert_int_equal(count_things(store), 3); /* a query changes nothing */
    assert_int_equal(store_changes(store), 2);
    store_close(store);
}

static void store_rollback__leaves_nothing(void **state)
{
    const struct folder *folder = *state;
    struct store *store = open_migrated(folder->file);
    struct fault fault;
    good(store_begin(store, &fault), &fault);
    good(insert(store, 1, STR("a"), STR(""), &fault), &fault);
    store_rollback(store);
    store_rollback(store);
    assert_int_equal(count_things(store), 0);
    store_close(store);
}

static void store_close__within_a_transaction_leaves_nothing(void **state)
{
    const struct folder *folder = *state;
    struct store *store = open_migrated(folder->file);
    struct fault fault;
    good(store_begin(store, &fault), &fault);
    good(insert(store, 1, STR("a"), STR(""), &fault), &fault);
    store_close(store);
    store_close(NULL);
    store = open_migrated(folder->file);
    assert_int_equal(count_things(store), 0);
    store_close(store);
}

static void store_begin_read__sees_one_state_while_another_writes(void **state)
{
    const struct folder *folder = *state;
    struct store *reader = open_migrated(folder->file);
    struct store *writer = open_migrated(folder->file);
    struct fault fault;
    good(store_begin_read(reader, &fault), &fault);
    assert_int_equal(count_things(reader), 0);
    good(insert(writer, 1, STR("a"), STR(""), &fault), &fault);
    assert_int_equal(count_things(reader), 0);
    store_rollback(reader);
    assert_int_equal(count_things(reader), 1);
    store_close(reader);
    store_close(writer);
}

static void store__tells_a_broken_constraint_as_a_conflict(void **state)
{
    const struct folder *folder = *state;
    struct store *store = open_migrated(folder->file);
    struct fault fault;
    good(insert(store, 1, STR("a"), STR(""), &fault), &fault);
    assert_int_equal(insert(store, 2, STR("a"), STR(""), &fault), FAULT_CONFLICT);
    assert_non_null(strcasestr(fault.text, "UNIQUE"));
    static const char orphan[] = "INSERT INTO parts (thing) VALUES ($1)";
    struct statement *statement;
    good(store_prepare(store, orphan, &statement, &fault), &fault);
    store_bind_whole(statement, 1, 77);
    assert_int_equal(store_run(statement, &fault), FAULT_CONFLICT);
    assert_non_null(strcasestr(fault.text, "FOREIGN KEY"));
    store_close(store);
}

static void store_prepare__reuses_and_unbinds(void **state)
{
    const struct folder *folder = *state;
    struct store *store = open_migrated(folder->file);
    struct fault fault;
    struct statement *one;
    struct statement *two;
    good(store_prepare(store, sql_insert, &one, &fault), &fault);
    store_bind_whole(one, 1, 5);
    store_bind_text(one, 2, STR("five"));
    good(store_run(one, &fault), &fault);
    good(store_prepare(store, sql_insert, &two, &fault), &fault);
    assert_ptr_equal(one, two);
    assert_int_equal(store_run(two, &fault), FAULT_CONFLICT); /* name is NULL again */
    assert_non_null(strstr(fault.text, place_is_server() ? "not-null" : "NOT NULL"));
    store_close(store);
}

static int64_t pragma(struct store *store, const char *sql)
{
    struct statement *query;
    struct fault fault;
    bool row = false;
    good(store_prepare(store, sql, &query, &fault), &fault);
    good(store_step(query, &row, &fault), &fault);
    int64_t value = store_whole(query, 0);
    store_reset(query);
    return value;
}

static void store_open__sets_what_durability_and_safety_need(void **state)
{
    const struct folder *folder = *state;
    struct store *store = open_migrated(folder->file);
    assert_int_equal(pragma(store, "PRAGMA synchronous"), 2);
    assert_int_equal(pragma(store, "PRAGMA foreign_keys"), 1);
    assert_int_equal(pragma(store, "PRAGMA trusted_schema"), 0);
    assert_int_equal(pragma(store, "PRAGMA cell_size_check"), 1);
    assert_int_equal(pragma(store, "PRAGMA application_id"), 0x69677374);
    struct statement *query;
    struct fault fault;
    bool row;
    static const char mode[] = "PRAGMA journal_mode";
    good(store_prepare(store, mode, &query, &fault), &fault);
    good(store_step(query, &row, &fault), &fault);
    assert_true(str_equal(store_text(query, 0), STR("wal")));
    store_reset(query);

    struct stat info;
    char wal[256];
    snprintf(wal, sizeof wal, "%s-wal", folder->file);
    assert_int_equal(stat(folder->file, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(stat(wal, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    store_close(store);
}

static void store_open__names_what_is_no_database(void **state)
{
    const struct folder *folder = *state;
    static const char *const contents[] = {"xy", "not a database, but a text of some length"};
    struct store *store = NULL;
    struct fault fault;
    for (size_t i = 0; i < 2; i++) {
        put_file(folder->file, str_of(contents[i]), 0600);
        assert_int_equal(store_open(folder->file, &store, &fault), FAULT_CORRUPT);
        assert_non_null(strstr(fault.text, folder->file));
        assert_non_null(strstr(fault.text, "not a database"));
        assert_null(store);
    }
    assert_int_equal(store_open("/nonexistent/folder/x.db", &store, &fault), FAULT_IO);
    assert_non_null(strstr(fault.text, "/nonexistent/folder/x.db"));
    assert_non_null(strstr(fault.text, "No such file"));
    assert_int_equal(store_open(folder->path, &store, &fault), FAULT_IO);
    assert_non_null(strstr(fault.text, folder->path));
}

static void store_open__leaves_another_programs_database_alone(void **state)
{
    const struct folder *folder = *state;
    struct store *store = open_migrated(folder->file); /* sets SQLite up before it is used here */
    store_close(store);
    unlink(folder->file);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(folder->file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE theirs (x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);

    struct buf before;
    struct buf after;
    struct fault fault;
    buf_init(&before, 1 << 20);
    buf_init(&after, 1 << 20);
    good(file_read(folder->file, &before, &fault), &fault);
    store = NULL;
    assert_int_equal(store_open(folder->file, &store, &fault), FAULT_CORRUPT);
    assert_non_null(strstr(fault.text, "another program"));
    assert_null(store);
    good(file_read(folder->file, &after, &fault), &fault);
    assert_true(str_equal(buf_str(&before), buf_str(&after)));
    buf_done(&before);
    buf_done(&after);
}

static void store_open__tells_a_read_only_file(void **state)
{
    const struct folder *folder = *state;
    store_close(open_migrated(folder->file));
    assert_int_equal(chmod(folder->file, 0444), 0);
    assert_int_equal(chmod(folder->path, 0755), 0);
    bool is_root = geteuid() == 0; /* whom modes do not stop */
    if (is_root)
        assert_int_equal(seteuid(65534), 0);
    struct store *store = NULL;
    struct fault fault;
    enum fault_code code = store_open(folder->file, &store, &fault);
    if (is_root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(code, FAULT_IO);
    assert_non_null(strstr(fault.text, "read-only"));
    assert_non_null(strstr(fault.text, folder->file));
    assert_null(store);
}

static void store_migrate__refuses_a_newer_store(void **state)
{
    const struct folder *folder = *state;
    struct store *store = open_migrated(folder->file);
    struct fault fault;
    good(store_migrate(store, migrations, 2, &fault), &fault);
    assert_int_equal(store_migrate(store, migrations, 1, &fault), FAULT_CONFLICT);
    assert_non_null(strstr(fault.text, name_of(folder)));
    assert_non_null(strstr(fault.text, "newer version (2)"));
    assert_int_equal(count_things(store), 0);
    store_close(store);
}

static void store_migrate__leaves_nothing_of_a_migration_that_fails(void **state)
{
    const struct folder *folder = *state;
    static const struct store_migration wrong[] = {
        {1, "good", TEXT("CREATE TABLE one (x INTEGER) STRICT;")},
        {2, "bad", TEXT("CREATE TABLE two (x INTEGER) STRICT; CREATE TABLE one (x INTEGER);")},
    };
    static const char on_sqlite[] =
        "SELECT count(*) FROM sqlite_master WHERE name IN ('one', 'two')";
    static const char on_postgresql[] =
        "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() "
        "AND tablename IN ('one', 'two')";
    const char *sql = place_is_server() ? on_postgresql : on_sqlite;
    struct store *store = NULL;
    struct fault fault;
    good(store_open(folder->file, &store, &fault), &fault);
    assert_int_equal(store_migrate(store, wrong, 2, &fault), FAULT_CORRUPT);
    assert_non_null(strstr(fault.text, "migration 2 (bad)"));
    assert_int_equal(pragma(store, sql), 1);
    good(store_migrate(store, wrong, 1, &fault), &fault);
    store_close(store);
}

static void store__tells_a_full_disk_and_keeps_what_was_committed(void **state)
{
    const struct folder *folder = *state;
    char big[3000];
    memset(big, 'x', sizeof big);
    struct store *store = open_migrated(folder->file);
    struct fault fault;
    pragma(store, "PRAGMA max_page_count=24");
    good(insert(store, 0, STR("kept"), STR(""), &fault), &fault);
    good(store_begin(store, &fault), &fault);
    enum fault_code code = FAULT_NONE;
    for (int i = 1; i < 100 && code == FAULT_NONE; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        code = insert(store, i, str_of(name), (struct str){big, sizeof big}, &fault);
    }
    assert_int_equal(code, FAULT_IO);
    assert_non_null(strstr(fault.text, "the disk is full"));
    assert_non_null(strstr(fault.text, folder->file));
    /* Whether SQLite rolled back on its own or not: nothing of the unit of work can be committed
     * but by a transaction that is still whole. */
    store_rollback(store);
    assert_int_equal(count_things(store), 1);
    good(insert(store, 1, STR("small"), STR(""), &fault), &fault);
    store_close(store);
}

/* A file system of its own that is really full. */
static void store__tells_a_really_full_disk(void **state)
{
    const struct folder *folder = *state;
    if (mount("tmpfs", folder->path, "tmpfs", 0, "size=256k,mode=0700") < 0)
        skip();
    char big[3000];
    memset(big, 'x', sizeof big);
    struct store *store = open_migrated(folder->file);
    struct fault fault;
    enum fault_code code = FAULT_NONE;
    int64_t kept = 0;
    for (int i = 1; i < 1000 && code == FAULT_NONE; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        code = insert(store, i, str_of(name), (struct str){big, sizeof big}, &fault);
        kept += code == FAULT_NONE;
    }
    int64_t counted = count_things(store);
    store_close(store);
    store = open_migrated(folder->file);
    int64_t reopened = count_things(store);
    store_close(store);
    assert_int_equal(umount(folder->path), 0);
    assert_int_equal(code, FAULT_IO);
    assert_non_null(strstr(fault.text, "the disk is full"));
    assert_true(kept > 0);
    assert_int_equal(counted, kept);
    assert_int_equal(reopened, kept);
}

/* A clock that leaps a second each time it is asked, so that waiting is short here. */
static int64_t leaping_us(void)
{
    static int64_t now_us;
    return now_us += 1000000;
}

static void store_begin__tells_that_another_writes_and_works_when_it_is_done(void **state)
{
    const struct folder *folder = *state;
    struct store *one = open_migrated(folder->file);
    struct store *two = open_migrated(folder->file);
    struct fault fault;
    good(store_begin(one, &fault), &fault);
    good(insert(one, 1, STR("a"), STR(""), &fault), &fault);

    struct os_platform leaping = os_posix;
    leaping.monotonic_us = leaping_us;
    os_platform_set(&leaping);
    enum fault_code code = store_begin(two, &fault);
    os_platform_set(&os_posix);
    assert_int_equal(code, FAULT_UNAVAILABLE);
    assert_non_null(strstr(fault.text, name_of(folder)));
    assert_non_null(strstr(fault.text, "another writer"));

    good(store_commit(one, &fault), &fault);
    good(store_begin(two, &fault), &fault);
    assert_int_equal(count_things(two), 1);
    good(store_commit(two, &fault), &fault);
    store_close(one);
    store_close(two);
}

static void store__tells_a_damaged_file(void **state)
{
    const struct folder *folder = *state;
    struct store *store = open_migrated(folder->file);
    struct fault fault;
    char name[16];
    good(store_begin(store, &fault), &fault);
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "n%d", i);
        good(insert(store, i, str_of(name), STR("some bytes that fill pages"), &fault), &fault);
    }
    good(store_commit(store, &fault), &fault);
    store_close(store);
    FILE *file = fopen(folder->file, "r+");
    assert_non_null(file);
    char junk[4096];
    memset(junk, 0xa5, sizeof junk);
    for (long page = 6; page < 30; page++) {
        fseek(file, page * 4096, SEEK_SET);
        fwrite(junk, 1, sizeof junk, file);
    }
    fclose(file);

    store = open_migrated(folder->file);
    struct statement *query;
    bool row = true;
    good(store_prepare(store, sql_select, &query, &fault), &fault);
    store_bind_whole(query, 1, 0);
    enum fault_code code = FAULT_NONE;
    while (code == FAULT_NONE && row)
        code = store_step(query, &row, &fault);
    assert_int_equal(code, FAULT_CORRUPT);
    assert_non_null(strstr(fault.text, "damaged"));
    store_close(store);
}

/* The n-th allocation is refused; with `sticky` all after it too. */
static int64_t left_before_refusal;
static bool sticky;

static void *refusing_resize(void *ptr, size_t size)
{
    if (size > 0 && left_before_refusal-- <= 0 && (sticky || left_before_refusal == -1))
        return NULL;
    return os_posix.resize(ptr, size);
}

static enum fault_code unit_of_work(const char *path, struct fault *fault)
{
    struct store *store = NULL;
    enum fault_code code = store_open(path, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = store_migrate(store, migrations, 2, fault);
    if (code == FAULT_NONE)
        code = store_begin(store, fault);
    for (int i = 0; i < 3 && code == FAULT_NONE; i++) {
        char name[2] = {(char)('a' + i), '\0'};
        code = insert(store, i, str_of(name), STR("data"), fault);
    }
    if (code == FAULT_NONE)
        code = store_commit(store, fault);
    else
        store_rollback(store);
    store_close(store);
    return code;
}

static void store__survives_every_refused_allocation(void **state)
{
    const struct folder *folder = *state;
    struct os_platform refusing = os_posix;
    refusing.resize = refusing_resize;
    int refused = 0;
    for (int round = 0; round < 2; round++) {
        sticky = round == 1;
        enum fault_code code = FAULT_NO_MEMORY;
        for (int n = 0; code != FAULT_NONE; n++) {
            unlink(folder->file);
            struct fault fault = {.text = ""};
            left_before_refusal = n;
            os_platform_set(&refusing);
            code = unit_of_work(folder->file, &fault);
            os_platform_set(&os_posix);
            bool reached = left_before_refusal < 0;
            if (code != FAULT_NONE && code != FAULT_NO_MEMORY)
                fail_msg("refusal %d gave %d: %s", n, code, fault.text);
            if (reached)
                refused++;

            struct store *store = open_migrated(folder->file);
            int64_t count = count_things(store);
            store_close(store);
            assert_int_equal(count, code == FAULT_NONE ? 3 : 0);
            if (code == FAULT_NONE && reached)
                code = FAULT_NO_MEMORY; /* SQLite did without: go on to the next */
            assert_true(n < 20000);
        }
    }
    assert_true(refused > 100);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest both[] = {
        IN_FOLDER(store__gives_back_what_was_put_in),
        IN_FOLDER(store_changes__counts_the_rows_of_the_last_change),
        IN_FOLDER(store_rollback__leaves_nothing),
        IN_FOLDER(store_close__within_a_transaction_leaves_nothing),
        IN_FOLDER(store_begin_read__sees_one_state_while_another_writes),
        IN_FOLDER(store__tells_a_broken_constraint_as_a_conflict),
        IN_FOLDER(store_prepare__reuses_and_unbinds),
        IN_FOLDER(store_migrate__refuses_a_newer_store),
        IN_FOLDER(store_migrate__leaves_nothing_of_a_migration_that_fails),
        IN_FOLDER(store_begin__tells_that_another_writes_and_works_when_it_is_done),
    };
    const struct CMUnitTest of_sqlite[] = {
        IN_FOLDER(store_open__sets_what_durability_and_safety_need),
        IN_FOLDER(store_open__names_what_is_no_database),
        IN_FOLDER(store_open__leaves_another_programs_database_alone),
        IN_FOLDER(store_open__tells_a_read_only_file),
        IN_FOLDER(store__tells_a_full_disk_and_keeps_what_was_committed),
        IN_FOLDER(store__tells_a_really_full_disk),
        IN_FOLDER(store__tells_a_damaged_file),
        IN_FOLDER(store__survives_every_refused_allocation),
    };
    int failed = cmocka_run_group_tests(both, NULL, NULL);
    return place_is_server() ? failed : failed + cmocka_run_group_tests(of_sqlite, NULL, NULL);
}
