/* POST and GET /v1/decisions. */
#include <assert.h>
#include <stdio.h>

#include "libs/core/os.h"
#include "libs/zone/zone.h"
#include "service/budgets/budgets.h"
#include "service/budgets/budgets_ask.h"
#include "service/budgets/budgets_refusals.h"
#include "service/budgets/budgets_reply.h"
#include "service/identity/identity.h"
#include "service/service.h"
#include "service/usage/usage_store.h"

void budgets_count_decision(struct service_counters *counters,
                            const struct budgets_decision *decision)
{
    atomic_uint_fast64_t *const by_verdict[] = {
        [BUDGETS_ALLOWED] = &counters->decisions_allowed,
        [BUDGETS_THROTTLED] = &counters->decisions_throttled,
        [BUDGETS_BLOCKED] = &counters->decisions_blocked,
    };
    bool shadowed = false;
    for (int i = 0; i < decision->view_count; i++)
        shadowed = shadowed || decision->views[i].would != BUDGETS_ALLOWED;
    atomic_fetch_add(by_verdict[decision->verdict], 1);
    if (shadowed && decision->verdict == BUDGETS_ALLOWED)
        atomic_fetch_add(&counters->decisions_shadowed, 1);
}

/* --- POST ----------------------------------------------------------------------------------- */

/* One of a request's decisions, and what came of it. */
struct item {
    struct budgets_request asked;
    struct budgets_reservation reservation; /* settle, release */
    enum fault_code code;
    struct fault fault;
    struct budgets_decision decision;
    enum budgets_end end;
};

struct deciding {
    struct service *service;
    struct web_request *request;
    struct identity_caller caller;
    struct str asker; /* who is kept with a refusal */
    struct budgets_view views[BUDGETS_APPLY_MAX];
};

static bool is_end(const struct item *item)
{
    return item->asked.action == BUDGETS_SETTLE || item->asked.action == BUDGETS_RELEASE;
}

/* Reserving holds back what others could use, and settling is usage: for those who report it. */
static enum fault_code check_role(const struct deciding *deciding, const struct item *item,
                                  struct fault *fault)
{
    if (item->asked.action == BUDGETS_CHECK ||
        identity_may(deciding->caller.role, PERMIT_USAGE_WRITE))
        return FAULT_NONE;
    return fault_set(fault, FAULT_DENIED,
                     "the role %s may check, and neither reserve nor settle; a token of the role "
                     "meter may",
                     identity_role_name(deciding->caller.role));
}

static void read_item(struct deciding *deciding, const struct json *value, struct item *item)
{
    item->code = budgets_ask_read(deciding->request->arena, value, &item->asked, &item->fault);
    if (item->code == FAULT_NONE)
        item->code = check_role(deciding, item, &item->fault);
    if (item->code == FAULT_NONE && is_end(item))
        item->code = budgets_token_read(deciding->service->budgets, deciding->caller.tenant,
                                        item->asked.reservation, &item->reservation, &item->fault);
}

static void decide(struct deciding *deciding, struct item *item)
{
    struct service_counters *counters = &deciding->service->counters;
    const struct budgets_ask ask = {
        .tenant = deciding->caller.tenant,
        .meter = item->asked.meter,
        .quantity = item->asked.quantity,
        .reserve = item->asked.action == BUDGETS_RESERVE,
        .ttl_s = item->asked.ttl_s,
        .dimensions = item->asked.dimensions,
        .caller = deciding->asker,
        .subject = deciding->caller.name,
        .at_once = deciding->request->quick,
    };
    item->decision.views = deciding->views;
    item->decision.view_room = BUDGETS_APPLY_MAX;
    item->code = budgets_decide(deciding->service->budgets, &ask, &item->decision, &item->fault);
    if (item->code == FAULT_NONE)
        budgets_count_decision(counters, &item->decision);
}

