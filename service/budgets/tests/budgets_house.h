/* A store in a temporary folder, engines on it, and a clock that stands still; for the tests of
 * this room. Several engines on one store are several processes as far as each can tell. */
#ifndef IG_BUDGETS_TESTS_HOUSE_H
#define IG_BUDGETS_TESTS_HOUSE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/core/os.h"
#include "libs/store/tests/place.h"
#include "libs/text/time.h"
#include "service/budgets/budgets_internal.h"
#include "service/budgets/budgets_used.h"
#include "service/migrations/migrations.h"
#include "service/usage/usage_ingest.h"

#define UNUSED __attribute__((unused))
#define S      INT64_C(1000000)
#define HOUR   (3600 * S)
#define DAY    (24 * HOUR)
#define NOON   (1795435200 * S) /* 2026-11-23T12:00:00Z */

enum { HOUSE_ENGINES = 3 };

static struct {
    char folder[64];
    char place[PLACE_MAX];
    struct store_pool *pools[HOUSE_ENGINES]; /* one each, as processes have */
    struct budgets *engines[HOUSE_ENGINES];
    struct audit *audit;
    struct arena arena;
    struct fault fault;
    int budget_count;
} house;

static _Atomic int64_t house_now_us;
static _Atomic int64_t house_steady_us;
static struct os_platform house_platform;

static int64_t house_read_now(void)
{
    return atomic_load(&house_now_us);
}

static int64_t house_read_steady(void)
{
    return atomic_load(&house_steady_us);
}

/* Both clocks go on. */
static UNUSED void house_pass(int64_t us)
{
    atomic_fetch_add(&house_now_us, us);
    atomic_fetch_add(&house_steady_us, us);
}

/* The wall clock is set. */
static UNUSED void house_jump(int64_t us)
{
    atomic_fetch_add(&house_now_us, us);
}

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != FAULT_NONE)                                                                  \
            fail_msg("%s", house.fault.text);                                                      \
    } while (0)

static UNUSED void house_start_engine(int i)
{
    MUST(store_pool_new(house.place, 4, service_migrations, service_migration_count,
                        &house.pools[i], &house.fault));
    MUST(budgets_new(house.pools[i], house.audit, &house.engines[i], &house.fault));
}

static UNUSED void house_stop_engine(int i)
{
    budgets_free(house.engines[i]);
    store_pool_free(house.pools[i]);
    house.engines[i] = NULL;
    house.pools[i] = NULL;
}

static UNUSED int house_open(void **state)
{
    char path[128];
    struct store *store;
    (void)state;
    memset(&house, 0, sizeof house);
    snprintf(house.folder, sizeof house.folder, "/tmp/budgets-XXXXXX");
    if (!mkdtemp(house.folder))
        return -1;
    house_platform = os_posix;
    house_platform.now_us = house_read_now;
    house_platform.monotonic_us = house_read_steady;
    atomic_store(&house_now_us, NOON);
    atomic_store(&house_steady_us, 1000 * S);
    os_platform_set(&house_platform);
    arena_init(&house.arena, 256 << 20);
    snprintf(path, sizeof path, "%s/budgets.db", house.folder);
    place_make(path, house.place);
    MUST(store_pool_new(house.place, 4, service_migrations, service_migration_count,
                        &house.pools[0], &house.fault));
    MUST(store_pool_take(house.pools[0], &store, &house.fault));
    MUST(audit_open(house.folder, store, &house.audit, &house.fault));
    store_pool_give(house.pools[0], store);
    MUST(budgets_new(house.pools[0], house.audit, &house.engines[0], &house.fault));
    return 0;
}

static UNUSED int house_close(void **state)
{
    static const char *const files[] = {"budgets.db", "budgets.db-wal", "budgets.db-shm",
                                        "audit.key", "audit.vkey"};
    char path[128];
    (void)state;
    for (int i = 0; i < HOUSE_ENGINES; i++)
        if (house.pools[i])
            house_stop_engine(i);
    audit_close(house.audit);
    arena_done(&house.arena);
    os_platform_set(&os_posix);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", house.folder, files[i]);
        unlink(path);
    }
    return rmdir(house.folder);
}

/* --- budgets -------------------------------------------------------------------------------- */

