/* The embedded engine: a file. */
#include "libs/store/store_sqlite.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libs/core/os.h"

/* "igst": tells our files from any other program's (PRAGMA application_id). */
#define APPLICATION_ID "1768387444"

/* The cache is for each connection, hence well under what one alone would like. The limit makes the
 * WAL file shrink again after a large transaction. */
static const char settings[] = "PRAGMA synchronous=FULL;"
                               "PRAGMA foreign_keys=ON;"
                               "PRAGMA trusted_schema=OFF;"
                               "PRAGMA cell_size_check=ON;"
                               "PRAGMA temp_store=MEMORY;"
                               "PRAGMA cache_size=-32768;"
                               "PRAGMA secure_delete=FAST;"
                               "PRAGMA journal_size_limit=67108864;";

static bool is_failed_flush(int code)
{
    return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC;
}

static bool is_disk_full(sqlite3 *db, int code)
{
    return (code & 0xff) == SQLITE_FULL ||
           ((code & 0xff) == SQLITE_IOERR && sqlite3_system_errno(db) == ENOSPC);
}

enum fault_code store_sqlite_fault(struct store *store, int code, const char *doing,
                                   struct fault *fault)
{
    sqlite3 *db = sqlite_of(store)->db;
    const char *path = store->name;
    if (is_failed_flush(code))
        store_flush_failed = true;
    if (is_disk_full(db, code))
        return fault_set(fault, FAULT_IO,
                         "cannot %s the store %s: the disk is full; free some space and try again",
                         doing, path);
    int error = sqlite3_system_errno(db);
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return fault_set(fault, FAULT_NO_MEMORY, "cannot %s the store %s: no memory left", doing,
                         path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return fault_set(fault, FAULT_UNAVAILABLE,
                         "cannot %s the store %s: another writer holds it; try again", doing, path);
    case SQLITE_READONLY:
        return fault_set(fault, FAULT_IO,
                         "cannot %s the store %s: it is read-only; give the service's user the "
                         "right to write the file and its folder",
                         doing, path);
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        if (error != 0)
            return fault_errno(fault, error, "cannot %s the store %s", doing, path);
        return fault_set(fault, FAULT_IO, "cannot %s the store %s: %s", doing, path,
                         sqlite3_errmsg(db));
    case SQLITE_NOTADB:
        return fault_set(fault, FAULT_CORRUPT,
                         "cannot %s the store %s: the file is not a database; name another file or "
                         "restore a backup",
                         doing, path);
    case SQLITE_CORRUPT:
        return fault_set(fault, FAULT_CORRUPT,
                         "cannot %s the store %s: the file is damaged; restore a backup", doing,
                         path);
    case SQLITE_CONSTRAINT:
        return fault_set(fault, FAULT_CONFLICT, "cannot %s the store %s: %s", doing, path,
                         sqlite3_errmsg(db));
    case SQLITE_TOOBIG:
        return fault_set(fault, FAULT_LIMIT,
                         "cannot %s the store %s: a text is over the limit of 1000000000 bytes",
                         doing, path);
    default:
        /* The literals are tested, so a text that does not fit means a schema that was changed. */
        return fault_set(fault, FAULT_CORRUPT, "cannot %s the store %s: %s", doing, path,
                         sqlite3_errmsg(db));
    }
}

/* Waits in short steps: commits take well under a millisecond, a checkpoint some hundred. */
static int wait_when_busy(void *taken_store, int times)
{
    struct sqlite_store *store = taken_store;
    int64_t now_us = os_monotonic_us();
    if (times == 0)
        store->busy_since_us = now_us;
    if (now_us - store->busy_since_us > STORE_WAIT_US)
        return 0;
    sqlite3_sleep(times < 20 ? 1 : 5);
    return 1;
}

