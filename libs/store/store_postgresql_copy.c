/* store_copy on PostgreSQL: COPY ... FROM STDIN (FORMAT binary), as the documentation of COPY
 * describes the format: a head, each row as its number of columns and each column as its size and
 * bytes, -1 for null, and -1 columns at the end. */
#include "libs/store/store_postgresql.h"

#include <stdio.h>

#include "libs/core/buf.h"

enum { PIECE = 128 * 1024, SQL_MAX = 16 * 1024, CELL_MAX = 256 << 20 };

static void add_u16(struct buf *out, unsigned number)
{
    const char bytes[2] = {(char)(number >> 8 & 0xff), (char)(number & 0xff)};
    buf_add(out, (struct str){bytes, sizeof bytes});
}

static void add_u32(struct buf *out, uint32_t number)
{
    add_u16(out, number >> 16);
    add_u16(out, number & 0xffff);
}

static void add_cell(struct buf *out, enum store_type type, const struct store_cell *cell)
{
    if (cell->is_null) {
        add_u32(out, UINT32_MAX);
    } else if (type == STORE_WHOLE) {
        add_u32(out, 8);
        add_u32(out, (uint32_t)((uint64_t)cell->whole >> 32));
        add_u32(out, (uint32_t)((uint64_t)cell->whole & UINT32_MAX));
    } else {
        add_u32(out, (uint32_t)cell->bytes.len);
        buf_add(out, cell->bytes);
    }
}

/* false: the server has said no, which PQgetResult tells. */
static bool send(struct postgresql_store *store, struct buf *piece)
{
    struct str bytes = buf_str(piece);
    bool sent = PQputCopyData(store->connection, bytes.ptr, (int)bytes.len) == 1;
    buf_clear(piece);
    return sent;
}

static enum fault_code send_rows(struct postgresql_store *store, const struct store_copy *copy,
                                 const struct store_cell *cells, size_t row_count,
                                 struct fault *fault)
{
    struct buf piece;
    bool sent = true;
    enum fault_code code = FAULT_NONE;
    buf_init(&piece, CELL_MAX);
    buf_add(&piece, STR("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"));
    for (size_t row = 0; row < row_count && sent && code == FAULT_NONE; row++) {
        add_u16(&piece, (unsigned)copy->column_count);
        for (int i = 0; i < copy->column_count; i++)
            add_cell(&piece, copy->columns[i].type, cells++);
        if (buf_str(&piece).len >= PIECE || row + 1 == row_count) {
            code = buf_check(&piece, "a row", fault);
            sent = code == FAULT_NONE && send(store, &piece);
        }
    }
    if (sent) {
        add_u16(&piece, 0xffff);
        (void)send(store, &piece);
    }
    buf_done(&piece);
    return code;
}

static void add_copy(const struct store_copy *copy, struct buf *out)
{
    buf_addf(out, "COPY %s (", copy->table);
    for (int i = 0; i < copy->column_count; i++)
        buf_addf(out, "%s%s", i > 0 ? ", " : "", copy->columns[i].name);
    buf_add_c(out, ") FROM STDIN (FORMAT binary)");
    buf_add_byte(out, '\0');
}

static enum fault_code start(struct postgresql_store *store, const struct store_copy *copy,
                             struct fault *fault)
{
    struct buf sql;
    buf_init(&sql, SQL_MAX);
    add_copy(copy, &sql);
    enum fault_code code = buf_check(&sql, "the list of columns", fault);
    if (code == FAULT_NONE)
        code = postgresql_make_ready(store, fault);
    if (code == FAULT_NONE) {
        PGresult *result = PQexec(store->connection, buf_str(&sql).ptr);
        if (PQresultStatus(result) != PGRES_COPY_IN)
            code = postgresql_fault(store, result, "write", fault);
        PQclear(result);
    }
    buf_done(&sql);
    return code;
}

enum fault_code postgresql_copy(struct store *base, const struct store_copy *copy,
                                const struct store_cell *cells, size_t row_count,
                                struct fault *fault)
{
    struct postgresql_store *store = postgresql_of(base);
    enum fault_code code = start(store, copy, fault);
    if (code != FAULT_NONE)
        return code;
    code = send_rows(store, copy, cells, row_count, fault);
    (void)PQputCopyEnd(store->connection, code == FAULT_NONE ? NULL : "given up");
    for (PGresult *result; (result = PQgetResult(store->connection));) {
        if (code == FAULT_NONE && PQresultStatus(result) != PGRES_COMMAND_OK)
            code = postgresql_fault(store, result, "write", fault);
        else if (code == FAULT_NONE)
            store->changes = (int64_t)row_count;
        PQclear(result);
    }
    return code;
}
