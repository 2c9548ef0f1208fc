/* GET /v1/costs. */
#include "service/prices/prices.h"

#include <assert.h>

#include "libs/core/os.h"
#include "libs/text/json.h"
#include "libs/text/time.h"
#include "service/identity/identity.h"
#include "service/prices/prices_costs.h"
#include "service/prices/prices_course.h"
#include "service/service.h"
#include "service/usage/usage_report.h"
#include "service/usage/usage_store.h"

enum { SHOWN_BYTES = 40, SCRATCH_MAX = 1 << 20 };

/* What is asked, and what is answered with beside the report. */
struct asking {
    struct service *service;
    struct web_request *request;
    struct str tenant;
    struct prices_query query;
    bool is_csv;
    struct prices_table table;
    struct prices_report report;
    struct zone_period before; /* the periods before those of the report */
    __int128 before_total;
    bool has_forecast;
    struct zone_period forecast_period;
    struct prices_forecast forecast;
};

static const struct {
    const char *name;
    enum zone_unit unit;
} windows[] = {{"day", ZONE_DAY}, {"month", ZONE_MONTH}, {"billing", ZONE_BILLING}};

enum { WINDOWS = sizeof windows / sizeof windows[0] };

static const char *window_name(enum zone_unit unit)
{
    for (int i = 0; i < WINDOWS; i++)
        if (windows[i].unit == unit)
            return windows[i].name;
    assert(false && "a report has one of them");
    return "";
}

/* --- the question --------------------------------------------------------------------------- */

static enum fault_code read_window(const struct web_request *request, enum zone_unit *out,
                                   struct fault *fault)
{
    struct str text = web_query(request, "window");
    if (text.len == 0)
        text = STR("day");
    for (int i = 0; i < WINDOWS; i++)
        if (str_equal(text, str_of(windows[i].name))) {
            *out = windows[i].unit;
            return FAULT_NONE;
        }
    return fault_field(fault, FAULT_INPUT, "window",
                       "window holds \"%.*s\"; it must be day, month or billing: prices hold for "
                       "whole days",
                       STR_ARG(str_take(text, SHOWN_BYTES)));
}

static bool is_dimension(struct str name)
{
    bool is_one = false;
    for (int i = 0; usage_meter_at(i); i++)
        is_one = is_one || usage_meter_has(usage_meter_at(i), name);
    return is_one;
}

/* by=meter is what the rows are told apart by anyway. */
static enum fault_code read_by(const struct web_request *request, struct prices_query *query,
                               struct fault *fault)
{
    struct str rest = web_query(request, "by");
    struct str name;
    while (rest.len > 0) {
        str_cut(rest, ',', &name, &rest);
        if (str_equal(name, STR("meter")))
            continue;
        if (!is_dimension(name))
            return fault_field(fault, FAULT_INPUT, "by",
                               "by holds \"%.*s\", which is neither \"meter\" nor a dimension; GET "
                               "/v1/meters lists them",
                               STR_ARG(str_take(name, SHOWN_BYTES)));
        for (size_t i = 0; i < query->by_count; i++)
            if (str_equal(name, query->by[i]))
                return fault_field(fault, FAULT_INPUT, "by", "by holds \"%.*s\" twice",
                                   STR_ARG(name));
        if (query->by_count == PRICES_BY_MAX)
            return fault_field(fault, FAULT_INPUT, "by", "by may hold %d dimensions, not more",
                               PRICES_BY_MAX);
        query->by[query->by_count++] = name;
    }
    return FAULT_NONE;
}

static enum fault_code read_meters(const struct web_request *request, struct prices_query *query,
                                   struct fault *fault)
{
    struct str rest = web_query(request, "meter");
    struct str name;
    while (rest.len > 0) {
        str_cut(rest, ',', &name, &rest);
        const struct usage_meter *meter = usage_meter_find(name);
        if (!meter)
            return usage_meter_unknown(name, "meter", fault);
        for (size_t i = 0; i < query->meter_count; i++)
            if (query->meters[i] == meter)
                return fault_field(fault, FAULT_INPUT, "meter", "meter holds %s twice",
                                   meter->name);
        query->meters[query->meter_count++] = meter; /* each once: there is room */
    }
    return FAULT_NONE;
}

