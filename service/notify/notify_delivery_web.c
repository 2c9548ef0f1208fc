/* /v1/deliveries. */
#include "service/notify/notify.h"

#include <stdio.h>

#include "service/notify/notify_web.h"
#include "service/web/web_page.h"

#define PREFIX "dlv_"

static void put_delivery(struct json_out *out, const struct notify_delivery *delivery)
{
    char id[32];
    snprintf(id, sizeof id, PREFIX "%lld", (long long)delivery->id);
    json_open(out, '{');
    json_put_text(out, "id", str_of(id));
    json_put_text(out, "message", delivery->message);
    json_put_text(out, "kind", delivery->kind);
    json_put_text(out, "subject", delivery->subject);
    json_put_text(out, "recipient", delivery->recipient);
    json_put_text(out, "state", delivery->state);
    json_put_whole(out, "attempts", delivery->attempts);
    json_put_whole(out, "status", delivery->status);
    json_put_text(out, "error", delivery->error);
    notify_put_time(out, "created_at", delivery->created_us);
    if (delivery->ended_us != 0)
        notify_put_time(out, "ended_at", delivery->ended_us);
    else
        notify_put_time(out, "next_at", delivery->next_us);
    json_close(out, '}');
}

static enum fault_code read_filter(const struct web_request *request, struct web_page *page,
                                   struct notify_filter *out, struct fault *fault)
{
    static const char *const states[] = {"waiting", "delivered", "dead"};
    enum fault_code code = web_query_word(request, "state", states, 3, &out->state, fault);
    if (code == FAULT_NONE)
        code = web_page_read(request, NOTIFY_LIST_USUAL, NOTIFY_PAGE_MAX, page, fault);
    out->before = page->before;
    out->limit = page->limit + 1;
    return code;
}

static enum fault_code get_deliveries(void *context, struct web_request *request,
                                      struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct identity_caller caller;
    struct web_page page = {.prefix = PREFIX};
    struct notify_filter filter;
    struct store *store;
    struct store_list list;
    enum fault_code code =
        identity_gate(service->identity, request, PERMIT_NOTICE_ADMIN, &caller, fault);
    if (code == FAULT_NONE)
        code = read_filter(request, &page, &filter, fault);
    if (code == FAULT_NONE)
        code = store_pool_take(service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = notify_delivery_list(store, caller.tenant, &filter, request->arena, &list, fault);
    store_pool_give(service->pool, store);
    if (code != FAULT_NONE)
        return code;
    const struct notify_delivery *all = list.rows;
    size_t shown = web_page_shown(&page, list.count);
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    json_open_at(&out, "deliveries", '[');
    for (size_t i = 0; i < shown; i++)
        put_delivery(&out, &all[i]);
    json_close(&out, ']');
    web_page_put_next(&out, &page, list.count, shown > 0 ? all[shown - 1].id : 0);
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

/* --- again ---------------------------------------------------------------------------------- */

struct replay {
    struct notify_change change;
    int64_t delivery;
};

static enum fault_code replay_in(struct store *store, void *context, struct fault *fault)
{
    const struct replay *replay = context;
    const struct notify_change *change = &replay->change;
    enum fault_code code = notify_delivery_replay(store, change->caller.tenant, replay->delivery,
                                                  change->request->started_us, fault);
    return code == FAULT_NONE
               ? notify_change_record(change, store, "delivery.replayed", change->id, fault)
               : code;
}

static enum fault_code post_retry(void *context, struct web_request *request,
                                  struct web_reply *reply, struct fault *fault)
{
    struct replay replay;
    enum fault_code code = notify_change_begin(&replay.change, context, request, fault);
    if (code == FAULT_NONE && !web_page_id(replay.change.id, PREFIX, &replay.delivery))
        code = fault_field(fault, FAULT_NOT_FOUND, "id", "there is no such delivery");
    if (code == FAULT_NONE)
        code = store_pool_write(replay.change.service->pool, replay_in, &replay, fault);
    return code == FAULT_NONE ? notify_change_answer(&replay.change, "waiting", "", reply, fault)
                              : code;
}

const struct web_route notify_delivery_routes[] = {
    {"GET", "/v1/deliveries", get_deliveries, 0},
    {"POST", "/v1/deliveries/{}/retry", post_retry, 0},
    WEB_ROUTES_END,
};
