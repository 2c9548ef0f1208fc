/* The routes that take events and tell what they add up to. */
#include "service/usage/usage.h"

#include <assert.h>
#include <stdio.h>

#include "libs/core/log.h"
#include "libs/core/os.h"
#include "libs/text/json_write.h"
#include "libs/text/time.h"
#include "service/identity/identity.h"
#include "service/service.h"
#include "service/usage/usage_body.h"
#include "service/usage/usage_dlq.h"
#include "service/usage/usage_query.h"
#include "service/usage/usage_report.h"

enum {
    EVENT_ARENA_MAX = 4 << 20,
    DAY_S = 86400,
    REPORT_USUAL_DAYS = 31,
    DETAIL_MAX = 4096,
    INSUFFICIENT_STORAGE = 507,
};

/* --- GET /v1/meters ------------------------------------------------------------------------- */

static void put_meter(struct json_out *out, const struct usage_meter *meter)
{
    json_open(out, '{');
    json_put_text(out, "name", str_of(meter->name));
    json_put_text(out, "kind", meter->kind == USAGE_SUM ? STR("sum") : STR("level"));
    json_put_text(out, "unit", str_of(meter->unit));
    json_put_text(out, "shown_unit", str_of(meter->shown_unit));
    char room[64];
    struct buf per = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    usage_add_whole(&per, meter->shown_per);
    json_put_text(out, "shown_per", buf_str(&per));
    json_put_text(out, "help", str_of(meter->help));
    json_open_at(out, "dimensions", '[');
    for (int i = 0; i < USAGE_DIMENSIONS_MAX && meter->dimensions[i]; i++)
        json_put_text(out, NULL, str_of(meter->dimensions[i]));
    json_close(out, ']');
    json_close(out, '}');
}

