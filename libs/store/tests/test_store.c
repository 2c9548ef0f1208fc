/* What a store promises, whichever engine is behind it. */
#include "libs/store/tests/things.h"

#include "libs/core/os.h"

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
    assert_int_equal(ask_whole(store, sql), 1);
    good(store_migrate(store, wrong, 1, &fault), &fault);
    store_close(store);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    return cmocka_run_group_tests(tests, NULL, NULL);
}
