/* What the files about SQLite share. Nobody outside this folder includes this. */
#ifndef IG_STORE_STORE_SQLITE_H
#define IG_STORE_STORE_SQLITE_H

#include <sqlite3.h>

#include "libs/store/store_internal.h"

enum { STORE_CHECKPOINT_PAGES = 4000 }; /* of the log, before it is copied into the file */

struct sqlite_statement {
    struct statement base;
    sqlite3_stmt *prepared;
    int bind_code; /* the first binding that SQLite refused, told by the next step */
};

struct sqlite_store {
    struct store base;
    sqlite3 *db;
    sqlite3_stmt *rollback;
    int64_t busy_since_us;
    int log_pages;              /* in the log after the last commit */
    bool checkpoints_elsewhere; /* commits do not copy the log: store_checkpointer.h */
};

static inline struct sqlite_store *sqlite_of(struct store *store)
{
    return (struct sqlite_store *)store;
}

/* Must come before the first connection: SQLite's memory, files, clock and randomness then come
 * from libs/core/os.h. False for want of memory; it may be called again. */
bool store_platform_init(void);
bool store_vfs_init(void); /* the part of it that is about files, after the memory */

/* The fault for SQLite's extended result `code`; `doing` completes "cannot ... the store". */
enum fault_code store_sqlite_fault(struct store *store, int code, const char *doing,
                                   struct fault *fault) MUST_USE;

/* Before each use: the transaction that SQLite has open is the one that the caller knows of. */
enum fault_code store_sqlite_check(struct store *store, struct fault *fault) MUST_USE;

/* Copies what it can of the log into the file without waiting for anyone. *out_done: pages of the
 * log that the file now has. FAULT_UNAVAILABLE when another one is at it. */
enum fault_code store_checkpoint(struct store *store, int *out_done, struct fault *fault) MUST_USE;

/* Flushes what was copied, without a lock. A failure stands in the way of every write from then on.
 */
enum fault_code store_flush(struct store *store, struct fault *fault) MUST_USE;

/* store_sqlite_statement.c */
enum fault_code store_sqlite_prepare(struct store *store, const char *sql, struct statement **out,
                                     struct fault *fault) MUST_USE;
void store_sqlite_finish(struct statement *taken);
void store_sqlite_renew(struct statement *statement);
void store_sqlite_reset(struct statement *statement);
void store_sqlite_bind_text(struct statement *statement, int place, struct str text);
void store_sqlite_bind_bytes(struct statement *statement, int place, struct str bytes);
void store_sqlite_bind_whole(struct statement *statement, int place, int64_t number);
void store_sqlite_bind_null(struct statement *statement, int place);
enum fault_code store_sqlite_step(struct statement *statement, bool *out_row,
                                  struct fault *fault) MUST_USE;
struct str store_sqlite_text(struct statement *statement, int column);
int64_t store_sqlite_whole(struct statement *statement, int column);
bool store_sqlite_is_null(struct statement *statement, int column);

/* store_sqlite_copy.c */
enum fault_code store_sqlite_copy(struct store *store, const struct store_copy *copy,
                                  const struct store_cell *cells, size_t row_count,
                                  struct fault *fault) MUST_USE;

#endif
