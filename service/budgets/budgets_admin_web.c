/* The routes of budgets themselves. */
#include "service/budgets/budgets_admin.h"

#include "service/budgets/budgets_admin_change.h"
#include "service/notify/notify.h"
#include "service/service.h"
#include "service/usage/usage_query.h"

enum { DELETE_BODY_MAX = 1024 };

/* --- answers -------------------------------------------------------------------------------- */

static void put_budget(struct json_out *out, const char *name, const struct budgets_row *row,
                       const struct budgets_state *state)
{
    const struct budgets_definition *definition = &row->definition;
    __int128 per;
    json_open_at(out, name, '{');
    json_put_text(out, "id", row->id);
    budgets_definition_put(out, definition);
    json_put_text(out, "unit",
                  definition->basis == BUDGETS_COST
                      ? definition->currency
                      : str_of(budgets_unit(definition->meters[0], &per)));
    json_put_whole(out, "version", row->version);
    usage_put_time(out, "created_at", row->created_us);
    json_put_text(out, "created_by", row->created_by);
    usage_put_time(out, "updated_at", row->updated_us);
    json_put_text(out, "updated_by", row->updated_by);
    budgets_state_put(out, row, state);
    json_close(out, '}');
}

static enum fault_code put_rows(const struct budgets_ground *ground, const struct budgets_row *rows,
                                size_t count, struct json_out *out, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    for (size_t i = 0; i < count && code == FAULT_NONE; i++) {
        struct budgets_state state;
        code = budgets_state_read(ground, &rows[i], ground->now_us, &state, fault);
        if (code == FAULT_NONE)
            put_budget(out, NULL, &rows[i], &state);
    }
    return code;
}

/* The budget `id`, or all of them when that is empty. */
static enum fault_code put_in(const struct budgets_act *act, struct store *store, struct str id,
                              struct json_out *out, struct fault *fault)
{
    struct arena *arena = act->request->arena;
    struct budgets_ground ground;
    struct budgets_loaded loaded = {0};
    struct budgets_row one;
    enum fault_code code = store_begin_read(store, fault);
    if (code == FAULT_NONE && id.len == 0)
        code = budgets_load(store, act->caller.tenant, act->now_us, arena, &loaded, fault);
    if (code == FAULT_NONE && id.len > 0) {
        code = budgets_store_find(store, act->caller.tenant, id, act->now_us, arena, &one, fault);
        loaded = (struct budgets_loaded){.rows = &one, .count = 1};
    }
    if (code != FAULT_NONE || loaded.count == 0)
        return code;
    code = budgets_ground_open(store, act->caller.tenant, act->now_us, arena, &ground, fault);
    if (code != FAULT_NONE)
        return code;
    code = put_rows(&ground, loaded.rows, loaded.count, out, fault);
    budgets_ground_done(&ground);
    return code;
}

