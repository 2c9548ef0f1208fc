/* Prepared statements: one for each literal, kept as long as the connection. */
#include "libs/store/store_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "libs/core/os.h"

/* A literal's address is as good as random once mixed. */
static size_t slot_of(const char *sql)
{
    uint64_t mixed = (uint64_t)(uintptr_t)sql * 0x9e3779b97f4a7c15u;
    return (size_t)(mixed >> 32) & (STORE_STATEMENT_SLOTS - 1);
}

static struct statement **find(struct store *store, const char *sql)
{
    size_t slot = slot_of(sql);
    while (store->statements[slot] && store->statements[slot]->sql != sql)
        slot = (slot + 1) & (STORE_STATEMENT_SLOTS - 1);
    return &store->statements[slot];
}

/* SQLite numbers named places by first use: with $1, $2 ... in that order the name is the number,
 * as it is on PostgreSQL. */
static void check_places(const struct statement *statement)
{
    for (int place = 1; place <= statement->place_count; place++) {
        const char *name = sqlite3_bind_parameter_name(statement->prepared, place);
        char expected[16];
        snprintf(expected, sizeof expected, "$%d", place);
        assert(name && strcmp(name, expected) == 0 && "places are $1, $2 ... in order");
    }
}

static enum fault_code prepare_new(struct store *store, const char *sql, struct statement **slot,
                                   struct fault *fault)
{
    assert(store->statement_count < STORE_STATEMENTS_MAX && "SQL texts are literals");
    struct statement *statement = os_alloc(sizeof *statement);
    if (!statement)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a query of the store %s",
                         store->path);
    statement->store = store;
    statement->sql = sql;
    const char *rest = "";
    int code = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                  &statement->prepared, &rest);
    if (code != SQLITE_OK) {
        os_free(statement);
        return store_fault(store, code, "query", fault);
    }
    assert(statement->prepared && *rest == '\0' && "a literal holds one statement");
    statement->place_count = sqlite3_bind_parameter_count(statement->prepared);
    check_places(statement);
    *slot = statement;
    store->statement_count++;
    return FAULT_NONE;
}

enum fault_code store_prepare(struct store *store, const char *sql, struct statement **out,
                              struct fault *fault)
{
    struct statement **slot = find(store, sql);
    if (!*slot) {
        enum fault_code code = prepare_new(store, sql, slot, fault);
        if (code != FAULT_NONE)
            return code;
    }
    struct statement *statement = *slot;
    assert(statement && strcmp(sqlite3_sql(statement->prepared), sql) == 0 &&
           "the key is a literal");
    sqlite3_reset(statement->prepared);
    sqlite3_clear_bindings(statement->prepared);
    statement->bind_code = SQLITE_OK;
    *out = statement;
    return FAULT_NONE;
}

static void bound(struct statement *statement, int place, int code)
{
    assert(place >= 1 && place <= statement->place_count);
    assert(code != SQLITE_MISUSE && "bind before the first step");
    if (statement->bind_code == SQLITE_OK)
        statement->bind_code = code;
}

/* A NULL pointer would bind NULL; an empty str is an empty text. */
static const char *pointer_of(struct str s)
{
    return s.ptr ? s.ptr : "";
}

void store_bind_text(struct statement *statement, int place, struct str text)
{
    bound(statement, place,
          sqlite3_bind_text64(statement->prepared, place, pointer_of(text), text.len, SQLITE_STATIC,
                              SQLITE_UTF8));
}

void store_bind_bytes(struct statement *statement, int place, struct str bytes)
{
    bound(statement, place,
          sqlite3_bind_blob64(statement->prepared, place, pointer_of(bytes), bytes.len,
                              SQLITE_STATIC));
}

void store_bind_whole(struct statement *statement, int place, int64_t number)
{
    bound(statement, place, sqlite3_bind_int64(statement->prepared, place, number));
}

void store_bind_null(struct statement *statement, int place)
{
    bound(statement, place, sqlite3_bind_null(statement->prepared, place));
}

enum fault_code store_step(struct statement *statement, bool *out_row, struct fault *fault)
{
    struct store *store = statement->store;
    enum fault_code failed = store_check(store, fault);
    if (failed != FAULT_NONE)
        return failed;
    if (store_flush_failed && !sqlite3_stmt_readonly(statement->prepared))
        return fault_set(fault, FAULT_IO,
                         "cannot write the store %s: the disk has failed to flush; check it, then "
                         "restart the service",
                         store->path);
    int code = statement->bind_code;
    if (code == SQLITE_OK)
        code = sqlite3_step(statement->prepared);
    if (code == SQLITE_ROW) {
        *out_row = true;
        return FAULT_NONE;
    }
    if (code == SQLITE_DONE)
        *out_row = false;
    else
        failed = store_fault(store, code,
                             sqlite3_stmt_readonly(statement->prepared) ? "read" : "write", fault);
    sqlite3_reset(statement->prepared);
    return failed;
}

enum fault_code store_run(struct statement *statement, struct fault *fault)
{
    bool row = false;
    enum fault_code code = store_step(statement, &row, fault);
    assert(!row && "store_run is for statements without rows");
    return code;
}

struct str store_text(struct statement *statement, int column)
{
    assert(column >= 0 && column < sqlite3_data_count(statement->prepared));
    const char *ptr = sqlite3_column_blob(statement->prepared, column);
    return (struct str){ptr, (size_t)sqlite3_column_bytes(statement->prepared, column)};
}

int64_t store_whole(struct statement *statement, int column)
{
    assert(column >= 0 && column < sqlite3_data_count(statement->prepared));
    return sqlite3_column_int64(statement->prepared, column);
}

bool store_is_null(struct statement *statement, int column)
{
    assert(column >= 0 && column < sqlite3_data_count(statement->prepared));
    return sqlite3_column_type(statement->prepared, column) == SQLITE_NULL;
}

void store_reset(struct statement *statement)
{
    sqlite3_reset(statement->prepared);
}

void store_statements_reset(struct store *store)
{
    for (sqlite3_stmt *at = sqlite3_next_stmt(store->db, NULL); at;
         at = sqlite3_next_stmt(store->db, at))
        if (sqlite3_stmt_busy(at))
            sqlite3_reset(at);
}

void store_statements_free(struct store *store)
{
    for (size_t i = 0; i < STORE_STATEMENT_SLOTS; i++) {
        if (!store->statements[i])
            continue;
        sqlite3_finalize(store->statements[i]->prepared);
        os_free(store->statements[i]);
    }
}
