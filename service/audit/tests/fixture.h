/* What the tests of this room start from: a folder with a store and an open log. */
#ifndef IG_AUDIT_TESTS_FIXTURE_H
#define IG_AUDIT_TESTS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/store/tests/place.h"
#include "service/audit/audit.h"
#include "service/migrations/migrations.h"

struct fixture {
    char folder[64];
    char file[PLACE_MAX];
    char key[128];
    char vkey[128];
    struct store *store;
    struct audit *audit;
};

static inline void good(enum fault_code code, const struct fault *fault)
{
    if (code != FAULT_NONE)
        fail_msg("failed with %d: %s", code, fault->text);
}

static inline void fixture_open(struct fixture *fixture)
{
    struct fault fault;
    good(store_open(fixture->file, &fixture->store, &fault), &fault);
    good(store_migrate(fixture->store, service_migrations, service_migration_count, &fault),
         &fault);
    good(audit_open(fixture->folder, fixture->store, &fixture->audit, &fault), &fault);
}

static inline void fixture_close(struct fixture *fixture)
{
    audit_close(fixture->audit);
    store_close(fixture->store);
    fixture->audit = NULL;
    fixture->store = NULL;
}

static inline int fixture_make(void **state)
{
    static struct fixture fixture;
    snprintf(fixture.folder, sizeof fixture.folder, "%s", "/tmp/test_audit.XXXXXX");
    assert_non_null(mkdtemp(fixture.folder));
    snprintf(fixture.key, sizeof fixture.key, "%s/test.db", fixture.folder);
    place_make(fixture.key, fixture.file);
    snprintf(fixture.key, sizeof fixture.key, "%s/audit.key", fixture.folder);
    snprintf(fixture.vkey, sizeof fixture.vkey, "%s/audit.vkey", fixture.folder);
    fixture_open(&fixture);
    *state = &fixture;
    return 0;
}

static inline int fixture_remove(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"test.db", "test.db-wal", "test.db-shm", "audit.key",
                                        "audit.vkey"};
    fixture_close(fixture);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", fixture->folder, names[i]);
        unlink(path);
    }
    return rmdir(fixture->folder);
}

/* Appends `count` records, each in a transaction of its own when `each`. */
static inline void fixture_append(struct fixture *fixture, struct str tenant, int count, bool each)
{
    struct fault fault;
    struct buf note;
    buf_init(&note, 4096);
    for (int i = 0; i < count; i++) {
        char subject[32];
        int64_t index;
        snprintf(subject, sizeof subject, "analyst %d", i);
        struct audit_record record = {.action = "handoff.committed",
                                      .result = "success",
                                      .tenant = tenant,
                                      .subject = str_of(subject)};
        if (each || i == 0)
            good(store_begin(fixture->store, &fault), &fault);
        buf_clear(&note);
        good(audit_append(fixture->audit, fixture->store, &record, &index, &note, &fault), &fault);
        if (each || i == count - 1)
            good(store_commit(fixture->store, &fault), &fault);
    }
    buf_done(&note);
}

/* Runs SQL as someone does who has got hold of the store's file. `sql` is a literal. */
static inline void fixture_tamper(struct fixture *fixture, const char *sql)
{
    struct statement *statement;
    struct fault fault;
    good(store_prepare(fixture->store, sql, &statement, &fault), &fault);
    good(store_run(statement, &fault), &fault);
}

#endif