static UNUSED struct budgets_row house_row(enum budgets_mode mode, int64_t limit)
{
    struct budgets_row row = {
        .version = 1,
        .definition =
            {
                .basis = BUDGETS_QUANTITY,
                .meters = {usage_meter_find(STR("inference.tokens"))},
                .meter_count = 1,
                .limit = limit,
                .period = ZONE_DAY,
                .mode = mode,
                .default_estimate = limit < 10 ? limit : 10,
                .contact = STR("finance@corp.example"),
            },
        .created_us = atomic_load(&house_now_us),
        .created_by = STR("ada"),
        .updated_us = atomic_load(&house_now_us),
        .updated_by = STR("ada"),
    };
    char *id = arena_alloc(&house.arena, BUDGETS_ID_MAX + 1);
    char *name = arena_alloc(&house.arena, 32);
    snprintf(id, BUDGETS_ID_MAX + 1, "bdg_%022d", ++house.budget_count);
    snprintf(name, 32, "Budget %d", house.budget_count);
    row.id = str_of(id);
    row.definition.name = str_of(name);
    return row;
}

struct house_change {
    const struct budgets_row *row;
    const struct budgets_override *override;
    int what; /* 0 insert, 1 update, 2 delete */
};

static enum fault_code house_change_in(struct store *store, void *context, struct fault *fault)
{
    const struct house_change *change = context;
    enum fault_code code = FAULT_NONE;
    if (change->override)
        code = budgets_store_override_put(store, STR("acme"), change->override, fault);
    else if (change->what == 0)
        code = budgets_store_insert(store, STR("acme"), change->row, fault);
    else if (change->what == 1)
        code = budgets_store_update(store, STR("acme"), change->row, fault);
    else
        code = budgets_store_delete(store, STR("acme"), change->row->id, atomic_load(&house_now_us),
                                    fault);
    return code == FAULT_NONE ? prices_generation_raise(store, STR("acme"), fault) : code;
}

/* As an administrator's route does on engine 0. */
static UNUSED void house_change(const struct budgets_row *row, int what)
{
    struct house_change change = {.row = row, .what = what};
    MUST(store_pool_write(house.pools[0], house_change_in, &change, &house.fault));
    budgets_reload(house.engines[0], STR("acme"));
}

static UNUSED struct budgets_row house_add(enum budgets_mode mode, int64_t limit)
{
    struct budgets_row row = house_row(mode, limit);
    house_change(&row, 0);
    return row;
}

static UNUSED void house_override(const struct budgets_row *row, enum budgets_override_kind kind,
                                  int64_t amount, int64_t expires_us)
{
    struct budgets_override override = {
        .id = STR("ovr_0000000000000000000001"),
        .budget = row->id,
        .kind = kind,
        .amount = amount,
        .reason = STR("month end"),
        .state = BUDGETS_ACTIVE,
        .asked_us = atomic_load(&house_now_us),
        .asked_by = STR("ada"),
        .asked_token = STR("tok"),
        .expires_us = expires_us,
    };
    struct house_change change = {.override = &override};
    MUST(store_pool_write(house.pools[0], house_change_in, &change, &house.fault));
    budgets_reload(house.engines[0], STR("acme"));
}

/* --- asking --------------------------------------------------------------------------------- */

static struct budgets_view house_views[BUDGETS_APPLY_MAX];

static UNUSED struct budgets_ask house_ask(int64_t quantity, bool reserve)
{
    return (struct budgets_ask){
        .tenant = STR("acme"),
        .meter = usage_meter_find(STR("inference.tokens")),
        .quantity = quantity,
        .reserve = reserve,
        .ttl_s = 60,
        .caller = STR("gateway"),
        .subject = STR("mara"),
    };
}

static UNUSED struct budgets_decision house_decide(int engine, const struct budgets_ask *ask)
{
    struct budgets_decision decision = {.views = house_views, .view_room = BUDGETS_APPLY_MAX};
    MUST(budgets_decide(house.engines[engine], ask, &decision, &house.fault));
    return decision;
}

static UNUSED struct budgets_decision house_reserve(int engine, int64_t quantity)
{
    struct budgets_ask ask = house_ask(quantity, true);
    return house_decide(engine, &ask);
}

