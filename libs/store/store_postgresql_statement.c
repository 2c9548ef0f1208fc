/* PostgreSQL's statements: prepared once a connection, values and rows in binary where they have a
 * fixed form. */
#include "libs/store/store_postgresql.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "libs/core/buf.h"
#include "libs/core/os.h"
#include "libs/store/store_dialect.h"

enum { SQL_MAX = 64 * 1024 };

static struct postgresql_statement *own(struct statement *statement)
{
    return (struct postgresql_statement *)statement;
}

void postgresql_statement_name(const struct postgresql_statement *statement, char out[16])
{
    snprintf(out, 16, "s%d", statement->number);
}

static enum fault_code prepare_at_server(struct postgresql_statement *statement,
                                         struct fault *fault)
{
    struct postgresql_store *store = postgresql_of(statement->base.store);
    char name[16];
    struct buf text;
    postgresql_statement_name(statement, name);
    buf_init(&text, SQL_MAX);
    store_dialect_postgresql(str_of(statement->base.sql), &text);
    buf_add_byte(&text, '\0');
    enum fault_code code = buf_check(&text, "the SQL text", fault);
    if (code == FAULT_NONE) {
        PGresult *result = PQprepare(store->connection, name, buf_str(&text).ptr, 0, NULL);
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            code = postgresql_fault(store, result, "query", fault);
        PQclear(result);
    }
    if (code == FAULT_NONE)
        statement->connection = store->connections;
    buf_done(&text);
    return code;
}

static bool is_readable(Oid type)
{
    static const Oid types[] = {TYPE_BOOL, TYPE_BYTEA, TYPE_NAME, TYPE_INT8,
                                TYPE_INT2, TYPE_INT4,  TYPE_TEXT, TYPE_VARCHAR};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (type == types[i])
            return true;
    return false;
}

static enum fault_code take_types(struct postgresql_statement *statement, const PGresult *result,
                                  struct fault *fault)
{
    int places = PQnparams(result);
    assert(places <= POSTGRESQL_PLACES_MAX && "a statement has few places");
    if (!statement->places && places > 0)
        statement->places = os_alloc((size_t)places * sizeof *statement->places);
    if (!statement->places && places > 0)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a query of the store %s",
                         statement->base.store->name);
    statement->base.place_count = places;
    for (int i = 0; i < places; i++)
        statement->places[i].type = PQparamtype(result, i);
    for (int i = 0; i < PQnfields(result); i++)
        if (!is_readable(PQftype(result, i)))
            return fault_set(fault, FAULT_CORRUPT,
                             "column %d of a query of the store %s is of the type %u; cast it AS "
                             "BIGINT, TEXT or BYTEA: %s",
                             i, statement->base.store->name, PQftype(result, i),
                             statement->base.sql);
    return FAULT_NONE;
}

static enum fault_code describe(struct postgresql_statement *statement, struct fault *fault)
{
    struct postgresql_store *store = postgresql_of(statement->base.store);
    char name[16];
    postgresql_statement_name(statement, name);
    PGresult *result = PQdescribePrepared(store->connection, name);
    enum fault_code code = FAULT_NONE;
    if (PQresultStatus(result) == PGRES_COMMAND_OK)
        code = take_types(statement, result, fault);
    else
        code = postgresql_fault(store, result, "query", fault);
    PQclear(result);
    return code;
}

enum fault_code postgresql_prepare_again(struct postgresql_statement *statement,
                                         struct fault *fault)
{
    if (statement->connection == postgresql_of(statement->base.store)->connections)
        return FAULT_NONE;
    return prepare_at_server(statement, fault);
}

