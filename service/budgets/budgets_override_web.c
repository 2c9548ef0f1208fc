/* The routes of overrides. */
#include "service/budgets/budgets_override.h"

#include "libs/text/time.h"
#include "service/service.h"

/* --- GET ------------------------------------------------------------------------------------ */

static enum fault_code list_in(const struct budgets_act *act, struct store *store,
                               struct web_reply *reply, struct fault *fault)
{
    struct arena *arena = act->request->arena;
    enum budgets_basis basis = BUDGETS_QUANTITY;
    struct store_list list = {0};
    enum fault_code code = store_begin_read(store, fault);
    if (code == FAULT_NONE)
        code = budgets_store_basis(store, act->caller.tenant, act->request->parts[0], arena, &basis,
                                   fault);
    if (code == FAULT_NONE)
        code =
            budgets_store_override_list(store, act->caller.tenant, act->request->parts[0],
                                        act->now_us, BUDGETS_OVERRIDES_SHOWN, arena, &list, fault);
    if (code != FAULT_NONE)
        return code;
    const struct budgets_override *overrides = list.rows;
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    json_open_at(&out, "overrides", '[');
    for (size_t i = 0; i < list.count; i++)
        budgets_override_put(&out, NULL, basis, &overrides[i]);
    json_close(&out, ']');
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

static enum fault_code get_list(void *context, struct web_request *request, struct web_reply *reply,
                                struct fault *fault)
{
    struct budgets_act act = {.service = context, .request = request};
    struct store *store;
    enum fault_code code = budgets_act_begin(&act, PERMIT_BUDGET_READ, fault);
    if (code == FAULT_NONE)
        code = store_pool_take(act.service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = list_in(&act, store, reply, fault);
    store_pool_give(act.service->pool, store);
    return code;
}

/* --- asking --------------------------------------------------------------------------------- */

struct asking {
    struct budgets_act act;
    struct budgets_override_given given;
    struct str id;
    struct budgets_override override; /* what came of it */
    enum budgets_basis basis;
};

/* One at a time: what expired makes room, what is open is named. */
static enum fault_code check_open(const struct asking *asking, struct store *store,
                                  const struct budgets_row *row, struct fault *fault)
{
    size_t expired;
    if (row->override)
        return fault_field(fault, FAULT_CONFLICT, "kind",
                           "the budget has an override that is %s, asked for by %.*s; revoke it "
                           "first",
                           budgets_override_state_name(row->override->state),
                           STR_ARG(row->override->asked_by));
    return budgets_override_expire(store, asking->act.service->audit, asking->act.caller.tenant,
                                   asking->act.now_us, asking->act.request->arena, &expired, fault);
}

static enum fault_code read_amount(struct asking *asking, const struct budgets_row *row,
                                   struct fault *fault)
{
    struct budgets_override *override = &asking->override;
    if (override->kind == BUDGETS_BYPASS)
        return FAULT_NONE;
    if (budgets_amount_read(row->definition.basis, asking->given.amount, &override->amount) &&
        override->amount > 0)
        return FAULT_NONE;
    return fault_field(fault, FAULT_INPUT, "amount",
                       "amount holds \"%.*s\"; it must be %s, in the unit of the budget",
                       STR_ARG(str_take(asking->given.amount, 40)),
                       row->definition.basis == BUDGETS_COST
                           ? "more than 0, with at most six digits behind the point, at most "
                             "\"1000000000000\""
                           : "a whole number from \"1\" to \"1000000000000000000\"");
}

static enum fault_code note_asked(const struct asking *asking, struct store *store,
                                  const struct budgets_row *row, struct fault *fault)
{
    const struct budgets_override *override = &asking->override;
    struct buf detail;
    buf_init(&detail, BUDGETS_DETAIL_MAX);
    if (override->kind == BUDGETS_AMOUNT) {
        buf_add_c(&detail, "amount ");
        budgets_amount_add(&detail, asking->basis, override->amount);
    } else {
        buf_add_c(&detail, "bypass");
    }
    buf_add_c(&detail, " until ");
    time_add_rfc3339(&detail, override->expires_us);
    if (override->state == BUDGETS_WAITING)
        buf_add_c(&detail, ", waiting for a second person");
    buf_addf(&detail, ": %.*s", STR_ARG(override->reason));
    enum fault_code code = budgets_act_note(&asking->act, store, override->budget, "override.asked",
                                            buf_str(&detail), fault);
    buf_done(&detail);
    if (code == FAULT_NONE)
        code = budgets_override_tell(store, asking->act.caller.tenant, row, override, "asked",
                                     asking->act.now_us, fault);
    return code;
}

static enum fault_code ask_in(struct store *store, void *context, struct fault *fault)
{
    struct asking *asking = context;
    const struct budgets_act *act = &asking->act;
    struct budgets_row row;
    enum fault_code code = budgets_store_find(store, act->caller.tenant, act->request->parts[0],
                                              act->now_us, act->request->arena, &row, fault);
    if (code == FAULT_NONE)
        code = check_open(asking, store, &row, fault);
    if (code != FAULT_NONE)
        return code;
    asking->basis = row.definition.basis;
    asking->override = (struct budgets_override){
        .id = asking->id,
        .budget = row.id,
        .kind = asking->given.kind,
        .reason = asking->given.reason,
        .state = row.definition.two_person ? BUDGETS_WAITING : BUDGETS_ACTIVE,
        .asked_us = act->now_us,
        .asked_by = act->caller.name,
        .asked_token = act->caller.token,
        .expires_us = asking->given.expires_us,
    };
    code = read_amount(asking, &row, fault);
    if (code == FAULT_NONE)
        code = budgets_store_override_put(store, act->caller.tenant, &asking->override, fault);
    return code == FAULT_NONE ? note_asked(asking, store, &row, fault) : code;
}

static enum fault_code post_ask(void *context, struct web_request *request, struct web_reply *reply,
                                struct fault *fault)
{
    struct asking asking = {.act = {.service = context, .request = request}};
    const struct json *body;
    enum fault_code code = budgets_act_begin(&asking.act, PERMIT_BUDGET_ADMIN, fault);
    if (code == FAULT_NONE)
        code = json_read(request->arena, request->body, &body, fault);
    if (code == FAULT_NONE)
        code = budgets_override_read(body, asking.act.now_us, &asking.given, fault);
    if (code == FAULT_NONE)
        code = budgets_id_draw(request->arena, "ovr_", &asking.id, fault);
    if (code == FAULT_NONE)
        code = store_pool_write(asking.act.service->pool, ask_in, &asking, fault);
    if (code != FAULT_NONE)
        return code;
    budgets_act_done(&asking.act);
    reply->status = 201;
    struct json_out out = json_out_to(&reply->body);
    budgets_override_put(&out, NULL, asking.basis, &asking.override);
    return buf_check(&reply->body, "the answer", fault);
}

/* --- approving, revoking -------------------------------------------------------------------- */

struct answering {
    struct budgets_act act;
    bool approve;
    struct str reason;
    struct budgets_override override;
    enum budgets_basis basis;
};

static enum fault_code check_open_still(const struct budgets_override *override,
                                        struct fault *fault)
{
    if (override->state == BUDGETS_EXPIRED)
        return fault_field(fault, FAULT_CONFLICT, "state",
                           "the override has expired; ask for another one");
    if (override->state == BUDGETS_REVOKED)
        return fault_field(fault, FAULT_CONFLICT, "state", "the override was revoked by %.*s",
                           STR_ARG(override->ended_by));
    return FAULT_NONE;
}

/* Two persons are two names with two tokens: neither another token of the same name nor a name that
 * was changed makes a second one. */
static enum fault_code check_second(const struct answering *answering, struct fault *fault)
{
    const struct budgets_override *override = &answering->override;
    const struct identity_caller *caller = &answering->act.caller;
    if (override->state == BUDGETS_ACTIVE)
        return fault_field(fault, FAULT_CONFLICT, "state",
                           "the override holds already and needs no approval");
    if (str_equal(override->asked_by, caller->name) ||
        str_equal(override->asked_token, caller->token))
        return fault_field(fault, FAULT_DENIED, "id",
                           "you have asked for this override; somebody else must approve it");
    return FAULT_NONE;
}

static enum fault_code answer_in(struct store *store, void *context, struct fault *fault)
{
    struct answering *answering = context;
    const struct budgets_act *act = &answering->act;
    struct budgets_override *override = &answering->override;
    const struct web_request *request = act->request;
    struct budgets_row row;
    enum fault_code code = budgets_store_find(store, act->caller.tenant, request->parts[0],
                                              act->now_us, request->arena, &row, fault);
    if (code == FAULT_NONE)
        code = budgets_store_override_find(store, act->caller.tenant, row.id, request->parts[1],
                                           act->now_us, request->arena, override, fault);
    if (code == FAULT_NONE)
        code = check_open_still(override, fault);
    if (code == FAULT_NONE && answering->approve)
        code = check_second(answering, fault);
    if (code != FAULT_NONE)
        return code;
    answering->basis = row.definition.basis;
    if (answering->approve) {
        override->state = BUDGETS_ACTIVE;
        override->approved_us = act->now_us;
        override->approved_by = act->caller.name;
        override->approved_why = answering->reason;
    } else {
        override->state = BUDGETS_REVOKED;
        override->ended_us = act->now_us;
        override->ended_by = act->caller.name;
        override->ended_why = answering->reason;
    }
    const char *what = answering->approve ? "approved" : "revoked";
    code = budgets_store_override_note(store, act->caller.tenant, override, fault);
    if (code == FAULT_NONE)
        code = budgets_act_note(act, store, row.id,
                                answering->approve ? "override.approved" : "override.revoked",
                                answering->reason, fault);
    return code == FAULT_NONE ? budgets_override_tell(store, act->caller.tenant, &row, override,
                                                      what, act->now_us, fault)
                              : code;
}

static enum fault_code answer(struct service *service, struct web_request *request,
                              struct web_reply *reply, bool approve, struct fault *fault)
{
    static const char *const known[] = {"reason"};
    struct answering answering = {.act = {.service = service, .request = request},
                                  .approve = approve};
    const struct json *body;
    enum fault_code code = budgets_act_begin(&answering.act, PERMIT_BUDGET_ADMIN, fault);
    if (code == FAULT_NONE)
        code = json_read(request->arena, request->body, &body, fault);
    if (code == FAULT_NONE)
        code = budgets_members_check(body, known, 1, fault);
    if (code == FAULT_NONE)
        code = budgets_reason_read(body, &answering.reason, fault);
    if (code == FAULT_NONE)
        code = store_pool_write(service->pool, answer_in, &answering, fault);
    if (code != FAULT_NONE)
        return code;
    budgets_act_done(&answering.act);
    struct json_out out = json_out_to(&reply->body);
    budgets_override_put(&out, NULL, answering.basis, &answering.override);
    return buf_check(&reply->body, "the answer", fault);
}

static enum fault_code post_approve(void *context, struct web_request *request,
                                    struct web_reply *reply, struct fault *fault)
{
    return answer(context, request, reply, true, fault);
}

static enum fault_code post_revoke(void *context, struct web_request *request,
                                   struct web_reply *reply, struct fault *fault)
{
    return answer(context, request, reply, false, fault);
}

const struct web_route budgets_override_routes[] = {
    {"GET", "/v1/budgets/{}/overrides", get_list, 0},
    {"POST", "/v1/budgets/{}/overrides", post_ask, BUDGETS_BODY_MAX},
    {"POST", "/v1/budgets/{}/overrides/{}/approve", post_approve, BUDGETS_BODY_MAX},
    {"POST", "/v1/budgets/{}/overrides/{}/revoke", post_revoke, BUDGETS_BODY_MAX},
    WEB_ROUTES_END,
};
