/* Rows, one by one in bounded memory, while other statements run on the same connection.
 *
 * A statement's rows stream (libpq's single-row mode): one is in memory at a time, and a lookup of
 * one row is one round trip. The connection can do nothing else meanwhile, so when another
 * statement is run the rest is read ahead ("parked"), which for most is little. A rest of more than
 * POSTGRESQL_PARKED_MAX bytes is let go, and the same rows come from a cursor instead, by portions;
 * the statement then uses a cursor from the start. */
#include "libs/store/store_postgresql.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libs/core/os.h"

enum { PORTION = 200 }; /* rows of a cursor */

static struct postgresql_statement *own(struct statement *statement)
{
    return (struct postgresql_statement *)statement;
}

static struct postgresql_store *store_of(const struct postgresql_statement *statement)
{
    return postgresql_of(statement->base.store);
}

/* --- what the places hold ------------------------------------------------------------------- */

struct values {
    Oid types[POSTGRESQL_PLACES_MAX];
    const char *values[POSTGRESQL_PLACES_MAX];
    int lens[POSTGRESQL_PLACES_MAX];
    int formats[POSTGRESQL_PLACES_MAX];
};

static void take_values(const struct postgresql_statement *statement, struct values *out)
{
    for (int i = 0; i < statement->base.place_count; i++) {
        const struct postgresql_place *place = &statement->places[i];
        out->types[i] = place->type;
        out->values[i] = place->value;
        out->lens[i] = place->len;
        out->formats[i] = place->is_binary;
    }
}

/* --- the stream ----------------------------------------------------------------------------- */

static void let_go(struct postgresql_statement *statement)
{
    struct postgresql_store *store = store_of(statement);
    for (PGresult *result; (result = PQgetResult(store->connection));)
        PQclear(result);
    store->streaming = NULL;
}

static enum fault_code start_stream(struct postgresql_statement *statement, struct fault *fault)
{
    struct postgresql_store *store = store_of(statement);
    char name[16];
    struct values values;
    enum fault_code code = postgresql_prepare_again(statement, fault);
    if (code != FAULT_NONE)
        return code;
    postgresql_statement_name(statement, name);
    take_values(statement, &values);
    if (!PQsendQueryPrepared(store->connection, name, statement->base.place_count, values.values,
                             values.lens, values.formats, 1))
        return postgresql_fault(store, NULL, statement->is_query ? "read" : "write", fault);
    PQsetSingleRowMode(store->connection);
    store->streaming = statement;
    statement->rows = ROWS_STREAM;
    return FAULT_NONE;
}

/* A statement prepared before the tables changed, or dropped by a pooler: prepared anew next time.
 */
static void look_at_state(struct postgresql_statement *statement, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (state && (strcmp(state, "0A000") == 0 || strcmp(state, "26000") == 0)) {
        statement->number = ++store_of(statement)->last_number;
        statement->connection = 0;
    }
}

static enum fault_code next_of_stream(struct postgresql_statement *statement, bool *out_row,
                                      struct fault *fault)
{
    struct postgresql_store *store = store_of(statement);
    enum fault_code code = FAULT_NONE;
    PGresult *result = PQgetResult(store->connection);
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_SINGLE_TUPLE) {
        statement->current = result;
        statement->row = 0;
        *out_row = true;
        return FAULT_NONE;
    }
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        if (!statement->is_query) /* with RETURNING a change has rows too */
            store->changes = atoll(PQcmdTuples(result));
    } else {
        code = postgresql_fault(store, result, statement->is_query ? "read" : "write", fault);
        look_at_state(statement, result);
    }
    PQclear(result);
    let_go(statement);
    statement->rows = ROWS_NONE;
    if (code == FAULT_NONE)
        *out_row = false;
    return code;
}

/* --- the cursor ----------------------------------------------------------------------------- */

static enum fault_code open_cursor(struct postgresql_statement *statement, struct fault *fault)
{
    struct postgresql_store *store = store_of(statement);
    struct values values;
    char head[48];
    char skip[64];
    int len = snprintf(head, sizeof head, "DECLARE c%d NO SCROLL CURSOR FOR ", statement->number);
    size_t size = (size_t)len + strlen(statement->base.sql) + 1;
    char *sql = os_alloc(size);
    if (!sql)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to read the store %s",
                         store->base.name);
    snprintf(sql, size, "%s%s", head, statement->base.sql);
    take_values(statement, &values);
    PGresult *result = PQexecParams(store->connection, sql, statement->base.place_count,
                                    values.types, values.values, values.lens, values.formats, 1);
    os_free(sql);
    enum fault_code code = FAULT_NONE;
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        code = postgresql_fault(store, result, "read", fault);
    PQclear(result);
    if (code == FAULT_NONE && statement->given > 0) {
        snprintf(skip, sizeof skip, "MOVE FORWARD %lld IN c%d", (long long)statement->given,
                 statement->number);
        code = postgresql_command(store, skip, "read", fault);
    }
    if (code == FAULT_NONE)
        statement->rows = ROWS_CURSOR;
    return code;
}

static void close_cursor(struct postgresql_statement *statement)
{
    struct postgresql_store *store = store_of(statement);
    struct fault ignored;
    char sql[32];
    snprintf(sql, sizeof sql, "CLOSE c%d", statement->number);
    if (PQtransactionStatus(store->connection) == PQTRANS_INTRANS)
        (void)!postgresql_command(store, sql, "read", &ignored);
}

