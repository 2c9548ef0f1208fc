/* A store in a temporary folder and ways to send events to it; for the tests of this room. */
#ifndef IG_USAGE_TESTS_HOUSE_H
#define IG_USAGE_TESTS_HOUSE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/text/time.h"
#include "libs/store/tests/place.h"
#include "service/migrations/migrations.h"
#include "service/usage/usage_dlq.h"
#include "service/usage/usage_ingest.h"
#include "service/usage/usage_query.h"
#include "service/usage/usage_rebuild.h"
#include "service/usage/usage_store.h"

#define UNUSED __attribute__((unused))
#define S      INT64_C(1000000)
#define HOUR   (3600 * S)
#define NOON   (1795435200 * S) /* 2026-11-23T12:00:00Z */

static struct {
    char folder[64];
    char place[PLACE_MAX];
    struct store_pool *pool;
    struct store *store; /* for reading */
    struct arena arena;
    struct arena scratch;
    struct fault fault;
    int64_t now_us;
} house;

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != FAULT_NONE)                                                                  \
            fail_msg("%s", house.fault.text);                                                      \
    } while (0)

static UNUSED int house_open(void **state)
{
    char path[128];
    (void)state;
    snprintf(house.folder, sizeof house.folder, "/tmp/usage-XXXXXX");
    if (!mkdtemp(house.folder))
        return -1;
    snprintf(path, sizeof path, "%s/usage.db", house.folder);
    place_make(path, house.place);
    MUST(store_pool_new(house.place, 2, service_migrations, service_migration_count, &house.pool,
                        &house.fault));
    MUST(store_pool_take(house.pool, &house.store, &house.fault));
    arena_init(&house.arena, 256 << 20);
    arena_init(&house.scratch, 4 << 20);
    house.now_us = NOON;
    return 0;
}

/* As when the service starts again. */
static UNUSED void house_reopen(void)
{
    store_pool_give(house.pool, house.store);
    store_pool_free(house.pool);
    MUST(store_pool_new(house.place, 2, service_migrations, service_migration_count, &house.pool,
                        &house.fault));
    MUST(store_pool_take(house.pool, &house.store, &house.fault));
}

static UNUSED int house_close(void **state)
{
    static const char *const files[] = {"usage.db", "usage.db-wal", "usage.db-shm"};
    char path[128];
    (void)state;
    store_pool_give(house.pool, house.store);
    store_pool_free(house.pool);
    arena_done(&house.arena);
    arena_done(&house.scratch);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", house.folder, files[i]);
        unlink(path);
    }
    return rmdir(house.folder);
}

static UNUSED int64_t house_whole(const char *sql)
{
    struct statement *query;
    bool row;
    MUST(store_prepare(house.store, sql, &query, &house.fault));
    MUST(store_step(query, &row, &house.fault));
    assert_true(row);
    int64_t number = store_whole(query, 0);
    store_reset(query);
    return number;
}

/* Sends lines of NDJSON as one batch of the tenant. */
static UNUSED struct usage_batch house_send_for(const char *tenant, const char *lines)
{
    struct usage_batch batch = {.arena = &house.arena,
                                .scratch = &house.scratch,
                                .tenant = str_of(tenant),
                                .received_us = house.now_us};
    struct str rest = arena_copy(&house.arena, str_of(lines));
    struct str line;
    while (rest.len > 0) {
        str_cut(rest, '\n', &line, &rest);
        if (line.len > 0)
            MUST(usage_batch_add(&batch, line, &house.fault));
    }
    MUST(usage_batch_store(&batch, house.pool, &house.fault));
    return batch;
}

static UNUSED struct usage_batch house_send(const char *lines)
{
    return house_send_for("acme", lines);
}

static UNUSED void house_time(int64_t at_us, char out[40])
{
    struct buf text;
    buf_init(&text, 64);
    time_add_rfc3339(&text, at_us);
    bool fits = str_to_c(buf_str(&text), out, 40);
    assert_true(fits);
    buf_done(&text);
}

/* One line. `extra` goes into data: ",\"dimensions\":{...}" or "". */
static UNUSED const char *house_use(const char *id, int64_t at_us, const char *meter,
                                    int64_t quantity, const char *extra)
{
    static char lines[8][2048];
    static int next;
    char *line = lines[next++ % 8];
    char time[40];
    house_time(at_us, time);
    snprintf(line, sizeof lines[0],
             "{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.use\",\"source\":\"/gw\","
             "\"id\":\"%s\",\"time\":\"%s\",\"data\":{\"meter\":\"%s\",\"quantity\":\"%lld\"%s}}\n",
             id, time, meter, (long long)quantity, extra);
    return line;
}

static UNUSED const char *house_correct(const char *type, const char *id, const char *refers_to,
                                        int64_t refers_us, int64_t quantity)
{
    static char lines[8][2048];
    static int next;
    char *line = lines[next++ % 8];
    char time[40];
    char refers[40];
    char amount[64] = "";
    house_time(house.now_us, time);
    house_time(refers_us, refers);
    if (strcmp(type, "amend") == 0)
        snprintf(amount, sizeof amount, ",\"quantity\":%lld", (long long)quantity);
    snprintf(line, sizeof lines[0],
             "{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.%s\",\"source\":\"/gw\","
             "\"id\":\"%s\",\"time\":\"%s\",\"data\":{\"refers_to\":{\"source\":\"/gw\",\"id\":\"%s"
             "\",\"time\":\"%s\"}%s}}\n",
             type, id, time, refers_to, refers, amount);
    return line;
}

static UNUSED struct usage_report house_report_by(const char *meter, enum zone_unit window,
                                                  int64_t from_us, int64_t to_us, const char *by)
{
    struct usage_report report;
    struct usage_query query = {.meter = usage_meter_find(str_of(meter)),
                                .window = window,
                                .from_us = from_us,
                                .to_us = to_us,
                                .now_us = house.now_us};
    if (by)
        query.by[query.by_count++] = str_of(by);
    MUST(usage_query_run(&query, house.store, STR("acme"), &house.arena, &report, &house.fault));
    return report;
}

static UNUSED struct usage_report house_report(const char *meter, enum zone_unit window,
                                               int64_t from_us, int64_t to_us)
{
    return house_report_by(meter, window, from_us, to_us, NULL);
}

static enum fault_code house_zone_in(struct store *store, void *context, struct fault *fault)
{
    const char *zone = context;
    return usage_store_zone_put(store, STR("acme"), str_of(zone), 1, fault);
}

static UNUSED void house_set_zone(char *zone)
{
    MUST(store_pool_write(house.pool, house_zone_in, zone, &house.fault));
}

static enum fault_code house_rebuild_in(struct store *store, void *context, struct fault *fault)
{
    return usage_rebuild(store, STR("acme"), context, fault);
}

static UNUSED struct usage_rebuilt house_rebuild(void)
{
    struct usage_rebuilt rebuilt;
    MUST(store_pool_write(house.pool, house_rebuild_in, &rebuilt, &house.fault));
    return rebuilt;
}

#endif
