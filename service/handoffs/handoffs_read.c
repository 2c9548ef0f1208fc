/* The routes that show, and the one behind every link. */
#include "service/handoffs/handoffs.h"

#include <inttypes.h>
#include <stdio.h>

#include "service/graph/graph_slice.h"
#include "service/handoffs/handoffs_call.h"
#include "service/handoffs/handoffs_rules.h"
#include "service/web/web_page.h"

enum {
    LIST_USUAL = 50,
    DRAWN_USUAL = 1500,
    PAGE_USUAL = 200,
    CHECKPOINT_MAX = 64 * 1024,
};

/* The hand-off of the path. */
static enum fault_code find_row(struct handoffs_call *call, struct handoffs_row *out,
                                struct fault *fault)
{
    return handoffs_store_find(call->store, call->caller.tenant, call->request->parts[0],
                               call->request->arena, out, fault);
}

static enum fault_code run_for_reader(void *service, struct web_request *request,
                                      struct web_reply *reply, handoffs_work *work,
                                      struct fault *fault)
{
    struct handoffs_call call = {.service = service, .request = request, .reply = reply};
    enum fault_code code =
        identity_gate(call.service->identity, request, PERMIT_HANDOFF_READ, &call.caller, fault);
    return code == FAULT_NONE ? handoffs_call_run(&call, work, fault) : code;
}

/* --- GET /v1/handoffs ----------------------------------------------------------------------- */

static enum fault_code list(struct handoffs_call *call, struct fault *fault)
{
    struct web_page page = {.prefix = ""};
    struct store_list all;
    enum fault_code code =
        web_page_read(call->request, LIST_USUAL, HANDOFFS_LIST_MAX, &page, fault);
    if (code == FAULT_NONE)
        code = handoffs_store_list(call->store, call->caller.tenant, page.before, page.limit + 1,
                                   call->request->arena, &all, fault);
    if (code != FAULT_NONE)
        return code;
    const struct handoffs_row *rows = all.rows;
    size_t shown = web_page_shown(&page, all.count);
    struct json_out out = json_out_to(&call->reply->body);
    json_open(&out, '{');
    json_open_at(&out, "handoffs", '[');
    for (size_t i = 0; i < shown; i++)
        handoffs_put_row(&out, NULL, &rows[i]);
    json_close(&out, ']');
    web_page_put_next(&out, &page, all.count, shown > 0 ? rows[shown - 1].number : 0);
    json_close(&out, '}');
    return buf_check(&call->reply->body, "the list of hand-offs", fault);
}

static enum fault_code get_list(void *service, struct web_request *request, struct web_reply *reply,
                                struct fault *fault)
{
    return run_for_reader(service, request, reply, list, fault);
}

/* --- GET /v1/handoffs/{id} and its receipt -------------------------------------------------- */

static enum fault_code show(struct handoffs_call *call, struct fault *fault)
{
    struct handoffs_row row;
    enum fault_code code = find_row(call, &row, fault);
    if (code != FAULT_NONE)
        return code;
    struct json_out out = json_out_to(&call->reply->body);
    handoffs_put_row(&out, NULL, &row);
    return buf_check(&call->reply->body, "the hand-off", fault);
}

static enum fault_code get_handoff(void *service, struct web_request *request,
                                   struct web_reply *reply, struct fault *fault)
{
    return run_for_reader(service, request, reply, show, fault);
}

static enum fault_code show_receipt(struct handoffs_call *call, struct fault *fault)
{
    struct handoffs_outcome outcome = {.same_content = true};
    enum fault_code code = find_row(call, &outcome.row, fault);
    if (code == FAULT_NONE)
        code = handoffs_call_link(call, outcome.row.id, fault);
    if (code == FAULT_NONE)
        code = handoffs_reply_receipt(call, &outcome, fault);
    if (code == FAULT_NONE)
        call->reply->status = 200;
    return code;
}

static enum fault_code get_receipt(void *service, struct web_request *request,
                                   struct web_reply *reply, struct fault *fault)
{
    return run_for_reader(service, request, reply, show_receipt, fault);
}

/* The receipt as a Sigstore bundle: for verifiers that know nothing of this service. */
static enum fault_code show_bundle(struct handoffs_call *call, struct fault *fault)
{
    struct handoffs_row row;
    enum fault_code code = find_row(call, &row, fault);
    if (code == FAULT_NONE)
        code = audit_receipt_bundle(call->service->audit, call->store, call->caller.tenant, row.id,
                                    &call->reply->body, fault);
    if (code == FAULT_NONE)
        call->reply->content_type = STR(AUDIT_BUNDLE_TYPE);
    return code;
}

static enum fault_code get_bundle(void *service, struct web_request *request,
                                  struct web_reply *reply, struct fault *fault)
{
    return run_for_reader(service, request, reply, show_bundle, fault);
}

/* --- GET /v1/handoffs/{id}/graph and /entities ---------------------------------------------- */

static enum fault_code draw(struct handoffs_call *call, struct fault *fault)
{
    struct handoffs_row row;
    int64_t most = 0;
    enum fault_code code = web_query_whole(call->request, "limit", 1, GRAPH_SLICE_ENTITIES_MAX,
                                           DRAWN_USUAL, &most, fault);
    if (code == FAULT_NONE)
        code = store_begin_read(call->store, fault);
    if (code != FAULT_NONE)
        return code;
    code = find_row(call, &row, fault);
    if (code == FAULT_NONE) {
        struct json_out out = json_out_to(&call->reply->body);
        json_open(&out, '{');
        handoffs_put_row(&out, "handoff", &row);
        code = graph_slice_put_drawing(call->store, call->caller.tenant, row.number, most, &out,
                                       fault);
        json_close(&out, '}');
    }
    store_rollback(call->store);
    return code == FAULT_NONE ? buf_check(&call->reply->body, "the graph", fault) : code;
}

