/* /v1/usage/anomalies and /v1/usage/anomaly-settings. */
#include "service/anomalies/anomalies.h"

#include <stdio.h>

#include "libs/text/json_expect.h"
#include "service/anomalies/anomalies_store.h"
#include "service/identity/identity.h"
#include "service/service.h"
#include "service/web/web_page.h"

enum { LIST_USUAL = 50, BODY_MAX = 8 * 1024, WHY_MAX = 256, REASON_MAX = 400 };

#define ID_PREFIX "ano_"

/* --- the list ------------------------------------------------------------------------------- */

static enum fault_code read_filter(const struct web_request *request, struct web_page *page,
                                   struct anomalies_filter *out, struct fault *fault)
{
    static const char *const states[] = {"open", "acknowledged"};
    enum fault_code code = web_query_word(request, "state", states, 2, &out->state, fault);
    if (code == FAULT_NONE)
        code = web_page_read(request, LIST_USUAL, ANOMALIES_PAGE_MAX, page, fault);
    out->before = page->before;
    out->limit = page->limit + 1;
    return code;
}

static enum fault_code get_list(void *context, struct web_request *request, struct web_reply *reply,
                                struct fault *fault)
{
    struct service *service = context;
    struct identity_caller caller;
    struct web_page page = {.prefix = ID_PREFIX};
    struct anomalies_filter filter;
    struct store *store;
    struct store_list list;
    enum fault_code code =
        identity_gate(service->identity, request, PERMIT_USAGE_READ, &caller, fault);
    if (code == FAULT_NONE)
        code = read_filter(request, &page, &filter, fault);
    if (code == FAULT_NONE)
        code = store_pool_take(service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = anomalies_list(store, caller.tenant, &filter, request->arena, &list, fault);
    store_pool_give(service->pool, store);
    if (code != FAULT_NONE)
        return code;
    const struct anomalies_row *rows = list.rows;
    size_t shown = web_page_shown(&page, list.count);
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    json_open_at(&out, "anomalies", '[');
    for (size_t i = 0; i < shown; i++)
        anomalies_row_put(&out, &rows[i]);
    json_close(&out, ']');
    web_page_put_next(&out, &page, list.count, shown > 0 ? rows[shown - 1].id : 0);
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

/* --- changes -------------------------------------------------------------------------------- */

struct change {
    struct service *service;
    struct web_request *request;
    struct identity_caller caller;
    int64_t id;
    struct str why;
    struct anomalies_settings settings;
};

static enum fault_code record(const struct change *change, struct store *store, const char *action,
                              const char *what, struct fault *fault)
{
    const struct identity_change entry = {.action = action, .reason = str_of(what)};
    return identity_change_record(change->service->audit, store, change->request, &change->caller,
                                  &entry, fault);
}

static enum fault_code read_body(const struct change *change, const char *const *known,
                                 size_t count, const struct json **out, struct fault *fault)
{
    enum fault_code code = json_read(change->request->arena, change->request->body, out, fault);
    return code == FAULT_NONE ? json_expect_members(*out, "body", "the body", known, count, fault)
                              : code;
}

static enum fault_code read_why(struct change *change, struct fault *fault)
{
    static const char *const known[] = {"reason"};
    const struct json *body;
    enum fault_code code = read_body(change, known, 1, &body, fault);
    if (code == FAULT_NONE && !json_line(json_member(body, "reason"), WHY_MAX, &change->why))
        code = fault_field(fault, FAULT_INPUT, "reason",
                           "reason must say in 1 to %d bytes, on one line, what was behind it",
                           WHY_MAX);
    return code;
}

static enum fault_code acknowledge_in(struct store *store, void *context, struct fault *fault)
{
    const struct change *change = context;
    char what[REASON_MAX];
    snprintf(what, sizeof what, ID_PREFIX "%lld: %.*s", (long long)change->id,
             STR_ARG(change->why));
    enum fault_code code =
        anomalies_acknowledge(store, change->caller.tenant, change->id, change->caller.name,
                              change->why, change->request->started_us, fault);
    return code == FAULT_NONE ? record(change, store, "anomaly.acknowledged", what, fault) : code;
}

static enum fault_code post_acknowledge(void *context, struct web_request *request,
                                        struct web_reply *reply, struct fault *fault)
{
    struct change change = {.service = context, .request = request};
    enum fault_code code =
        identity_gate(change.service->identity, request, PERMIT_USAGE_ADMIN, &change.caller, fault);
    if (code == FAULT_NONE && !web_page_id(request->parts[0], ID_PREFIX, &change.id))
        code = fault_field(fault, FAULT_NOT_FOUND, "id", "there is no such anomaly");
    if (code == FAULT_NONE)
        code = read_why(&change, fault);
    if (code == FAULT_NONE)
        code = store_pool_write(change.service->pool, acknowledge_in, &change, fault);
    if (code != FAULT_NONE)
        return code;
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    json_put_text(&out, "id", request->parts[0]);
    json_put_text(&out, "state", STR("acknowledged"));
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

/* --- settings ------------------------------------------------------------------------------- */

static enum fault_code get_settings(void *context, struct web_request *request,
                                    struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct identity_caller caller;
    struct anomalies_settings settings;
    struct store *store;
    enum fault_code code =
        identity_gate(service->identity, request, PERMIT_USAGE_READ, &caller, fault);
    if (code == FAULT_NONE)
        code = store_pool_take(service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = anomalies_settings_read(store, caller.tenant, request->arena, &settings, fault);
    store_pool_give(service->pool, store);
    if (code != FAULT_NONE)
        return code;
    anomalies_settings_add(&reply->body, &settings);
    return buf_check(&reply->body, "the answer", fault);
}

static enum fault_code read_settings(struct change *change, struct fault *fault)
{
    static const char *const known[] = {"sensitivity", "recipients"};
    struct anomalies_settings *settings = &change->settings;
    const struct json *body;
    enum fault_code code = read_body(change, known, 2, &body, fault);
    if (code != FAULT_NONE)
        return code;
    if (!json_text(json_member(body, "sensitivity"), &settings->sensitivity) ||
        !anomalies_is_sensitivity(settings->sensitivity))
        return fault_field(fault, FAULT_INPUT, "sensitivity",
                           "sensitivity must be off, low, medium or high");
    const struct json *list = json_member(body, "recipients");
    if (!json_is_array(list))
        return fault_field(fault, FAULT_INPUT, "recipients",
                           "recipients must be an array of ids, as GET /v1/recipients lists them");
    for (const struct json *each = json_first(list); each; each = json_next(each)) {
        if (settings->recipient_count == NOTIFY_RECIPIENTS_MAX)
            return fault_field(fault, FAULT_INPUT, "recipients", "recipients may hold %d ids",
                               NOTIFY_RECIPIENTS_MAX);
        if (!json_text(each, &settings->recipients[settings->recipient_count++]))
            return fault_field(fault, FAULT_INPUT, "recipients",
                               "recipients must be an array of ids, as texts");
    }
    return FAULT_NONE;
}

static enum fault_code settings_in(struct store *store, void *context, struct fault *fault)
{
    const struct change *change = context;
    const struct anomalies_settings *settings = &change->settings;
    char what[REASON_MAX];
    snprintf(what, sizeof what, "sensitivity %.*s, %zu recipients", STR_ARG(settings->sensitivity),
             settings->recipient_count);
    enum fault_code code = notify_recipients_check(
        store, change->caller.tenant, settings->recipients, settings->recipient_count, fault);
    if (code == FAULT_NONE)
        code = anomalies_settings_put(store, change->caller.tenant, settings, change->caller.name,
                                      change->request->started_us, fault);
    return code == FAULT_NONE ? record(change, store, "anomaly.settings_changed", what, fault)
                              : code;
}

static enum fault_code put_settings(void *context, struct web_request *request,
                                    struct web_reply *reply, struct fault *fault)
{
    struct change change = {.service = context, .request = request};
    enum fault_code code =
        identity_gate(change.service->identity, request, PERMIT_USAGE_ADMIN, &change.caller, fault);
    if (code == FAULT_NONE)
        code = read_settings(&change, fault);
    if (code == FAULT_NONE)
        code = store_pool_write(change.service->pool, settings_in, &change, fault);
    if (code != FAULT_NONE)
        return code;
    anomalies_settings_add(&reply->body, &change.settings);
    return buf_check(&reply->body, "the answer", fault);
}

const struct web_route anomalies_routes[] = {
    {"GET", "/v1/usage/anomalies", get_list, 0},
    {"POST", "/v1/usage/anomalies/{}/acknowledge", post_acknowledge, BODY_MAX},
    {"GET", "/v1/usage/anomaly-settings", get_settings, 0},
    {"PUT", "/v1/usage/anomaly-settings", put_settings, BODY_MAX},
    WEB_ROUTES_END,
};
