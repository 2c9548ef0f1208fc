/* How much of its origin each source's usage tells. */
#include "service/usage/usage.h"

#include "libs/core/os.h"
#include "libs/text/json_write.h"
#include "service/identity/identity.h"
#include "service/service.h"
#include "service/usage/usage_provenance.h"
#include "service/usage/usage_query.h"
#include "service/usage/usage_report.h"

static const char *const origins[USAGE_ORIGINS] = {"source", "time", "actor", "trace"};

/* In percent with one digit behind the point, rounded down: 100 means all of them. "": there are
 * none to have a share of. */
static void add_share(struct buf *out, int64_t part, int64_t whole)
{
    int64_t tenths = whole > 0 ? (int64_t)((__int128)part * 1000 / whole) : 0;
    if (whole > 0)
        buf_addf(out, "%lld.%lld", (long long)(tenths / 10), (long long)(tenths % 10));
}

static void put_share(struct json_out *out, int64_t part, int64_t whole)
{
    struct buf text;
    buf_init(&text, 64);
    add_share(&text, part, whole);
    if (whole > 0)
        json_put_text(out, "share", buf_str(&text));
    else
        json_put_null(out, "share");
    buf_done(&text);
}

/* --- JSON ----------------------------------------------------------------------------------- */

static void put_numbers(struct json_out *out, const struct usage_provenance_source *row)
{
    json_put_whole(out, "events", row->events);
    json_put_whole(out, "rejected", row->rejected);
    json_put_whole(out, "complete", row->complete);
    put_share(out, row->complete, row->events);
    json_open_at(out, "origins", '{');
    for (int i = 0; i < USAGE_ORIGINS; i++) {
        json_open_at(out, origins[i], '{');
        json_put_whole(out, "given", row->given[i]);
        json_put_whole(out, "missing", row->events - row->given[i]);
        put_share(out, row->given[i], row->events);
        json_close(out, '}');
    }
    json_close(out, '}');
    json_open_at(out, "missing", '[');
    for (int i = 0; i < USAGE_ORIGINS; i++)
        if (row->given[i] < row->events)
            json_put_text(out, NULL, str_of(origins[i]));
    json_close(out, ']');
}

static enum fault_code reply_json(const struct usage_provenance_report *report,
                                  struct web_reply *reply, struct fault *fault)
{
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    usage_put_time(&out, "from", report->from_us);
    usage_put_time(&out, "to", report->to_us);
    json_open_at(&out, "total", '{');
    put_numbers(&out, &report->total);
    json_close(&out, '}');
    json_open_at(&out, "sources", '[');
    for (size_t i = 0; i < report->count; i++) {
        const struct usage_provenance_source *row = &report->sources[i];
        json_open(&out, '{');
        if (row->source.ptr)
            json_put_text(&out, "source", row->source);
        else
            json_put_null(&out, "source");
        put_numbers(&out, row);
        json_close(&out, '}');
    }
    json_close(&out, ']');
    json_close(&out, '}');
    return buf_check(&reply->body, "the report", fault);
}

/* --- CSV ------------------------------------------------------------------------------------ */

static enum fault_code reply_csv(const struct usage_provenance_report *report,
                                 struct web_reply *reply, struct fault *fault)
{
    struct buf *out = &reply->body;
    buf_add_c(out, "source,events,rejected,complete,complete_percent");
    for (int i = 0; i < USAGE_ORIGINS; i++)
        buf_addf(out, ",%s_missing,%s_percent", origins[i], origins[i]);
    buf_add_byte(out, '\n');
    for (size_t i = 0; i < report->count; i++) {
        const struct usage_provenance_source *row = &report->sources[i];
        usage_add_cell(out, row->source);
        buf_addf(out, ",%lld,%lld,%lld,", (long long)row->events, (long long)row->rejected,
                 (long long)row->complete);
        add_share(out, row->complete, row->events);
        for (int k = 0; k < USAGE_ORIGINS; k++) {
            buf_addf(out, ",%lld,", (long long)(row->events - row->given[k]));
            add_share(out, row->given[k], row->events);
        }
        buf_add_byte(out, '\n');
    }
    reply->content_type = STR("text/csv; charset=utf-8");
    return buf_check(out, "the report", fault);
}

/* --- GET /v1/usage/provenance --------------------------------------------------------------- */

enum fault_code usage_read_source(const struct web_request *request, struct str *out,
                                  struct fault *fault)
{
    struct str source = web_query(request, "source");
    if (source.len > USAGE_TEXT_MAX)
        return fault_field(fault, FAULT_LIMIT, "source",
                           "source has %zu bytes; at most %d are allowed", source.len,
                           USAGE_TEXT_MAX);
    *out = source;
    return FAULT_NONE;
}

static enum fault_code get_provenance(void *context, struct web_request *request,
                                      struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct identity_caller caller;
    struct usage_provenance_report report;
    struct store *store;
    struct str only;
    int64_t from_us;
    int64_t to_us;
    bool is_csv = false;
    enum fault_code code =
        identity_gate(service->identity, request, PERMIT_USAGE_READ, &caller, fault);
    if (code == FAULT_NONE)
        code = usage_check_query(request, "from to source format", fault);
    if (code == FAULT_NONE)
        code = usage_read_format(request, &is_csv, fault);
    if (code == FAULT_NONE)
        code = usage_read_span(request, os_now_us(), &from_us, &to_us, fault);
    if (code == FAULT_NONE)
        code = usage_read_source(request, &only, fault);
    if (code == FAULT_NONE)
        code = store_pool_take(service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = store_begin_read(store, fault);
    if (code == FAULT_NONE)
        code = usage_provenance_read(store, caller.tenant, from_us, to_us, only, request->arena,
                                     &report, fault);
    store_pool_give(service->pool, store);
    if (code != FAULT_NONE)
        return code;
    return is_csv ? reply_csv(&report, reply, fault) : reply_json(&report, reply, fault);
}

const struct web_route usage_provenance_routes[] = {
    {"GET", "/v1/usage/provenance", get_provenance, 0},
    WEB_ROUTES_END,
};
