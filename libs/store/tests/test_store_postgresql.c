/* What is PostgreSQL's alone: addresses, lost connections, rows that do not fit, refusals at the
 * door. All but the addresses need the server of the lane `postgresql`. */
#include "libs/store/store_pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/store/tests/place.h"

static const char tables[] = "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL) "
                             "STRICT;\n"
                             "CREATE TABLE counts (n INTEGER NOT NULL);\n"
                             "INSERT INTO counts VALUES (0);";
static const struct store_migration migrations[] = {{1, "things", {tables, sizeof tables - 1}}};

static char place[PLACE_MAX];
static struct fault fault;

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != FAULT_NONE)                                                                  \
            fail_msg("%s", fault.text);                                                            \
    } while (0)

static int set_up(void **state)
{
    (void)state;
    if (place_is_server())
        place_make("", place);
    return 0;
}

static struct store *open_store(void)
{
    struct store *store = NULL;
    MUST(store_open(place, &store, &fault));
    MUST(store_migrate(store, migrations, 1, &fault));
    return store;
}

static enum fault_code run(struct store *store, const char *sql)
{
    struct statement *statement;
    bool row = true;
    enum fault_code code = store_prepare(store, sql, &statement, &fault);
    while (code == FAULT_NONE && row)
        code = store_step(statement, &row, &fault);
    return code;
}

static int64_t ask(struct store *store, const char *sql)
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

/* --- addresses ------------------------------------------------------------------------------ */

static void store_place__tells_servers_from_files_and_passwords_from_none(void **state)
{
    static const struct {
        const char *place;
        bool is_server;
        bool is_secret;
    } cases[] = {
        {"/var/lib/x.db", false, false},
        {"postgresql.db", false, false},
        {"postgresql:///db", true, false},
        {"postgres://u@h:5433/db?sslmode=verify-full", true, false},
        {"postgresql://u:hush@h/db", true, true},
        {"postgresql://u@h/db?password=hush", true, true},
        {"postgresql://u@h/db?sslpassword=hush", true, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool is_secret = !cases[i].is_secret;
        assert_int_equal(store_place_is_server(cases[i].place), cases[i].is_server);
        MUST(store_place_check(cases[i].place, &is_secret, &fault));
        assert_int_equal(is_secret, cases[i].is_secret);
    }
}

static void store_place__never_shows_a_password(void **state)
{
    static const char *const wrong[] = {
        "postgresql://u:hush@h:port/db?x",  "postgresql://u:hush@[h/db",  "postgres:u:hush",
        "postgresql://u:hush@h/db?sslmode", "postgresql://u:hush@%zz/db",
    };
    bool is_secret = false;
    struct store *store = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(store_place_check(wrong[i], &is_secret, &fault), FAULT_INPUT);
        assert_null(strstr(fault.text, "hush"));
        assert_non_null(strstr(fault.text, "postgresql://user@host:5432/database"));
        assert_int_equal(store_open(wrong[i], &store, &fault), FAULT_INPUT);
        assert_null(strstr(fault.text, "hush"));
        assert_null(store);
    }
    /* Nobody listens there. */
    assert_int_equal(
        store_open("postgresql://u:hush@127.0.0.1:1/db?sslmode=disable", &store, &fault),
        FAULT_UNAVAILABLE);
    assert_null(strstr(fault.text, "hush"));
    assert_non_null(strstr(fault.text, "cannot open the store postgresql://127.0.0.1:1/db"));
}

/* --- at the door ---------------------------------------------------------------------------- */

static void refused(const char *option, enum fault_code code, const char *why)
{
    char other[2 * PLACE_MAX];
    struct store *store = NULL;
    snprintf(other, sizeof other, "%s&options=-c%s", getenv("IG_TEST_STORE"), option);
    assert_int_equal(store_open(other, &store, &fault), code);
    if (!strstr(fault.text, why))
        fail_msg("\"%s\" does not say \"%s\"", fault.text, why);
    assert_null(store);
}

static void store_open__refuses_a_server_that_would_lose_what_was_acknowledged(void **state)
{
    (void)state;
    refused("synchronous_commit%3Doff", FAULT_INPUT, "synchronous_commit is off");
    refused("synchronous_commit%3Dlocal", FAULT_INPUT, "set it to on");
    refused("default_transaction_read_only%3Don", FAULT_IO, "read-only (a standby?)");
    refused("search_path%3Dnowhere", FAULT_INPUT, "schema of its search_path does not exist");
}

static void store_open__leaves_the_tables_of_others_alone(void **state)
{
    (void)state;
    place_run(getenv("IG_TEST_STORE"), "CREATE SCHEMA theirs");
    place_run(getenv("IG_TEST_STORE"), "CREATE TABLE theirs.things (n BIGINT)");
    refused("search_path%3Dtheirs", FAULT_CORRUPT, "tables of another program");
}