static void end(struct deciding *deciding, struct item *item)
{
    struct str tenant = deciding->caller.tenant;
    if (item->asked.action == BUDGETS_SETTLE)
        item->code = budgets_settle(deciding->service->budgets, tenant, &item->reservation,
                                    item->asked.quantity, &item->end, &item->fault);
    else
        item->code = budgets_release(deciding->service->budgets, tenant, &item->reservation,
                                     &item->end, &item->fault);
}

static void put_end(struct json_out *out, const struct item *item)
{
    json_put_text(out, "reservation", item->asked.reservation);
    json_put_text(out, "outcome",
                  item->asked.action == BUDGETS_SETTLE ? STR("settled") : STR("released"));
    if (item->asked.action == BUDGETS_SETTLE)
        budgets_put_quantity(out, "quantity", item->asked.quantity);
    json_put_boolean(out, "repeated", item->end == BUDGETS_ENDED_AGAIN);
    json_put_boolean(out, "late", item->end == BUDGETS_ENDED_LATE);
    json_put_boolean(out, "over", item->end == BUDGETS_ENDED_OVER);
}

/* The members of the answer to one that went well. */
static void put_good(struct deciding *deciding, struct json_out *out, const struct item *item)
{
    char token[BUDGETS_TOKEN_SIZE] = "";
    if (is_end(item)) {
        put_end(out, item);
        return;
    }
    if (item->decision.reservation.number != 0)
        budgets_token_write(deciding->service->budgets, deciding->caller.tenant,
                            &item->decision.reservation, token);
    budgets_put_allowed(out, &item->decision, token);
}

static bool is_refused(const struct item *item)
{
    return item->code == FAULT_NONE && !is_end(item) && item->decision.verdict != BUDGETS_ALLOWED;
}

/* --- one ------------------------------------------------------------------------------------ */

