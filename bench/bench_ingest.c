/* Usage events from their text to their commit, in this process: batches of 100, ten to a
 * transaction, as they are when requests wait together.
 *
 *     bench_ingest FOLDER [EVENTS] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "libs/core/buf.h"
#include "libs/core/os.h"
#include "libs/text/time.h"
#include "service/migrations/migrations.h"
#include "service/usage/usage_ingest.h"

enum {
    BATCH = 100,
    TOGETHER = 10,
    EVENTS = 200000,
    SOURCES = 8,
    MODELS = 12,
    ARENA_MAX = 64 << 20
};

#define NOON INT64_C(1795435200000000) /* 2026-11-23T12:00:00Z */

static struct fault fault;

static void must(enum fault_code code)
{
    if (code == FAULT_NONE)
        return;
    fprintf(stderr, "bench_ingest: %s\n", fault.text);
    exit(1);
}

static void add_line(struct buf *out, long number)
{
    uint64_t id = (uint64_t)number * 0x9e3779b97f4a7c15u;
    int64_t at_us = NOON + number * 7 - (int64_t)(id >> 44); /* some jitter: a second */
    buf_addf(out,
             "{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.use\",\"source\":\"/gw/%d\","
             "\"id\":\"%016llx\",\"time\":\"",
             (int)(id % SOURCES), (unsigned long long)id);
    time_add_rfc3339(out, at_us);
    buf_addf(out,
             "\",\"subject\":\"svc-%d\",\"data\":{\"meter\":\"inference.tokens\",\"quantity\":"
             "\"%d\",\"dimensions\":{\"model\":\"m-%d\",\"direction\":\"%s\"}}}\n",
             (int)(id % 50), (int)(id % 4000), (int)(id / 7 % MODELS), id & 64 ? "in" : "out");
}

static void take_batch(struct store *store, struct str *rest, struct arena *arena)
{
    struct arena scratch;
    struct str line;
    struct usage_batch batch = {
        .arena = arena, .scratch = &scratch, .tenant = STR("bench"), .received_us = NOON};
    arena_init(&scratch, ARENA_MAX);
    for (int i = 0; i < BATCH && rest->len > 0; i++) {
        str_cut(*rest, '\n', &line, rest);
        must(usage_batch_add(&batch, line, &fault));
    }
    must(usage_batch_store_in(&batch, store, &fault));
    if (batch.accepted != (int64_t)batch.count) {
        fputs("bench_ingest: an event was not taken\n", stderr);
        exit(1);
    }
    arena_done(&scratch);
}

/* By itself, so that bench/instructions can count within it. */
static __attribute__((noinline)) void ingest(struct store *store, struct str rest)
{
    struct arena arena;
    arena_init(&arena, ARENA_MAX);
    while (rest.len > 0) {
        must(store_begin(store, &fault));
        for (int i = 0; i < TOGETHER && rest.len > 0; i++)
            take_batch(store, &rest, &arena);
        must(store_commit(store, &fault));
        arena_reset(&arena);
    }
    arena_done(&arena);
}

int main(int argc, char **argv)
{
    struct store *store;
    struct buf lines;
    char path[4096];
    if (argc != 2 && argc != 3) {
        fputs("usage: bench_ingest FOLDER [EVENTS]\n", stderr);
        return 2;
    }
    long events = argc > 2 ? atol(argv[2]) : EVENTS;
    snprintf(path, sizeof path, "%s/bench_ingest.db", argv[1]);
    must(store_open(path, &store, &fault));
    must(store_migrate(store, service_migrations, service_migration_count, &fault));
    buf_init(&lines, (size_t)1 << 30);
    for (long i = 0; i < events; i++)
        add_line(&lines, i);
    must(buf_check(&lines, "the events", &fault));
    clock_t from = clock();
    ingest(store, buf_str(&lines));
    printf("ingest: %ld events from text to commit, %.2f us of the processor each\n", events,
           (double)(clock() - from) * 1e6 / CLOCKS_PER_SEC / (double)events);
    buf_done(&lines);
    store_close(store);
    return 0;
}