enum fault_code store_checkpoint(struct store *store, int *out_done, struct fault *fault)
{
    int pages = 0;
    int done = 0;
    int code = sqlite3_wal_checkpoint_v2(sqlite_of(store)->db, NULL, SQLITE_CHECKPOINT_PASSIVE,
                                         &pages, &done);
    if (is_failed_flush(code))
        store_flush_failed = true;
    if (code != SQLITE_OK)
        return store_sqlite_fault(store, code, "copy the log into", fault);
    *out_done = done;
    return FAULT_NONE;
}

/* SQLite flushes the file once all of the log is in it, and all that was copied before with it. */
enum fault_code store_flush(struct store *store, struct fault *fault)
{
    sqlite3_file *file = NULL;
    int code = sqlite3_file_control(sqlite_of(store)->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (code == SQLITE_OK)
        code = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL); /* notes a failure itself */
    return code == SQLITE_OK ? FAULT_NONE : store_sqlite_fault(store, code, "flush", fault);
}

/* After each commit: copies a long log into the file, as SQLite's own hook would, which does not
 * tell of a failed flush. Others in the way are no failure: the next commit tries again. */
static int after_commit(void *context, sqlite3 *db, const char *name, int pages)
{
    struct sqlite_store *store = context;
    struct fault ignored;
    int done;
    (void)db;
    (void)name;
    store->log_pages = pages;
    if (!store->checkpoints_elsewhere && pages >= STORE_CHECKPOINT_PAGES)
        (void)!store_checkpoint(&store->base, &done, &ignored);
    return SQLITE_OK;
}

/* One whole number that a query gives. */
static enum fault_code query_whole(struct store *store, const char *sql, int64_t *out,
                                   struct fault *fault)
{
    sqlite3_stmt *query = NULL;
    int code = sqlite3_prepare_v2(sqlite_of(store)->db, sql, -1, &query, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(query);
    enum fault_code failed = FAULT_NONE;
    if (code == SQLITE_ROW)
        *out = sqlite3_column_int64(query, 0);
    else
        failed = store_sqlite_fault(store, code, "read", fault);
    sqlite3_finalize(query);
    return failed;
}

static enum fault_code exec(struct store *store, struct str sql, struct fault *fault)
{
    while (str_trim(sql).len > 0) {
        sqlite3_stmt *statement = NULL;
        const char *rest = sql.ptr;
        int code =
            sqlite3_prepare_v2(sqlite_of(store)->db, sql.ptr, (int)sql.len, &statement, &rest);
        while (code == SQLITE_OK || code == SQLITE_ROW)
            code = statement ? sqlite3_step(statement) : SQLITE_DONE; /* NULL: a comment only */
        enum fault_code failed =
            code == SQLITE_DONE ? FAULT_NONE : store_sqlite_fault(store, code, "change", fault);
        sqlite3_finalize(statement);
        if (failed != FAULT_NONE)
            return failed;
        sql = str_skip(sql, (size_t)(rest - sql.ptr));
    }
    return FAULT_NONE;
}

/* A file of ours, or a new one. Asked before anything is written, so that a foreign file stays as
 * it is. */
static enum fault_code check_ours(struct store *store, bool *out_new, struct fault *fault)
{
    int64_t id = 0;
    int64_t things = 0;
    enum fault_code code = query_whole(store, "PRAGMA application_id", &id, fault);
    if (code == FAULT_NONE)
        code = query_whole(store, "SELECT count(*) FROM sqlite_master", &things, fault);
    if (code != FAULT_NONE)
        return code;
    *out_new = id == 0 && things == 0;
    if (!*out_new && id != (int64_t)strtoll(APPLICATION_ID, NULL, 10))
        return fault_set(fault, FAULT_CORRUPT,
                         "%s is a database of another program; name another file", store->name);
    return FAULT_NONE;
}

static enum fault_code use_wal(struct store *store, struct fault *fault)
{
    sqlite3_stmt *query = NULL;
    int code =
        sqlite3_prepare_v2(sqlite_of(store)->db, "PRAGMA journal_mode=WAL", -1, &query, NULL);
    /* SQLite does not call the busy handler for this one; two programs may start at once. */
    int times = 0;
    if (code == SQLITE_OK)
        while ((code = sqlite3_step(query)) == SQLITE_BUSY &&
               wait_when_busy(sqlite_of(store), times++))
            sqlite3_reset(query);
    enum fault_code failed = FAULT_NONE;
    if (code != SQLITE_ROW)
        failed = store_sqlite_fault(store, code, "open", fault);
    else if (strcmp((const char *)sqlite3_column_text(query, 0), "wal") != 0)
        failed = fault_set(fault, FAULT_IO,
                           "cannot open the store %s: its file system has no write-ahead log; use "
                           "a local disk",
                           store->name);
    sqlite3_finalize(query);
    return failed;
}

/* Sets what SQLite may do. Refusals are not possible for these constants. */
static void harden(sqlite3 *db)
{
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
}

/* Makes a missing file with 0600; SQLite gives its log and index the same mode. Never opens one
 * that is there: closing any descriptor of it would drop this process's locks (POSIX). */
static enum fault_code make_file(const char *path, struct fault *fault)
{
    int fd = os_open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd >= 0)
        os_close(fd);
    else if (errno != EEXIST)
        return fault_errno(fault, errno, "cannot create the store %s", path);
    return FAULT_NONE;
}