static enum fault_code answer_one(struct deciding *deciding, const struct json *body,
                                  struct web_reply *reply, struct fault *fault)
{
    struct item item = {0};
    read_item(deciding, body, &item);
    if (item.code == FAULT_NONE && is_end(&item) && deciding->request->quick)
        return web_wait(deciding->request, fault); /* the store is told of it */
    if (item.code == FAULT_NONE && is_end(&item))
        end(deciding, &item);
    else if (item.code == FAULT_NONE)
        decide(deciding, &item);
    if (item.code != FAULT_NONE && item.decision.waits)
        return web_wait(deciding->request, fault);
    if (item.code != FAULT_NONE) {
        *fault = item.fault;
        return item.code;
    }
    if (is_refused(&item))
        return budgets_reply_refusal(deciding->request, reply, &item.decision, fault);
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    put_good(deciding, &out, &item);
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

/* --- several -------------------------------------------------------------------------------- */

static void put_item(struct deciding *deciding, struct json_out *out, const struct item *item)
{
    json_open(out, '{');
    if (item->code != FAULT_NONE) {
        web_put_problem(out, &item->fault);
    } else if (is_refused(item)) {
        budgets_put_refusal(out, &item->decision);
    } else {
        json_put_whole(out, "status", 200);
        put_good(deciding, out, item);
    }
    json_close(out, '}');
}

/* Settlements that follow each other share a transaction. */
static enum fault_code settle_run(struct deciding *deciding, struct item *items, size_t count,
                                  struct fault *fault)
{
    struct budgets_settlement *run = arena_alloc(deciding->request->arena, count * sizeof *run);
    size_t length = 0;
    if (!run)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a batch of settlements");
    for (size_t i = 0; i < count; i++)
        if (items[i].code == FAULT_NONE)
            run[length++] = (struct budgets_settlement){.reservation = items[i].reservation,
                                                        .quantity = items[i].asked.quantity};
    struct fault all;
    enum fault_code code = FAULT_NONE;
    if (length > 0)
        code = budgets_settle_many(deciding->service->budgets, deciding->caller.tenant, run, length,
                                   &all);
    length = 0;
    for (size_t i = 0; i < count; i++) {
        if (items[i].code != FAULT_NONE)
            continue;
        items[i].code = code != FAULT_NONE ? code : run[length].code;
        items[i].fault = code != FAULT_NONE ? all : run[length].fault;
        items[i].end = run[length++].end;
    }
    return FAULT_NONE;
}

static size_t settle_run_length(const struct item *items, size_t count)
{
    size_t length = 0;
    while (length < count && items[length].asked.action == BUDGETS_SETTLE)
        length++;
    return length;
}

static enum fault_code answer_several(struct deciding *deciding, const struct json *first,
                                      size_t count, struct web_reply *reply, struct fault *fault)
{
    struct item *items = arena_alloc(deciding->request->arena, count * sizeof *items);
    if (!items)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a batch of decisions");
    for (size_t i = 0; i < count; i++, first = json_next(first))
        read_item(deciding, first, &items[i]);
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    json_open_at(&out, "decisions", '[');
    for (size_t i = 0; i < count;) {
        size_t run = settle_run_length(items + i, count - i);
        enum fault_code code = FAULT_NONE;
        if (run > 0)
            code = settle_run(deciding, items + i, run, fault);
        else if (items[i].code == FAULT_NONE && is_end(&items[i]))
            end(deciding, &items[i]);
        else if (items[i].code == FAULT_NONE)
            decide(deciding, &items[i]);
        if (code != FAULT_NONE)
            return code;
        /* Views are shared: each is written before the next decision. */
        for (size_t until = i + (run > 0 ? run : 1); i < until; i++)
            put_item(deciding, &out, &items[i]);
    }
    json_close(&out, ']');
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

static enum fault_code post_decisions(void *context, struct web_request *request,
                                      struct web_reply *reply, struct fault *fault)
{
    struct deciding deciding = {.service = context, .request = request};
    const struct json *body;
    const struct json *first = NULL;
    size_t count = 0;
    enum fault_code code =
        identity_gate(deciding.service->identity, request, PERMIT_DECIDE, &deciding.caller, fault);
    if (code == FAULT_NONE)
        code = json_read(request->arena, request->body, &body, fault);
    if (code == FAULT_NONE)
        code = budgets_ask_several(body, &first, &count, fault);
    if (code == FAULT_NONE && !deciding.service->budgets)
        code = fault_set(fault, FAULT_UNAVAILABLE, "nothing is decided here");
    if (code == FAULT_NONE && first && request->quick)
        code = web_wait(request, fault); /* a thousand would hold up others */
    if (code != FAULT_NONE)
        return code;
    deciding.asker = deciding.caller.token;
    return first ? answer_several(&deciding, first, count, reply, fault)
                 : answer_one(&deciding, body, reply, fault);
}

/* --- GET ------------------------------------------------------------------------------------ */

enum { PAGE_USUAL = 100 };

static enum fault_code read_filter(const struct web_request *request,
                                   struct budgets_refusal_filter *out, struct fault *fault)
{
    out->budget = web_query(request, "budget");
    out->verdict = web_query(request, "verdict");
    out->before = web_query(request, "before");
    if (out->verdict.len > 0 && !str_equal(out->verdict, STR("throttle")) &&
        !str_equal(out->verdict, STR("block")))
        return fault_field(fault, FAULT_INPUT, "verdict",
                           "verdict must be throttle or block: what was allowed is only counted");
    if (out->before.len > 0 &&
        (out->before.len != BUDGETS_DECISION_ID_SIZE - 1 || !str_starts(out->before, STR("dec_"))))
        return fault_field(fault, FAULT_INPUT, "before",
                           "before must be the id of a decision, as \"next\" gives it");
    return web_query_whole(request, "limit", 1, BUDGETS_REFUSALS_PAGE_MAX, PAGE_USUAL, &out->limit,
                           fault);
}

static void put_entry(struct json_out *out, const struct budgets_refusal *refusal)
{
    enum budgets_basis basis = refusal->is_cost ? BUDGETS_COST : BUDGETS_QUANTITY;
    json_open(out, '{');
    json_put_text(out, "id", refusal->id);
    budgets_put_time(out, "at", refusal->at_us);
    json_put_text(out, "budget", refusal->budget);
    json_put_text(out, "budget_name", refusal->budget_name);
    json_put_text(out, "meter", refusal->meter);
    budgets_put_quantity(out, "quantity", refusal->quantity);
    budgets_amount_put(out, "used", basis, refusal->used);
    budgets_amount_put(out, "reserved", basis, refusal->reserved);
    budgets_amount_put(out, "limit", basis, refusal->limit);
    json_put_text(out, "verdict", refusal->verdict);
    json_put_boolean(out, "shadow", refusal->shadow);
    json_put_text(out, "caller", refusal->caller);
    json_put_text(out, "subject", refusal->subject);
    json_close(out, '}');
}

struct page {
    const struct budgets_refusal *entries;
    size_t count;
    int64_t allowed;
};

static enum fault_code read_today(struct store *store, struct str tenant, struct arena *arena,
                                  int64_t *out, struct fault *fault)
{
    struct str name;
    int anchor_day;
    struct zone *zone = NULL;
    enum fault_code code = usage_store_zone(store, tenant, arena, &name, &anchor_day, fault);
    if (code == FAULT_NONE)
        code = zone_open(name, anchor_day, &zone, fault);
    if (code == FAULT_NONE)
        code = budgets_allowed_read(
            store, tenant, zone_period_at(zone, ZONE_DAY, os_now_us()).from_us, out, fault);
    zone_free(zone);
    return code;
}

static enum fault_code read_page(struct service *service, struct str tenant,
                                 const struct budgets_refusal_filter *filter, struct arena *arena,
                                 struct page *out, struct fault *fault)
{
    struct store *store;
    struct store_list list = {0};
    /* One more than is shown tells whether there is a next page. A decision that several budgets
     * refused is several rows under one id, which is not torn apart. */
    struct budgets_refusal_filter wider = *filter;
    wider.limit = filter->limit + BUDGETS_APPLY_MAX;
    enum fault_code code = store_pool_take(service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = budgets_refusals_list(store, tenant, &wider, arena, &list, fault);
    out->entries = list.rows;
    out->count = list.count;
    if (code == FAULT_NONE)
        code = read_today(store, tenant, arena, &out->allowed, fault);
    store_pool_give(service->pool, store);
    return code;
}

static size_t shown_of(const struct page *page, size_t limit)
{
    size_t shown = page->count < limit ? page->count : limit;
    while (shown > 0 && shown < page->count &&
           str_equal(page->entries[shown].id, page->entries[shown - 1].id))
        shown++;
    return shown;
}

static enum fault_code get_decisions(void *context, struct web_request *request,
                                     struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct identity_caller caller;
    struct budgets_refusal_filter filter;
    struct page page = {0};
    enum fault_code code =
        identity_gate(service->identity, request, PERMIT_BUDGET_READ, &caller, fault);
    if (code == FAULT_NONE)
        code = read_filter(request, &filter, fault);
    if (code == FAULT_NONE)
        code = read_page(service, caller.tenant, &filter, request->arena, &page, fault);
    if (code != FAULT_NONE)
        return code;
    size_t shown = shown_of(&page, (size_t)filter.limit);
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    json_open_at(&out, "entries", '[');
    for (size_t i = 0; i < shown; i++)
        put_entry(&out, &page.entries[i]);
    json_close(&out, ']');
    if (shown < page.count)
        json_put_text(&out, "next", page.entries[shown - 1].id);
    else
        json_put_null(&out, "next");
    json_open_at(&out, "allowed", '{');
    json_put_whole(&out, "today", page.allowed);
    json_close(&out, '}');
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

const struct web_route budgets_decision_routes[] = {
    {"POST", "/v1/decisions", post_decisions, BUDGETS_ASK_BODY_MAX, WEB_MEASURE_DECISION,
     .quick = true},
    {"GET", "/v1/decisions", get_decisions, 0, WEB_MEASURE_BY_METHOD},
    WEB_ROUTES_END,
};
