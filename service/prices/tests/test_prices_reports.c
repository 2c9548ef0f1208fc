/* What usage costs by day, month and period, against a second reckoning. */
#include "service/prices/tests/prices_house.h"

#include "libs/store/tests/place.h"
#include "libs/text/time.h"
#include "service/migrations/migrations.h"
#include "service/prices/prices_course.h"
#include "service/usage/usage.h"
#include "service/usage/usage_ingest.h"

static struct {
    char folder[64];
    struct store_pool *pool;
    struct store *store;
    struct arena arena;
    struct fault fault;
} house;

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != FAULT_NONE)                                                                  \
            fail_msg("%s", house.fault.text);                                                      \
    } while (0)

static int house_open(void **state)
{
    char path[128];
    char place[PLACE_MAX];
    (void)state;
    snprintf(house.folder, sizeof house.folder, "/tmp/prices-XXXXXX");
    if (!mkdtemp(house.folder))
        return -1;
    snprintf(path, sizeof path, "%s/prices.db", house.folder);
    place_make(path, place);
    MUST(store_pool_new(place, 3, service_migrations, service_migration_count, &house.pool,
                        &house.fault));
    MUST(store_pool_take(house.pool, &house.store, &house.fault));
    arena_init(&house.arena, 512 << 20);
    return 0;
}

static int house_close(void **state)
{
    char command[128];
    (void)state;
    store_pool_give(house.pool, house.store);
    store_pool_free(house.pool);
    arena_done(&house.arena);
    snprintf(command, sizeof command, "rm -rf %s", house.folder);
    return system(command);
}

static int event_count;

static void add_event(struct usage_batch *batch, const char *meter, int64_t at_us, int64_t quantity,
                      const char *dimensions)
{
    char line[512];
    char room[64];
    struct buf time = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    time_add_rfc3339(&time, at_us);
    snprintf(line, sizeof line,
             "{\"specversion\":\"1.0\",\"type\":\"io.intelgraph.usage.use\",\"source\":\"/gw\","
             "\"id\":\"e%d\",\"time\":\"%.*s\",\"data\":{\"meter\":\"%s\",\"quantity\":\"%lld\","
             "\"dimensions\":%s}}",
             ++event_count, STR_ARG(buf_str(&time)), meter, (long long)quantity, dimensions);
    MUST(usage_batch_add(batch, arena_copy(&house.arena, str_of(line)), &house.fault));
}

static void put_prices(int64_t valid_from_us, int64_t price, bool has_bytes)
{
    const struct prices_price prices[] = {price_of("tokens", 1000, price),
                                          price_of("GB-months", 1, 20000)};
    struct prices_change change = {.tenant = STR("acme"),
                                   .currency = STR("EUR"),
                                   .valid_from_us = valid_from_us,
                                   .prices = prices,
                                   .count = has_bytes ? 2 : 1,
                                   .at_us = NOON,
                                   .by = STR("ada")};
    int64_t version;
    bool is_new = false;
    MUST(store_begin(house.store, &house.fault));
    MUST(prices_put(house.store, &change, &house.arena, &version, &is_new, &house.fault));
    assert_true(is_new);
    MUST(prices_put(house.store, &change, &house.arena, &version, &is_new, &house.fault));
    assert_false(is_new); /* it says what the newest says */
    MUST(store_commit(house.store, &house.fault));
}

/* 40 days of tokens of two models up to now and a level since 2026-11-01, in Berlin, whose summer
 * time ends on 2026-10-25; prices that change in the middle of November. */
static __int128 fill(int64_t split_us)
{
    struct arena scratch;
    struct usage_batch batch = {.arena = &house.arena,
                                .scratch = &scratch,
                                .tenant = STR("acme"),
                                .backfill = true,
                                .received_us = NOON};
    struct usage_rebuilt rebuilt;
    __int128 before[2] = {0};
    __int128 after[2] = {0};
    MUST(usage_set_zone(house.pool, STR("acme"), STR("Europe/Berlin"), 1, &rebuilt, &house.fault));
    arena_init(&scratch, 4 << 20);
    const int64_t november_us = 1793487600 * S; /* 2026-11-01T00:00:00+01:00 */
    for (int i = 0; i < 2000; i++) {
        int64_t at_us = NOON - (int64_t)draw(40 * 86400) * S;
        int64_t quantity = (int64_t)draw(100000);
        int model = (int)draw(2);
        add_event(&batch, "inference.tokens", at_us, quantity,
                  model ? "{\"model\":\"a\"}" : "{\"model\":\"b\"}");
        if (at_us >= split_us)
            after[model] += quantity;
        else if (at_us >= november_us)
            before[model] += quantity;
    }
    add_event(&batch, "storage.bytes", november_us, INT64_C(5000000000000), "{}");
    MUST(usage_batch_store(&batch, house.pool, &house.fault));
    assert_int_equal(batch.accepted, 2001);
    arena_done(&scratch);
    put_prices(0, 1500, true);         /* 0.0015 for a thousand */
    put_prices(split_us, 2500, false); /* and from then on 0.0025; bytes have no price any more */
    /* The report by model: one rounding for each model and price. */
    struct prices_price old = price_of("tokens", 1000, 1500);
    struct prices_price new = price_of("tokens", 1000, 2500);
    __int128 total = 0;
    for (int i = 0; i < 2; i++)
        total += prices_cost(&old, before[i]) + prices_cost(&new, after[i]);
    struct prices_price storage = price_of("GB-months", 1, 20000);
    return total + prices_cost(&storage, (__int128)5000000000000 * (split_us - november_us));
}

