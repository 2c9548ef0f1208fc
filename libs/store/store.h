/* The store: SQLite in a file, or a PostgreSQL server. libs/store alone names either.
 *
 * What store_commit has returned from survives a power cut on both: WAL and synchronous=FULL; fsync
 * and synchronous_commit on, looked at when a connection is made. One `struct store` is one
 * connection, used by one thread at a time (store_pool.h hands them out). SQL texts are literals
 * with `$1`, `$2` ... in order of first use, written in what both engines know (store_dialect.h has
 * the little that is translated); values come only by binding.
 *
 * What to keep to, so that one text means the same on both: a column of a query is BIGINT, TEXT,
 * BYTEA or a truth value (cast sums AS BIGINT); texts are UTF-8 without zero bytes; after a fault
 * within a transaction nothing but store_rollback follows. A connection to a server that was lost
 * is made anew outside a transaction; within one all that follows is FAULT_UNAVAILABLE. */
#ifndef IG_STORE_STORE_H
#define IG_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "libs/core/fault.h"
#include "libs/core/str.h"

struct store;
struct statement;

struct store_migration {
    int version; /* 1, 2, 3 ... without gaps */
    const char *name;
    struct str sql;
};

/* A place is a file's path, which is made when missing, or a server's address:
 * postgresql://user@host:port/database?..., as libpq reads it. */
bool store_place_is_server(const char *place);

/* FAULT_INPUT on an address that cannot be read. *out_secret: it holds a password, which belongs
 * neither on a command line nor in a log. */
enum fault_code store_place_check(const char *place, bool *out_secret,
                                  struct fault *fault) MUST_USE;

/* Disk full, a read-only or foreign store, and a busy one are faults that name it. */
enum fault_code store_open(const char *place, struct store **out, struct fault *fault) MUST_USE;
void store_close(struct store *taken); /* takes NULL */

/* Applies what is missing, each in a transaction. A store from a newer version is FAULT_CONFLICT.
 */
enum fault_code store_migrate(struct store *store, const struct store_migration *migrations,
                              size_t count, struct fault *fault) MUST_USE;

/* A write transaction. There is one at a time, of whichever connection, process or machine: one
 * waits for another up to 5 s, then FAULT_UNAVAILABLE. A failed commit has rolled back, but for one
 * whose connection to the server was lost: FAULT_UNAVAILABLE, and whether it was kept is not known,
 * so that a request must be such that it can be sent again. Once a flush to disk has failed, no
 * store of the process is written any more (FAULT_IO): the system forgets what it could not write
 * and says "good" the next time. */
enum fault_code store_begin(struct store *store, struct fault *fault) MUST_USE;
enum fault_code store_commit(struct store *store, struct fault *fault) MUST_USE;
bool store_has_failed_flush(void); /* the program should end, and read the log anew from disk */
void store_rollback(struct store *store); /* does nothing outside a transaction */

bool store_is_writing(const struct store *store); /* between store_begin and its end */

/* The TCP port of the server, 0 for a local socket, -1 for a file. */
int store_port(const struct store *store);

/* A read transaction, so that several queries see one state; ended by store_rollback. */
enum fault_code store_begin_read(struct store *store, struct fault *fault) MUST_USE;

/* The prepared statement for a literal, kept by the store and reset and unbound for use. The
 * pointer of `sql` is the key: pass the same literal (a static const char[]) each time. */
enum fault_code store_prepare(struct store *store, const char *sql, struct statement **out,
                              struct fault *fault) MUST_USE;

/* Places count from 1. Text and bytes are borrowed until the statement's next use or reset. */
void store_bind_text(struct statement *statement, int place, struct str text);
void store_bind_bytes(struct statement *statement, int place, struct str bytes);
void store_bind_whole(struct statement *statement, int place, int64_t number);
void store_bind_null(struct statement *statement, int place);

/* Next row, or *out_row = false at the end (the statement is then reset). */
enum fault_code store_step(struct statement *statement, bool *out_row,
                           struct fault *fault) MUST_USE;

/* Runs to the end a statement that gives no rows. */
enum fault_code store_run(struct statement *statement, struct fault *fault) MUST_USE;

/* The one whole number that an aggregate gives; the statement is then reset. */
enum fault_code store_read_whole(struct statement *statement, int64_t *out,
                                 struct fault *fault) MUST_USE;

/* Columns count from 0; borrowed until the next step or reset. */
struct str store_text(struct statement *statement, int column); /* text or bytes; NULL is empty */
int64_t store_whole(struct statement *statement, int column);
bool store_is_null(struct statement *statement, int column);

void store_reset(struct statement *statement); /* for a statement left before its end */

int64_t store_changes(struct store *store); /* rows the last statement changed */

/* What a part of the program keeps beside a connection: rows that are gathered and written at once
 * before a commit, and what it remembers of the store from one transaction to the next. One of a
 * kind a connection. */
struct store_companion {
    enum fault_code (*make)(void **out, struct fault *fault);
    void (*free)(void *taken);
    /* Before the commit of a write transaction; a fault takes all of it back. */
    enum fault_code (*before_commit)(void *companion, struct store *store, struct fault *fault);
    /* A write transaction is over. `kept`: it was committed; else it was rolled back, or nobody
     * knows. */
    void (*ended)(void *companion, bool kept);
};

/* The connection's companion of that kind, made at the first call and freed with the connection. */
enum fault_code store_companion(struct store *store, const struct store_companion *kind, void **out,
                                struct fault *fault) MUST_USE;

/* Many rows into a table at once, within a write transaction: PostgreSQL's binary COPY, prepared
 * inserts on SQLite. The columns are BIGINT, TEXT and BYTEA as their types say. `cells` are the
 * rows one after the other, `column_count` each. A key that is there already is FAULT_CONFLICT: to
 * pass over such rows, copy into a temporary table and INSERT ... SELECT ... ON CONFLICT. */
enum { STORE_COPY_COLUMNS_MAX = 64 };

enum store_type { STORE_WHOLE, STORE_TEXT, STORE_BYTES };

struct store_column {
    const char *name;
    enum store_type type;
};

struct store_copy { /* names are literals: they become part of an SQL text */
    const char *table;
    const struct store_column *columns;
    int column_count;
};

struct store_cell {
    int64_t whole;    /* of a STORE_WHOLE */
    struct str bytes; /* of the others */
    bool is_null;
};

enum fault_code store_copy(struct store *store, const struct store_copy *copy,
                           const struct store_cell *cells, size_t row_count,
                           struct fault *fault) MUST_USE;

#endif
