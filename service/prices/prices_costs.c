#include "service/prices/prices_costs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "libs/core/map.h"
#include "service/usage/usage_store.h"

enum { KEY_BYTES = 8192 };

/* A report under way. Rows of usage come by day or period; they are joined into the report's. */
struct reckoning {
    const struct prices_query *query;
    const struct prices_table *table;
    struct store *store;
    struct str tenant;
    struct arena *arena;
    struct zone *zone;
    struct prices_report *report;
    struct map index; /* "period meter dimensions" to the row's place */
    size_t room;
};

static enum fault_code no_memory(struct fault *fault)
{
    return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a report of costs");
}

static enum fault_code make_room(struct reckoning *reckoning, struct fault *fault)
{
    struct prices_report *report = reckoning->report;
    if (report->count == PRICES_ROWS_MAX)
        return fault_field(fault, FAULT_LIMIT, "from",
                           "the report has more than %d rows: ask for a shorter time, a longer "
                           "window or fewer dimensions",
                           PRICES_ROWS_MAX);
    if (report->count < reckoning->room)
        return FAULT_NONE;
    size_t room = reckoning->room ? reckoning->room * 2 : 64;
    struct prices_row *rows = arena_alloc(reckoning->arena, room * sizeof *rows);
    if (!rows)
        return no_memory(fault);
    if (report->count > 0)
        memcpy(rows, report->rows, report->count * sizeof *rows);
    report->rows = rows;
    reckoning->room = room;
    return FAULT_NONE;
}

/* The report's row of that period, meter and dimensions. */
static enum fault_code find_row(struct reckoning *reckoning, struct zone_period period,
                                const struct usage_meter *meter, struct str dimensions,
                                struct prices_row **out, struct fault *fault)
{
    struct prices_report *report = reckoning->report;
    struct buf key;
    uint32_t at = 0;
    enum fault_code code = make_room(reckoning, fault);
    if (code != FAULT_NONE)
        return code;
    buf_init(&key, KEY_BYTES);
    buf_addf(&key, "%lld %s %.*s", (long long)period.from_us, meter->name, STR_ARG(dimensions));
    code = buf_check(&key, "a report's row", fault);
    if (code == FAULT_NONE && !map_get(&reckoning->index, buf_str(&key), &at)) {
        struct str kept = arena_copy(reckoning->arena, buf_str(&key));
        at = (uint32_t)report->count;
        if (!kept.ptr || map_put(&reckoning->index, kept, at) != FAULT_NONE)
            code = no_memory(fault);
        else
            report->rows[report->count++] =
                (struct prices_row){.period = period, .meter = meter, .dimensions = dimensions};
    }
    buf_done(&key);
    if (code == FAULT_NONE)
        *out = &report->rows[at];
    return code;
}

static int64_t add_capped(int64_t a, int64_t b)
{
    __int128 sum = (__int128)a + b;
    return sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
}

/* What stands at one price is rounded here, once. */
static void close_price(struct prices_row *row)
{
    if (row->open) {
        row->cost = add_capped(row->cost, prices_cost(row->open, row->open_quantity));
        row->has_price = true;
    }
    row->open = NULL;
    row->open_quantity = 0;
}

static void note_unpriced(struct prices_report *report, const struct usage_meter *meter)
{
    for (size_t i = 0; i < report->unpriced_count; i++)
        if (report->unpriced[i] == meter)
            return;
    assert(report->unpriced_count < PRICES_METERS_MAX);
    report->unpriced[report->unpriced_count++] = meter;
}

static enum fault_code add_usage(struct reckoning *reckoning, const struct usage_meter *meter,
                                 const struct usage_row *usage, struct fault *fault)
{
    const struct prices_query *query = reckoning->query;
    struct zone_period period =
        zone_period_at(reckoning->zone, query->window, usage->period.from_us);
    int64_t until_us;
    struct prices_row *row;
    enum fault_code code = find_row(reckoning, period, meter, usage->dimensions, &row, fault);
    if (code != FAULT_NONE)
        return code;
    const struct prices_price *price =
        prices_at(reckoning->table, meter, usage->period.from_us, &until_us);
    row->quantity += usage->quantity;
    if (price != row->open)
        close_price(row);
    row->open = price;
    row->open_quantity += usage->quantity;
    if (!price && usage->quantity != 0)
        note_unpriced(reckoning->report, meter);
    return FAULT_NONE;
}

