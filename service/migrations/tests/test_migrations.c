#include "service/migrations/migrations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/store/tests/place.h"

static void good(enum fault_code code, const struct fault *fault)
{
    if (code != FAULT_NONE)
        fail_msg("failed with %d: %s", code, fault->text);
}

/* From each version that ever was to today's, and today's again. */
static void service_migrations__bring_every_older_store_up_to_date(void **state)
{
    (void)state;
    assert_true(service_migration_count > 0);
    for (size_t older = 0; older <= service_migration_count; older++) {
        char path[] = "/tmp/test_migrations.XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        close(fd);
        char place[PLACE_MAX];
        place_make(path, place);
        struct store *store = NULL;
        struct fault fault;
        good(store_open(place, &store, &fault), &fault);
        good(store_migrate(store, service_migrations, older, &fault), &fault);
        good(store_migrate(store, service_migrations, service_migration_count, &fault), &fault);
        good(store_migrate(store, service_migrations, service_migration_count, &fault), &fault);

        static const char sql[] = "SELECT count(*) FROM audit_entries";
        struct statement *query;
        bool row = false;
        good(store_prepare(store, sql, &query, &fault), &fault);
        good(store_step(query, &row, &fault), &fault);
        assert_true(row);
        assert_int_equal(store_whole(query, 0), 0);
        store_close(store);
        unlink(path);
    }
}

/* Evidence is read with the type it was written with, whoever had the file in between. */
static void service_migrations__make_the_audit_tables_strict(void **state)
{
    (void)state;
    if (place_is_server())
        skip(); /* its columns have one type each */
    char path[] = "/tmp/test_migrations.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct store *store = NULL;
    struct fault fault;
    good(store_open(path, &store, &fault), &fault);
    good(store_migrate(store, service_migrations, service_migration_count, &fault), &fault);
    static const char sql[] = "SELECT name FROM pragma_table_list WHERE strict = 0 "
                              "AND schema = 'main' AND name LIKE 'audit\\_%' ESCAPE '\\'";
    struct statement *query;
    bool row = false;
    good(store_prepare(store, sql, &query, &fault), &fault);
    good(store_step(query, &row, &fault), &fault);
    if (row)
        fail_msg("the table %.*s is not STRICT", STR_ARG(store_text(query, 0)));
    store_close(store);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(service_migrations__bring_every_older_store_up_to_date),
        cmocka_unit_test(service_migrations__make_the_audit_tables_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