static enum fault_code get_graph(void *service, struct web_request *request,
                                 struct web_reply *reply, struct fault *fault)
{
    return run_for_reader(service, request, reply, draw, fault);
}

static enum fault_code list_entities(struct handoffs_call *call, struct fault *fault)
{
    struct handoffs_row row;
    struct graph_slice_page page = {
        .kind = web_query(call->request, "kind"),
        .text = web_query(call->request, "q"),
    };
    enum fault_code code =
        web_query_whole(call->request, "after", 1, INT64_MAX, 0, &page.after, fault);
    if (code == FAULT_NONE)
        code = web_query_whole(call->request, "limit", 1, GRAPH_SLICE_PAGE_MAX, PAGE_USUAL,
                               &page.most, fault);
    if (code == FAULT_NONE)
        code = store_begin_read(call->store, fault);
    if (code != FAULT_NONE)
        return code;
    code = find_row(call, &row, fault);
    if (code == FAULT_NONE) {
        struct json_out out = json_out_to(&call->reply->body);
        json_open(&out, '{');
        code =
            graph_slice_put_page(call->store, call->caller.tenant, row.number, &page, &out, fault);
        json_close(&out, '}');
    }
    store_rollback(call->store);
    return code == FAULT_NONE ? buf_check(&call->reply->body, "the page", fault) : code;
}

static enum fault_code get_entities(void *service, struct web_request *request,
                                    struct web_reply *reply, struct fault *fault)
{
    return run_for_reader(service, request, reply, list_entities, fault);
}

/* --- GET /open/handoffs/{id} ---------------------------------------------------------------- */

static enum fault_code append_click(struct handoffs_call *call, const struct handoffs_row *row,
                                    struct fault *fault)
{
    const struct handoffs_event event = {
        .action = "handoff.opened",
        .result = "success",
        .handoff = row->id,
    };
    struct buf checkpoint;
    int64_t index;
    buf_init(&checkpoint, CHECKPOINT_MAX);
    enum fault_code code = handoffs_audit_append(call, &event, &index, &checkpoint, fault);
    buf_done(&checkpoint);
    return code;
}

/* As with a commit: a click that cannot go on record is refused. */
static enum fault_code record_click(struct handoffs_call *call, void *context, struct fault *fault)
{
    struct handoffs_row *row = context;
    enum fault_code code = find_row(call, row, fault);
    if (code == FAULT_NONE)
        code = handoffs_store_add_click(call->store, call->caller.tenant, row->id, fault);
    return code == FAULT_NONE ? append_click(call, row, fault) : code;
}

static enum fault_code look(struct handoffs_call *call, void *context, struct fault *fault)
{
    struct handoffs_row *row = context;
    return find_row(call, row, fault);
}

/* HEAD asks where the link leads (mail scanners, link checkers): nobody has opened it. */
static enum fault_code follow(struct handoffs_call *call, struct fault *fault)
{
    char location[64];
    struct handoffs_row row;
    bool is_click = str_equal(call->request->method, STR("GET"));
    enum fault_code code = is_click ? handoffs_call_write(call, record_click, &row, fault)
                                    : handoffs_call_read(call, look, &row, fault);
    if (code != FAULT_NONE)
        return code;
    if (is_click)
        atomic_fetch_add(&call->service->counters.handoffs_opened, 1);
    snprintf(location, sizeof location, "/handoffs/%.*s", STR_ARG(row.id));
    web_redirect(call->request, call->reply, str_of(location));
    return FAULT_NONE;
}

/* A link from Splunk must survive the sign-in. Only a well-formed id goes into the address. */
static enum fault_code open_link(void *service, struct web_request *request,
                                 struct web_reply *reply, struct fault *fault)
{
    struct handoffs_call call = {.service = service, .request = request, .reply = reply};
    enum fault_code code =
        identity_gate(call.service->identity, request, PERMIT_HANDOFF_READ, &call.caller, fault);
    if (code == FAULT_UNSIGNED && handoffs_call_is_browser(request) &&
        wire_is_id(request->parts[0])) {
        char location[96];
        snprintf(location, sizeof location, "/signin?next=/open/handoffs/%.*s",
                 STR_ARG(request->parts[0]));
        web_redirect(request, reply, str_of(location));
        return FAULT_NONE;
    }
    return code == FAULT_NONE ? follow(&call, fault) : code;
}

const struct web_route handoffs_read_routes[] = {
    {"GET", "/v1/handoffs", get_list, 0},
    {"GET", "/v1/handoffs/{}", get_handoff, 0},
    {"GET", "/v1/handoffs/{}/receipt", get_receipt, 0},
    {"GET", "/v1/handoffs/{}/receipt.sigstore.json", get_bundle, 0},
    {"GET", "/v1/handoffs/{}/graph", get_graph, 0},
    {"GET", "/v1/handoffs/{}/entities", get_entities, 0},
    {"GET", "/open/handoffs/{}", open_link, 0},
    WEB_ROUTES_END,
};