static void *migrate_too(void *unused)
{
    struct store *store = NULL;
    struct fault own;
    (void)unused;
    bool good = store_open(place, &store, &own) == FAULT_NONE &&
                store_migrate(store, migrations, 1, &own) == FAULT_NONE;
    store_close(store);
    return good ? NULL : place;
}

static void store_migrate__is_done_once_by_many_that_start_together(void **state)
{
    enum { STARTERS = 6 };
    pthread_t threads[STARTERS];
    (void)state;
    for (int i = 0; i < STARTERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, migrate_too, NULL), 0);
    for (int i = 0; i < STARTERS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    struct store *store = open_store();
    assert_int_equal(ask(store, "SELECT count(*) FROM counts"), 1);
    assert_int_equal(ask(store, "SELECT count(*) FROM store_migrations"), 1);
    store_close(store);
}

/* --- values --------------------------------------------------------------------------------- */

static void store__tells_a_text_that_the_server_does_not_take(void **state)
{
    static const char sql[] = "INSERT INTO things (id, name) VALUES ($1, $2)";
    static const struct str texts[] = {{"zero\0byte", 9}, {"\xff\xfe", 2}};
    struct store *store = open_store();
    struct statement *insert;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        MUST(store_prepare(store, sql, &insert, &fault));
        store_bind_whole(insert, 1, 1);
        store_bind_text(insert, 2, texts[i]);
        assert_int_equal(store_run(insert, &fault), FAULT_INPUT);
        assert_non_null(strstr(fault.text, "zero byte or is not UTF-8"));
    }
    assert_int_equal(ask(store, "SELECT count(*) FROM things"), 0);
    store_close(store);
}

static void store_prepare__tells_a_column_that_needs_a_cast(void **state)
{
    struct store *store = open_store();
    (void)state;
    assert_int_equal(run(store, "SELECT sum(n) FROM counts"), FAULT_CORRUPT);
    assert_non_null(strstr(fault.text, "cast it AS BIGINT"));
    assert_int_equal(ask(store, "SELECT CAST(sum(n) AS BIGINT) FROM counts"), 0);
    store_close(store);
}

static void store__compares_texts_by_their_bytes(void **state)
{
    struct store *store = open_store();
    (void)state;
    MUST(run(store, "INSERT INTO things (id, name) VALUES (1, 'b'), (2, 'A'), (3, 'a'), (4, 'B'), "
                    "(5, '_'), (6, '\xc3\xa4')"));
    assert_int_equal(ask(store, "SELECT id FROM things ORDER BY name LIMIT 1"), 2);
    assert_int_equal(ask(store, "SELECT id FROM things ORDER BY name DESC LIMIT 1"), 6);
    assert_int_equal(ask(store, "SELECT count(*) FROM things WHERE name < 'a'"), 3);
    store_close(store);
}

/* --- rows ----------------------------------------------------------------------------------- */

enum { ROWS = 3000 }; /* of 8 KiB: more than may be parked */

static void fill(struct store *store)
{
    MUST(run(store, "INSERT INTO things (id, name) SELECT g, repeat('x', 8192) FROM "
                    "generate_series(1, 3000) AS g"));
}

/* Two walks and a lookup, all on one connection: each row of each comes once and in order. */
static void walk_both(struct store *store)
{
    static const char sql_up[] = "SELECT id, name FROM things WHERE id > $1 ORDER BY id";
    static const char sql_down[] = "SELECT id FROM things WHERE id <= $1 ORDER BY id DESC";
    static const char sql_one[] = "SELECT id FROM things WHERE id = $1";
    struct statement *up;
    struct statement *down;
    struct statement *one;
    bool row = false;
    MUST(store_prepare(store, sql_up, &up, &fault));
    store_bind_whole(up, 1, 0);
    MUST(store_prepare(store, sql_down, &down, &fault));
    store_bind_whole(down, 1, ROWS);
    for (int64_t i = 1; i <= ROWS; i++) {
        MUST(store_step(up, &row, &fault));
        assert_true(row);
        MUST(store_step(down, &row, &fault));
        assert_true(row);
        MUST(store_prepare(store, sql_one, &one, &fault));
        store_bind_whole(one, 1, i);
        MUST(store_step(one, &row, &fault));
        assert_true(row && store_whole(one, 0) == i);
        store_reset(one);
        assert_int_equal(store_whole(up, 0), i);
        assert_int_equal(store_text(up, 1).len, 8192);
        assert_int_equal(store_whole(down, 0), ROWS + 1 - i);
    }
    MUST(store_step(up, &row, &fault));
    assert_false(row);
    MUST(store_step(down, &row, &fault));
    assert_false(row);
}

