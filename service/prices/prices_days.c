#include "service/prices/prices_days.h"

#include <assert.h>

#include "libs/store/store_rows.h"
#include "service/usage/usage_rollup.h"
#include "service/usage/usage_sql.h"

static int index_of(const struct usage_meter *meter)
{
    int index = 0;
    while (usage_meter_at(index) != meter) {
        assert(usage_meter_at(index) && "it is one of them");
        index++;
    }
    assert(index < PRICES_METERS_MAX);
    return index;
}

static void find_days(struct zone *zone, int64_t now_us, struct prices_days *days)
{
    int64_t first_us = zone_period_at(zone, ZONE_DAY, now_us).from_us;
    for (int i = 0; i < PRICES_DAYS_BEFORE && first_us > 0; i++, days->today++)
        first_us = zone_period_at(zone, ZONE_DAY, first_us - 1).from_us;
    for (; days->count < days->today + 2; days->count++) {
        struct zone_period day = zone_period_at(zone, ZONE_DAY, first_us);
        days->days[days->count] = day;
        days->weekdays[days->count] = zone_weekday_at(zone, day.from_us);
        first_us = day.to_us;
    }
}

/* The day that holds the moment; `count`: none of them. */
static size_t find_day(const struct prices_days *days, int64_t at_us)
{
    size_t low = 0;
    size_t high = days->count;
    if (at_us < days->days[0].from_us || at_us >= days->days[days->count - 1].to_us)
        return days->count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (days->days[middle].from_us <= at_us)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Days on their way out of the store. */
struct loading {
    struct prices_days *days;
    int meter;
    int64_t now_us;
};

static enum fault_code add_day(struct statement *row, void *context, struct fault *fault)
{
    const struct loading *loading = context;
    struct prices_days *days = loading->days;
    size_t day = find_day(days, store_whole(row, 0));
    __int128 low = (__int128)store_whole(row, 2) * 1000000 + store_whole(row, 3);
    if (day < days->count)
        days->used[loading->meter][day] += (__int128)store_whole(row, 1) * USAGE_LOW + low;
    (void)fault;
    return FAULT_NONE;
}

/* `low` is summed in two parts: ten thousand of them pass 64 bits. */
static enum fault_code read_days(struct store *store, struct str tenant, struct loading *loading,
                                 struct fault *fault)
{
    static const char sql[] =
        "SELECT from_us, CAST(SUM(high) AS BIGINT), CAST(SUM(low / 1000000) AS BIGINT),"
        " CAST(SUM(low % 1000000) AS BIGINT) FROM usage_days"
        " WHERE tenant = $1 AND meter = $2 AND from_us >= $3 AND from_us < $4"
        " GROUP BY from_us ORDER BY from_us";
    const struct prices_days *days = loading->days;
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_text(query, 2, str_of(usage_meter_at(loading->meter)->name));
    store_bind_whole(query, 3, days->days[0].from_us);
    store_bind_whole(query, 4, days->days[days->count - 1].to_us);
    return store_each(query, add_day, loading, fault);
}

static enum fault_code add_level(struct statement *row, void *context, struct fault *fault)
{
    const struct loading *loading = context;
    struct prices_days *days = loading->days;
    int64_t from_us = store_whole(row, 1);
    for (size_t i = 0; i < days->count; i++) {
        int64_t begin_us = days->days[i].from_us > from_us ? days->days[i].from_us : from_us;
        int64_t end_us =
            days->days[i].to_us < loading->now_us ? days->days[i].to_us : loading->now_us;
        if (begin_us < end_us)
            days->used[loading->meter][i] += (__int128)store_whole(row, 2) * (end_us - begin_us);
    }
    (void)fault;
    return FAULT_NONE;
}

/* What follows a level's last report is in no rollup yet. */
static enum fault_code read_levels(struct store *store, struct str tenant, struct loading *loading,
                                   struct fault *fault)
{
    struct statement *query;
    enum fault_code code = store_prepare(store, usage_sql(USAGE_SQL_LEVELS_NOW), &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_text(query, 2, str_of(usage_meter_at(loading->meter)->name));
    return store_each(query, add_level, loading, fault);
}

enum fault_code prices_days_load(struct store *store, struct str tenant, struct zone *zone,
                                 int64_t now_us, struct arena *arena, struct prices_days **out,
                                 struct fault *fault)
{
    struct prices_days *days = arena_alloc(arena, sizeof *days);
    enum fault_code code = FAULT_NONE;
    if (!days)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for days of usage");
    find_days(zone, now_us, days);
    for (int i = 0; usage_meter_at(i) && code == FAULT_NONE; i++) {
        assert(i < PRICES_METERS_MAX);
        struct loading loading = {.days = days, .meter = i, .now_us = now_us};
        code = read_days(store, tenant, &loading, fault);
        if (code == FAULT_NONE && usage_meter_at(i)->kind == USAGE_LEVEL)
            code = read_levels(store, tenant, &loading, fault);
    }
    if (code == FAULT_NONE)
        *out = days;
    return code;
}

static bool is_within(const struct prices_days *days, size_t day, struct zone_period period)
{
    return days->days[day].from_us >= period.from_us && days->days[day].from_us < period.to_us;
}

__int128 prices_days_quantity(const struct prices_days *days, const struct usage_meter *meter,
                              struct zone_period period)
{
    int index = index_of(meter);
    __int128 sum = 0;
    for (size_t i = 0; i < days->count; i++)
        if (is_within(days, i, period))
            sum += days->used[index][i];
    return sum > 0 ? sum : 0;
}

__int128 prices_days_cost(const struct prices_days *days, const struct prices_table *table,
                          const struct usage_meter *meter, struct zone_period period)
{
    const struct prices_price *price = NULL;
    int index = index_of(meter);
    __int128 at_price = 0;
    __int128 sum = 0;
    for (size_t i = 0; i < days->count; i++) {
        int64_t until_us;
        if (!is_within(days, i, period))
            continue;
        const struct prices_price *now = prices_at(table, meter, days->days[i].from_us, &until_us);
        if (price && price != now) {
            sum += prices_cost(price, at_price);
            at_price = 0;
        }
        price = now;
        if (now)
            at_price += days->used[index][i];
    }
    if (price)
        sum += prices_cost(price, at_price);
    return sum > 0 ? sum : 0;
}