static enum fault_code reply_with(const struct budgets_act *act, struct str id,
                                  struct web_reply *reply, struct fault *fault)
{
    struct store *store;
    enum fault_code code = store_pool_take(act->service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    struct json_out out = json_out_to(&reply->body);
    if (id.len == 0) {
        json_open(&out, '{');
        json_open_at(&out, "budgets", '[');
    }
    code = put_in(act, store, id, &out, fault);
    store_pool_give(act->service->pool, store);
    if (id.len == 0) {
        json_close(&out, ']');
        json_close(&out, '}');
    }
    return code == FAULT_NONE ? buf_check(&reply->body, "the answer", fault) : code;
}

static enum fault_code get_list(void *context, struct web_request *request, struct web_reply *reply,
                                struct fault *fault)
{
    struct budgets_act act = {.service = context, .request = request};
    enum fault_code code = budgets_act_begin(&act, PERMIT_BUDGET_READ, fault);
    return code == FAULT_NONE ? reply_with(&act, STR(""), reply, fault) : code;
}

static enum fault_code get_one(void *context, struct web_request *request, struct web_reply *reply,
                               struct fault *fault)
{
    struct budgets_act act = {.service = context, .request = request};
    enum fault_code code = budgets_act_begin(&act, PERMIT_BUDGET_READ, fault);
    return code == FAULT_NONE ? reply_with(&act, request->parts[0], reply, fault) : code;
}

/* --- changes -------------------------------------------------------------------------------- */

struct changing {
    struct budgets_act act;
    struct budgets_definition definition;
    int64_t version; /* that the caller has read */
    struct str id;
};

/* What the definition says of things that are in the store. */
static enum fault_code check_definition(struct changing *changing, struct store *store,
                                        struct fault *fault)
{
    struct budgets_definition *definition = &changing->definition;
    struct prices_table table;
    enum fault_code code =
        notify_recipients_check(store, changing->act.caller.tenant, definition->recipients,
                                definition->recipient_count, fault);
    if (code != FAULT_NONE || definition->basis == BUDGETS_QUANTITY)
        return code;
    code = prices_load(store, changing->act.caller.tenant, changing->act.request->arena, &table,
                       fault);
    if (code != FAULT_NONE)
        return code;
    if (table.count == 0)
        return fault_field(fault, FAULT_CONFLICT, "basis",
                           "a budget of cost needs prices, and there are none; give them with POST "
                           "/v1/prices first");
    if (definition->currency.len > 0 && !str_equal(definition->currency, table.currency))
        return fault_field(fault, FAULT_INPUT, "currency",
                           "currency holds \"%.*s\"; the prices are in %.*s",
                           STR_ARG(definition->currency), STR_ARG(table.currency));
    definition->currency = table.currency;
    return FAULT_NONE;
}

static enum fault_code note_text(const struct changing *changing, struct store *store,
                                 const char *kind, const struct buf *text, struct fault *fault)
{
    enum fault_code code = buf_check(text, "an entry of the history", fault);
    return code == FAULT_NONE
               ? budgets_act_note(&changing->act, store, changing->id, kind, buf_str(text), fault)
               : code;
}

static enum fault_code create_in(struct store *store, void *context, struct fault *fault)
{
    struct changing *changing = context;
    const struct budgets_act *act = &changing->act;
    struct buf text;
    enum fault_code code = check_definition(changing, store, fault);
    if (code != FAULT_NONE)
        return code;
    const struct budgets_row row = {
        .id = changing->id,
        .version = 1,
        .definition = changing->definition,
        .created_us = act->now_us,
        .created_by = act->caller.name,
        .updated_us = act->now_us,
        .updated_by = act->caller.name,
    };
    code = budgets_store_insert(store, act->caller.tenant, &row, fault);
    if (code != FAULT_NONE)
        return code;
    buf_init(&text, BUDGETS_DETAIL_MAX);
    budgets_change_tell_new(&text, &row.definition);
    code = note_text(changing, store, "created", &text, fault);
    buf_done(&text);
    return code;
}

static enum fault_code check_version(const struct changing *changing, const struct budgets_row *row,
                                     struct fault *fault)
{
    if (changing->version == row->version)
        return FAULT_NONE;
    return fault_field(fault, FAULT_CONFLICT, "version",
                       "the budget is at version %lld, changed by %.*s; you have read version "
                       "%lld: read it again, then decide",
                       (long long)row->version, STR_ARG(row->updated_by),
                       (long long)changing->version);
}

static enum fault_code change_in(struct store *store, void *context, struct fault *fault)
{
    struct changing *changing = context;
    const struct budgets_act *act = &changing->act;
    struct budgets_row row;
    struct buf text;
    enum fault_code code = budgets_store_find(store, act->caller.tenant, changing->id, act->now_us,
                                              act->request->arena, &row, fault);
    if (code == FAULT_NONE)
        code = check_version(changing, &row, fault);
    if (code == FAULT_NONE)
        code = check_definition(changing, store, fault);
    if (code != FAULT_NONE)
        return code;
    if (row.override && row.definition.basis != changing->definition.basis)
        return fault_field(fault, FAULT_CONFLICT, "basis",
                           "an override of the budget is open, and its amount would mean something "
                           "else; revoke it first");
    buf_init(&text, BUDGETS_DETAIL_MAX);
    budgets_change_tell(&text, &row.definition, &changing->definition);
    if (text.len > 0) { /* else it says what it said, and stays that version */
        row.definition = changing->definition;
        row.version++;
        row.updated_us = act->now_us;
        row.updated_by = act->caller.name;
        code = budgets_store_update(store, act->caller.tenant, &row, fault);
        if (code == FAULT_NONE)
            code = note_text(changing, store, "changed", &text, fault);
    }
    buf_done(&text);
    return code;
}

/* An override of it ends with it. */
static enum fault_code end_override(const struct changing *changing, struct store *store,
                                    const struct budgets_row *row, struct fault *fault)
{
    if (!row->override)
        return FAULT_NONE;
    struct budgets_override ended = *row->override;
    ended.state = BUDGETS_REVOKED;
    ended.ended_us = changing->act.now_us;
    ended.ended_by = changing->act.caller.name;
    ended.ended_why = STR("the budget was deleted");
    enum fault_code code =
        budgets_store_override_note(store, changing->act.caller.tenant, &ended, fault);
    return code == FAULT_NONE
               ? budgets_act_note(&changing->act, store, changing->id, "override.revoked",
                                  STR("the budget was deleted"), fault)
               : code;
}

static enum fault_code delete_in(struct store *store, void *context, struct fault *fault)
{
    struct changing *changing = context;
    const struct budgets_act *act = &changing->act;
    struct budgets_row row;
    enum fault_code code = budgets_store_find(store, act->caller.tenant, changing->id, act->now_us,
                                              act->request->arena, &row, fault);
    if (code == FAULT_NONE)
        code = check_version(changing, &row, fault);
    if (code == FAULT_NONE)
        code = end_override(changing, store, &row, fault);
    if (code == FAULT_NONE)
        code = budgets_store_delete(store, act->caller.tenant, changing->id, act->now_us, fault);
    if (code == FAULT_NONE)
        code = budgets_act_note(act, store, changing->id, "deleted", row.definition.name, fault);
    return code;
}

static enum fault_code read_body(struct changing *changing, struct fault *fault)
{
    const struct web_request *request = changing->act.request;
    const struct json *body;
    enum fault_code code = json_read(request->arena, request->body, &body, fault);
    return code == FAULT_NONE ? budgets_definition_read(request->arena, body, &changing->definition,
                                                        &changing->version, fault)
                              : code;
}

static enum fault_code post_one(void *context, struct web_request *request, struct web_reply *reply,
                                struct fault *fault)
{
    struct changing changing = {.act = {.service = context, .request = request}};
    enum fault_code code = budgets_act_begin(&changing.act, PERMIT_BUDGET_ADMIN, fault);
    if (code == FAULT_NONE)
        code = read_body(&changing, fault);
    if (code == FAULT_NONE)
        code = budgets_id_draw(request->arena, "bdg_", &changing.id, fault);
    if (code == FAULT_NONE)
        code = store_pool_write(changing.act.service->pool, create_in, &changing, fault);
    if (code != FAULT_NONE)
        return code;
    budgets_act_done(&changing.act);
    reply->status = 201;
    return reply_with(&changing.act, changing.id, reply, fault);
}

static enum fault_code put_one(void *context, struct web_request *request, struct web_reply *reply,
                               struct fault *fault)
{
    struct changing changing = {.act = {.service = context, .request = request},
                                .id = request->parts[0]};
    enum fault_code code = budgets_act_begin(&changing.act, PERMIT_BUDGET_ADMIN, fault);
    if (code == FAULT_NONE)
        code = read_body(&changing, fault);
    if (code == FAULT_NONE && changing.version == 0)
        code = fault_field(fault, FAULT_INPUT, "version",
                           "version is missing: give the number that GET gave, so that nobody's "
                           "change is written over unseen");
    if (code == FAULT_NONE)
        code = store_pool_write(changing.act.service->pool, change_in, &changing, fault);
    if (code != FAULT_NONE)
        return code;
    budgets_act_done(&changing.act);
    return reply_with(&changing.act, changing.id, reply, fault);
}

/* In the query or, since some clients can only do that, in a body. */
static enum fault_code read_delete_version(struct changing *changing, struct fault *fault)
{
    static const char *const known[] = {"version"};
    const struct web_request *request = changing->act.request;
    const struct json *body = NULL;
    enum fault_code code =
        web_query_whole(request, "version", 1, INT64_MAX, 0, &changing->version, fault);
    if (code == FAULT_NONE && changing->version == 0 && request->body.len > 0) {
        code = json_read(request->arena, request->body, &body, fault);
        if (code == FAULT_NONE)
            code = budgets_members_check(body, known, 1, fault);
        if (code == FAULT_NONE && !json_whole(json_member(body, "version"), &changing->version))
            changing->version = 0;
    }
    if (code == FAULT_NONE && changing->version < 1)
        code = fault_field(fault, FAULT_INPUT, "version",
                           "version is missing: add ?version= with the number that GET gave");
    return code;
}

static enum fault_code delete_one(void *context, struct web_request *request,
                                  struct web_reply *reply, struct fault *fault)
{
    struct changing changing = {.act = {.service = context, .request = request},
                                .id = request->parts[0]};
    enum fault_code code = budgets_act_begin(&changing.act, PERMIT_BUDGET_ADMIN, fault);
    if (code == FAULT_NONE)
        code = read_delete_version(&changing, fault);
    if (code == FAULT_NONE)
        code = store_pool_write(changing.act.service->pool, delete_in, &changing, fault);
    if (code != FAULT_NONE)
        return code;
    budgets_act_done(&changing.act);
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    json_put_text(&out, "id", changing.id);
    json_put_text(&out, "state", STR("deleted"));
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

const struct web_route budgets_admin_routes[] = {
    {"GET", "/v1/budgets", get_list, 0},
    {"POST", "/v1/budgets", post_one, BUDGETS_BODY_MAX},
    {"GET", "/v1/budgets/{}", get_one, 0},
    {"PUT", "/v1/budgets/{}", put_one, BUDGETS_BODY_MAX},
    {"DELETE", "/v1/budgets/{}", delete_one, DELETE_BODY_MAX},
    WEB_ROUTES_END,
};