static enum fault_code next_of_cursor(struct postgresql_statement *statement, bool *out_row,
                                      struct fault *fault)
{
    struct postgresql_store *store = store_of(statement);
    char sql[48];
    enum fault_code code = postgresql_make_ready(store, fault);
    if (code != FAULT_NONE)
        return code;
    snprintf(sql, sizeof sql, "FETCH FORWARD %d FROM c%d", PORTION, statement->number);
    PGresult *result = PQexecParams(store->connection, sql, 0, NULL, NULL, NULL, NULL, 1);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        code = postgresql_fault(store, result, "read", fault);
        PQclear(result);
        statement->rows = ROWS_NONE;
        return code;
    }
    *out_row = PQntuples(result) > 0;
    if (*out_row) {
        statement->current = result;
        statement->row = 0;
        return FAULT_NONE;
    }
    PQclear(result);
    close_cursor(statement);
    statement->rows = ROWS_NONE;
    return FAULT_NONE;
}

/* --- parked --------------------------------------------------------------------------------- */

static void unpark(struct postgresql_statement *statement)
{
    PQclear(statement->parked);
    statement->parked = NULL;
}

/* Adds a row to those that wait: together they take a fraction of what each takes alone. */
static bool park_one(struct postgresql_statement *statement, const PGresult *row)
{
    if (!statement->parked)
        statement->parked = PQcopyResult(row, PG_COPYRES_ATTRS);
    PGresult *parked = statement->parked;
    bool fits = parked != NULL;
    int at = PQntuples(parked);
    for (int column = 0; column < PQnfields(row) && fits; column++) {
        bool is_null = PQgetisnull(row, 0, column);
        fits = PQsetvalue(parked, at, column, is_null ? NULL : PQgetvalue(row, 0, column),
                          is_null ? -1 : PQgetlength(row, 0, column));
    }
    return fits && PQresultMemorySize(parked) <= POSTGRESQL_PARKED_MAX;
}

enum fault_code postgresql_park(struct postgresql_store *store, struct fault *fault)
{
    struct postgresql_statement *statement = store->streaming;
    bool fits = true;
    if (!statement)
        return FAULT_NONE;
    PGresult *result;
    while (fits && (result = PQgetResult(store->connection))) {
        ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_SINGLE_TUPLE) {
            fits = park_one(statement, result);
        } else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
            enum fault_code code = postgresql_fault(store, result, "read", fault);
            PQclear(result);
            let_go(statement);
            unpark(statement);
            statement->rows = ROWS_NONE;
            return code;
        }
        PQclear(result);
    }
    let_go(statement);
    statement->rows = ROWS_PARKED;
    if (fits)
        return FAULT_NONE;
    unpark(statement);
    statement->rows = ROWS_NONE;
    statement->scans = true;
    if (store->base.in_transaction)
        return open_cursor(statement, fault);
    return fault_set(fault, FAULT_LIMIT,
                     "cannot read the store %s: the rows of a query left half read take more than "
                     "%d bytes; read them in a transaction",
                     store->base.name, POSTGRESQL_PARKED_MAX);
}

/* --- the step ------------------------------------------------------------------------------- */

static enum fault_code start(struct postgresql_statement *statement, bool *out_row,
                             struct fault *fault)
{
    struct postgresql_store *store = store_of(statement);
    enum fault_code code = postgresql_make_ready(store, fault);
    if (code != FAULT_NONE)
        return code;
    if (statement->scans && store->base.in_transaction) {
        code = open_cursor(statement, fault);
        return code == FAULT_NONE ? next_of_cursor(statement, out_row, fault) : code;
    }
    code = start_stream(statement, fault);
    return code == FAULT_NONE ? next_of_stream(statement, out_row, fault) : code;
}

/* A query outside a transaction that finds the connection lost is asked once more on a new one. A
 * change is not: it may have been made. */
static enum fault_code start_or_again(struct postgresql_statement *statement, bool *out_row,
                                      struct fault *fault)
{
    struct postgresql_store *store = store_of(statement);
    enum fault_code code = start(statement, out_row, fault);
    if (code != FAULT_NONE && statement->is_query && !store->base.in_transaction &&
        postgresql_is_lost(store)) {
        statement->rows = ROWS_NONE;
        store->streaming = NULL;
        code = start(statement, out_row, fault);
    }
    return code;
}

/* The rest of a portion, or of what was parked. */
static bool take_next(struct postgresql_statement *statement)
{
    if (statement->current && statement->row + 1 < PQntuples(statement->current)) {
        statement->row++;
        return true;
    }
    PQclear(statement->current);
    statement->current = statement->parked;
    statement->parked = NULL;
    statement->row = 0;
    return statement->current != NULL;
}

enum fault_code postgresql_step(struct statement *base, bool *out_row, struct fault *fault)
{
    struct postgresql_statement *statement = own(base);
    enum fault_code code = FAULT_NONE;
    bool is_row = take_next(statement);
    if (!is_row) {
        switch (statement->rows) {
        case ROWS_NONE:
            statement->given = 0;
            code = start_or_again(statement, &is_row, fault);
            break;
        case ROWS_STREAM:
            code = next_of_stream(statement, &is_row, fault);
            break;
        case ROWS_CURSOR:
            code = next_of_cursor(statement, &is_row, fault);
            break;
        case ROWS_PARKED: /* and read to the end */
            statement->rows = ROWS_NONE;
            break;
        }
    }
    if (code != FAULT_NONE)
        return code;
    statement->given += is_row;
    *out_row = is_row;
    return FAULT_NONE;
}

void postgresql_reset(struct statement *base)
{
    struct postgresql_statement *statement = own(base);
    if (store_of(statement)->streaming == statement)
        let_go(statement);
    if (statement->rows == ROWS_CURSOR)
        close_cursor(statement);
    unpark(statement);
    PQclear(statement->current);
    statement->current = NULL;
    statement->rows = ROWS_NONE;
}