static enum fault_code read_query(struct asking *asking, struct fault *fault)
{
    struct prices_query *query = &asking->query;
    query->now_us = os_now_us();
    enum fault_code code =
        usage_check_query(asking->request, "window from to by meter format", fault);
    if (code == FAULT_NONE)
        code = usage_read_format(asking->request, &asking->is_csv, fault);
    if (code == FAULT_NONE)
        code = read_window(asking->request, &query->window, fault);
    if (code == FAULT_NONE)
        code =
            usage_read_span(asking->request, query->now_us, &query->from_us, &query->to_us, fault);
    if (code == FAULT_NONE)
        code = read_by(asking->request, query, fault);
    return code == FAULT_NONE ? read_meters(asking->request, query, fault) : code;
}

/* --- the answer ----------------------------------------------------------------------------- */

/* The month or the billing period that is under way. */
static enum zone_unit forecast_unit(const struct asking *asking)
{
    return asking->query.window == ZONE_BILLING ? ZONE_BILLING : ZONE_MONTH;
}

static enum fault_code run_before(struct asking *asking, struct store *store, struct fault *fault)
{
    struct prices_query query = asking->query;
    struct prices_report report;
    query.from_us = asking->before.from_us;
    query.to_us = asking->before.to_us;
    query.by_count = 0;
    if (query.from_us >= query.to_us) /* the beginning of time */
        return FAULT_NONE;
    enum fault_code code = prices_report_run(&query, &asking->table, store, asking->tenant,
                                             asking->request->arena, &report, fault);
    if (code == FAULT_NONE)
        asking->before_total = report.total;
    return code;
}

/* When the report holds now: what the month or billing period under way comes to. */
static enum fault_code run_forecast(struct asking *asking, struct store *store, struct zone *zone,
                                    struct fault *fault)
{
    const struct prices_query *query = &asking->query;
    struct prices_days *days;
    struct prices_course_query course = {
        .period = asking->forecast_period,
        .meters = query->meters,
        .meter_count = query->meter_count,
        .table = &asking->table,
        .now_us = query->now_us,
    };
    bool is_under_way =
        asking->report.from_us <= query->now_us && query->now_us < asking->report.to_us;
    if (!is_under_way || asking->table.count == 0 || asking->is_csv)
        return FAULT_NONE;
    enum fault_code code = prices_days_load(store, asking->tenant, zone, query->now_us,
                                            asking->request->arena, &days, fault);
    if (code != FAULT_NONE)
        return code;
    for (int i = 0; usage_meter_at(i); i++) {
        bool is_one = query->meter_count == 0;
        for (size_t j = 0; j < query->meter_count; j++)
            is_one = is_one || query->meters[j] == usage_meter_at(i);
        if (is_one)
            course.used += prices_days_cost(days, &asking->table, usage_meter_at(i), course.period);
    }
    asking->has_forecast = prices_course_forecast(&course, days, zone, &asking->forecast);
    return FAULT_NONE;
}

static enum fault_code run_reports(struct asking *asking, struct store *store, struct zone *zone,
                                   struct fault *fault)
{
    enum fault_code code = prices_report_run(&asking->query, &asking->table, store, asking->tenant,
                                             asking->request->arena, &asking->report, fault);
    if (code == FAULT_NONE && !asking->is_csv)
        code = run_before(asking, store, fault);
    return code == FAULT_NONE ? run_forecast(asking, store, zone, fault) : code;
}