enum fault_code postgresql_prepare(struct store *store, const char *sql, struct statement **out,
                                   struct fault *fault)
{
    struct postgresql_statement *statement = os_alloc(sizeof *statement);
    if (!statement)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a query of the store %s",
                         store->name);
    statement->base.store = store;
    statement->base.sql = sql;
    statement->number = ++postgresql_of(store)->last_number;
    statement->is_query = str_starts(str_trim(str_of(sql)), STR("SELECT"));
    enum fault_code code = FAULT_NONE;
    for (int times = 0; times < 2; times++) {
        code = postgresql_make_ready(postgresql_of(store), fault);
        if (code == FAULT_NONE)
            code = prepare_at_server(statement, fault);
        if (code == FAULT_NONE)
            code = describe(statement, fault);
        if (code == FAULT_NONE || store->in_transaction ||
            !postgresql_is_lost(postgresql_of(store)))
            break;
    }
    if (code != FAULT_NONE) {
        os_free(statement->places);
        os_free(statement);
        return code;
    }
    *out = &statement->base;
    return FAULT_NONE;
}

void postgresql_finish(struct statement *taken)
{
    postgresql_reset(taken);
    os_free(own(taken)->places);
    os_free(own(taken));
}

void postgresql_renew(struct statement *statement)
{
    postgresql_reset(statement);
    for (int i = 0; i < statement->place_count; i++)
        own(statement)->places[i].value = NULL;
}

/* --- places --------------------------------------------------------------------------------- */

static bool is_bytes(Oid type)
{
    return type == TYPE_TEXT || type == TYPE_BYTEA || type == TYPE_VARCHAR;
}

void postgresql_bind_text(struct statement *statement, int place, struct str text)
{
    struct postgresql_place *bound = &own(statement)->places[place - 1];
    assert(is_bytes(bound->type) && "texts and bytes are bound to TEXT and BYTEA");
    assert(text.len <= INT32_MAX);
    bound->value = text.ptr ? text.ptr : ""; /* NULL would be null */
    bound->len = (int)text.len;
    bound->is_binary = true;
}

static void put_i64(int64_t number, char out[8])
{
    for (int i = 0; i < 8; i++)
        out[i] = (char)((uint64_t)number >> (56 - 8 * i) & 0xff);
}

void postgresql_bind_whole(struct statement *statement, int place, int64_t number)
{
    struct postgresql_place *bound = &own(statement)->places[place - 1];
    assert(!is_bytes(bound->type) && "whole numbers are bound to BIGINT");
    bound->is_binary = bound->type == TYPE_INT8;
    if (bound->is_binary)
        put_i64(number, bound->number);
    else /* the server knows the limits of other types */
        snprintf(bound->number, sizeof bound->number, "%lld", (long long)number);
    bound->value = bound->number;
    bound->len = 8;
}

void postgresql_bind_null(struct statement *statement, int place)
{
    own(statement)->places[place - 1].value = NULL;
}

/* --- columns -------------------------------------------------------------------------------- */

static const struct postgresql_statement *at_row(struct statement *statement, int column)
{
    const struct postgresql_statement *read = own(statement);
    assert(read->current && column >= 0 && column < PQnfields(read->current));
    return read;
}

struct str postgresql_text(struct statement *statement, int column)
{
    const struct postgresql_statement *read = at_row(statement, column);
    if (PQgetisnull(read->current, read->row, column))
        return (struct str){0};
    Oid type = PQftype(read->current, column);
    assert((is_bytes(type) || type == TYPE_NAME) && "numbers are read by store_whole");
    return (struct str){PQgetvalue(read->current, read->row, column),
                        (size_t)PQgetlength(read->current, read->row, column)};
}

int64_t postgresql_whole(struct statement *statement, int column)
{
    const struct postgresql_statement *read = at_row(statement, column);
    if (PQgetisnull(read->current, read->row, column))
        return 0;
    Oid type = PQftype(read->current, column);
    assert(!is_bytes(type) && type != TYPE_NAME && "texts are read by store_text");
    const unsigned char *bytes =
        (const unsigned char *)PQgetvalue(read->current, read->row, column);
    int len = PQgetlength(read->current, read->row, column);
    bool is_negative = type != TYPE_BOOL && (bytes[0] & 0x80);
    uint64_t number = is_negative ? UINT64_MAX : 0;
    for (int i = 0; i < len; i++)
        number = number << 8 | bytes[i];
    return (int64_t)number;
}

bool postgresql_is_null(struct statement *statement, int column)
{
    const struct postgresql_statement *read = at_row(statement, column);
    return PQgetisnull(read->current, read->row, column);
}
