#include "service/usage/usage_query.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "libs/core/map.h"
#include "libs/store/store_rows.h"
#include "libs/text/json.h"
#include "libs/text/time.h"
#include "service/usage/usage_rollup.h"
#include "service/usage/usage_sql.h"
#include "service/usage/usage_store.h"

enum { DIMENSIONS_BYTES = 4096, KEY_BYTES = 2 * DIMENSIONS_BYTES };

/* --- numbers -------------------------------------------------------------------------------- */

void usage_add_whole(struct buf *out, __int128 number)
{
    char digits[48];
    size_t at = sizeof digits;
    bool is_negative = number < 0;
    unsigned __int128 rest = is_negative ? -(unsigned __int128)number : (unsigned __int128)number;
    do {
        digits[--at] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest > 0);
    if (is_negative)
        digits[--at] = '-';
    buf_add(out, (struct str){digits + at, sizeof digits - at});
}

void usage_add_shown(struct buf *out, const struct usage_meter *meter, __int128 quantity)
{
    enum { SCALE = 1000000, DIGITS = 6 };
    bool is_negative = quantity < 0;
    __int128 size = is_negative ? -quantity : quantity;
    __int128 whole = size / meter->shown_per;
    __int128 rest = size % meter->shown_per;
    /* shown_per is at most 3.6 * 10^18: times 10^6 it fits. */
    __int128 fraction = rest * SCALE / meter->shown_per;
    __int128 left = rest * SCALE % meter->shown_per;
    bool up = left * 2 > meter->shown_per || (left * 2 == meter->shown_per && fraction % 2 == 1);
    fraction += up;
    whole += fraction / SCALE;
    fraction %= SCALE;
    if (is_negative && (whole > 0 || fraction > 0))
        buf_add_byte(out, '-');
    usage_add_whole(out, whole);
    if (fraction == 0)
        return;
    char digits[DIGITS];
    size_t len = DIGITS;
    for (size_t i = DIGITS; i > 0; i--, fraction /= 10)
        digits[i - 1] = (char)('0' + (int)(fraction % 10));
    while (digits[len - 1] == '0')
        len--;
    buf_add_byte(out, '.');
    buf_add(out, (struct str){digits, len});
}

void usage_put_time(struct json_out *out, const char *name, int64_t at_us)
{
    struct buf text;
    buf_init(&text, 64);
    time_add_rfc3339(&text, at_us);
    json_put_text(out, name, buf_str(&text));
    buf_done(&text);
}

/* --- rows ----------------------------------------------------------------------------------- */

/* A report under way: rows come by period and combination of dimensions, and are joined where the
 * report does not tell them apart. */
struct building {
    const struct usage_query *query;
    struct store *store;
    struct str tenant;
    struct arena *arena;
    struct zone *zone;
    struct usage_report *report;
    struct map index; /* "period dimensions" to the row's place */
    size_t room;
    int64_t dimset; /* whose projection stands in `shown` */
    struct str shown;
};

static enum fault_code no_memory(struct fault *fault)
{
    return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a report");
}

/* Of the combination, the dimensions that are asked for. */
static enum fault_code project(struct building *building, struct str dimensions, struct str *out,
                               struct fault *fault)
{
    const struct usage_query *query = building->query;
    const struct json *object;
    struct buf text;
    enum fault_code code = json_read(building->arena, dimensions, &object, fault);
    if (code != FAULT_NONE)
        return code;
    buf_init(&text, DIMENSIONS_BYTES);
    struct json_out json = json_out_to(&text);
    json_open(&json, '{');
    for (size_t i = 0; i < query->by_count; i++) {
        char name[USAGE_TEXT_MAX];
        struct str value;
        bool fits = str_to_c(query->by[i], name, sizeof name);
        assert(fits);
        if (json_text(json_member(object, name), &value))
            json_put_text(&json, name, value);
    }
    if (json_text(json_member(object, "overflow"), out))
        json_put_text(&json, "overflow", STR("true"));
    json_close(&json, '}');
    code = buf_check(&text, "dimensions", fault);
    if (code == FAULT_NONE) {
        *out = arena_copy(building->arena, buf_str(&text));
        if (!out->ptr)
            code = no_memory(fault);
    }
    buf_done(&text);
    return code;
}

