/* SQLite's statements. */
#include "libs/store/store_sqlite.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "libs/core/os.h"

static struct sqlite_statement *own(struct statement *statement)
{
    return (struct sqlite_statement *)statement;
}

/* SQLite numbers named places by first use: with $1, $2 ... in that order the name is the number,
 * as it is on PostgreSQL. */
static void check_places(const struct sqlite_statement *statement)
{
    for (int place = 1; place <= statement->base.place_count; place++) {
        const char *name = sqlite3_bind_parameter_name(statement->prepared, place);
        char expected[16];
        snprintf(expected, sizeof expected, "$%d", place);
        assert(name && strcmp(name, expected) == 0 && "places are $1, $2 ... in order");
    }
}

enum fault_code store_sqlite_prepare(struct store *store, const char *sql, struct statement **out,
                                     struct fault *fault)
{
    struct sqlite_statement *statement = os_alloc(sizeof *statement);
    if (!statement)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a query of the store %s",
                         store->name);
    statement->base.store = store;
    statement->base.sql = sql;
    const char *rest = "";
    int code = sqlite3_prepare_v3(sqlite_of(store)->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                  &statement->prepared, &rest);
    if (code != SQLITE_OK) {
        os_free(statement);
        return store_sqlite_fault(store, code, "query", fault);
    }
    assert(statement->prepared && *rest == '\0' && "a literal holds one statement");
    statement->base.place_count = sqlite3_bind_parameter_count(statement->prepared);
    check_places(statement);
    *out = &statement->base;
    return FAULT_NONE;
}

void store_sqlite_finish(struct statement *taken)
{
    sqlite3_finalize(own(taken)->prepared);
    os_free(own(taken));
}

void store_sqlite_renew(struct statement *statement)
{
    struct sqlite_statement *renewed = own(statement);
    assert(strcmp(sqlite3_sql(renewed->prepared), statement->sql) == 0 && "the key is a literal");
    sqlite3_reset(renewed->prepared);
    sqlite3_clear_bindings(renewed->prepared);
    renewed->bind_code = SQLITE_OK;
}

static void bound(struct statement *statement, int code)
{
    assert(code != SQLITE_MISUSE && "bind before the first step");
    if (own(statement)->bind_code == SQLITE_OK)
        own(statement)->bind_code = code;
}

/* A NULL pointer would bind NULL; an empty str is an empty text. */
static const char *pointer_of(struct str s)
{
    return s.ptr ? s.ptr : "";
}

void store_sqlite_bind_text(struct statement *statement, int place, struct str text)
{
    bound(statement, sqlite3_bind_text64(own(statement)->prepared, place, pointer_of(text),
                                         text.len, SQLITE_STATIC, SQLITE_UTF8));
}

void store_sqlite_bind_bytes(struct statement *statement, int place, struct str bytes)
{
    bound(statement, sqlite3_bind_blob64(own(statement)->prepared, place, pointer_of(bytes),
                                         bytes.len, SQLITE_STATIC));
}

void store_sqlite_bind_whole(struct statement *statement, int place, int64_t number)
{
    bound(statement, sqlite3_bind_int64(own(statement)->prepared, place, number));
}

void store_sqlite_bind_null(struct statement *statement, int place)
{
    bound(statement, sqlite3_bind_null(own(statement)->prepared, place));
}

enum fault_code store_sqlite_step(struct statement *statement, bool *out_row, struct fault *fault)
{
    struct store *store = statement->store;
    sqlite3_stmt *prepared = own(statement)->prepared;
    enum fault_code failed = store_sqlite_check(store, fault);
    if (failed != FAULT_NONE)
        return failed;
    if (store_flush_failed && !sqlite3_stmt_readonly(prepared))
        return fault_set(fault, FAULT_IO,
                         "cannot write the store %s: the disk has failed to flush; check it, then "
                         "restart the service",
                         store->name);
    int code = own(statement)->bind_code;
    if (code == SQLITE_OK)
        code = sqlite3_step(prepared);
    if (code == SQLITE_ROW) {
        *out_row = true;
        return FAULT_NONE;
    }
    if (code == SQLITE_DONE)
        *out_row = false;
    else
        failed = store_sqlite_fault(store, code, sqlite3_stmt_readonly(prepared) ? "read" : "write",
                                    fault);
    sqlite3_reset(prepared);
    return failed;
}

struct str store_sqlite_text(struct statement *statement, int column)
{
    sqlite3_stmt *prepared = own(statement)->prepared;
    assert(column >= 0 && column < sqlite3_data_count(prepared));
    const char *ptr = sqlite3_column_blob(prepared, column);
    return (struct str){ptr, (size_t)sqlite3_column_bytes(prepared, column)};
}

int64_t store_sqlite_whole(struct statement *statement, int column)
{
    sqlite3_stmt *prepared = own(statement)->prepared;
    assert(column >= 0 && column < sqlite3_data_count(prepared));
    return sqlite3_column_int64(prepared, column);
}

bool store_sqlite_is_null(struct statement *statement, int column)
{
    sqlite3_stmt *prepared = own(statement)->prepared;
    assert(column >= 0 && column < sqlite3_data_count(prepared));
    return sqlite3_column_type(prepared, column) == SQLITE_NULL;
}

void store_sqlite_reset(struct statement *statement)
{
    sqlite3_reset(own(statement)->prepared);
}
