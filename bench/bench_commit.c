/* How long the service takes to commit a hand-off of 10,000 entities and 30,000 relations: decoding
 * its lines, hashing them, and merging them into the graph of an embedded store on disk, in one
 * transaction that is durable when it ends.
 *
 * Usage: bench_commit FOLDER MIGRATION_SQL [ENTITIES RELATIONS]
 * Prints one line each for a hand-off of new things, and for the same things named again. */
#include "libs/core/os.h"
#include "libs/store/store.h"
#include "libs/wire/handoff.h"
#include "service/graph/graph_slice.h"
#include "service/migrations/migrations.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { BODY_MAX = 1 << 30, ARENA_MAX = 4 << 20, RUNS = 5 };

static struct fault fault;

static void must(enum fault_code code)
{
    if (code == FAULT_NONE)
        return;
    fprintf(stderr, "bench_commit: %s\n", fault.text);
    exit(1);
}

/* Entities as a proxy log has them: addresses, domains, URLs. */
static void add_entity(struct buf *body, size_t i, const char *salt)
{
    static const char *const kinds[] = {"ip", "domain", "url"};
    char value[128];
    if (i % 3 == 0)
        snprintf(value, sizeof value, "10.%zu.%zu.%zu", i >> 16 & 255, i >> 8 & 255, i & 255);
    else if (i % 3 == 1)
        snprintf(value, sizeof value, "host-%zu.%s.example", i, salt);
    else
        snprintf(value, sizeof value, "https://host-%zu.%s.example/path/%zu", i, salt, i * 7919);
    buf_addf(body,
             "{\"entity\":{\"kind\":\"%s\",\"value\":\"%s\",\"count\":%zu,\"first_us\":%zu,"
             "\"last_us\":%zu,\"fields\":[\"src_ip\",\"dest\"],\"samples\":[{\"row\":%zu,"
             "\"time_us\":%zu,\"ref\":\"proxy~12~A5B7:%zu\"}]}}\n",
             kinds[i % 3], value, i % 90 + 1, (size_t)1763863200000000 + i,
             (size_t)1763863200000000 + 2 * i, i, (size_t)1763863200000000 + i, i * 31);
}

static void add_relation(struct buf *body, size_t i, size_t entities)
{
    /* A few hubs, many leaves: each pair stands once. */
    size_t from = i % entities;
    size_t to = (from + 1 + i / entities * 13) % entities;
    buf_addf(body,
             "{\"relation\":{\"type\":\"connects-to\",\"from\":%zu,\"to\":%zu,\"count\":%zu,"
             "\"first_us\":%zu,\"last_us\":%zu,\"samples\":[{\"row\":%zu,\"time_us\":%zu,"
             "\"ref\":\"proxy~12~A5B7:%zu\"}]}}\n",
             from, to, i % 90 + 1, (size_t)1763863200000000 + i, (size_t)1763863200000000 + 2 * i,
             i, (size_t)1763863200000000 + i, i * 31);
}

static void take(struct graph_slice_merge *merge, struct arena *arena, const struct wire_line *line)
{
    struct graph_slice_entity entity;
    struct graph_slice_relation relation;
    if (line->kind == WIRE_ENTITY) {
        must(graph_slice_prepare_entity(arena, &line->entity, &entity, &fault));
        must(graph_slice_merge_entity(merge, &entity, &fault));
    } else {
        must(graph_slice_prepare_relation(arena, &line->relation, &relation, &fault));
        must(graph_slice_merge_relation(merge, &relation, &fault));
    }
}

/* By itself, so that bench/instructions can count within it. */
static __attribute__((noinline)) double commit(struct store *store, struct str body,
                                               int64_t handoff)
{
    struct graph_slice_merge *merge;
    struct graph_slice_counts counts;
    struct arena arena;
    struct str line;
    struct wire_line read;
    arena_init(&arena, ARENA_MAX);
    int64_t started_us = os_monotonic_us();
    (void)sha256_of(body);
    must(store_begin(store, &fault));
    must(graph_slice_merge_new(store, STR("bench"), handoff, &merge, &fault));
    while (wire_next_line(&body, &line)) {
        must(wire_read_line(&arena, line, &read, &fault));
        take(merge, &arena, &read);
        arena_reset(&arena);
    }
    must(graph_slice_merge_end(merge, &counts, &fault));
    must(store_commit(store, &fault));
    int64_t took_us = os_monotonic_us() - started_us;
    graph_slice_merge_free(merge);
    arena_done(&arena);
    return (double)took_us / 1e6;
}

static void write_body(struct buf *body, size_t entities, size_t relations, const char *salt)
{
    buf_clear(body);
    for (size_t i = 0; i < entities; i++)
        add_entity(body, i, salt);
    for (size_t i = 0; i < relations; i++)
        add_relation(body, i, entities);
    must(buf_check(body, "the body", &fault));
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static void report(const char *what, double seconds[RUNS], size_t entities, size_t relations)
{
    qsort(seconds, RUNS, sizeof seconds[0], by_size);
    printf("commit %zu entities, %zu relations, %s: median %.3f s (%.3f .. %.3f)\n", entities,
           relations, what, seconds[RUNS / 2], seconds[0], seconds[RUNS - 1]);
}

static struct store *open_store(const char *folder)
{
    char path[4096];
    struct store *store;
    snprintf(path, sizeof path, "%s/bench_commit.db", folder);
    must(store_open(path, &store, &fault));
    must(store_migrate(store, service_migrations, service_migration_count, &fault));
    return store;
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 4) {
        fputs("usage: bench_commit FOLDER [ENTITIES RELATIONS]\n", stderr);
        return 2;
    }
    size_t entities = argc == 4 ? strtoul(argv[2], NULL, 10) : 10000;
    size_t relations = argc == 4 ? strtoul(argv[3], NULL, 10) : 30000;
    struct store *store = open_store(argv[1]);
    double fresh[RUNS];
    double again[RUNS];
    struct buf body;
    buf_init(&body, BODY_MAX);
    for (int run = 0; run < RUNS; run++) {
        char salt[32];
        snprintf(salt, sizeof salt, "run%d", run);
        write_body(&body, entities, relations, salt);
        fresh[run] = commit(store, buf_str(&body), 2 * run + 1);
        again[run] = commit(store, buf_str(&body), 2 * run + 2);
    }
    report("new", fresh, entities, relations);
    report("known", again, entities, relations);
    buf_done(&body);
    store_close(store);
    return 0;
}
