/* A store with a table of things, in a folder of its own; for the tests of this room. */
#ifndef IG_STORE_TESTS_THINGS_H
#define IG_STORE_TESTS_THINGS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/store/tests/place.h"

#define UNUSED __attribute__((unused))

static UNUSED const char sql_insert[] = "INSERT INTO things (id, name, data) VALUES ($1, $2, $3)";
static UNUSED const char sql_select[] =
    "SELECT id, name, data FROM things WHERE id >= $1 ORDER BY id";
static UNUSED const char sql_count[] = "SELECT count(*) FROM things";

#define TEXT(literal)                                                                              \
    {                                                                                              \
        ("" literal), sizeof(literal) - 1                                                          \
    }

static const struct store_migration migrations[] = {
    {1, "things",
     TEXT("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL, data BLOB) STRICT;\n"
          "-- the last statement needs no semicolon\n"
          "CREATE TABLE parts (thing INTEGER NOT NULL REFERENCES things (id)) STRICT")},
    {2, "names are unique", TEXT("CREATE UNIQUE INDEX things_name ON things (name);\n")},
};

struct folder {
    char path[64];
    char file[PLACE_MAX];
};

static UNUSED int make_folder(void **state)
{
    static struct folder folder;
    /* In memory where there is such a place: hundreds of stores are made here. */
    snprintf(folder.path, sizeof folder.path, "%s", "/dev/shm/test_store.XXXXXX");
    if (!mkdtemp(folder.path)) {
        snprintf(folder.path, sizeof folder.path, "%s", "/tmp/test_store.XXXXXX");
        assert_non_null(mkdtemp(folder.path));
    }
    char file[PLACE_MAX];
    snprintf(file, sizeof file, "%s/test.db", folder.path);
    place_make(file, folder.file);
    *state = &folder;
    return 0;
}

static UNUSED int remove_folder(void **state)
{
    struct folder *folder = *state;
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char name[2 * PLACE_MAX];
        snprintf(name, sizeof name, "%s/test.db%s", folder->path, endings[i]);
        unlink(name);
    }
    return rmdir(folder->path);
}

static UNUSED void good(enum fault_code code, const struct fault *fault)
{
    if (code != FAULT_NONE)
        fail_msg("failed with %d: %s", code, fault->text);
}

/* What a fault calls the store. */
static UNUSED const char *name_of(const struct folder *folder)
{
    return place_is_server() ? "postgresql:///postgres?host=/" : folder->file;
}

static UNUSED struct store *open_migrated(const char *path)
{
    struct store *store = NULL;
    struct fault fault;
    good(store_open(path, &store, &fault), &fault);
    good(store_migrate(store, migrations, 2, &fault), &fault);
    return store;
}

static UNUSED enum fault_code insert(struct store *store, int64_t id, struct str name,
                                     struct str data, struct fault *fault)
{
    struct statement *statement;
    enum fault_code code = store_prepare(store, sql_insert, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(statement, 1, id);
    store_bind_text(statement, 2, name);
    if (data.ptr)
        store_bind_bytes(statement, 3, data);
    else
        store_bind_null(statement, 3);
    return store_run(statement, fault);
}

static UNUSED int64_t count_things(struct store *store)
{
    struct statement *query;
    struct fault fault;
    bool row = false;
    good(store_prepare(store, sql_count, &query, &fault), &fault);
    good(store_step(query, &row, &fault), &fault);
    assert_true(row);
    int64_t count = store_whole(query, 0);
    store_reset(query);
    return count;
}

/* A number, by a text that is a literal. */
static UNUSED int64_t ask_whole(struct store *store, const char *sql)
{
    struct statement *query;
    struct fault fault;
    bool row = false;
    good(store_prepare(store, sql, &query, &fault), &fault);
    good(store_step(query, &row, &fault), &fault);
    int64_t value = store_whole(query, 0);
    store_reset(query);
    return value;
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

#endif