static UNUSED struct budgets_decision house_check(int engine, int64_t quantity)
{
    struct budgets_ask ask = house_ask(quantity, false);
    return house_decide(engine, &ask);
}

static UNUSED enum budgets_end house_settle(int engine, const struct budgets_decision *decision,
                                            int64_t quantity)
{
    enum budgets_end end;
    MUST(budgets_settle(house.engines[engine], STR("acme"), &decision->reservation, quantity, &end,
                        &house.fault));
    return end;
}

static UNUSED enum budgets_end house_release(int engine, const struct budgets_decision *decision)
{
    enum budgets_end end;
    MUST(budgets_release(house.engines[engine], STR("acme"), &decision->reservation, &end,
                         &house.fault));
    return end;
}

static UNUSED int64_t house_whole(const char *sql)
{
    struct store *store;
    struct statement *query;
    int64_t number;
    MUST(store_pool_take(house.pools[0], &store, &house.fault));
    MUST(store_prepare(store, sql, &query, &house.fault));
    MUST(store_read_whole(query, &number, &house.fault));
    store_pool_give(house.pools[0], store);
    return number;
}

/* A statement is known by its text's address: each has one of its own. */
static UNUSED void house_sql(const char *text)
{
    const char *sql = arena_copy(&house.arena, str_of(text)).ptr;
    struct store *store;
    struct statement *statement;
    bool row = true;
    MUST(store_pool_take(house.pools[0], &store, &house.fault));
    MUST(store_prepare(store, sql, &statement, &house.fault));
    while (row)
        MUST(store_step(statement, &row, &house.fault));
    store_pool_give(house.pools[0], store);
}

/* From now on the store refuses every row of that table; and no longer. */
static UNUSED void house_break(const char *table, const char *column)
{
    char sql[256];
    if (place_is_server())
        snprintf(sql, sizeof sql, "ALTER TABLE %s ADD CONSTRAINT refuse CHECK (%s < -9) NOT VALID",
                 table, column);
    else
        snprintf(sql, sizeof sql,
                 "CREATE TRIGGER refuse BEFORE INSERT ON %s BEGIN"
                 " SELECT raise(ABORT, 'no more rows'); END",
                 table);
    house_sql(sql);
}

static UNUSED void house_mend(const char *table)
{
    char sql[128];
    if (place_is_server())
        snprintf(sql, sizeof sql, "ALTER TABLE %s DROP CONSTRAINT refuse", table);
    else
        snprintf(sql, sizeof sql, "DROP TRIGGER refuse");
    house_sql(sql);
}

/* What the events say. */
static UNUSED int64_t house_used(void)
{
    return house_whole("SELECT CAST(COALESCE(SUM(low), 0) AS BIGINT) FROM usage_days"
                       " WHERE tenant = 'acme' AND meter = 'inference.tokens'");
}

static UNUSED int64_t house_held(void)
{
    return house_whole("SELECT CAST(COALESCE(SUM(held), 0) AS BIGINT) FROM budgets_slices");
}

/* An event of the client's, committed and told to engine 0. */
static UNUSED void house_event(const char *id, int64_t quantity)
{
    char line[512];
    struct buf time;
    buf_init(&time, 64);
    time_add_rfc3339(&time, atomic_load(&house_now_us));
    struct arena scratch;
    struct usage_batch batch = {.arena = &house.arena,
                                .scratch = &scratch,
                                .tenant = STR("acme"),
                                .received_us = atomic_load(&house_now_us)};
    arena_init(&scratch, 4 << 20);
    snprintf(line, sizeof line,
             "{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.use\",\"source\":\"/gw\","
             "\"id\":\"%s\",\"time\":\"%.*s\",\"data\":{\"meter\":\"inference.tokens\","
             "\"quantity\":%lld}}",
             id, STR_ARG(buf_str(&time)), (long long)quantity);
    MUST(usage_batch_add(&batch, arena_copy(&house.arena, str_of(line)), &house.fault));
    MUST(usage_batch_store(&batch, house.pools[0], &house.fault));
    assert_int_equal(batch.accepted, 1);
    budgets_count(house.engines[0], STR("acme"), usage_meter_find(STR("inference.tokens")),
                  atomic_load(&house_now_us), quantity);
    arena_done(&scratch);
    buf_done(&time);
}

#endif
