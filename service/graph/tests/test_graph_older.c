/* A store that was written before the tables stood in the order of their keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/crypto/hash.h"
#include "libs/store/tests/place.h"
#include "service/graph/graph_slice.h"
#include "service/migrations/migrations.h"

enum { BEFORE = 8 }; /* migrations */

static struct store *store;
static struct fault fault;

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != FAULT_NONE)                                                                  \
            fail_msg("%s", fault.text);                                                            \
    } while (0)

/* Shorter than a key's prefix, as long, longer, and with characters across its end. */
static const char *const values[] = {"a", "db.local", "10.0.0.1", "m\xc3\xbcnch\xc3\xa9n.example"};
enum { VALUES = sizeof values / sizeof values[0] };

/* The key as 0003_graph.sql had it. */
static struct sha256 old_key(const char *value)
{
    char text[128];
    int len = snprintf(text, sizeof text, "host%c%s", 0, value);
    return sha256_of((struct str){text, (size_t)len});
}

static void run(const char *sql, int64_t id, const char *value)
{
    struct statement *insert;
    struct sha256 key = old_key(value);
    MUST(store_prepare(store, sql, &insert, &fault));
    store_bind_whole(insert, 1, id);
    store_bind_bytes(insert, 2, (struct str){(const char *)key.bytes, 16});
    store_bind_text(insert, 3, str_of(value));
    MUST(store_run(insert, &fault));
}

static void write_as_before(void)
{
    static const char entity[] =
        "INSERT INTO graph_entities (tenant, id, value_key, kind, value, row_count, handoffs,"
        " last_handoff) VALUES ('acme', $1, $2, 'host', $3, 1, 1, 1)";
    static const char relation[] =
        "INSERT INTO graph_relations (tenant, from_entity, to_entity, type, row_count, handoffs,"
        " last_handoff) VALUES ('acme', 2, 1, 'connects-to', 1, 1, 1)";
    struct statement *insert;
    MUST(store_begin(store, &fault));
    for (int i = 0; i < VALUES; i++)
        run(entity, i + 1, values[i]);
    MUST(store_prepare(store, relation, &insert, &fault));
    MUST(store_run(insert, &fault));
    MUST(store_commit(store, &fault));
}

static void older_graph__is_met_by_what_comes_after(void **state)
{
    char path[] = "/tmp/test_graph_older.XXXXXX";
    (void)state;
    if (place_is_server())
        skip(); /* no older version wrote to one */
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    MUST(store_open(path, &store, &fault));
    MUST(store_migrate(store, service_migrations, BEFORE, &fault));
    write_as_before();
    MUST(store_migrate(store, service_migrations, service_migration_count, &fault));

    struct graph_slice_merge *merge;
    struct graph_slice_counts counts;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    MUST(store_begin(store, &fault));
    MUST(graph_slice_merge_new(store, STR("acme"), 2, &merge, &fault));
    for (int i = 0; i < VALUES; i++) {
        struct graph_slice_entity entity;
        const struct wire_entity line = {.kind = GRAPH_HOST,
                                         .value = str_of(values[i]),
                                         .count = 1,
                                         .first_us = GRAPH_NO_TIME,
                                         .last_us = GRAPH_NO_TIME};
        MUST(graph_slice_prepare_entity(&arena, &line, &entity, &fault));
        MUST(graph_slice_merge_entity(merge, &entity, &fault));
    }
    const struct graph_slice_relation relation = {.type = GRAPH_CONNECTS_TO,
                                                  .from = 1,
                                                  .to = 0,
                                                  .count = 1,
                                                  .first_us = GRAPH_NO_TIME,
                                                  .last_us = GRAPH_NO_TIME};
    MUST(graph_slice_merge_relation(merge, &relation, &fault));
    MUST(graph_slice_merge_end(merge, &counts, &fault));
    MUST(store_commit(store, &fault));
    graph_slice_merge_free(merge);
    assert_int_equal(counts.entities_merged, VALUES);
    assert_int_equal(counts.entities_new, 0);
    assert_int_equal(counts.relations_merged, 1);
    arena_done(&arena);
    store_close(store);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(older_graph__is_met_by_what_comes_after),
    };
    return cmocka_run_group_tests_name("graph_older", tests, NULL, NULL);
}
