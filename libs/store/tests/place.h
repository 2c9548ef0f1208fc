/* Where a test's store is: a file, or, with IG_TEST_STORE, a schema of its own in that server's
 * database. So the same tests run on both engines (lane `postgresql`). */
#ifndef IG_STORE_TESTS_PLACE_H
#define IG_STORE_TESTS_PLACE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libs/store/store.h"

enum { PLACE_MAX = 512 };

static inline bool place_is_server(void)
{
    const char *server = getenv("IG_TEST_STORE");
    return server && server[0] != '\0';
}

/* Runs one statement, whatever it is, on a connection of its own. Ends the program on a fault: what
 * a test stands on is not a matter of the test. */
static inline void place_run(const char *place, const char *sql)
{
    struct store *store;
    struct statement *statement;
    struct fault fault;
    bool row = true;
    enum fault_code code = store_open(place, &store, &fault);
    if (code == FAULT_NONE)
        code = store_prepare(store, sql, &statement, &fault);
    while (code == FAULT_NONE && row)
        code = store_step(statement, &row, &fault);
    if (code != FAULT_NONE) {
        fprintf(stderr, "%s: %s\n", sql, fault.text);
        abort();
    }
    store_close(store);
}

/* A place for a new store; `file` is taken where there is no server. */
static inline void place_make(const char *file, char out[PLACE_MAX])
{
    static int last;
    char sql[64];
    if (!place_is_server()) {
        snprintf(out, PLACE_MAX, "%s", file);
        return;
    }
    snprintf(sql, sizeof sql, "CREATE SCHEMA t%ld_%d", (long)getpid(), ++last);
    place_run(getenv("IG_TEST_STORE"), sql);
    snprintf(out, PLACE_MAX, "%s&options=-csearch_path%%3Dt%ld_%d", getenv("IG_TEST_STORE"),
             (long)getpid(), last);
}

#endif
