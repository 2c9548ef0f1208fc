#include "libs/store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/store/tests/place.h"

static const char tables[] = "CREATE TABLE things (id BIGINT NOT NULL PRIMARY KEY, name TEXT, "
                             "data BYTEA);";
static const struct store_migration migrations[] = {{1, "things", {tables, sizeof tables - 1}}};

static const struct store_column columns[] = {
    {"id", STORE_WHOLE}, {"name", STORE_TEXT}, {"data", STORE_BYTES}};
static const struct store_copy to_things = {"things", columns, 3};
static const struct store_copy to_new = {"new_things", columns, 3};

static char file[64];
static struct store *store;
static struct fault fault;

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != FAULT_NONE)                                                                  \
            fail_msg("%s", fault.text);                                                            \
    } while (0)

static int set_up(void **state)
{
    char place[PLACE_MAX];
    (void)state;
    snprintf(file, sizeof file, "%s", "/tmp/test_store_copy.XXXXXX");
    int fd = mkstemp(file);
    if (fd < 0 || close(fd) != 0)
        return -1;
    place_make(file, place);
    MUST(store_open(place, &store, &fault));
    MUST(store_migrate(store, migrations, 1, &fault));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_close(store);
    return unlink(file);
}

static int64_t ask(const char *sql)
{
    struct statement *query;
    bool row = false;
    MUST(store_prepare(store, sql, &query, &fault));
    MUST(store_step(query, &row, &fault));
    assert_true(row);
    int64_t number = store_whole(query, 0);
    store_reset(query);
    return number;
}

static void run(const char *sql)
{
    struct statement *statement;
    MUST(store_prepare(store, sql, &statement, &fault));
    MUST(store_run(statement, &fault));
}

static struct store_cell whole(int64_t number)
{
    return (struct store_cell){.whole = number};
}

static struct store_cell bytes(struct str text)
{
    return (struct store_cell){.bytes = text};
}

static const struct store_cell null_cell = {.is_null = true};

static void store_copy__puts_in_what_comes_out(void **state)
{
    static const char sql[] = "SELECT id, name, data FROM things ORDER BY id";
    struct statement *query;
    bool row = false;
    (void)state;
    const struct store_cell cells[] = {
        whole(INT64_MIN),       bytes(STR("gr\xc3\xbc\xc3\x9f")),
        bytes(STR("\0\xff\1")), whole(0),
        bytes((struct str){0}), null_cell,
        whole(INT64_MAX),       null_cell,
        bytes((struct str){0}),
    };
    MUST(store_begin(store, &fault));
    MUST(store_copy(store, &to_things, cells, 0, &fault));
    MUST(store_copy(store, &to_things, cells, 3, &fault));
    MUST(store_commit(store, &fault));
    MUST(store_prepare(store, sql, &query, &fault));
    MUST(store_step(query, &row, &fault));
    assert_true(row && store_whole(query, 0) == INT64_MIN);
    assert_true(str_equal(store_text(query, 1), STR("gr\xc3\xbc\xc3\x9f")));
    assert_true(str_equal(store_text(query, 2), STR("\0\xff\1")));
    MUST(store_step(query, &row, &fault));
    assert_true(row && store_whole(query, 0) == 0);
    assert_true(!store_is_null(query, 1) && store_text(query, 1).len == 0);
    assert_true(store_is_null(query, 2));
    MUST(store_step(query, &row, &fault));
    assert_true(row && store_whole(query, 0) == INT64_MAX && store_is_null(query, 1));
    assert_true(!store_is_null(query, 2) && store_text(query, 2).len == 0);
    MUST(store_step(query, &row, &fault));
    assert_false(row);
}

enum { MANY = 20000 };

static struct store_cell *many_cells(int64_t first)
{
    struct store_cell *cells = calloc(3 * MANY, sizeof *cells);
    assert_non_null(cells);
    for (int64_t i = 0; i < MANY; i++) {
        cells[3 * i] = whole(first + i);
        cells[3 * i + 1] = bytes(STR("a name of some length"));
        cells[3 * i + 2] = i % 3 ? bytes(STR("\1\2\3")) : null_cell;
    }
    return cells;
}

/* As a batch of events goes in: those that are there already are passed over. */
static void store_copy__fills_a_temporary_table_to_merge_from(void **state)
{
    static const char temp[] = "CREATE TEMP TABLE IF NOT EXISTS new_things (id BIGINT NOT NULL, "
                               "name TEXT, data BYTEA)";
    static const char merge[] = "INSERT INTO things (id, name, data) SELECT id, name, data FROM "
                                "new_things WHERE id >= $1 ON CONFLICT (id) DO NOTHING";
    static const char clear[] = "DELETE FROM new_things";
    (void)state;
    for (int64_t first = 0; first < 3 * MANY / 2; first += MANY / 2) {
        struct store_cell *cells = many_cells(first);
        struct statement *statement;
        MUST(store_begin(store, &fault));
        run(temp);
        MUST(store_copy(store, &to_new, cells, MANY, &fault));
        MUST(store_prepare(store, merge, &statement, &fault));
        store_bind_whole(statement, 1, 0);
        MUST(store_run(statement, &fault));
        assert_int_equal(store_changes(store), first == 0 ? MANY : MANY / 2);
        run(clear);
        MUST(store_commit(store, &fault));
        free(cells);
    }
    assert_int_equal(ask("SELECT count(*) FROM things"), 2 * MANY);
}

static void store_copy__leaves_nothing_when_a_key_is_there(void **state)
{
    (void)state;
    struct store_cell *cells = many_cells(1);
    cells[3 * (MANY - 1)] = whole(5);
    MUST(store_begin(store, &fault));
    assert_int_equal(store_copy(store, &to_things, cells, MANY, &fault), FAULT_CONFLICT);
    store_rollback(store);
    assert_int_equal(ask("SELECT count(*) FROM things"), 0);
    MUST(store_begin(store, &fault));
    MUST(store_copy(store, &to_things, cells, MANY - 1, &fault));
    MUST(store_commit(store, &fault));
    assert_int_equal(ask("SELECT count(*) FROM things"), MANY - 1);
    free(cells);
}

static void store_copy__says_what_does_not_fit(void **state)
{
    static const struct store_column other[] = {{"id", STORE_WHOLE}, {"colour", STORE_TEXT}};
    static const struct store_copy wrong = {"things", other, 2};
    static const struct store_copy nowhere = {"nothings", columns, 3};
    (void)state;
    const struct store_cell cells[] = {whole(1), bytes(STR("red")), null_cell};
    MUST(store_begin(store, &fault));
    assert_int_equal(store_copy(store, &wrong, cells, 1, &fault), FAULT_CORRUPT);
    assert_non_null(strstr(fault.text, "colour"));
    store_rollback(store);
    MUST(store_begin(store, &fault));
    assert_int_equal(store_copy(store, &nowhere, cells, 1, &fault), FAULT_CORRUPT);
    assert_non_null(strstr(fault.text, "nothings"));
    store_rollback(store);
    assert_int_equal(ask("SELECT count(*) FROM things"), 0);
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_STORE(store_copy__puts_in_what_comes_out),
        WITH_STORE(store_copy__fills_a_temporary_table_to_merge_from),
        WITH_STORE(store_copy__leaves_nothing_when_a_key_is_there),
        WITH_STORE(store_copy__says_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
