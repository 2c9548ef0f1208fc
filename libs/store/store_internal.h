/* What the files of this room share about a connection. Nobody outside includes this. */
#ifndef IG_STORE_STORE_INTERNAL_H
#define IG_STORE_STORE_INTERNAL_H

#include <sqlite3.h>

#include "libs/store/store.h"

enum {
    STORE_WAIT_US = 5 * 1000 * 1000, /* for another writer, or for a free connection */
    STORE_CHECKPOINT_PAGES = 4000,   /* of the log, before it is copied into the file */
    STORE_STATEMENT_SLOTS = 1024,    /* a power of two */
    STORE_STATEMENTS_MAX = 768,      /* literals a program may have */
};

struct statement {
    struct store *store;
    const char *sql; /* the key */
    sqlite3_stmt *prepared;
    int place_count;
    int bind_code; /* the first binding that SQLite refused, told by the next step */
};

struct store {
    sqlite3 *db;
    char *path;
    bool in_transaction; /* begun and not yet ended by us; SQLite may have rolled back on its own */
    sqlite3_stmt *rollback;
    int64_t busy_since_us;
    int log_pages;              /* in the log after the last commit */
    bool checkpoints_elsewhere; /* commits do not copy the log: store_checkpointer.h */
    int statement_count;
    struct statement *statements[STORE_STATEMENT_SLOTS]; /* open addressing by pointer */
};

/* Whether a flush to disk has failed in this process. The system forgets what it could not write
 * and says "good" the next time, so no later flush is believed: writing ends until the program is
 * started anew and the log is read from disk. One flag for all stores: a disk that fails once is
 * not trusted. (Tests set it back.) */
extern _Atomic bool store_flush_failed;

/* Must come before the first connection: SQLite's memory, files, clock and randomness then come
 * from libs/core/os.h. False for want of memory; it may be called again. */
bool store_platform_init(void);
bool store_vfs_init(void); /* the part of it that is about files, after the memory */

/* The fault for SQLite's extended result `code`; `doing` completes "cannot ... the store". */
enum fault_code store_fault(struct store *store, int code, const char *doing,
                            struct fault *fault) MUST_USE;

/* Before each use: the transaction that SQLite has open is the one that the caller knows of. */
enum fault_code store_check(struct store *store, struct fault *fault) MUST_USE;

/* Runs SQL texts that give no rows and have no places. */
enum fault_code store_exec(struct store *store, struct str sql, struct fault *fault) MUST_USE;

/* Copies what it can of the log into the file without waiting for anyone. *out_done: pages of the
 * log that the file now has. FAULT_UNAVAILABLE when another one is at it. */
enum fault_code store_checkpoint(struct store *store, int *out_done, struct fault *fault) MUST_USE;

void store_statements_reset(struct store *store); /* all that were left before their end */
void store_statements_free(struct store *store);

#endif