/* Without from=, the month or billing period that `to` lies in, from its beginning. */
static enum fault_code run_all(struct asking *asking, struct store *store, struct fault *fault)
{
    struct prices_query *query = &asking->query;
    struct str name;
    int anchor_day;
    struct zone *zone = NULL;
    enum fault_code code =
        usage_store_zone(store, asking->tenant, asking->request->arena, &name, &anchor_day, fault);
    if (code == FAULT_NONE)
        code = zone_open(name, anchor_day, &zone, fault);
    if (code != FAULT_NONE)
        return code;
    if (web_query(asking->request, "from").len == 0)
        query->from_us = zone_period_at(zone, forecast_unit(asking), query->to_us - 1).from_us;
    asking->before = prices_periods_before(
        zone, query->window, zone_period_at(zone, query->window, query->from_us).from_us,
        query->to_us);
    asking->forecast_period = zone_period_at(zone, forecast_unit(asking), query->now_us);
    if (query->from_us >= query->to_us)
        code = fault_field(fault, FAULT_INPUT, "from", "from must be before to");
    if (code == FAULT_NONE)
        code = run_reports(asking, store, zone, fault);
    zone_free(zone);
    return code;
}

static enum fault_code run_in(struct asking *asking, struct store *store, struct fault *fault)
{
    enum fault_code code = store_begin_read(store, fault);
    if (code == FAULT_NONE)
        code = prices_load(store, asking->tenant, asking->request->arena, &asking->table, fault);
    return code == FAULT_NONE ? run_all(asking, store, fault) : code;
}

static void put_row(struct json_out *out, const struct prices_row *row)
{
    struct buf text;
    buf_init(&text, 96);
    json_open(out, '{');
    usage_put_time(out, "from", row->period.from_us);
    usage_put_time(out, "to", row->period.to_us);
    json_put_text(out, "meter", str_of(row->meter->name));
    json_put_raw(out, "dimensions", row->dimensions);
    usage_add_whole(&text, row->quantity);
    json_put_text(out, "quantity", buf_str(&text));
    buf_clear(&text);
    usage_add_shown(&text, row->meter, row->quantity);
    json_put_text(out, "shown", buf_str(&text));
    json_put_text(out, "shown_unit", str_of(row->meter->shown_unit));
    if (row->has_price)
        prices_money_put(out, "cost", row->cost);
    else
        json_put_null(out, "cost");
    json_close(out, '}');
    buf_done(&text);
}

static void put_forecast(struct json_out *out, const struct asking *asking)
{
    if (!asking->has_forecast) {
        json_put_null(out, "forecast");
        return;
    }
    json_open_at(out, "forecast", '{');
    usage_put_time(out, "period_from", asking->forecast_period.from_us);
    usage_put_time(out, "period_to", asking->forecast_period.to_us);
    prices_money_put(out, "expected", prices_forecast_whole(asking->forecast.expected));
    prices_money_put(out, "low", prices_forecast_whole(asking->forecast.low));
    prices_money_put(out, "high", prices_forecast_whole(asking->forecast.high));
    json_put_whole(out, "days", (int64_t)asking->forecast.days);
    json_close(out, '}');
}

static enum fault_code reply_json(const struct asking *asking, struct web_reply *reply,
                                  struct fault *fault)
{
    const struct prices_report *report = &asking->report;
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    if (asking->table.count > 0)
        json_put_text(&out, "currency", asking->table.currency);
    else
        json_put_null(&out, "currency");
    json_put_text(&out, "window", str_of(window_name(asking->query.window)));
    json_put_text(&out, "zone", report->zone);
    usage_put_time(&out, "from", report->from_us);
    usage_put_time(&out, "to", report->to_us);
    usage_put_time(&out, "complete_up_to", report->complete_up_to_us);
    prices_money_put(&out, "total", report->total);
    json_open_at(&out, "previous", '{');
    usage_put_time(&out, "from", asking->before.from_us);
    usage_put_time(&out, "to", asking->before.to_us);
    prices_money_put(&out, "total", asking->before_total);
    json_close(&out, '}');
    put_forecast(&out, asking);
    json_open_at(&out, "rows", '[');
    for (size_t i = 0; i < report->count; i++)
        put_row(&out, &report->rows[i]);
    json_close(&out, ']');
    json_open_at(&out, "unpriced", '[');
    for (size_t i = 0; i < report->unpriced_count; i++)
        json_put_text(&out, NULL, str_of(report->unpriced[i]->name));
    json_close(&out, ']');
    json_close(&out, '}');
    return buf_check(&reply->body, "the report", fault);
}

