/* A store in a folder of its own, for the tests of service/notify. */
#ifndef IG_NOTIFY_TESTS_NOTIFY_HOUSE_H
#define IG_NOTIFY_TESTS_NOTIFY_HOUSE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "libs/store/store_pool.h"
#include "libs/store/tests/place.h"
#include "service/migrations/migrations.h"

struct house {
    char folder[64];
    char place[PLACE_MAX];
    struct store_pool *pool;
};

static inline void good(enum fault_code code, const struct fault *fault)
{
    if (code != FAULT_NONE)
        fail_msg("%s", fault->text);
}

static inline int house_open(void **state)
{
    struct house *house = calloc(1, sizeof *house);
    struct fault fault;
    char path[128];
    snprintf(house->folder, sizeof house->folder, "/tmp/ig_notify_XXXXXX");
    assert_non_null(mkdtemp(house->folder));
    snprintf(path, sizeof path, "%s/test.db", house->folder);
    place_make(path, house->place);
    good(store_pool_new(house->place, 8, service_migrations, service_migration_count, &house->pool,
                        &fault),
         &fault);
    *state = house;
    return 0;
}

static inline int house_close(void **state)
{
    struct house *house = *state;
    char command[128];
    store_pool_free(house->pool);
    snprintf(command, sizeof command, "rm -rf %s", house->folder);
    assert_int_equal(system(command), 0);
    free(house);
    return 0;
}

/* One whole number from the store. */
static inline int64_t house_ask(struct house *house, const char *sql)
{
    struct store *store;
    struct statement *query;
    struct fault fault;
    int64_t number = 0;
    good(store_pool_take(house->pool, &store, &fault), &fault);
    good(store_prepare(store, sql, &query, &fault), &fault);
    good(store_read_whole(query, &number, &fault), &fault);
    store_pool_give(house->pool, store);
    return number;
}

static inline enum fault_code house_run_text(struct store *store, void *sql, struct fault *fault)
{
    struct statement *statement;
    enum fault_code code = store_prepare(store, sql, &statement, fault);
    return code == FAULT_NONE ? store_run(statement, fault) : code;
}

/* One statement, committed. */
static inline void house_do(struct house *house, const char *sql)
{
    struct fault fault;
    good(store_pool_write(house->pool, house_run_text, (void *)(uintptr_t)sql, &fault), &fault);
}

#endif
