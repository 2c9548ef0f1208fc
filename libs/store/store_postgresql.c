/* PostgreSQL: connections and transactions.
 *
 * Writers are one at a time, as on SQLite: each transaction of store_begin takes the same advisory
 * lock, whichever process it is of. It is READ COMMITTED, so that the statements after the lock see
 * what the writer before has committed; a snapshot taken with the transaction's first statement
 * would be older than the lock. */
#include "libs/store/store_postgresql.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libs/core/buf.h"
#include "libs/core/os.h"
#include "libs/store/store_dialect.h"

/* "igst", as in SQLite's application_id. */
#define LOCK_NUMBER "1768387444"

enum { SERVER_VERSION_LEAST = 150000, SCRIPT_MAX = 4 << 20, REASON_MAX = 300 };

/* A writer waits as long as on SQLite (STORE_WAIT_US). A transaction whose owner hangs or is cut
 * off must not keep the lock from the others for long. */
static const char session[] = "SET lock_timeout = '5s';"
                              "SET idle_in_transaction_session_timeout = '60s';"
                              "SET tcp_keepalives_idle = 15;"
                              "SET tcp_keepalives_interval = 5;"
                              "SET tcp_keepalives_count = 3;"
                              "SET cursor_tuple_fraction = 1;"
                              "SET standard_conforming_strings = on;"
                              "SET TimeZone = 'UTC'";

static const char facts[] =
    "SELECT current_setting('fsync'), current_setting('full_page_writes'),"
    " current_setting('synchronous_commit'), current_setting('server_encoding'),"
    " current_setting('transaction_read_only'), coalesce(current_schema(), ''),"
    " to_regclass(quote_ident(current_schema()) || '.store_migrations') IS NULL AND EXISTS ("
    " SELECT 1 FROM pg_class c WHERE c.relkind IN ('r', 'p')"
    " AND c.relnamespace = to_regnamespace(quote_ident(current_schema()))"
    " AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e'))";

enum {
    FACT_FSYNC,
    FACT_FULL_PAGE_WRITES,
    FACT_SYNCHRONOUS_COMMIT,
    FACT_ENCODING,
    FACT_READ_ONLY,
    FACT_SCHEMA,
    FACT_FOREIGN
};

static void ignore_notice(void *unused, const PGresult *notice)
{
    (void)unused;
    (void)notice;
}

/* The server's or libpq's words, as one line. */
static void first_line(const char *message, char out[REASON_MAX])
{
    struct str line = str_of(message);
    line = str_trim(str_take(line, str_find_byte(line, '\n')));
    snprintf(out, REASON_MAX, "%.*s", STR_ARG(line));
}

static enum fault_code tell_unconnected(struct postgresql_store *store, struct fault *fault)
{
    const char *name = store->base.name;
    char reason[REASON_MAX];
    if (!store->connection)
        return fault_set(fault, FAULT_NO_MEMORY, "cannot open the store %s: no memory left", name);
    if (PQconnectionNeedsPassword(store->connection))
        return fault_field(fault, FAULT_INPUT, "store",
                           "cannot open the store %s: the server asks for a password; put it into "
                           "a password file (PGPASSFILE, mode 0600)",
                           name);
    if (PQconnectionUsedPassword(store->connection))
        return fault_field(fault, FAULT_INPUT, "store",
                           "cannot open the store %s: the server does not take the password; "
                           "correct the password file (PGPASSFILE)",
                           name);
    first_line(PQerrorMessage(store->connection), reason);
    return fault_set(fault, FAULT_UNAVAILABLE, "cannot open the store %s: %s", name, reason);
}

static bool fact_is(const PGresult *result, int fact, const char *value)
{
    return strcmp(PQgetvalue(result, 0, fact), value) == 0;
}

/* What makes a commit durable, and that the database is ours or empty. */
static enum fault_code check_facts(struct postgresql_store *store, const PGresult *result,
                                   struct fault *fault)
{
    const char *name = store->base.name;
    if (fact_is(result, FACT_SCHEMA, ""))
        return fault_set(fault, FAULT_INPUT,
                         "cannot open the store %s: the schema of its search_path does not exist; "
                         "create it",
                         name);
    if (!fact_is(result, FACT_ENCODING, "UTF8"))
        return fault_set(fault, FAULT_INPUT,
                         "cannot open the store %s: the database's encoding is %s; create one with "
                         "ENCODING 'UTF8'",
                         name, PQgetvalue(result, 0, FACT_ENCODING));
    if (fact_is(result, FACT_READ_ONLY, "on"))
        return fault_set(fault, FAULT_IO,
                         "cannot open the store %s: the server is read-only (a standby?); name the "
                         "primary server in the address",
                         name);
    if (!fact_is(result, FACT_FSYNC, "on") || !fact_is(result, FACT_FULL_PAGE_WRITES, "on"))
        return fault_set(fault, FAULT_INPUT,
                         "cannot open the store %s: the server runs with fsync or full_page_writes "
                         "off, and a power cut would lose what was acknowledged; set both to on",
                         name);
    if (!fact_is(result, FACT_SYNCHRONOUS_COMMIT, "on") &&
        !fact_is(result, FACT_SYNCHRONOUS_COMMIT, "remote_apply"))
        return fault_set(fault, FAULT_INPUT,
                         "cannot open the store %s: synchronous_commit is %s, and a crash would "
                         "lose what was acknowledged; set it to on for this user and database",
                         name, PQgetvalue(result, 0, FACT_SYNCHRONOUS_COMMIT));
    if (fact_is(result, FACT_FOREIGN, "t"))
        return fault_set(fault, FAULT_CORRUPT,
                         "the database %s holds tables of another program; name an empty one",
                         name);
    return FAULT_NONE;
}

