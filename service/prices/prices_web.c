/* GET and POST /v1/prices. */
#include "service/prices/prices.h"

#include "libs/core/os.h"
#include "libs/text/json_write.h"
#include "libs/text/time.h"
#include "libs/zone/zone.h"
#include "service/identity/identity.h"
#include "service/prices/prices_read.h"
#include "service/service.h"
#include "service/usage/usage_query.h"
#include "service/usage/usage_store.h"

enum { BODY_MAX = 64 * 1024, REASON_MAX = 200, AHEAD_MAX_DAYS = 1830 };

#define DAY_US INT64_C(86400000000)

/* --- GET ------------------------------------------------------------------------------------ */

static void put_price(struct json_out *out, const struct prices_price *price)
{
    struct buf text;
    buf_init(&text, 64);
    json_open(out, '{');
    json_put_text(out, "meter", str_of(price->meter->name));
    json_put_text(out, "unit", price->unit);
    usage_add_whole(&text, price->per);
    json_put_text(out, "per", buf_str(&text));
    prices_money_put(out, "price", price->price);
    json_close(out, '}');
    buf_done(&text);
}

static void put_version(struct json_out *out, const char *name,
                        const struct prices_version *version)
{
    json_open_at(out, name, '{');
    json_put_whole(out, "version", version->version);
    usage_put_time(out, "valid_from", version->valid_from_us);
    usage_put_time(out, "created_at", version->created_us);
    json_put_text(out, "created_by", version->created_by);
    json_open_at(out, "prices", '[');
    for (size_t i = 0; i < version->count; i++)
        put_price(out, &version->prices[i]);
    json_close(out, ']');
    json_close(out, '}');
}

static enum fault_code get_prices(void *context, struct web_request *request,
                                  struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct identity_caller caller;
    struct prices_table table;
    struct store *store;
    enum fault_code code =
        identity_gate(service->identity, request, PERMIT_BUDGET_READ, &caller, fault);
    if (code == FAULT_NONE)
        code = store_pool_take(service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = store_begin_read(store, fault);
    if (code == FAULT_NONE)
        code = prices_load(store, caller.tenant, request->arena, &table, fault);
    store_pool_give(service->pool, store);
    if (code != FAULT_NONE)
        return code;
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    if (table.count > 0)
        json_put_text(&out, "currency", table.currency);
    else
        json_put_null(&out, "currency");
    json_open_at(&out, "versions", '[');
    for (size_t i = 0; i < table.count; i++)
        put_version(&out, NULL, &table.versions[i]);
    json_close(&out, ']');
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

/* --- POST ----------------------------------------------------------------------------------- */

struct adding {
    struct service *service;
    struct web_request *request;
    struct identity_caller caller;
    struct prices_given given;
    int64_t now_us;
    struct prices_version version; /* what came of it */
    bool is_new;
};

/* The day that the version begins on. What was shown of days that are over stays as it was: only a
 * first table, which changes nothing that was shown, may begin before today. */
static enum fault_code find_day(const struct adding *adding, struct store *store, bool is_first,
                                int64_t *out, struct fault *fault)
{
    struct str name;
    int anchor_day;
    struct zone *zone = NULL;
    int64_t at_us = adding->given.has_from ? adding->given.valid_from_us : adding->now_us;
    enum fault_code code = usage_store_zone(store, adding->caller.tenant, adding->request->arena,
                                            &name, &anchor_day, fault);
    if (code == FAULT_NONE)
        code = zone_open(name, anchor_day, &zone, fault);
    if (code != FAULT_NONE)
        return code;
    int64_t day_us = zone_period_at(zone, ZONE_DAY, at_us).from_us;
    int64_t today_us = zone_period_at(zone, ZONE_DAY, adding->now_us).from_us;
    zone_free(zone);
    if (day_us < today_us && !is_first)
        return fault_field(fault, FAULT_INPUT, "valid_from",
                           "valid_from lies before today (%.*s): what past days have cost is not "
                           "changed",
                           STR_ARG(name));
    if (day_us > today_us + AHEAD_MAX_DAYS * DAY_US)
        return fault_field(fault, FAULT_INPUT, "valid_from",
                           "valid_from lies more than five years ahead");
    *out = day_us > 0 ? day_us : 0; /* east of Greenwich the first day begins in 1969 */
    return FAULT_NONE;
}

static enum fault_code note(const struct adding *adding, struct store *store, struct fault *fault)
{
    struct buf reason;
    buf_init(&reason, REASON_MAX);
    buf_addf(&reason, "version %lld, from ", (long long)adding->version.version);
    time_add_rfc3339(&reason, adding->version.valid_from_us);
    const struct identity_change change = {"prices.changed", buf_str(&reason)};
    enum fault_code code = identity_change_record(adding->service->audit, store, adding->request,
                                                  &adding->caller, &change, fault);
    buf_done(&reason);
    return code;
}

static enum fault_code add_in(struct store *store, void *context, struct fault *fault)
{
    struct adding *adding = context;
    struct prices_table table;
    struct prices_change change = {
        .tenant = adding->caller.tenant,
        .currency = adding->given.currency,
        .prices = adding->given.prices,
        .count = adding->given.count,
        .at_us = adding->now_us,
        .by = adding->caller.name,
    };
    int64_t number = 0;
    enum fault_code code =
        prices_load(store, adding->caller.tenant, adding->request->arena, &table, fault);
    if (code == FAULT_NONE)
        code = find_day(adding, store, table.count == 0, &change.valid_from_us, fault);
    if (code == FAULT_NONE)
        code = prices_put(store, &change, adding->request->arena, &number, &adding->is_new, fault);
    if (code == FAULT_NONE)
        code = prices_load(store, adding->caller.tenant, adding->request->arena, &table, fault);
    if (code != FAULT_NONE)
        return code;
    for (size_t i = 0; i < table.count; i++)
        if (table.versions[i].version == number)
            adding->version = table.versions[i];
    if (!adding->is_new)
        return FAULT_NONE;
    code = prices_generation_raise(store, adding->caller.tenant, fault);
    return code == FAULT_NONE ? note(adding, store, fault) : code;
}

static enum fault_code post_prices(void *context, struct web_request *request,
                                   struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct adding adding = {.service = service, .request = request, .now_us = os_now_us()};
    const struct json *body;
    enum fault_code code =
        identity_gate(service->identity, request, PERMIT_BUDGET_ADMIN, &adding.caller, fault);
    if (code == FAULT_NONE)
        code = json_read(request->arena, request->body, &body, fault);
    if (code == FAULT_NONE)
        code = prices_read(request->arena, body, &adding.given, fault);
    if (code == FAULT_NONE)
        code = store_pool_write(service->pool, add_in, &adding, fault);
    if (code != FAULT_NONE)
        return code;
    reply->status = adding.is_new ? 201 : 200;
    struct json_out out = json_out_to(&reply->body);
    put_version(&out, NULL, &adding.version);
    return buf_check(&reply->body, "the answer", fault);
}

const struct web_route prices_routes[] = {
    {"GET", "/v1/prices", get_prices, 0},
    {"POST", "/v1/prices", post_prices, BODY_MAX},
    WEB_ROUTES_END,
};
