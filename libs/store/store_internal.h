/* What the files of this room share: a connection as each engine extends it, and what an engine can
 * do. Nobody outside includes this. */
#ifndef IG_STORE_STORE_INTERNAL_H
#define IG_STORE_STORE_INTERNAL_H

#include "libs/store/store.h"

enum {
    STORE_WAIT_US = 5 * 1000 * 1000, /* for another writer, or for a free connection */
    STORE_STATEMENT_SLOTS = 1024,    /* a power of two */
    STORE_STATEMENTS_MAX = 768,      /* literals a program may have */
    STORE_NAME_MAX = 512,            /* what faults call a store */
    STORE_COMPANIONS_MAX = 8,        /* kinds a program may have */
};

/* An engine's own statement and connection begin with these. */
struct statement {
    struct store *store;
    const char *sql; /* the key */
    int place_count;
};

struct store {
    const struct store_engine *engine;
    char *place;               /* what another connection to the same store is opened with */
    char name[STORE_NAME_MAX]; /* for faults: without user, password and options */
    bool in_transaction;       /* begun and not yet ended by us; the engine may have ended it */
    bool is_commit_unknown; /* the last commit may have been kept, though it was told as failed */
    bool is_write;          /* the transaction was begun to write */
    struct {
        const struct store_companion *kind;
        void *companion;
    } companions[STORE_COMPANIONS_MAX];
    int companion_count;
    int statement_count;
    struct statement *statements[STORE_STATEMENT_SLOTS]; /* open addressing by pointer */
};

/* The functions of store.h, without what is the same for all (store.c, store_statement.c). */
struct store_engine {
    enum fault_code (*open)(const char *place, struct store **out, struct fault *fault);
    void (*close)(struct store *taken);
    enum fault_code (*begin)(struct store *store, struct fault *fault);
    enum fault_code (*begin_read)(struct store *store, struct fault *fault);
    enum fault_code (*commit)(struct store *store, struct fault *fault); /* else rolls back */
    void (*rollback)(struct store *store);
    void (*reset_all)(struct store *store); /* statements left before their end */
    bool (*is_writing)(const struct store *store);
    int64_t (*changes)(struct store *store);
    /* A script: statements without places whose rows nobody wants. */
    enum fault_code (*exec)(struct store *store, struct str sql, struct fault *fault);
    enum fault_code (*copy)(struct store *store, const struct store_copy *copy,
                            const struct store_cell *cells, size_t row_count, struct fault *fault);

    enum fault_code (*prepare)(struct store *store, const char *sql, struct statement **out,
                               struct fault *fault);
    void (*finish)(struct statement *taken);
    void (*renew)(struct statement *statement); /* reset and unbound, for its next use */
    void (*reset)(struct statement *statement);
    void (*bind_text)(struct statement *statement, int place, struct str text);
    void (*bind_bytes)(struct statement *statement, int place, struct str bytes);
    void (*bind_whole)(struct statement *statement, int place, int64_t number);
    void (*bind_null)(struct statement *statement, int place);
    enum fault_code (*step)(struct statement *statement, bool *out_row, struct fault *fault);
    struct str (*text)(struct statement *statement, int column);
    int64_t (*whole)(struct statement *statement, int column);
    bool (*is_null)(struct statement *statement, int column);
};

extern const struct store_engine store_sqlite;
extern const struct store_engine store_postgresql;

/* The engine that a place belongs to. */
const struct store_engine *store_engine_of(const char *place);

/* Whether a flush to disk has failed in this process. The system forgets what it could not write
 * and says "good" the next time, so no later flush is believed: writing ends until the program is
 * started anew and the log is read from disk. One flag for all stores: a disk that fails once is
 * not trusted. (Tests set it back.) */
extern _Atomic bool store_flush_failed;

/* Runs SQL texts that give no rows and have no places. */
enum fault_code store_exec(struct store *store, struct str sql, struct fault *fault) MUST_USE;

void store_statements_free(struct store *store);

#endif
