/* From events to anomalies, notices and answers, over a store. */
#include "service/usage/tests/usage_house.h"

#include <stdatomic.h>

#include "service/anomalies/anomalies.h"
#include "service/anomalies/anomalies_look.h"
#include "service/service.h"

#define DAY_US (24 * HOUR)

static struct service service;
static atomic_bool ending;

/* A day's usage, at the hour `hour`, as it comes in at that time. */
static void use(int64_t day_us, int hour, const char *meter, int64_t quantity, const char *route)
{
    static int number;
    char id[32];
    char dimensions[128];
    snprintf(id, sizeof id, "e%d", ++number);
    snprintf(dimensions, sizeof dimensions, ",\"dimensions\":{\"route\":\"%s\"}", route);
    house.now_us = day_us + hour * HOUR;
    struct usage_batch batch =
        house_send(house_use(id, house.now_us, meter, quantity, route[0] ? dimensions : ""));
    assert_int_equal(batch.accepted, 1);
}

#define TODAY (NOON - 12 * HOUR) /* a Monday */

/* Weeks of office hours: two routes, little on weekends; up to yesterday. */
static void use_weeks(int days, int64_t yesterday_more)
{
    for (int back = days; back >= 1; back--) {
        int64_t day_us = TODAY - back * DAY_US;
        int weekday = (7 * 20 - back) % 7; /* 0: as today, Monday */
        int64_t base = weekday >= 5 ? 60 : 1000 + (back * 37) % 50;
        use(day_us, 9, "api.calls", base / 2, "/a");
        use(day_us, 15, "api.calls", base / 2 + (back == 1 ? yesterday_more : 0), "/b");
    }
    house.now_us = TODAY + 2 * HOUR;
}

static enum fault_code settings_in(struct store *store, void *context, struct fault *fault)
{
    return anomalies_settings_put(store, STR("acme"), context, STR("root"), 1, fault);
}