static enum fault_code add_dimensions(const struct asking *asking, const struct prices_row *row,
                                      struct arena *scratch, struct buf *out, struct fault *fault)
{
    const struct json *dimensions;
    enum fault_code code = json_read(scratch, row->dimensions, &dimensions, fault);
    for (size_t i = 0; code == FAULT_NONE && i < asking->query.by_count; i++) {
        char name[64];
        struct str value = STR("");
        bool fits = str_to_c(asking->query.by[i], name, sizeof name);
        assert(fits && "it is a meter's");
        if (!json_text(json_member(dimensions, name), &value) &&
            usage_meter_has(row->meter, asking->query.by[i]))
            json_text(json_member(dimensions, "overflow"), &value);
        buf_add_byte(out, ',');
        usage_add_cell(out, value);
    }
    arena_reset(scratch);
    return code;
}

static enum fault_code add_csv_row(const struct asking *asking, const struct prices_row *row,
                                   struct zone *zone, struct arena *scratch, struct buf *out,
                                   struct fault *fault)
{
    usage_add_period(out, zone, row->period);
    buf_addf(out, ",%s", row->meter->name);
    enum fault_code code = add_dimensions(asking, row, scratch, out, fault);
    buf_add_byte(out, ',');
    usage_add_whole(out, row->quantity);
    buf_add_byte(out, ',');
    usage_add_shown(out, row->meter, row->quantity);
    buf_addf(out, ",%s,", row->meter->shown_unit);
    if (row->has_price) {
        prices_money_add(out, row->cost);
        buf_addf(out, ",%.*s\n", STR_ARG(asking->table.currency));
    } else {
        buf_add_c(out, ",\n");
    }
    return code;
}

static enum fault_code reply_csv(const struct asking *asking, struct web_reply *reply,
                                 struct fault *fault)
{
    struct arena scratch;
    struct zone *zone;
    enum fault_code code = zone_open(asking->report.zone, 1, &zone, fault);
    if (code != FAULT_NONE)
        return code;
    buf_add_c(&reply->body, "from,to,meter");
    for (size_t i = 0; i < asking->query.by_count; i++)
        buf_addf(&reply->body, ",%.*s", STR_ARG(asking->query.by[i]));
    buf_add_c(&reply->body, ",quantity,shown,shown_unit,cost,currency\n");
    arena_init(&scratch, SCRATCH_MAX);
    for (size_t i = 0; i < asking->report.count && code == FAULT_NONE; i++)
        code = add_csv_row(asking, &asking->report.rows[i], zone, &scratch, &reply->body, fault);
    arena_done(&scratch);
    zone_free(zone);
    reply->content_type = STR("text/csv; charset=utf-8");
    return code == FAULT_NONE ? buf_check(&reply->body, "the report", fault) : code;
}

static enum fault_code get_costs(void *context, struct web_request *request,
                                 struct web_reply *reply, struct fault *fault)
{
    struct asking asking = {.service = context, .request = request};
    struct identity_caller caller;
    struct store *store;
    enum fault_code code =
        identity_gate(asking.service->identity, request, PERMIT_BUDGET_READ, &caller, fault);
    if (code == FAULT_NONE)
        code = read_query(&asking, fault);
    if (code == FAULT_NONE)
        code = store_pool_take(asking.service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    asking.tenant = caller.tenant;
    code = run_in(&asking, store, fault);
    store_pool_give(asking.service->pool, store);
    if (code != FAULT_NONE)
        return code;
    return asking.is_csv ? reply_csv(&asking, reply, fault) : reply_json(&asking, reply, fault);
}

const struct web_route prices_costs_routes[] = {
    {"GET", "/v1/costs", get_costs, 0},
    WEB_ROUTES_END,
};