static enum fault_code get_meters(void *context, struct web_request *request,
                                  struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct identity_caller caller;
    enum fault_code code =
        identity_gate(service->identity, request, PERMIT_SESSION, &caller, fault);
    if (code != FAULT_NONE)
        return code;
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    json_open_at(&out, "meters", '[');
    for (int i = 0; usage_meter_at(i); i++)
        put_meter(&out, usage_meter_at(i));
    json_close(&out, ']');
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

/* --- POST /v1/events ------------------------------------------------------------------------ */

static int status_of(const struct usage_item *item)
{
    return item->outcome == USAGE_REJECTED && item->unkept ? INSUFFICIENT_STORAGE : item->status;
}

/* Why it was rejected; and that nobody else has it, where that is so. */
static void put_detail(struct json_out *out, const struct usage_item *item)
{
    struct buf text;
    buf_init(&text, DETAIL_MAX);
    buf_add(&text, item->detail);
    if (item->unkept)
        buf_addf(&text,
                 "; it is kept nowhere, as %d events wait in the DLQ already: replay or discard "
                 "some of them (GET /v1/usage/dlq), then send this one again",
                 USAGE_DLQ_OPEN_MAX);
    json_put_text(out, "detail", buf_str(&text));
    buf_done(&text);
}

static void put_outcome(struct json_out *out, const struct usage_item *item, size_t index)
{
    json_open(out, '{');
    json_put_whole(out, "index", (int64_t)index);
    json_put_whole(out, "status", status_of(item));
    if (item->event.id.len > 0)
        json_put_text(out, "id", item->event.id);
    json_put_text(out, "outcome",
                  item->outcome == USAGE_DUPLICATE ? STR("duplicate") : STR("rejected"));
    if (item->outcome == USAGE_REJECTED) {
        json_put_text(out, "reason", str_of(item->reason));
        json_put_boolean(out, "kept", !item->unkept);
        put_detail(out, item);
    }
    json_close(out, '}');
}

/* A client of CloudEvents that sends one event looks at the answer's status alone: what was not
 * counted must not look like success to it. */
static void put_problem(struct json_out *out, const struct usage_item *item,
                        struct web_reply *reply)
{
    reply->status = status_of(item);
    reply->content_type = STR("application/problem+json");
    json_put_text(out, "type", STR("urn:intelgraph:problem:event-rejected"));
    json_put_text(out, "title",
                  item->unkept ? STR("The event is not counted, and the DLQ is full")
                               : STR("The event is not counted; it waits in the DLQ"));
    json_put_whole(out, "status", reply->status);
    put_detail(out, item);
    json_put_text(out, "reason", str_of(item->reason));
}

static enum fault_code reply_batch(const struct usage_batch *batch, struct web_reply *reply,
                                   struct fault *fault)
{
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    if (batch->is_single && batch->items[0].outcome == USAGE_REJECTED)
        put_problem(&out, &batch->items[0], reply);
    json_put_whole(&out, "accepted", batch->accepted);
    json_put_whole(&out, "duplicates", batch->duplicates);
    json_put_whole(&out, "rejected", batch->rejected);
    json_open_at(&out, "events", '[');
    for (size_t i = 0; i < batch->count; i++)
        if (batch->items[i].outcome != USAGE_ACCEPTED)
            put_outcome(&out, &batch->items[i], i);
    json_close(&out, ']');
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

static enum fault_code read_backfill(struct service *service, struct web_request *request,
                                     bool *out, struct fault *fault)
{
    struct str text = web_query(request, "backfill");
    struct identity_caller caller;
    *out = false;
    if (text.len == 0)
        return FAULT_NONE;
    if (!str_to_bool(text, out))
        return fault_field(fault, FAULT_INPUT, "backfill", "backfill must be true or false");
    return *out ? identity_gate(service->identity, request, PERMIT_USAGE_ADMIN, &caller, fault)
                : FAULT_NONE;
}

static enum fault_code post_events(void *context, struct web_request *request,
                                   struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct identity_caller caller;
    struct arena scratch;
    struct usage_batch batch = {.arena = request->arena, .scratch = &scratch};
    enum fault_code code =
        identity_gate(service->identity, request, PERMIT_USAGE_WRITE, &caller, fault);
    if (code == FAULT_NONE)
        code = read_backfill(service, request, &batch.backfill, fault);
    if (code != FAULT_NONE)
        return code;
    batch.tenant = caller.tenant;
    batch.received_us = os_now_us();
    arena_init(&scratch, EVENT_ARENA_MAX);
    code = usage_body_read(request, &batch, fault);
    arena_done(&scratch);
    if (code == FAULT_NONE)
        code = usage_batch_store(&batch, service->pool, fault);
    if (code == FAULT_NONE && batch.unkept > 0)
        log_event(LOG_WARN, "usage.dlq_full", LOG_TEXT("tenant", batch.tenant),
                  LOG_NUMBER("unkept", batch.unkept));
    if (code == FAULT_NONE && service->events_kept)
        service->events_kept(service, &batch);
    return code == FAULT_NONE ? reply_batch(&batch, reply, fault) : code;
}

/* --- GET /v1/usage -------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum zone_unit unit;
} windows[] = {
    {"hour", ZONE_HOUR}, {"day", ZONE_DAY}, {"month", ZONE_MONTH}, {"billing", ZONE_BILLING}};

static enum fault_code read_window(const struct web_request *request, enum zone_unit *out,
                                   struct fault *fault)
{
    struct str text = web_query(request, "window");
    if (text.len == 0)
        text = STR("day");
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++)
        if (str_equal(text, str_of(windows[i].name))) {
            *out = windows[i].unit;
            return FAULT_NONE;
        }
    return fault_field(fault, FAULT_INPUT, "window",
                       "window holds \"%.*s\"; it must be hour, day, month or billing",
                       STR_ARG(str_take(text, 40)));
}

static enum fault_code read_moment(const struct web_request *request, const char *name,
                                   int64_t otherwise_us, int64_t *out, struct fault *fault)
{
    struct str text = web_query(request, name);
    *out = otherwise_us;
    if (text.len == 0)
        return FAULT_NONE;
    if (text.len < 10 || text.ptr[4] != '-' || !time_read_us(text, out))
        return fault_field(fault, FAULT_INPUT, name,
                           "%s must be a time as RFC 3339 has it: 2026-11-01T00:00:00Z", name);
    return FAULT_NONE;
}

enum fault_code usage_read_span(const struct web_request *request, int64_t now_us,
                                int64_t *out_from_us, int64_t *out_to_us, struct fault *fault)
{
    int64_t usual_us = now_us - (int64_t)REPORT_USUAL_DAYS * DAY_S * 1000000;
    int64_t from_us;
    int64_t to_us;
    enum fault_code code = read_moment(request, "to", now_us, &to_us, fault);
    if (code == FAULT_NONE)
        code = read_moment(request, "from", usual_us, &from_us, fault);
    if (code != FAULT_NONE)
        return code;
    if (from_us >= to_us)
        return fault_field(fault, FAULT_INPUT, "from",
                           "from must be before to, which is now unless it is given");
    *out_from_us = from_us;
    *out_to_us = to_us;
    return FAULT_NONE;
}

static bool holds_word(struct str words, struct str word)
{
    struct str each;
    while (words.len > 0) {
        str_cut(words, ' ', &each, &words);
        if (str_equal(each, word))
            return true;
    }
    return false;
}

static size_t count_members(struct str query, struct str wanted)
{
    struct str member;
    struct str name;
    struct str value;
    size_t count = 0;
    while (query.len > 0) {
        str_cut(query, '&', &member, &query);
        str_cut(member, '=', &name, &value);
        count += str_equal(name, wanted);
    }
    return count;
}

enum fault_code usage_check_query(const struct web_request *request, const char *names,
                                  struct fault *fault)
{
    struct str rest = request->query;
    struct str member;
    struct str name;
    struct str value;
    while (rest.len > 0) {
        str_cut(rest, '&', &member, &rest);
        str_cut(member, '=', &name, &value);
        if (name.len == 0)
            continue;
        if (!holds_word(str_of(names), name))
            return fault_field(fault, FAULT_INPUT, "query",
                               "the address holds %.*s=, which this report has not; it has %s",
                               STR_ARG(str_take(name, 40)), names);
        if (count_members(request->query, name) > 1)
            return fault_field(fault, FAULT_INPUT, "query",
                               "the address holds %.*s= twice; give it once",
                               STR_ARG(str_take(name, 40)));
    }
    return FAULT_NONE;
}

enum fault_code usage_read_format(const struct web_request *request, bool *out_csv,
                                  struct fault *fault)
{
    struct str format = web_query(request, "format");
    bool is_csv = str_equal(format, STR("csv"));
    if (format.len > 0 && !is_csv && !str_equal(format, STR("json")))
        return fault_field(fault, FAULT_INPUT, "format", "format must be json or csv");
    *out_csv = is_csv;
    return FAULT_NONE;
}

static enum fault_code read_by(const struct web_request *request, struct usage_query *query,
                               struct fault *fault)
{
    struct str rest = web_query(request, "by");
    struct str name;
    while (rest.len > 0) {
        str_cut(rest, ',', &name, &rest);
        bool is_twice = false;
        for (size_t i = 0; i < query->by_count; i++)
            is_twice = is_twice || str_equal(name, query->by[i]);
        if (is_twice)
            return fault_field(fault, FAULT_INPUT, "by", "by holds \"%.*s\" twice",
                               STR_ARG(str_take(name, 40)));
        if (!usage_meter_has(query->meter, name))
            return usage_meter_lacks(query->meter, name, "by", fault);
        query->by[query->by_count++] = name;
    }
    return FAULT_NONE;
}

static enum fault_code read_query(const struct web_request *request, struct usage_query *query,
                                  struct fault *fault)
{
    struct str meter = web_query(request, "meter");
    query->meter = usage_meter_find(meter);
    query->now_us = os_now_us();
    if (meter.len == 0)
        return fault_field(fault, FAULT_INPUT, "meter",
                           "meter= is missing: say which; GET /v1/meters lists them");
    if (!query->meter)
        return usage_meter_unknown(meter, "meter", fault);
    enum fault_code code = read_window(request, &query->window, fault);
    if (code == FAULT_NONE)
        code = usage_read_span(request, query->now_us, &query->from_us, &query->to_us, fault);
    return code == FAULT_NONE ? read_by(request, query, fault) : code;
}

static void put_quantity(struct json_out *out, const struct usage_meter *meter, __int128 quantity)
{
    struct buf text;
    buf_init(&text, 96);
    usage_add_whole(&text, quantity);
    json_put_text(out, "quantity", buf_str(&text));
    buf_clear(&text);
    usage_add_shown(&text, meter, quantity);
    json_put_text(out, "shown", buf_str(&text));
    buf_done(&text);
}

static enum fault_code reply_json(const struct usage_query *query,
                                  const struct usage_report *report, struct web_reply *reply,
                                  struct fault *fault)
{
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    json_put_text(&out, "meter", str_of(query->meter->name));
    json_put_text(&out, "window", str_of(windows[query->window].name));
    json_put_text(&out, "zone", report->zone);
    usage_put_time(&out, "from", report->from_us);
    usage_put_time(&out, "to", report->to_us);
    usage_put_time(&out, "complete_up_to", report->complete_up_to_us);
    json_put_text(&out, "unit", str_of(query->meter->unit));
    json_put_text(&out, "shown_unit", str_of(query->meter->shown_unit));
    json_open_at(&out, "total", '{');
    put_quantity(&out, query->meter, report->total);
    json_close(&out, '}');
    json_open_at(&out, "rows", '[');
    for (size_t i = 0; i < report->count; i++) {
        const struct usage_row *row = &report->rows[i];
        json_open(&out, '{');
        usage_put_time(&out, "from", row->period.from_us);
        usage_put_time(&out, "to", row->period.to_us);
        json_put_raw(&out, "dimensions", row->dimensions);
        put_quantity(&out, query->meter, row->quantity);
        json_put_whole(&out, "events", row->events);
        json_close(&out, '}');
    }
    json_close(&out, ']');
    json_close(&out, '}');
    return buf_check(&reply->body, "the report", fault);
}

void usage_add_period(struct buf *out, struct zone *zone, struct zone_period period)
{
    zone_add_local(zone, period.from_us, out);
    buf_add_byte(out, ',');
    zone_add_local(zone, period.to_us, out);
}

void usage_add_cell(struct buf *out, struct str text)
{
    buf_add_byte(out, '"');
    if (text.len > 0 && str_find_byte(STR("=+-@\t\r"), text.ptr[0]) < 6)
        buf_add_byte(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            buf_add_byte(out, '"');
        buf_add_byte(out, text.ptr[i]);
    }
    buf_add_byte(out, '"');
}

static enum fault_code add_csv_row(const struct usage_query *query, const struct usage_row *row,
                                   struct zone *zone, struct arena *scratch, struct buf *out,
                                   struct fault *fault)
{
    const struct json *dimensions;
    enum fault_code code = json_read(scratch, row->dimensions, &dimensions, fault);
    if (code != FAULT_NONE)
        return code;
    usage_add_period(out, zone, row->period);
    for (size_t i = 0; i < query->by_count; i++) {
        char name[64];
        struct str value = STR("");
        bool fits = str_to_c(query->by[i], name, sizeof name);
        assert(fits && "it is one of the meter's");
        if (!json_text(json_member(dimensions, name), &value))
            json_text(json_member(dimensions, "overflow"), &value);
        buf_add_byte(out, ',');
        usage_add_cell(out, value);
    }
    buf_add_byte(out, ',');
    usage_add_whole(out, row->quantity);
    buf_addf(out, ",%s,", query->meter->unit);
    usage_add_shown(out, query->meter, row->quantity);
    buf_addf(out, ",%s,%lld\n", query->meter->shown_unit, (long long)row->events);
    arena_reset(scratch);
    return FAULT_NONE;
}

static enum fault_code reply_csv(const struct usage_query *query, const struct usage_report *report,
                                 struct web_reply *reply, struct fault *fault)
{
    struct arena scratch;
    struct zone *zone;
    enum fault_code code = zone_open(report->zone, 1, &zone, fault);
    if (code != FAULT_NONE)
        return code;
    buf_add_c(&reply->body, "from,to");
    for (size_t i = 0; i < query->by_count; i++)
        buf_addf(&reply->body, ",%.*s", STR_ARG(query->by[i]));
    buf_add_c(&reply->body, ",quantity,unit,shown,shown_unit,events\n");
    arena_init(&scratch, EVENT_ARENA_MAX);
    for (size_t i = 0; i < report->count && code == FAULT_NONE; i++)
        code = add_csv_row(query, &report->rows[i], zone, &scratch, &reply->body, fault);
    arena_done(&scratch);
    zone_free(zone);
    reply->content_type = STR("text/csv; charset=utf-8");
    return code == FAULT_NONE ? buf_check(&reply->body, "the report", fault) : code;
}

static enum fault_code run_query(struct service *service, const struct usage_query *query,
                                 struct web_request *request, struct str tenant,
                                 struct usage_report *out, struct fault *fault)
{
    struct store *store;
    enum fault_code code = store_pool_take(service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = store_begin_read(store, fault);
    if (code == FAULT_NONE)
        code = usage_query_run(query, store, tenant, request->arena, out, fault);
    store_pool_give(service->pool, store);
    return code;
}

static enum fault_code get_usage(void *context, struct web_request *request,
                                 struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct identity_caller caller;
    struct usage_query query = {0};
    struct usage_report report;
    bool is_csv = false;
    enum fault_code code =
        identity_gate(service->identity, request, PERMIT_USAGE_READ, &caller, fault);
    if (code == FAULT_NONE)
        code = usage_check_query(request, "meter window from to by format", fault);
    if (code == FAULT_NONE)
        code = usage_read_format(request, &is_csv, fault);
    if (code == FAULT_NONE)
        code = read_query(request, &query, fault);
    if (code == FAULT_NONE)
        code = run_query(service, &query, request, caller.tenant, &report, fault);
    if (code != FAULT_NONE)
        return code;
    return is_csv ? reply_csv(&query, &report, reply, fault)
                  : reply_json(&query, &report, reply, fault);
}

const struct web_route usage_routes[] = {
    {"GET", "/v1/meters", get_meters, 0},
    {"POST", "/v1/events", post_events, USAGE_BODY_MAX},
    {"GET", "/v1/usage", get_usage, 0},
    WEB_ROUTES_END,
};