static enum fault_code check_server(struct postgresql_store *store, struct fault *fault)
{
    int version = PQserverVersion(store->connection);
    if (version < SERVER_VERSION_LEAST)
        return fault_set(fault, FAULT_INPUT,
                         "cannot open the store %s: the server is PostgreSQL %d; use 15 or newer",
                         store->base.name, version / 10000);
    enum fault_code code = postgresql_command(store, session, "open", fault);
    if (code != FAULT_NONE)
        return code;
    PGresult *result = PQexec(store->connection, facts);
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        code = check_facts(store, result, fault);
    else
        code = postgresql_fault(store, result, "open", fault);
    PQclear(result);
    return code;
}

/* What stands before `dbname`, which is the address, is what the address may say otherwise; what
 * stands after it is so. */
enum fault_code postgresql_connect(struct postgresql_store *store, struct fault *fault)
{
    static const char *const names[] = {"connect_timeout",
                                        "keepalives_idle",
                                        "keepalives_interval",
                                        "keepalives_count",
                                        "tcp_user_timeout",
                                        "gssencmode",
                                        "sslmode",
                                        "dbname",
                                        "client_encoding",
                                        "fallback_application_name",
                                        NULL};
    const char *values[] = {"5",           "15", "5",    "3",           "20000", "disable",
                            "verify-full", NULL, "UTF8", "intelgraphd", NULL};
    values[7] = postgresql_conninfo(store->base.place);
    PQfinish(store->connection);
    store->streaming = NULL;
    store->connections++;
    store->connection = PQconnectdbParams(names, values, 1);
    if (!store->connection || postgresql_is_lost(store))
        return tell_unconnected(store, fault);
    PQsetNoticeReceiver(store->connection, ignore_notice, NULL);
    return check_server(store, fault);
}

enum fault_code postgresql_make_ready(struct postgresql_store *store, struct fault *fault)
{
    if (postgresql_is_lost(store)) {
        if (store->base.in_transaction)
            return postgresql_fault(store, NULL, "use", fault);
        return postgresql_connect(store, fault);
    }
    return postgresql_park(store, fault);
}

enum fault_code postgresql_command(struct postgresql_store *store, const char *sql,
                                   const char *doing, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    PGresult *result = PQexec(store->connection, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY)
        code = postgresql_fault(store, result, doing, fault);
    PQclear(result);
    return code;
}

static void close_store(struct store *taken)
{
    struct postgresql_store *store = postgresql_of(taken);
    taken->engine->reset_all(taken);
    store_statements_free(taken);
    PQfinish(store->connection);
    os_free(taken->place);
    os_free(store);
}

static enum fault_code open_store(const char *place, struct store **out, struct fault *fault)
{
    bool is_secret;
    enum fault_code code = store_place_check(place, &is_secret, fault);
    if (code != FAULT_NONE)
        return code;
    size_t size = strlen(place) + 1;
    struct postgresql_store *store = os_alloc(sizeof *store);
    char *kept = os_alloc(size);
    if (!store || !kept) {
        os_free(store);
        os_free(kept);
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to open the store");
    }
    memcpy(kept, place, size);
    store->base.engine = &store_postgresql;
    store->base.place = kept;
    postgresql_name(place, store->base.name);
    code = postgresql_connect(store, fault);
    char *resolved = code == FAULT_NONE ? postgresql_resolved(store->connection) : NULL;
    if (code == FAULT_NONE && !resolved)
        code = fault_set(fault, FAULT_NO_MEMORY, "no memory left to open the store");
    if (code != FAULT_NONE) {
        close_store(&store->base);
        return code;
    }
    os_free(store->base.place);
    store->base.place = resolved;
    *out = &store->base;
    return FAULT_NONE;
}

/* A server that was restarted is noticed by the first use of a connection to it: nothing has been
 * done yet, so that it can be done again. */