static enum fault_code open_file(struct store *store, struct fault *fault)
{
    struct sqlite_store *sqlite = sqlite_of(store);
    enum fault_code code = make_file(store->place, fault);
    if (code != FAULT_NONE)
        return code;
    int opened =
        sqlite3_open_v2(store->place, &sqlite->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (!sqlite->db)
        return fault_set(fault, FAULT_NO_MEMORY, "cannot open the store %s: no memory left",
                         store->name);
    if (opened != SQLITE_OK)
        return store_sqlite_fault(store, opened, "open", fault);
    if (sqlite3_db_readonly(sqlite->db, "main") == 1)
        return store_sqlite_fault(store, SQLITE_READONLY, "open", fault);
    harden(sqlite->db);
    sqlite3_busy_handler(sqlite->db, wait_when_busy, sqlite);
    sqlite3_wal_hook(sqlite->db, after_commit, sqlite);
    return FAULT_NONE;
}

static enum fault_code prepare_file(struct store *store, struct fault *fault)
{
    struct sqlite_store *sqlite = sqlite_of(store);
    bool is_new = false;
    enum fault_code code = check_ours(store, &is_new, fault);
    if (code == FAULT_NONE)
        code = use_wal(store, fault);
    if (code == FAULT_NONE)
        code = exec(store, str_of(settings), fault);
    if (code == FAULT_NONE && is_new)
        code = exec(store, STR("PRAGMA application_id=" APPLICATION_ID), fault);
    if (code != FAULT_NONE)
        return code;
    int prepared = sqlite3_prepare_v3(sqlite->db, "ROLLBACK", -1, SQLITE_PREPARE_PERSISTENT,
                                      &sqlite->rollback, NULL);
    return prepared == SQLITE_OK ? FAULT_NONE : store_sqlite_fault(store, prepared, "open", fault);
}

static void close_file(struct store *taken)
{
    struct sqlite_store *sqlite = sqlite_of(taken);
    store_statements_free(taken);
    sqlite3_finalize(sqlite->rollback);
    int code = sqlite3_close(sqlite->db);
    assert(code == SQLITE_OK && "every statement of the connection is in its cache");
    os_free(taken->place);
    os_free(sqlite);
}

static enum fault_code open_store(const char *path, struct store **out, struct fault *fault)
{
    size_t size = strlen(path) + 1;
    struct sqlite_store *sqlite = os_alloc(sizeof *sqlite);
    char *kept = os_alloc(size);
    if (!sqlite || !kept || !store_platform_init()) {
        os_free(kept);
        os_free(sqlite);
        return fault_set(fault, FAULT_NO_MEMORY, "cannot open the store %s: no memory left", path);
    }
    memcpy(kept, path, size);
    struct store *store = &sqlite->base;
    store->engine = &store_sqlite;
    store->place = kept;
    snprintf(store->name, sizeof store->name, "%s", path);
    enum fault_code code = open_file(store, fault);
    if (code == FAULT_NONE)
        code = prepare_file(store, fault);
    if (code != FAULT_NONE) {
        close_file(store);
        return code;
    }
    *out = store;
    return FAULT_NONE;
}

static enum fault_code run(struct store *store, const char *sql, struct fault *fault)
{
    struct statement *statement;
    enum fault_code code = store_prepare(store, sql, &statement, fault);
    return code == FAULT_NONE ? store_run(statement, fault) : code;
}

static enum fault_code begin(struct store *store, struct fault *fault)
{
    static const char sql[] = "BEGIN IMMEDIATE";
    return run(store, sql, fault);
}

static enum fault_code begin_read(struct store *store, struct fault *fault)
{
    static const char sql[] = "BEGIN";
    return run(store, sql, fault);
}

static void reset_all(struct store *store)
{
    sqlite3 *db = sqlite_of(store)->db;
    for (sqlite3_stmt *at = sqlite3_next_stmt(db, NULL); at; at = sqlite3_next_stmt(db, at))
        if (sqlite3_stmt_busy(at))
            sqlite3_reset(at);
}

static void rollback(struct store *store)
{
    struct sqlite_store *sqlite = sqlite_of(store);
    if (!sqlite3_get_autocommit(sqlite->db)) {
        /* Prepared at birth. It can fail only when it must be prepared anew (the schema has
         * changed) and there is no memory: store_sqlite_check then tries again before the
         * connection is used. */
        sqlite3_step(sqlite->rollback);
        sqlite3_reset(sqlite->rollback);
    }
}

/* A failed flush leaves open whether a power cut keeps the transaction: it is told as failed. */
static enum fault_code commit(struct store *store, struct fault *fault)
{
    static const char sql[] = "COMMIT";
    enum fault_code code = run(store, sql, fault);
    if (code != FAULT_NONE)
        rollback(store);
    return code;
}

enum fault_code store_sqlite_check(struct store *store, struct fault *fault)
{
    sqlite3 *db = sqlite_of(store)->db;
    bool is_open = !sqlite3_get_autocommit(db);
    if (is_open && !store->in_transaction) {
        store_rollback(store);
        if (!sqlite3_get_autocommit(db))
            return store_sqlite_fault(store, SQLITE_NOMEM, "write", fault);
    }
    /* After some failures SQLite rolls back on its own. What follows in the same unit of work must
     * not then be committed row by row. */
    if (!is_open && store->in_transaction)
        return fault_set(fault, FAULT_IO,
                         "cannot write the store %s: an earlier failure has ended the transaction",
                         store->name);
    return FAULT_NONE;
}

static bool is_writing(const struct store *store)
{
    const struct sqlite_store *sqlite = (const struct sqlite_store *)store;
    return sqlite3_txn_state(sqlite->db, "main") == SQLITE_TXN_WRITE;
}

static int64_t changes(struct store *store)
{
    return sqlite3_changes64(sqlite_of(store)->db);
}

const struct store_engine store_sqlite = {
    .open = open_store,
    .close = close_file,
    .begin = begin,
    .begin_read = begin_read,
    .commit = commit,
    .rollback = rollback,
    .reset_all = reset_all,
    .is_writing = is_writing,
    .changes = changes,
    .exec = exec,
    .copy = store_sqlite_copy,
    .prepare = store_sqlite_prepare,
    .finish = store_sqlite_finish,
    .renew = store_sqlite_renew,
    .reset = store_sqlite_reset,
    .bind_text = store_sqlite_bind_text,
    .bind_bytes = store_sqlite_bind_bytes,
    .bind_whole = store_sqlite_bind_whole,
    .bind_null = store_sqlite_bind_null,
    .step = store_sqlite_step,
    .text = store_sqlite_text,
    .whole = store_sqlite_whole,
    .is_null = store_sqlite_is_null,
};
