/* Money, prices and what usage costs; each against a second reckoning. */
#include "service/prices/prices_costs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/store/tests/place.h"
#include "libs/text/time.h"
#include "service/migrations/migrations.h"
#include "service/prices/prices_course.h"
#include "service/prices/prices_read.h"
#include "service/usage/usage_ingest.h"
#include "service/usage/usage.h"

#define S    INT64_C(1000000)
#define HOUR (3600 * S)
#define DAY  (24 * HOUR)
#define NOON (1795435200 * S) /* 2026-11-23T12:00:00Z */

static const struct usage_meter *tokens(void)
{
    return usage_meter_find(STR("inference.tokens"));
}

static const struct usage_meter *bytes(void)
{
    return usage_meter_find(STR("storage.bytes"));
}

static uint64_t seed = 7;

static uint64_t draw(uint64_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 16) % below;
}

/* --- money ---------------------------------------------------------------------------------- */

static void prices_money__reads_decimals_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t micros; /* -1: refused */
    } cases[] = {
        {"0", 0},
        {"1", 1000000},
        {"2.50", 2500000},
        {"0.000001", 1},
        {"12.000000", 12000000},
        {"1000000000000", 1000000000000000000},
        {"", -1},
        {".5", -1},
        {"5.", -1},
        {"00", -1},
        {"01", -1},
        {"-1", -1},
        {"+1", -1},
        {"1e3", -1},
        {"1,5", -1},
        {" 1", -1},
        {"1 ", -1},
        {"0.0000001", -1},
        {"1.2.3", -1},
        {"0x10", -1},
        {"1000000000000.000001", -1},
        {"99999999999999999999999999999999999999", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t micros = -7;
        bool is_read =
            prices_money_read(str_of(cases[i].text), INT64_C(1000000000000000000), &micros);
        if (is_read != (cases[i].micros >= 0) || micros != (is_read ? cases[i].micros : -7))
            fail_msg("\"%s\": %d, %lld", cases[i].text, is_read, (long long)micros);
    }
}

static void prices_money__is_written_as_it_is_read(void **state)
{
    (void)state;
    static const struct {
        int64_t micros;
        const char *text;
    } cases[] = {{0, "0.00"},         {1, "0.000001"},       {10000, "0.01"},  {2500000, "2.50"},
                 {-3500000, "-3.50"}, {1234567, "1.234567"}, {-1, "-0.000001"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf text;
        int64_t micros = 0;
        buf_init(&text, 64);
        prices_money_add(&text, cases[i].micros);
        assert_true(str_equal(buf_str(&text), str_of(cases[i].text)));
        if (cases[i].micros >= 0) {
            assert_true(prices_money_read(buf_str(&text), INT64_MAX, &micros));
            assert_int_equal(micros, cases[i].micros);
        }
        buf_done(&text);
    }
}

/* --- costs ---------------------------------------------------------------------------------- */

static struct prices_price price_of(const char *unit, int64_t per, int64_t price)
{
    const struct usage_meter *meter = strchr(unit, 'G') ? bytes() : tokens();
    return (struct prices_price){meter, str_of(unit), per, price};
}

static void prices_cost__rounds_halves_to_even_once(void **state)
{
    (void)state;
    struct prices_price price = price_of("tokens", 2, 1); /* half a micro-unit each */
    static const int64_t expected[] = {0, 0, 1, 2, 2, 2, 3, 4, 4};
    static const int64_t expected_up[] = {0, 1, 1, 2, 2, 3, 3, 4, 4};
    for (int i = 0; i < 9; i++) {
        assert_int_equal(prices_cost(&price, i), expected[i]);
        assert_int_equal(prices_cost(&price, -i), -expected[i]);
        assert_int_equal(prices_cost_up(&price, i), expected_up[i]);
    }
}

/* Where 128 bits are enough for the plain way, both ways agree. */
static void prices_cost__agrees_with_the_plain_way(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        int64_t per = 1 + (int64_t)draw(1000000);
        int64_t unit_price = (int64_t)draw(INT64_C(1000000000));
        int64_t quantity = (int64_t)draw(INT64_C(1000000000000000));
        struct prices_price price = price_of("tokens", per, unit_price);
        __int128 product = (__int128)quantity * unit_price;
        __int128 quotient = product / per;
        __int128 rest = product % per;
        __int128 even = quotient + (rest * 2 > per || (rest * 2 == per && quotient % 2 == 1));
        if (even > INT64_MAX)
            even = INT64_MAX;
        assert_true(prices_cost(&price, quantity) == (int64_t)even);
    }
}