static void store_step__gives_rows_that_do_not_fit_into_memory_beside_others(void **state)
{
    struct store *store = open_store();
    (void)state;
    fill(store);
    for (int times = 0; times < 2; times++) { /* the second begins with a cursor */
        MUST(store_begin_read(store, &fault));
        walk_both(store);
        store_rollback(store);
    }
    MUST(store_begin(store, &fault));
    walk_both(store);
    MUST(store_commit(store, &fault));
    store_close(store);
}

static void store_step__says_where_such_rows_need_a_transaction(void **state)
{
    static const char sql[] = "SELECT id, name FROM things ORDER BY id";
    struct store *store = open_store();
    struct statement *query;
    bool row = false;
    int64_t count = 0;
    (void)state;
    fill(store);
    MUST(store_prepare(store, sql, &query, &fault));
    while (store_step(query, &row, &fault) == FAULT_NONE && row)
        count++;
    assert_int_equal(count, ROWS); /* alone they stream */
    MUST(store_prepare(store, sql, &query, &fault));
    MUST(store_step(query, &row, &fault));
    assert_int_equal(run(store, "SELECT n FROM counts"), FAULT_LIMIT);
    assert_non_null(strstr(fault.text, "read them in a transaction"));
    store_reset(query);
    assert_int_equal(ask(store, "SELECT count(*) FROM things"), ROWS);
    store_close(store);
}

/* --- lost connections ----------------------------------------------------------------------- */

static const char sql_end_others[] =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
    "AND backend_type = 'client backend'";

static void end_others(void)
{
    place_run(getenv("IG_TEST_STORE"), sql_end_others);
}

static void store__is_connected_anew_when_the_server_has_ended_the_connection(void **state)
{
    static const char query[] = "SELECT n FROM counts";
    struct store *store = open_store();
    (void)state;
    assert_int_equal(ask(store, query), 0);
    end_others();
    assert_int_equal(ask(store, query), 0); /* prepared anew too */
    end_others();
    MUST(store_begin(store, &fault));
    MUST(run(store, "UPDATE counts SET n = n + 1"));
    MUST(store_commit(store, &fault));
    end_others();
    MUST(store_begin_read(store, &fault));
    assert_int_equal(ask(store, query), 1);
    store_rollback(store);
    store_close(store);
}

static void store__tells_a_connection_lost_within_a_transaction(void **state)
{
    struct store *store = open_store();
    (void)state;
    MUST(store_begin(store, &fault));
    MUST(run(store, "UPDATE counts SET n = n + 1"));
    end_others();
    assert_int_equal(run(store, "SELECT n FROM counts"), FAULT_UNAVAILABLE);
    assert_int_equal(run(store, "UPDATE counts SET n = n + 2"), FAULT_UNAVAILABLE);
    assert_int_equal(store_commit(store, &fault), FAULT_UNAVAILABLE);
    assert_int_equal(ask(store, "SELECT n FROM counts"), 0);
    store_close(store);
}

static void store__does_not_make_a_change_again_that_may_have_been_made(void **state)
{
    struct store *store = open_store();
    (void)state;
    assert_int_equal(ask(store, "SELECT n FROM counts"), 0);
    MUST(run(store, "UPDATE counts SET n = n + 1"));
    end_others();
    assert_int_equal(run(store, "UPDATE counts SET n = n + 1"), FAULT_UNAVAILABLE);
    assert_int_equal(ask(store, "SELECT n FROM counts"), 1);
    store_close(store);
}

static void store_commit__ends_nothing_that_failed_before(void **state)
{
    struct store *store = open_store();
    (void)state;
    MUST(store_begin(store, &fault));
    MUST(run(store, "UPDATE counts SET n = n + 1"));
    assert_int_equal(run(store, "INSERT INTO things (id, name) VALUES (1, NULL)"), FAULT_CONFLICT);
    assert_int_equal(store_commit(store, &fault), FAULT_IO);
    assert_non_null(strstr(fault.text, "an earlier failure has ended the transaction"));
    assert_int_equal(ask(store, "SELECT n FROM counts"), 0);
    store_close(store);
}