static enum fault_code begin_with(struct store *base, const char *sql, struct fault *fault)
{
    struct postgresql_store *store = postgresql_of(base);
    enum fault_code code = FAULT_NONE;
    for (int times = 0; times < 2; times++) {
        code = postgresql_make_ready(store, fault);
        if (code == FAULT_NONE)
            code = postgresql_command(store, sql, "use", fault);
        if (code == FAULT_NONE || !postgresql_is_lost(store))
            break;
    }
    if (code != FAULT_NONE)
        base->engine->rollback(base); /* it may have begun, and then not got the lock */
    return code;
}

static enum fault_code begin(struct store *store, struct fault *fault)
{
    postgresql_of(store)->writes = true;
    return begin_with(store,
                      "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; "
                      "SELECT pg_advisory_xact_lock(" LOCK_NUMBER ")",
                      fault);
}

static enum fault_code begin_read(struct store *store, struct fault *fault)
{
    postgresql_of(store)->writes = false;
    return begin_with(store, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", fault);
}

static void reset_all(struct store *store)
{
    for (size_t i = 0; i < STORE_STATEMENT_SLOTS; i++)
        if (store->statements[i])
            postgresql_reset(store->statements[i]);
}

static void rollback(struct store *base)
{
    struct postgresql_store *store = postgresql_of(base);
    struct fault ignored;
    if (!postgresql_is_lost(store) && PQtransactionStatus(store->connection) != PQTRANS_IDLE)
        (void)!postgresql_command(store, "ROLLBACK", "use", &ignored);
    /* What cannot be rolled back is left to the server, which does so when nobody is there. */
    if (PQtransactionStatus(store->connection) != PQTRANS_IDLE) {
        PQfinish(store->connection);
        store->connection = NULL;
    }
}

/* A commit is kept or not; when the connection ends before the answer nobody here knows which. */
static enum fault_code commit(struct store *base, struct fault *fault)
{
    struct postgresql_store *store = postgresql_of(base);
    enum fault_code code = FAULT_NONE;
    if (postgresql_is_lost(store))
        return postgresql_fault(store, NULL, "write", fault);
    PGresult *result = PQexec(store->connection, "COMMIT");
    if (postgresql_is_lost(store)) {
        base->is_commit_unknown = true;
        code = fault_set(fault, FAULT_UNAVAILABLE,
                         "the connection to the store %s was lost while it committed; whether the "
                         "change was kept is not known: send the same request again",
                         base->name);
    } else if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        code = postgresql_fault(store, result, "write", fault);
        base->is_commit_unknown = postgresql_is_lost(store);
    } else if (strcmp(PQcmdStatus(result), "COMMIT") != 0) {
        code = fault_set(fault, FAULT_IO,
                         "cannot write the store %s: an earlier failure has ended the transaction",
                         base->name);
    }
    PQclear(result);
    if (code != FAULT_NONE)
        rollback(base);
    return code;
}

static bool is_writing(const struct store *store)
{
    return ((const struct postgresql_store *)store)->writes;
}

static int64_t changes(struct store *store)
{
    return postgresql_of(store)->changes;
}

static enum fault_code exec(struct store *base, struct str sql, struct fault *fault)
{
    struct postgresql_store *store = postgresql_of(base);
    struct buf text;
    buf_init(&text, SCRIPT_MAX);
    store_dialect_postgresql(sql, &text);
    buf_add_byte(&text, '\0');
    enum fault_code code = buf_check(&text, "the SQL text", fault);
    if (code == FAULT_NONE)
        code = postgresql_make_ready(store, fault);
    if (code == FAULT_NONE)
        code = postgresql_command(store, buf_str(&text).ptr, "change", fault);
    buf_done(&text);
    return code;
}

int store_port(const struct store *store)
{
    if (store->engine != &store_postgresql)
        return -1;
    const PGconn *connection = ((const struct postgresql_store *)store)->connection;
    const char *address = PQhostaddr(connection);
    const char *port = PQport(connection);
    return address && address[0] != '\0' && port ? atoi(port) : 0;
}

const struct store_engine store_postgresql = {
    .open = open_store,
    .close = close_store,
    .begin = begin,
    .begin_read = begin_read,
    .commit = commit,
    .rollback = rollback,
    .reset_all = reset_all,
    .is_writing = is_writing,
    .changes = changes,
    .exec = exec,
    .copy = postgresql_copy,
    .prepare = postgresql_prepare,
    .finish = postgresql_finish,
    .renew = postgresql_renew,
    .reset = postgresql_reset,
    .bind_text = postgresql_bind_text,
    .bind_bytes = postgresql_bind_text, /* the server's type of the place decides */
    .bind_whole = postgresql_bind_whole,
    .bind_null = postgresql_bind_null,
    .step = postgresql_step,
    .text = postgresql_text,
    .whole = postgresql_whole,
    .is_null = postgresql_is_null,
};