static enum fault_code read_dimensions(struct building *building, int64_t dimset,
                                       struct fault *fault)
{
    static const char sql[] = "SELECT dimensions FROM usage_dimsets WHERE tenant = $1 AND id = $2";
    struct statement *query;
    bool row = false;
    if (building->query->by_count == 0) {
        building->shown = STR("{}");
        return FAULT_NONE;
    }
    if (building->dimset == dimset)
        return FAULT_NONE;
    enum fault_code code = store_prepare(building->store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, building->tenant);
    store_bind_whole(query, 2, dimset);
    code = store_step(query, &row, fault);
    if (code == FAULT_NONE)
        code = project(building, row ? store_text(query, 0) : STR("{}"), &building->shown, fault);
    store_reset(query);
    if (code == FAULT_NONE)
        building->dimset = dimset;
    return code;
}

/* The row of that period and these dimensions, or room for it. */
static enum fault_code find_row(struct building *building, struct zone_period period,
                                struct usage_row **out, struct fault *fault)
{
    struct usage_report *report = building->report;
    struct buf key;
    uint32_t at = 0;
    buf_init(&key, KEY_BYTES);
    buf_addf(&key, "%lld ", (long long)period.from_us);
    buf_add(&key, building->shown);
    enum fault_code code = buf_check(&key, "a report's row", fault);
    if (code == FAULT_NONE && !map_get(&building->index, buf_str(&key), &at)) {
        struct str kept = arena_copy(building->arena, buf_str(&key));
        at = (uint32_t)report->count;
        if (report->count == USAGE_ROWS_MAX)
            code = fault_field(fault, FAULT_LIMIT, "from",
                               "the report has more than %d rows: ask for a shorter time, a longer "
                               "window or fewer dimensions",
                               USAGE_ROWS_MAX);
        else if (!kept.ptr || map_put(&building->index, kept, at) != FAULT_NONE)
            code = no_memory(fault);
        else
            report->rows[report->count++] =
                (struct usage_row){.period = period, .dimensions = building->shown};
    }
    buf_done(&key);
    if (code == FAULT_NONE)
        *out = &report->rows[at];
    return code;
}

static enum fault_code make_room(struct building *building, struct fault *fault)
{
    struct usage_report *report = building->report;
    if (report->count < building->room)
        return FAULT_NONE;
    size_t room = building->room ? building->room * 2 : 64;
    struct usage_row *rows = arena_alloc(building->arena, room * sizeof *rows);
    if (!rows)
        return no_memory(fault);
    if (report->count > 0)
        memcpy(rows, report->rows, report->count * sizeof *rows);
    report->rows = rows;
    building->room = room;
    return FAULT_NONE;
}

static enum fault_code put(struct building *building, struct zone_period period, int64_t dimset,
                           __int128 quantity, int64_t events, struct fault *fault)
{
    struct usage_row *row;
    enum fault_code code = read_dimensions(building, dimset, fault);
    if (code == FAULT_NONE)
        code = make_room(building, fault);
    if (code == FAULT_NONE)
        code = find_row(building, period, &row, fault);
    if (code != FAULT_NONE)
        return code;
    row->quantity += quantity;
    row->events += events;
    building->report->total += quantity;
    return FAULT_NONE;
}

/* --- reading -------------------------------------------------------------------------------- */

static enum fault_code put_rollup(struct statement *row, void *context, struct fault *fault)
{
    struct building *building = context;
    struct zone_period period =
        zone_period_at(building->zone, building->query->window, store_whole(row, 0));
    return put(building, period, store_whole(row, 1),
               usage_rollup_sum(store_whole(row, 2), store_whole(row, 3)), store_whole(row, 4),
               fault);
}

