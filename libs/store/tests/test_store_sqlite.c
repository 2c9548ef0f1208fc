/* What is of SQLite alone: files, disks and memory that refuse, settings that are looked at. */
#include "libs/store/tests/things.h"

#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "libs/core/file.h"
#include "libs/core/os.h"

static void put_file(const char *path, struct str content, unsigned mode)
{
    struct fault fault;
    good(file_replace(path, content, mode, &fault), &fault);
}

static void store_open__sets_what_durability_and_safety_need(void **state)
{
    const struct folder *folder = *state;
    struct store *store = open_migrated(folder->file);
    assert_int_equal(ask_whole(store, "PRAGMA synchronous"), 2);
    assert_int_equal(ask_whole(store, "PRAGMA foreign_keys"), 1);
    assert_int_equal(ask_whole(store, "PRAGMA trusted_schema"), 0);
    assert_int_equal(ask_whole(store, "PRAGMA cell_size_check"), 1);
    assert_int_equal(ask_whole(store, "PRAGMA application_id"), 0x69677374);
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

static void store__tells_a_full_disk_and_keeps_what_was_committed(void **state)
{
    const struct folder *folder = *state;
    char big[3000];
    memset(big, 'x', sizeof big);
    struct store *store = open_migrated(folder->file);
    struct fault fault;
    ask_whole(store, "PRAGMA max_page_count=24");
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
    unsetenv("IG_TEST_STORE"); /* whatever server there is */
    const struct CMUnitTest tests[] = {
        IN_FOLDER(store_open__sets_what_durability_and_safety_need),
        IN_FOLDER(store_open__names_what_is_no_database),
        IN_FOLDER(store_open__leaves_another_programs_database_alone),
        IN_FOLDER(store_open__tells_a_read_only_file),
        IN_FOLDER(store__tells_a_full_disk_and_keeps_what_was_committed),
        IN_FOLDER(store__tells_a_really_full_disk),
        IN_FOLDER(store__tells_a_damaged_file),
        IN_FOLDER(store__survives_every_refused_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
