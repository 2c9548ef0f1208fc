/* What happened to a budget, deleted or not. */
#include "service/budgets/budgets_admin.h"

#include <stdio.h>

#include "service/service.h"
#include "service/usage/usage_query.h"

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

static enum fault_code list_in(const struct budgets_act *act, struct store *store, int64_t before,
                               int64_t limit, struct web_reply *reply, struct fault *fault)
{
    struct budgets_entry *entries =
        arena_alloc(act->request->arena, BUDGETS_PAGE_MAX * sizeof *entries);
    struct str id = act->request->parts[0];
    size_t count = 0;
    if (!entries)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a history");
    enum fault_code code = store_begin_read(store, fault);
    if (code == FAULT_NONE)
        code = budgets_existed_check(store, act->caller.tenant, id, fault);
    if (code == FAULT_NONE)
        code = budgets_store_history_list(store, act->caller.tenant, id, before, limit,
                                          act->request->arena, entries, &count, fault);
    if (code != FAULT_NONE)
        return code;
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    json_open_at(&out, "entries", '[');
    for (size_t i = 0; i < count; i++)
        put_entry(&out, &entries[i]);
    json_close(&out, ']');
    if (count == (size_t)limit) {
        char next[24];
        snprintf(next, sizeof next, "%lld", (long long)entries[count - 1].id);
        json_put_text(&out, "next", str_of(next));
    } else {
        json_put_null(&out, "next");
    }
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

static enum fault_code get_history(void *context, struct web_request *request,
                                   struct web_reply *reply, struct fault *fault)
{
    struct budgets_act act = {.service = context, .request = request};
    struct store *store;
    int64_t limit = LIST_USUAL;
    int64_t before = 0;
    enum fault_code code = budgets_act_begin(&act, PERMIT_BUDGET_READ, fault);
    if (code == FAULT_NONE)
        code = web_query_whole(request, "limit", 1, BUDGETS_PAGE_MAX, LIST_USUAL, &limit, fault);
    if (code == FAULT_NONE)
        code = web_query_whole(request, "before", 1, INT64_MAX, 0, &before, fault);
    if (code == FAULT_NONE)
        code = store_pool_take(act.service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = list_in(&act, store, before, limit, reply, fault);
    store_pool_give(act.service->pool, store);
    return code;
}

const struct web_route budgets_history_routes[] = {
    {"GET", "/v1/budgets/{}/history", get_history, 0},
    WEB_ROUTES_END,
};