/* Whether the prices change within the report: then its usage is taken by day. */
static bool changes_within(const struct reckoning *reckoning)
{
    const struct prices_query *query = reckoning->query;
    const struct prices_table *table = reckoning->table;
    int64_t from_us = zone_period_at(reckoning->zone, query->window, query->from_us).from_us;
    int64_t to_us = zone_period_at(reckoning->zone, query->window, query->to_us - 1).to_us;
    bool changes = false;
    for (size_t i = 0; i < table->count; i++)
        changes = changes || (table->versions[i].valid_from_us > from_us &&
                              table->versions[i].valid_from_us < to_us);
    return changes;
}

static enum fault_code add_meter(struct reckoning *reckoning, const struct usage_meter *meter,
                                 bool by_day, struct fault *fault)
{
    const struct prices_query *query = reckoning->query;
    struct prices_report *report = reckoning->report;
    struct usage_report usage;
    struct usage_query asked = {
        .meter = meter,
        .window = by_day ? ZONE_DAY : query->window,
        .from_us = report->from_us,
        .to_us = report->to_us,
        .now_us = query->now_us,
    };
    for (size_t i = 0; i < query->by_count; i++)
        if (usage_meter_has(meter, query->by[i]))
            asked.by[asked.by_count++] = query->by[i];
    enum fault_code code = usage_query_run(&asked, reckoning->store, reckoning->tenant,
                                           reckoning->arena, &usage, fault);
    for (size_t i = 0; code == FAULT_NONE && i < usage.count; i++)
        code = add_usage(reckoning, meter, &usage.rows[i], fault);
    if (code == FAULT_NONE)
        report->complete_up_to_us = usage.complete_up_to_us;
    return code;
}

static int by_period_meter_dimensions(const void *a, const void *b)
{
    const struct prices_row *one = a;
    const struct prices_row *two = b;
    if (one->period.from_us != two->period.from_us)
        return one->period.from_us < two->period.from_us ? -1 : 1;
    int order = strcmp(one->meter->name, two->meter->name);
    return order != 0 ? order : str_compare(one->dimensions, two->dimensions);
}

static enum fault_code reckon(struct reckoning *reckoning, struct fault *fault)
{
    const struct prices_query *query = reckoning->query;
    struct prices_report *report = reckoning->report;
    enum fault_code code = FAULT_NONE;
    report->from_us = zone_period_at(reckoning->zone, query->window, query->from_us).from_us;
    report->to_us = zone_period_at(reckoning->zone, query->window, query->to_us - 1).to_us;
    bool by_day = query->window != ZONE_DAY && changes_within(reckoning);
    if (query->meter_count > 0) {
        for (size_t i = 0; i < query->meter_count && code == FAULT_NONE; i++)
            code = add_meter(reckoning, query->meters[i], by_day, fault);
    } else {
        for (int i = 0; usage_meter_at(i) && code == FAULT_NONE; i++)
            code = add_meter(reckoning, usage_meter_at(i), by_day, fault);
    }
    if (code != FAULT_NONE)
        return code;
    for (size_t i = 0; i < report->count; i++) {
        close_price(&report->rows[i]);
        report->total += report->rows[i].cost;
    }
    if (report->count > 0)
        qsort(report->rows, report->count, sizeof *report->rows, by_period_meter_dimensions);
    return FAULT_NONE;
}

enum fault_code prices_report_run(const struct prices_query *query,
                                  const struct prices_table *table, struct store *store,
                                  struct str tenant, struct arena *arena, struct prices_report *out,
                                  struct fault *fault)
{
    struct prices_report report = {0};
    int anchor_day;
    struct reckoning reckoning = {
        .query = query,
        .table = table,
        .store = store,
        .tenant = tenant,
        .arena = arena,
        .report = &report,
    };
    assert(query->from_us < query->to_us);
    assert(query->window != ZONE_HOUR && "prices hold for whole days");
    map_init(&reckoning.index);
    enum fault_code code = usage_store_zone(store, tenant, arena, &report.zone, &anchor_day, fault);
    if (code == FAULT_NONE)
        code = zone_open(report.zone, anchor_day, &reckoning.zone, fault);
    if (code == FAULT_NONE)
        code = reckon(&reckoning, fault);
    zone_free(reckoning.zone);
    map_done(&reckoning.index);
    if (code == FAULT_NONE)
        *out = report;
    return code;
}

struct zone_period prices_periods_before(struct zone *zone, enum zone_unit window, int64_t from_us,
                                         int64_t to_us)
{
    struct zone_period before = {from_us, from_us};
    for (int64_t at_us = from_us; at_us < to_us && before.from_us > 0;) {
        at_us = zone_period_at(zone, window, at_us).to_us;
        before.from_us = zone_period_at(zone, window, before.from_us - 1).from_us;
    }
    return before;
}