static enum fault_code recipient_in(struct store *store, void *context, struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO notify_recipients VALUES ('acme', 'rcp_a', 'webhook', 'https://a.example/',"
        " 'a', 'active', '', 'whsec_x', '', 0, 0, 1, 'root')";
    struct statement *insert;
    (void)context;
    enum fault_code code = store_prepare(store, sql, &insert, fault);
    return code == FAULT_NONE ? store_run(insert, fault) : code;
}

static void set(const char *sensitivity)
{
    struct anomalies_settings settings = {
        .sensitivity = str_of(sensitivity), .recipients = {STR("rcp_a")}, .recipient_count = 1};
    MUST(store_pool_write(house.pool, settings_in, &settings, &house.fault));
}

static enum fault_code lease_in(struct store *store, void *context, struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO jobs_leases (name, holder, fence, beat, began_us, error)"
        " VALUES ('anomalies.look', 'me', 1, 0, 0, '') ON CONFLICT (name) DO NOTHING";
    struct statement *insert;
    (void)context;
    enum fault_code code = store_prepare(store, sql, &insert, fault);
    return code == FAULT_NONE ? store_run(insert, fault) : code;
}

/* A turn of the job, by the house's clock. */
static enum fault_code look(void)
{
    struct jobs_turn turn = {.pool = house.pool,
                             .name = "anomalies.look",
                             .fence = 1,
                             .now_us = house.now_us,
                             .ending = &ending};
    MUST(store_pool_write(house.pool, lease_in, NULL, &house.fault));
    return anomalies_look_at_all(&turn, &service, &house.fault);
}

static size_t list(struct anomalies_row *out, size_t room)
{
    const struct anomalies_filter filter = {.limit = (int64_t)room};
    struct store_list all;
    MUST(anomalies_list(house.store, STR("acme"), &filter, &house.arena, &all, &house.fault));
    if (all.count > 0)
        memcpy(out, all.rows, all.count * sizeof *out);
    return all.count;
}

static int open_all(void **state)
{
    memset(&service, 0, sizeof service);
    int result = house_open(state);
    if (result == 0)
        MUST(store_pool_write(house.pool, recipient_in, NULL, &house.fault));
    return result;
}

static void anomalies__say_nothing_of_ordinary_weeks(void **state)
{
    struct anomalies_row rows[8];
    (void)state;
    use_weeks(42, 0);
    MUST(look());
    assert_int_equal(list(rows, 8), 0);
}

static void anomalies__tell_a_busy_sunday_and_who_made_it(void **state)
{
    struct anomalies_row rows[8];
    (void)state;
    set("medium");
    use_weeks(42, 900); /* yesterday is a Sunday: as busy as a Monday */
    MUST(look());
    assert_int_equal(list(rows, 8), 1);
    assert_string_equal(rows[0].meter->name, "api.calls");
    assert_true(rows[0].from_us == TODAY - DAY_US && rows[0].to_us == TODAY);
    assert_true(rows[0].is_above && rows[0].by_weekday);
    assert_true(rows[0].amount == 960 && rows[0].usual == 60);
    assert_int_equal(rows[0].days, 5);
    assert_true(str_equal(rows[0].dimension, STR("route")));
    assert_true(str_equal(rows[0].value, STR("/b")));
    assert_int_equal(rows[0].explains_ppm, 1000000);
    assert_true(str_equal(rows[0].state, STR("open")));
    assert_int_equal(atomic_load(&service.counters.anomalies_found), 1);
    /* One notice, however often the job looks. */
    MUST(look());
    MUST(look());
    assert_int_equal(list(rows, 8), 1);
    assert_int_equal(house_whole("SELECT count(*) FROM notify_messages"), 1);
    assert_int_equal(house_whole("SELECT count(*) FROM notify_deliveries WHERE recipient = 'rcp_a'"
                                 " AND state = 'waiting'"),
                     1);
}

static void anomalies__name_no_value_where_all_have_a_part(void **state)
{
    struct anomalies_row rows[8];
    char route[16];
    (void)state;
    for (int back = 20; back >= 1; back--)
        for (int i = 0; i < 25; i++) {
            snprintf(route, sizeof route, "/r%d", i);
            use(TODAY - back * DAY_US, 9, "api.calls", back == 1 ? 500 : 100, route);
        }
    house.now_us = TODAY + 2 * HOUR;
    MUST(look());
    assert_int_equal(list(rows, 8), 1);
    assert_true(rows[0].amount == 12500 && rows[0].usual == 2500 && !rows[0].by_weekday);
    assert_int_equal(rows[0].dimension.len, 0); /* each has a twenty-fifth */
}

static void anomalies__tell_a_day_that_is_missing(void **state)
{
    struct anomalies_row rows[8];
    (void)state;
    use_weeks(42, 0);
    house.now_us = TODAY + DAY_US + 2 * HOUR; /* Monday went by without anything */
    MUST(look());
    assert_int_equal(list(rows, 8), 1);
    assert_false(rows[0].is_above);
    assert_true(rows[0].amount == 0 && rows[0].usual > 900);
    assert_true(rows[0].from_us == TODAY);
}

static void anomalies__tell_today_before_it_is_over(void **state)
{
    struct anomalies_row rows[8];
    (void)state;
    use_weeks(42, 0);
    use(TODAY, 9, "api.calls", 520, "/a");
    house.now_us = TODAY + 11 * HOUR;
    MUST(look());
    assert_int_equal(list(rows, 8), 0); /* as each Monday at that hour */
    use(TODAY, 11, "api.calls", 3000, "/a");
    house.now_us = TODAY + 12 * HOUR + 1;
    MUST(look());
    assert_int_equal(list(rows, 8), 1);
    assert_true(rows[0].from_us == TODAY && rows[0].is_above);
    assert_true(rows[0].amount == 3520);
    assert_true(str_equal(rows[0].value, STR("/a")));
}

static void anomalies__want_history_and_an_amount(void **state)
{
    struct anomalies_row rows[8];
    (void)state;
    set("high");
    use_weeks(12, 5000); /* too short a time to know */
    MUST(look());
    assert_int_equal(list(rows, 8), 0);
}

static void anomalies__are_not_looked_for_where_they_are_off(void **state)
{
    struct anomalies_row rows[8];
    (void)state;
    set("off");
    use_weeks(42, 900);
    MUST(look());
    assert_int_equal(list(rows, 8), 0);
    set("low");
    MUST(look());
    assert_int_equal(list(rows, 8), 1);
}

static void anomalies__are_not_kept_under_an_old_fence(void **state)
{
    struct anomalies_row rows[8];
    (void)state;
    use_weeks(42, 900);
    MUST(store_pool_write(house.pool, lease_in, NULL, &house.fault));
    struct jobs_turn old = {.pool = house.pool,
                            .name = "anomalies.look",
                            .fence = 0,
                            .now_us = house.now_us,
                            .ending = &ending};
    assert_int_equal(anomalies_look_at_all(&old, &service, &house.fault), FAULT_CONFLICT);
    assert_int_equal(list(rows, 8), 0);
    assert_int_equal(house_whole("SELECT count(*) FROM notify_messages"), 0);
    assert_int_equal(atomic_load(&service.counters.anomalies_found), 0);
}

static void anomalies__follow_the_tenants_zone(void **state)
{
    struct anomalies_row rows[8];
    (void)state;
    house_set_zone((char[]){"Asia/Kolkata"});
    use_weeks(42, 900);
    house.now_us = TODAY + 2 * HOUR;
    MUST(look());
    assert_int_equal(list(rows, 8), 1);
    /* Days begin at 18:30 UTC there. */
    assert_true(rows[0].from_us == TODAY - DAY_US - 11 * HOUR / 2);
}

struct acknowledging {
    int64_t id;
    const char *tenant;
};

static enum fault_code acknowledge_in(struct store *store, void *context, struct fault *fault)
{
    const struct acknowledging *each = context;
    return anomalies_acknowledge(store, str_of(each->tenant), each->id, STR("mara"),
                                 STR("a load test"), 7, fault);
}

static enum fault_code acknowledge(const char *tenant, int64_t id)
{
    struct acknowledging each = {id, tenant};
    return store_pool_write(house.pool, acknowledge_in, &each, &house.fault);
}

static void anomalies__are_acknowledged_once_by_their_own_tenant(void **state)
{
    struct anomalies_row rows[8];
    (void)state;
    use_weeks(42, 900);
    MUST(look());
    assert_int_equal(acknowledge("other", 1), FAULT_NOT_FOUND);
    assert_int_equal(acknowledge("acme", 2), FAULT_NOT_FOUND);
    MUST(acknowledge("acme", 1));
    assert_int_equal(acknowledge("acme", 1), FAULT_CONFLICT);
    assert_int_equal(list(rows, 8), 1);
    assert_true(str_equal(rows[0].state, STR("acknowledged")));
    assert_true(str_equal(rows[0].ended_by, STR("mara")));
    assert_true(str_equal(rows[0].ended_why, STR("a load test")));
    MUST(look());
    assert_int_equal(list(rows, 8), 1);
}

#define IN_HOUSE(test) cmocka_unit_test_setup_teardown(test, open_all, house_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOUSE(anomalies__say_nothing_of_ordinary_weeks),
        IN_HOUSE(anomalies__tell_a_busy_sunday_and_who_made_it),
        IN_HOUSE(anomalies__name_no_value_where_all_have_a_part),
        IN_HOUSE(anomalies__tell_a_day_that_is_missing),
        IN_HOUSE(anomalies__tell_today_before_it_is_over),
        IN_HOUSE(anomalies__want_history_and_an_amount),
        IN_HOUSE(anomalies__are_not_looked_for_where_they_are_off),
        IN_HOUSE(anomalies__are_not_kept_under_an_old_fence),
        IN_HOUSE(anomalies__follow_the_tenants_zone),
        IN_HOUSE(anomalies__are_acknowledged_once_by_their_own_tenant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