/* A petabyte for a year: byte-microseconds times the price pass 128 bits. */
static void prices_cost__holds_for_what_passes_128_bits(void **state)
{
    (void)state;
    const __int128 petabyte_year = (__int128)1000000000000000 * 365 * DAY;
    struct prices_price month = price_of("GB-months", 1, 20000); /* 0.02 */
    struct prices_price hour = price_of("GB-hours", 730, 20000);
    assert_int_equal(prices_cost(&month, petabyte_year), INT64_C(240000000000)); /* 240,000 */
    assert_int_equal(prices_cost(&hour, petabyte_year), INT64_C(240000000000));
    struct prices_price dear = price_of("GB-hours", 1, PRICES_PRICE_MAX);
    assert_true(prices_cost(&dear, petabyte_year) == INT64_MAX);
    struct prices_price tiny = price_of("GB-months", PRICES_PER_MAX, 1);
    assert_int_equal(prices_cost(&tiny, petabyte_year), 0);
    assert_int_equal(prices_cost_up(&tiny, petabyte_year), 1);
    struct prices_price free = price_of("GB-hours", 1, 0);
    assert_int_equal(prices_cost(&free, petabyte_year), 0);
}

static void prices_at__is_the_last_version_that_has_begun(void **state)
{
    (void)state;
    struct prices_version versions[3] = {
        {.version = 1, .valid_from_us = 100, .count = 1, .prices = {price_of("tokens", 1, 1)}},
        {.version = 2, .valid_from_us = 200, .count = 1, .prices = {price_of("tokens", 1, 2)}},
        {.version = 3, .valid_from_us = 200, .count = 1, .prices = {price_of("GB-hours", 1, 3)}},
    };
    const struct prices_table table = {STR("EUR"), versions, 3};
    int64_t until_us;
    assert_null(prices_at(&table, tokens(), 99, &until_us));
    assert_int_equal(until_us, 100);
    assert_int_equal(prices_at(&table, tokens(), 100, &until_us)->price, 1);
    assert_int_equal(until_us, 200);
    assert_int_equal(prices_at(&table, tokens(), 199, &until_us)->price, 1);
    /* The later of two, which has no price for tokens. */
    assert_null(prices_at(&table, tokens(), 200, &until_us));
    assert_int_equal(prices_at(&table, bytes(), 200, &until_us)->price, 3);
    assert_true(until_us == INT64_MAX);
}

/* --- reading a version ---------------------------------------------------------------------- */

