/* What the files about PostgreSQL share. Nobody outside this folder includes this. */
#ifndef IG_STORE_STORE_POSTGRESQL_H
#define IG_STORE_STORE_POSTGRESQL_H

#include <libpq-fe.h>

#include "libs/store/store_internal.h"

enum {
    POSTGRESQL_PLACES_MAX = 256, /* of a statement */
    POSTGRESQL_PARKED_MAX = 8 << 20,
};

/* Types of the server that a place or a column may have (pg_type.dat; they never change). */
enum postgresql_type {
    TYPE_BOOL = 16,
    TYPE_BYTEA = 17,
    TYPE_NAME = 19,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_TEXT = 25,
    TYPE_VARCHAR = 1043,
};

struct postgresql_place {
    Oid type;
    const char *value; /* NULL: null */
    int len;
    bool is_binary;
    char number[24];
};

/* Where the rows of a statement under way come from. */
enum postgresql_rows {
    ROWS_NONE,   /* not under way */
    ROWS_STREAM, /* from the connection, which can do nothing else meanwhile */
    ROWS_PARKED, /* read ahead into memory, as another statement needed the connection */
    ROWS_CURSOR, /* by portions from a cursor, as they were too many for that */
};

struct postgresql_statement {
    struct statement base;
    int number;          /* its name at the server: s1, s2 ... */
    unsigned connection; /* that it is prepared on */
    bool is_query;       /* begins with SELECT */
    bool scans;          /* it has been too large to park: a cursor from the start */
    struct postgresql_place *places;
    enum postgresql_rows rows;
    PGresult *current; /* holds the row that was given last */
    int row;           /* its number there */
    int64_t given;     /* rows */
    PGresult *parked;  /* what comes after `current` */
};

struct postgresql_store {
    struct store base;
    PGconn *connection;
    unsigned connections; /* made so far: the number of this one */
    int last_number;      /* of a statement */
    bool writes;          /* the transaction is one of store_begin */
    int64_t changes;
    struct postgresql_statement *streaming; /* whose rows are on their way; NULL: none */
};

static inline struct postgresql_store *postgresql_of(struct store *store)
{
    return (struct postgresql_store *)store;
}

/* store_postgresql_place.c: addresses. The name of a store is made to be shown. */
const char *postgresql_conninfo(const char *place);
void postgresql_name(const char *place, char out[STORE_NAME_MAX]);
/* What further connections are opened with: address found, password read, so that it needs neither
 * the names' service nor a file. To be freed with os_free; NULL without memory. */
char *postgresql_resolved(PGconn *connection);

/* store_postgresql_fault.c: what the server or the connection says. `result` may be NULL. */
enum fault_code postgresql_fault(struct postgresql_store *store, const PGresult *result,
                                 const char *doing, struct fault *fault) MUST_USE;
bool postgresql_is_lost(const struct postgresql_store *store);

/* store_postgresql.c */
enum fault_code postgresql_connect(struct postgresql_store *store, struct fault *fault) MUST_USE;
/* Before each use: a lost connection is made anew outside a transaction, and told within one; a
 * stream of rows gets out of the way. */
enum fault_code postgresql_make_ready(struct postgresql_store *store, struct fault *fault) MUST_USE;
/* Runs what gives no rows worth reading. */
enum fault_code postgresql_command(struct postgresql_store *store, const char *sql,
                                   const char *doing, struct fault *fault) MUST_USE;

/* store_postgresql_statement.c */
enum fault_code postgresql_prepare(struct store *store, const char *sql, struct statement **out,
                                   struct fault *fault) MUST_USE;
/* At the server, when this connection does not have it yet. */
enum fault_code postgresql_prepare_again(struct postgresql_statement *statement,
                                         struct fault *fault) MUST_USE;
void postgresql_statement_name(const struct postgresql_statement *statement, char out[16]);
void postgresql_finish(struct statement *taken);
void postgresql_renew(struct statement *statement);
void postgresql_bind_text(struct statement *statement, int place, struct str text);
void postgresql_bind_whole(struct statement *statement, int place, int64_t number);
void postgresql_bind_null(struct statement *statement, int place);
struct str postgresql_text(struct statement *statement, int column);
int64_t postgresql_whole(struct statement *statement, int column);
bool postgresql_is_null(struct statement *statement, int column);

/* store_postgresql_rows.c */
enum fault_code postgresql_step(struct statement *statement, bool *out_row,
                                struct fault *fault) MUST_USE;
void postgresql_reset(struct statement *statement);
/* Takes the rows that are on their way off the connection. */
enum fault_code postgresql_park(struct postgresql_store *store, struct fault *fault) MUST_USE;

/* store_postgresql_copy.c */
enum fault_code postgresql_copy(struct store *store, const struct store_copy *copy,
                                const struct store_cell *cells, size_t row_count,
                                struct fault *fault) MUST_USE;

#endif