static struct prices_report run(enum zone_unit window, int64_t from_us, int64_t to_us,
                                const char *by)
{
    struct prices_query query = {
        .window = window, .from_us = from_us, .to_us = to_us, .now_us = NOON};
    struct prices_table table;
    struct prices_report report;
    if (by)
        query.by[query.by_count++] = str_of(by);
    MUST(prices_load(house.store, STR("acme"), &house.arena, &table, &house.fault));
    MUST(prices_report_run(&query, &table, house.store, STR("acme"), &house.arena, &report,
                           &house.fault));
    return report;
}

static void prices_report__costs_each_day_at_its_price(void **state)
{
    (void)state;
    const int64_t split_us = 1794697200 * S; /* 2026-11-15T00:00:00+01:00 */
    __int128 expected = fill(split_us);
    struct prices_report month = run(ZONE_MONTH, NOON, NOON + 1, "model");
    assert_true(month.total == expected);
    assert_int_equal(month.count, 3); /* two models, and bytes, which have none */
    assert_int_equal(month.unpriced_count, 1);
    assert_ptr_equal(month.unpriced[0], bytes());
    __int128 shown = 0;
    for (size_t i = 0; i < month.count; i++)
        shown += month.rows[i].cost;
    assert_true(shown == month.total);

    /* Quantities are the same however they are cut; costs differ by their roundings at most. */
    struct prices_report days = run(ZONE_DAY, month.from_us, NOON, "model");
    __int128 quantities[2] = {0};
    for (size_t i = 0; i < month.count; i++)
        quantities[0] += month.rows[i].quantity;
    for (size_t i = 0; i < days.count; i++)
        quantities[1] += days.rows[i].quantity;
    assert_true(quantities[0] == quantities[1]);
    __int128 apart = days.total - month.total;
    assert_true(apart <= (__int128)days.count && -apart <= (__int128)days.count);
}

/* What budgets are reckoned from is what the report shows, to the micro-unit. */
static void prices_days__come_to_what_the_report_shows(void **state)
{
    (void)state;
    const int64_t split_us = 1794697200 * S;
    struct prices_days *days;
    struct prices_table table;
    struct zone *zone;
    (void)fill(split_us);
    struct prices_report month = run(ZONE_MONTH, NOON, NOON + 1, NULL);
    MUST(zone_open(STR("Europe/Berlin"), 1, &zone, &house.fault));
    MUST(prices_load(house.store, STR("acme"), &house.arena, &table, &house.fault));
    MUST(prices_days_load(house.store, STR("acme"), zone, NOON, &house.arena, &days, &house.fault));
    struct zone_period period = zone_period_at(zone, ZONE_MONTH, NOON);
    __int128 total = 0;
    for (int i = 0; usage_meter_at(i); i++)
        total += prices_days_cost(days, &table, usage_meter_at(i), period);
    assert_true(total == month.total);
    for (size_t i = 0; i < month.count; i++)
        assert_true(prices_days_quantity(days, month.rows[i].meter, period) ==
                    month.rows[i].quantity);
    zone_free(zone);
}

static void prices_periods_before__are_as_many(void **state)
{
    (void)state;
    struct zone *zone;
    struct fault fault;
    assert_int_equal(zone_open(STR("Europe/Berlin"), 31, &zone, &fault), FAULT_NONE);
    struct zone_period month = zone_period_at(zone, ZONE_MONTH, NOON);
    struct zone_period before = prices_periods_before(zone, ZONE_MONTH, month.from_us, month.to_us);
    assert_true(before.to_us == month.from_us);
    assert_true(before.from_us == zone_period_at(zone, ZONE_MONTH, month.from_us - 1).from_us);
    /* 30 days of November before it: of October 29 and an hour more, and so on. */
    before = prices_periods_before(zone, ZONE_DAY, month.from_us, month.to_us);
    assert_true(month.from_us - before.from_us == 30 * DAY + HOUR);
    zone_free(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(prices_report__costs_each_day_at_its_price, house_open,
                                        house_close),
        cmocka_unit_test_setup_teardown(prices_days__come_to_what_the_report_shows, house_open,
                                        house_close),
        cmocka_unit_test(prices_periods_before__are_as_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