/* What the server says, as the code and the cure that a caller gets. */
static void store__tells_what_the_server_says_and_what_helps(void **state)
{
#define FAIL(state) "DO $$ BEGIN RAISE EXCEPTION 'words' USING ERRCODE = '" state "'; END $$"
    static const struct {
        const char *sql;
        enum fault_code code;
        const char *cure;
    } cases[] = {
        {FAIL("23505"), FAULT_CONFLICT, "words"},
        {FAIL("25006"), FAULT_IO, "name the primary server"},
        {FAIL("40001"), FAULT_UNAVAILABLE, "try again"},
        {FAIL("40P01"), FAULT_UNAVAILABLE, "try again"},
        {FAIL("42501"), FAULT_IO, "make it the owner"},
        {FAIL("53100"), FAULT_IO, "the disk is full at the database server; free some space"},
        {FAIL("53200"), FAULT_UNAVAILABLE, "no memory left"},
        {FAIL("53300"), FAULT_UNAVAILABLE, "raise its max_connections"},
        {FAIL("54000"), FAULT_LIMIT, "words"},
        {FAIL("55P03"), FAULT_UNAVAILABLE, "another writer holds it; try again"},
        {FAIL("57014"), FAULT_UNAVAILABLE, "has ended the statement"},
        {FAIL("57P03"), FAULT_UNAVAILABLE, "stopping or starting"},
        {FAIL("58030"), FAULT_IO, "words"},
        {FAIL("XX001"), FAULT_CORRUPT, "words (XX001)"},
        {FAIL("42P01"), FAULT_CORRUPT, "words (42P01)"},
    };
    struct store *store = open_store();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(run(store, cases[i].sql), cases[i].code);
        if (!strstr(fault.text, cases[i].cure))
            fail_msg("\"%s\" does not say \"%s\"", fault.text, cases[i].cure);
        assert_int_equal(ask(store, "SELECT n FROM counts"), 0); /* and goes on */
    }
    store_close(store);
}

static int works_run;

static enum fault_code count_in(struct store *store, void *context, struct fault *out)
{
    static const char sql[] = "UPDATE counts SET n = n + 1";
    struct statement *update;
    (void)context;
    works_run++;
    enum fault_code code = store_prepare(store, sql, &update, out);
    return code == FAULT_NONE ? store_run(update, out) : code;
}

/* The server ends the connection while it commits. */
static void store_pool_write__does_nothing_twice_when_a_commit_is_of_unknown_outcome(void **state)
{
    struct store_pool *pool = NULL;
    struct store *store;
    (void)state;
    MUST(store_pool_new(place, 2, migrations, 1, &pool, &fault));
    MUST(store_pool_take(pool, &store, &fault));
    MUST(run(store, "CREATE FUNCTION fall() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM "
                    "pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"));
    MUST(run(store, "CREATE CONSTRAINT TRIGGER falls AFTER UPDATE ON counts DEFERRABLE INITIALLY "
                    "DEFERRED FOR EACH ROW EXECUTE FUNCTION fall()"));
    works_run = 0;
    assert_int_equal(store_pool_write(pool, count_in, NULL, &fault), FAULT_UNAVAILABLE);
    assert_non_null(strstr(fault.text, "whether the change was kept is not known"));
    assert_int_equal(works_run, 1);
    MUST(run(store, "DROP TRIGGER falls ON counts"));
    MUST(store_pool_write(pool, count_in, NULL, &fault));
    assert_int_equal(works_run, 2);
    assert_int_equal(ask(store, "SELECT n FROM counts"), 1);
    store_pool_give(pool, store);
    store_pool_free(pool);
}

int main(void)
{
#define ON_SERVER(test) cmocka_unit_test_setup(test, set_up)
    const struct CMUnitTest anywhere[] = {
        cmocka_unit_test(store_place__tells_servers_from_files_and_passwords_from_none),
        cmocka_unit_test(store_place__never_shows_a_password),
    };
    const struct CMUnitTest on_server[] = {
        ON_SERVER(store_open__refuses_a_server_that_would_lose_what_was_acknowledged),
        ON_SERVER(store_open__leaves_the_tables_of_others_alone),
        ON_SERVER(store_migrate__is_done_once_by_many_that_start_together),
        ON_SERVER(store__tells_a_text_that_the_server_does_not_take),
        ON_SERVER(store_prepare__tells_a_column_that_needs_a_cast),
        ON_SERVER(store__compares_texts_by_their_bytes),
        ON_SERVER(store_step__gives_rows_that_do_not_fit_into_memory_beside_others),
        ON_SERVER(store_step__says_where_such_rows_need_a_transaction),
        ON_SERVER(store__tells_what_the_server_says_and_what_helps),
        ON_SERVER(store__is_connected_anew_when_the_server_has_ended_the_connection),
        ON_SERVER(store__tells_a_connection_lost_within_a_transaction),
        ON_SERVER(store__does_not_make_a_change_again_that_may_have_been_made),
        ON_SERVER(store_commit__ends_nothing_that_failed_before),
        ON_SERVER(store_pool_write__does_nothing_twice_when_a_commit_is_of_unknown_outcome),
    };
    int failed = cmocka_run_group_tests(anywhere, NULL, NULL);
    return place_is_server() ? failed + cmocka_run_group_tests(on_server, NULL, NULL) : failed;
}