static enum fault_code read_rollups(struct building *building, struct fault *fault)
{
    const struct usage_query *query = building->query;
    bool by_hour = query->window == ZONE_HOUR;
    struct statement *rows;
    enum fault_code code = store_prepare(
        building->store, usage_sql(by_hour ? USAGE_SQL_READ_HOURS : USAGE_SQL_READ_DAYS), &rows,
        fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(rows, 1, building->tenant);
    store_bind_text(rows, 2, str_of(query->meter->name));
    store_bind_whole(rows, 3, building->report->from_us);
    store_bind_whole(rows, 4, building->report->to_us);
    return store_each(rows, put_rollup, building, fault);
}

static enum fault_code put_tail(struct statement *row, void *context, struct fault *fault)
{
    struct building *building = context;
    const struct usage_report *report = building->report;
    int64_t dimset = store_whole(row, 0);
    int64_t from_us = store_whole(row, 1);
    int64_t level = store_whole(row, 2);
    int64_t now_us = building->query->now_us;
    int64_t to_us = report->to_us < now_us ? report->to_us : now_us;
    enum fault_code code = FAULT_NONE;
    if (from_us < report->from_us)
        from_us = report->from_us;
    while (from_us < to_us && level != 0 && code == FAULT_NONE) {
        struct zone_period period =
            zone_period_at(building->zone, building->query->window, from_us);
        int64_t until_us = period.to_us < to_us ? period.to_us : to_us;
        code = put(building, period, dimset, (__int128)level * (until_us - from_us), 0, fault);
        from_us = until_us;
    }
    return code;
}

static enum fault_code read_tails(struct building *building, struct fault *fault)
{
    struct statement *levels;
    enum fault_code code =
        store_prepare(building->store, usage_sql(USAGE_SQL_LEVELS_NOW), &levels, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(levels, 1, building->tenant);
    store_bind_text(levels, 2, str_of(building->query->meter->name));
    return store_each(levels, put_tail, building, fault);
}

static int by_period_and_dimensions(const void *a, const void *b)
{
    const struct usage_row *one = a;
    const struct usage_row *two = b;
    if (one->period.from_us != two->period.from_us)
        return one->period.from_us < two->period.from_us ? -1 : 1;
    return str_compare(one->dimensions, two->dimensions);
}

static enum fault_code build(struct building *building, struct fault *fault)
{
    const struct usage_query *query = building->query;
    struct usage_report *report = building->report;
    report->from_us = zone_period_at(building->zone, query->window, query->from_us).from_us;
    report->to_us = zone_period_at(building->zone, query->window, query->to_us - 1).to_us;
    report->complete_up_to_us = query->now_us - (int64_t)USAGE_COMPLETE_AFTER_S * 1000000;
    enum fault_code code = read_rollups(building, fault);
    if (code == FAULT_NONE && query->meter->kind == USAGE_LEVEL)
        code = read_tails(building, fault);
    if (code != FAULT_NONE)
        return code;
    if (report->count > 0)
        qsort(report->rows, report->count, sizeof *report->rows, by_period_and_dimensions);
    return FAULT_NONE;
}

enum fault_code usage_query_run(const struct usage_query *query, struct store *store,
                                struct str tenant, struct arena *arena, struct usage_report *out,
                                struct fault *fault)
{
    struct usage_report report = {0};
    int anchor_day;
    struct building building = {
        .query = query, .store = store, .tenant = tenant, .arena = arena, .report = &report};
    assert(query->from_us < query->to_us);
    map_init(&building.index);
    enum fault_code code = usage_store_zone(store, tenant, arena, &report.zone, &anchor_day, fault);
    if (code == FAULT_NONE)
        code = zone_open(report.zone, anchor_day, &building.zone, fault);
    if (code == FAULT_NONE)
        code = build(&building, fault);
    zone_free(building.zone);
    map_done(&building.index);
    if (code == FAULT_NONE)
        *out = report;
    return code;
}
