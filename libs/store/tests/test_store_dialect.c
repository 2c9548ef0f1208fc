#include "libs/store/store_dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect(const char *sql, const char *expected)
{
    struct buf out;
    buf_init(&out, 10000);
    store_dialect_postgresql(str_of(sql), &out);
    buf_add_byte(&out, '\0');
    assert_string_equal(buf_str(&out).ptr, expected);
    buf_done(&out);
}

static void dialect__gives_columns_the_types_of_the_server(void **state)
{
    (void)state;
    expect("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL, data BLOB, n BIGINT)",
           "CREATE TABLE things (id BIGINT PRIMARY KEY, name TEXT COLLATE \"C\" NOT NULL, "
           "data BYTEA, n BIGINT)");
    expect("CREATE TABLE a (hash BLOB CHECK (length(hash) = 32), i INTEGER CHECK (i > 0));",
           "CREATE TABLE a (hash BYTEA CHECK (length(hash) = 32), i BIGINT CHECK (i > 0));");
    expect("CREATE TEMP TABLE IF NOT EXISTS t (n INTEGER)",
           "CREATE TEMP TABLE IF NOT EXISTS t (n BIGINT)");
}

static void dialect__leaves_out_how_sqlite_keeps_and_finds_rows(void **state)
{
    (void)state;
    expect("CREATE TABLE a (n BIGINT) STRICT;", "CREATE TABLE a (n BIGINT);");
    expect("CREATE TABLE a (n BIGINT) STRICT, WITHOUT ROWID;\nCREATE TABLE b (n BIGINT)\n"
           "    WITHOUT ROWID",
           "CREATE TABLE a (n BIGINT);\nCREATE TABLE b (n BIGINT)");
    expect("SELECT n FROM a INDEXED BY a_by_n WHERE n = $1", "SELECT n FROM a  WHERE n = $1");
}

static void dialect__writes_bytes_as_the_server_does(void **state)
{
    (void)state;
    expect("UPDATE a SET b = x'00ff' WHERE x = 'x' AND c = CAST('[1]' AS BLOB)",
           "UPDATE a SET b = '\\x00ff'::bytea WHERE x = 'x' AND c = CAST('[1]' AS BYTEA)");
}

static void dialect__leaves_out_statements_for_sqlite_alone(void **state)
{
    (void)state;
    expect("CREATE INDEX i ON a (n);\n-- sqlite: older rows\nINSERT INTO a SELECT ';', 'STRICT';\n"
           "DELETE FROM b;",
           "CREATE INDEX i ON a (n);\n-- sqlite: older rows\n\nDELETE FROM b;");
    expect("-- sqlite: at the end\nCREATE TABLE a (n TEXT) STRICT", "-- sqlite: at the end\n");
}

static void dialect__changes_nothing_else(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        ";",
        "-- INTEGER, STRICT",
        "SELECT 'INTEGER ''STRICT'' BLOB', \"BLOB\", $1 FROM a -- BLOB\nWHERE n <= 1;\n",
        "INSERT INTO a (n) VALUES ($1) ON CONFLICT (n) DO UPDATE SET n = excluded.n",
        "CREATE UNIQUE INDEX i ON a (tenant, n)",
        "CREATE TABLE a (n BIGINT DEFAULT 0, note VARCHAR CHECK (note <> 'TEXT (') )",
        "SELECT 'an open text",
        "SELECT gr\xc3\xbc\xc3\x9f",
        "CREATE",
        "CREATE TABLE a (n BIGINT",
        "SELECT x, 1",
        "SELECT x",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        expect(texts[i], texts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dialect__gives_columns_the_types_of_the_server),
        cmocka_unit_test(dialect__leaves_out_how_sqlite_keeps_and_finds_rows),
        cmocka_unit_test(dialect__writes_bytes_as_the_server_does),
        cmocka_unit_test(dialect__leaves_out_statements_for_sqlite_alone),
        cmocka_unit_test(dialect__changes_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
