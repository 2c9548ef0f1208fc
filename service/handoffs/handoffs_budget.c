/* Budgets and hand-offs: one of the meter `handoffs` is reserved before the work, settled in the
 * commit's own transaction, and given back when nothing came of it. What is committed already costs
 * nothing and is never refused. */
#include "service/handoffs/handoffs_call.h"

#include <assert.h>

#include "libs/core/log.h"
#include "service/handoffs/handoffs_store.h"

static struct budgets_ask ask_of(const struct handoffs_call *call)
{
    return (struct budgets_ask){
        .tenant = call->caller.tenant,
        .meter = usage_meter_find(STR("handoffs")),
        .quantity = 1,
        .ttl_s = BUDGETS_TTL_OWN_S,
        .caller = call->caller.token,
        .subject = call->manifest.user.len > 0 ? call->manifest.user : call->caller.name,
    };
}

static enum fault_code find_committed(struct handoffs_call *call, void *context,
                                      struct fault *fault)
{
    bool *out = context;
    struct handoffs_row row;
    enum fault_code code = handoffs_store_find(call->store, call->caller.tenant, call->manifest.id,
                                               call->request->arena, &row, fault);
    *out = code == FAULT_NONE;
    return code == FAULT_NOT_FOUND ? FAULT_NONE : code;
}

static enum fault_code refuse(struct handoffs_call *call, const struct budgets_decision *decision,
                              struct fault *fault)
{
    atomic_fetch_add(&call->service->counters.handoffs_refused, 1);
    log_event(LOG_INFO, "handoff.over_budget", LOG_TEXT("tenant", call->caller.tenant),
              LOG_TEXT("id", call->manifest.id),
              LOG_TEXT("verdict", str_of(budgets_verdict_name(decision->verdict))),
              LOG_TEXT("budget", str_of(decision->refused_by.id)));
    handoffs_audit_over_budget(call, decision);
    return budgets_reply_refusal(call->request, call->reply, decision, fault);
}

/* Asks, and looks only when the answer is no whether there is anything to pay for. */
static enum fault_code ask_budgets(struct handoffs_call *call, const struct budgets_ask *ask,
                                   struct budgets_decision *decision, bool *out_refused,
                                   struct fault *fault)
{
    struct budgets_view views[BUDGETS_APPLY_MAX];
    bool committed = false;
    decision->views = views;
    decision->view_room = BUDGETS_APPLY_MAX;
    *out_refused = false;
    enum fault_code code = budgets_decide(call->service->budgets, ask, decision, fault);
    if (code != FAULT_NONE)
        return code;
    budgets_count_decision(&call->service->counters, decision);
    decision->views = NULL;
    if (decision->verdict == BUDGETS_ALLOWED)
        return FAULT_NONE;
    code = handoffs_call_read(call, find_committed, &committed, fault);
    if (code != FAULT_NONE || committed)
        return code;
    *out_refused = true;
    return refuse(call, decision, fault);
}

enum fault_code handoffs_budget_look(struct handoffs_call *call, bool *out_refused,
                                     struct fault *fault)
{
    struct budgets_decision decision;
    struct budgets_ask ask = ask_of(call);
    *out_refused = false;
    if (!call->service->budgets)
        return FAULT_NONE;
    ask.look = true;
    return ask_budgets(call, &ask, &decision, out_refused, fault);
}

enum fault_code handoffs_budget_reserve(struct handoffs_call *call, bool *out_refused,
                                        struct fault *fault)
{
    struct budgets_decision decision = {0};
    struct budgets_ask ask = ask_of(call);
    *out_refused = false;
    call->reserved.number = 0;
    if (!call->service->budgets)
        return FAULT_NONE;
    ask.reserve = true;
    enum fault_code code = ask_budgets(call, &ask, &decision, out_refused, fault);
    if (code != FAULT_NONE || decision.reservation.number == 0)
        return code;
    call->reserved = decision.reservation;
    budgets_settle_begin(call->service->budgets, call->caller.tenant, &call->reserved);
    return FAULT_NONE;
}

enum fault_code handoffs_budget_settle(struct handoffs_call *call, struct fault *fault)
{
    if (call->reserved.number == 0)
        return FAULT_NONE;
    return budgets_settle_in(call->service->budgets, call->caller.tenant, &call->reserved,
                             call->store, fault);
}

void handoffs_budget_done(struct handoffs_call *call, enum fault_code code, bool duplicate)
{
    if (call->reserved.number == 0)
        return;
    enum budgets_kept kept = code == FAULT_NONE ? duplicate ? BUDGETS_NOT_KEPT : BUDGETS_KEPT
                             : code == FAULT_UNAVAILABLE ? BUDGETS_UNKNOWN
                                                         : BUDGETS_NOT_KEPT;
    budgets_settle_done(call->service->budgets, call->caller.tenant, &call->reserved, kept);
    call->reserved.number = 0;
}
