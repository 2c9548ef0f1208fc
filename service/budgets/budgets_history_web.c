/* What happened to a budget, deleted or not. */
#include "service/budgets/budgets_admin.h"

#include <stdio.h>

#include "service/service.h"
#include "service/usage/usage_query.h"
#include "service/web/web_page.h"

enum { LIST_USUAL = 50 };

static void put_entry(struct json_out *out, const struct budgets_entry *entry)
{
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)entry->id);
    json_open(out, '{');
    json_put_text(out, "id", str_of(id));
    usage_put_time(out, "at", entry->at_us);
    json_put_text(out, "kind", entry->kind);
    json_put_text(out, "by", entry->by);
    json_put_text(out, "detail", entry->detail);
    if (entry->threshold.len > 0)
        json_put_raw(out, "threshold", entry->threshold);
    json_close(out, '}');
}

static enum fault_code list_in(const struct budgets_act *act, struct store *store,
                               const struct web_page *page, struct web_reply *reply,
                               struct fault *fault)
{
    struct str id = act->request->parts[0];
    struct store_list list = {0};
    enum fault_code code = store_begin_read(store, fault);
    if (code == FAULT_NONE)
        code = budgets_existed_check(store, act->caller.tenant, id, fault);
    if (code == FAULT_NONE)
        code = budgets_store_history_list(store, act->caller.tenant, id, page->before,
                                          page->limit + 1, act->request->arena, &list, fault);
    if (code != FAULT_NONE)
        return code;
    const struct budgets_entry *entries = list.rows;
    size_t shown = web_page_shown(page, list.count);
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    json_open_at(&out, "entries", '[');
    for (size_t i = 0; i < shown; i++)
        put_entry(&out, &entries[i]);
    json_close(&out, ']');
    web_page_put_next(&out, page, list.count, shown > 0 ? entries[shown - 1].id : 0);
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

static enum fault_code get_history(void *context, struct web_request *request,
                                   struct web_reply *reply, struct fault *fault)
{
    struct budgets_act act = {.service = context, .request = request};
    struct web_page page = {.prefix = ""};
    struct store *store;
    enum fault_code code = budgets_act_begin(&act, PERMIT_BUDGET_READ, fault);
    if (code == FAULT_NONE)
        code = web_page_read(request, LIST_USUAL, BUDGETS_PAGE_MAX, &page, fault);
    if (code == FAULT_NONE)
        code = store_pool_take(act.service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = list_in(&act, store, &page, reply, fault);
    store_pool_give(act.service->pool, store);
    return code;
}

const struct web_route budgets_history_routes[] = {
    {"GET", "/v1/budgets/{}/history", get_history, 0},
    WEB_ROUTES_END,
};