static void prices_read__names_what_is_wrong(void **state)
{
    (void)state;
#define ONE "{\"meter\":\"inference.tokens\",\"price\":\"1\"}"
    static const struct {
        const char *text;
        const char *field; /* "": it is taken */
    } cases[] = {
        {"{\"currency\":\"EUR\",\"prices\":[" ONE "]}", ""},
        {"{\"currency\":\"EUR\",\"valid_from\":null,\"prices\":[" ONE "]}", ""},
        {"[]", "body"},
        {"{\"currency\":\"EUR\",\"prices\":[" ONE "],\"price\":1}", "body"},
        {"{\"prices\":[" ONE "]}", "currency"},
        {"{\"currency\":\"euro\",\"prices\":[" ONE "]}", "currency"},
        {"{\"currency\":\"EUR\"}", "prices"},
        {"{\"currency\":\"EUR\",\"prices\":[]}", "prices"},
        {"{\"currency\":\"EUR\",\"prices\":[" ONE "," ONE "]}", "prices"},
        {"{\"currency\":\"EUR\",\"prices\":[7]}", "prices"},
        {"{\"currency\":\"EUR\",\"valid_from\":\"tomorrow\",\"prices\":[" ONE "]}", "valid_from"},
        {"{\"currency\":\"EUR\",\"valid_from\":1795435200,\"prices\":[" ONE "]}", "valid_from"},
        {"{\"currency\":\"EUR\",\"prices\":[{\"meter\":\"tokens\",\"price\":\"1\"}]}", "meter"},
        {"{\"currency\":\"EUR\",\"prices\":[{\"meter\":\"inference.tokens\"}]}", "price"},
        {"{\"currency\":\"EUR\",\"prices\":[{\"meter\":\"inference.tokens\",\"price\":1}]}",
         "price"},
        {"{\"currency\":\"EUR\",\"prices\":[{\"meter\":\"inference.tokens\",\"price\":\"-1\"}]}",
         "price"},
        {"{\"currency\":\"EUR\",\"prices\":[{\"meter\":\"inference.tokens\",\"price\":\"1\","
         "\"per\":\"0\"}]}",
         "per"},
        {"{\"currency\":\"EUR\",\"prices\":[{\"meter\":\"inference.tokens\",\"price\":\"1\","
         "\"unit\":\"GB-months\"}]}",
         "unit"},
        {"{\"currency\":\"EUR\",\"prices\":[{\"meter\":\"storage.bytes\",\"price\":\"1\","
         "\"unit\":\"bytes\"}]}",
         "unit"},
    };
#undef ONE
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena arena;
        struct prices_given given = {.count = 99};
        const struct json *value;
        struct fault fault = {0};
        arena_init(&arena, 1 << 20);
        assert_int_equal(json_read(&arena, str_of(cases[i].text), &value, &fault), FAULT_NONE);
        enum fault_code code = prices_read(&arena, value, &given, &fault);
        if (strcmp(code == FAULT_NONE ? "" : fault.field, cases[i].field) != 0)
            fail_msg("%s: %d %s: %s", cases[i].text, code, fault.field, fault.text);
        if (code != FAULT_NONE)
            assert_int_equal(given.count, 99);
        arena_done(&arena);
    }
}

/* --- reports -------------------------------------------------------------------------------- */

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

/* --- forecasts ------------------------------------------------------------------------------ */

static double noise(void) /* about normal, standard deviation 1 */
{
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += (double)draw(1000000) / 1e6;
    return sum - 6;
}

static double day_of(int weekday, double spread)
{
    double base = weekday >= 6 ? 20 : 100;
    double used = base * (1 + spread * noise());
    return used > 0 ? used : 0;
}

/* Four times out of five the end lies within the range; weekends are known for what they are. */
static void prices_forecast__holds_four_times_out_of_five(void **state)
{
    (void)state;
    enum { ROUNDS = 2000 };
    int within = 0;
    double error = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct prices_course course = {.today = 1, .today_left = 1, .elapsed_s = 86400};
        struct prices_forecast forecast;
        int weekday = 1;
        for (int i = 0; i < 42; i++, weekday = weekday % 7 + 1)
            course.days[course.day_count++] = (struct prices_day){day_of(weekday, 0.2), weekday};
        double end = day_of(1, 0.2);
        course.today = 1;
        for (int i = 0; i < 13; i++) {
            course.rest[course.rest_count++] = (i + 1) % 7 + 1;
            end += day_of((i + 1) % 7 + 1, 0.2);
        }
        assert_true(prices_forecast(&course, &forecast));
        assert_true(forecast.low <= forecast.expected && forecast.expected <= forecast.high);
        within += end >= forecast.low && end <= forecast.high;
        error += (forecast.expected - end) / end;
    }
    if (within < ROUNDS * 75 / 100 || within > ROUNDS * 85 / 100)
        fail_msg("%d of %d lie within", within, ROUNDS);
    assert_true(error / ROUNDS < 0.02 && error / ROUNDS > -0.02);
}

