/* store_copy on SQLite: one insert, prepared for the call and run for each row. */
#include "libs/store/store_sqlite.h"

#include <assert.h>

#include "libs/core/buf.h"

enum { INSERT_MAX = 16 * 1024 };

static void add_insert(const struct store_copy *copy, struct buf *out)
{
    buf_addf(out, "INSERT INTO %s (", copy->table);
    for (int i = 0; i < copy->column_count; i++)
        buf_addf(out, "%s%s", i > 0 ? ", " : "", copy->columns[i].name);
    buf_add_c(out, ") VALUES (");
    for (int i = 0; i < copy->column_count; i++)
        buf_addf(out, "%s$%d", i > 0 ? ", " : "", i + 1);
    buf_add(out, STR(")"));
}

static int bind(sqlite3_stmt *insert, int place, enum store_type type,
                const struct store_cell *cell)
{
    const char *ptr = cell->bytes.ptr ? cell->bytes.ptr : ""; /* NULL would bind NULL */
    if (cell->is_null)
        return sqlite3_bind_null(insert, place);
    switch (type) {
    case STORE_WHOLE:
        return sqlite3_bind_int64(insert, place, cell->whole);
    case STORE_TEXT:
        return sqlite3_bind_text64(insert, place, ptr, cell->bytes.len, SQLITE_STATIC, SQLITE_UTF8);
    case STORE_BYTES:
        return sqlite3_bind_blob64(insert, place, ptr, cell->bytes.len, SQLITE_STATIC);
    }
    assert(false && "a type of the three");
    return SQLITE_MISUSE;
}

static int insert_rows(sqlite3_stmt *insert, const struct store_copy *copy,
                       const struct store_cell *cells, size_t row_count)
{
    int code = SQLITE_OK;
    for (size_t row = 0; row < row_count && code == SQLITE_OK; row++) {
        for (int i = 0; i < copy->column_count && code == SQLITE_OK; i++)
            code = bind(insert, i + 1, copy->columns[i].type, cells++);
        if (code == SQLITE_OK && (code = sqlite3_step(insert)) == SQLITE_DONE)
            code = sqlite3_reset(insert);
    }
    return code;
}

enum fault_code store_sqlite_copy(struct store *store, const struct store_copy *copy,
                                  const struct store_cell *cells, size_t row_count,
                                  struct fault *fault)
{
    sqlite3 *db = sqlite_of(store)->db;
    sqlite3_stmt *insert = NULL;
    struct buf sql;
    if (store_flush_failed)
        return fault_set(fault, FAULT_IO,
                         "cannot write the store %s: the disk has failed to flush; check it, then "
                         "restart the service",
                         store->name);
    enum fault_code failed = store_sqlite_check(store, fault);
    if (failed != FAULT_NONE)
        return failed;
    buf_init(&sql, INSERT_MAX);
    add_insert(copy, &sql);
    failed = buf_check(&sql, "the list of columns", fault);
    if (failed == FAULT_NONE) {
        struct str text = buf_str(&sql);
        int code = sqlite3_prepare_v2(db, text.ptr, (int)text.len, &insert, NULL);
        if (code == SQLITE_OK)
            code = insert_rows(insert, copy, cells, row_count);
        if (code != SQLITE_OK)
            failed = store_sqlite_fault(store, code, "write", fault);
        sqlite3_finalize(insert);
    }
    buf_done(&sql);
    return failed;
}