static void prices_forecast__is_not_carried_away_by_one_odd_day(void **state)
{
    (void)state;
    struct prices_course course = {.today = 1, .today_left = 0, .elapsed_s = 86400};
    struct prices_forecast plain;
    struct prices_forecast odd;
    for (int i = 0; i < 28; i++)
        course.days[course.day_count++] = (struct prices_day){100 + i % 3, i % 7 + 1};
    course.rest_count = 10;
    for (int i = 0; i < 10; i++)
        course.rest[i] = i % 7 + 1;
    assert_true(prices_forecast(&course, &plain));
    course.days[25].used = 100000;
    assert_true(prices_forecast(&course, &odd));
    assert_true(odd.expected < plain.expected * 1.15);
}

static void prices_forecast__says_what_it_can_of_few_days(void **state)
{
    (void)state;
    struct prices_course course = {.today = 1, .today_left = 0.5, .rest_count = 9};
    struct prices_forecast forecast;
    for (int i = 0; i < 9; i++)
        course.rest[i] = i % 7 + 1;
    course.elapsed_s = 600;
    assert_false(prices_forecast(&course, &forecast)); /* ten minutes say nothing */
    course.elapsed_s = 43200;
    course.used = 100;
    assert_true(prices_forecast(&course, &forecast));
    assert_true(forecast.expected > 1999 && forecast.expected < 2001); /* 200 a day */
    assert_true(forecast.low == 100 && forecast.high > forecast.expected);
    assert_int_equal(forecast.days, 0);
    /* Used on few days only: the median is 0, the forecast is not. */
    struct prices_course rare = {.today = 1, .rest_count = 14, .elapsed_s = 86400, .used = 5};
    for (int i = 0; i < 28; i++)
        rare.days[rare.day_count++] = (struct prices_day){i % 7 == 3 ? 70 : 0, i % 7 + 1};
    for (int i = 0; i < 14; i++)
        rare.rest[i] = i % 7 + 1;
    assert_true(prices_forecast(&rare, &forecast));
    assert_true(forecast.expected > 50 && forecast.expected < 300);
    assert_true(forecast.low >= 5);
    /* Nothing was ever used. */
    struct prices_course none = {.today = 1, .elapsed_s = 86400, .rest_count = 1, .rest = {2}};
    assert_true(prices_forecast(&none, &forecast));
    assert_true(forecast.expected == 0 && forecast.high == 0);
    assert_int_equal(prices_forecast_whole(-1), 0);
    assert_int_equal(prices_forecast_whole(2.5), 2);
    assert_int_equal(prices_forecast_whole(1e30), INT64_C(9000000000000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prices_money__reads_decimals_and_nothing_else),
        cmocka_unit_test(prices_money__is_written_as_it_is_read),
        cmocka_unit_test(prices_cost__rounds_halves_to_even_once),
        cmocka_unit_test(prices_cost__agrees_with_the_plain_way),
        cmocka_unit_test(prices_cost__holds_for_what_passes_128_bits),
        cmocka_unit_test(prices_at__is_the_last_version_that_has_begun),
        cmocka_unit_test(prices_read__names_what_is_wrong),
        cmocka_unit_test_setup_teardown(prices_report__costs_each_day_at_its_price, house_open,
                                        house_close),
        cmocka_unit_test_setup_teardown(prices_days__come_to_what_the_report_shows, house_open,
                                        house_close),
        cmocka_unit_test(prices_periods_before__are_as_many),
        cmocka_unit_test(prices_forecast__holds_four_times_out_of_five),
        cmocka_unit_test(prices_forecast__is_not_carried_away_by_one_odd_day),
        cmocka_unit_test(prices_forecast__says_what_it_can_of_few_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
