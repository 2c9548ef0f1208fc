/* The audit log over HTTP: records for the admin page, and the static files of C2SP tlog-tiles for
 * verifiers. Always the log of the caller's tenant. */
#include "service/main/main_routes.h"

#include <inttypes.h>

#include "libs/store/store_pool.h"
#include "libs/text/json_write.h"
#include "service/audit/audit.h"
#include "service/identity/identity.h"
#include "service/service.h"

enum { RECORDS_MAX = 48 << 20 };

struct call {
    struct service *service;
    struct store *store;
    struct identity_caller caller;
};

static enum fault_code begin(struct call *call, void *context, struct web_request *request,
                             struct fault *fault)
{
    *call = (struct call){.service = context};
    enum fault_code code =
        identity_gate(call->service->identity, request, PERMIT_AUDIT_READ, &call->caller, fault);
    if (code == FAULT_NONE)
        code = store_pool_take(call->service->pool, &call->store, fault);
    return code;
}

static void end(struct call *call)
{
    if (call->store)
        store_pool_give(call->service->pool, call->store);
}

/* {"records":[...],"checkpoint":"<note>"|null}, of one state of the log. */
static enum fault_code put_records(struct call *call, int64_t before, int64_t most,
                                   struct buf *records, struct buf *checkpoint, struct buf *body,
                                   struct fault *fault)
{
    struct str tenant = call->caller.tenant;
    enum fault_code code = store_begin_read(call->store, fault);
    if (code == FAULT_NONE)
        code = audit_list(call->store, tenant, before, (int)most, records, fault);
    if (code == FAULT_NONE)
        code = audit_checkpoint(call->service->audit, call->store, tenant, checkpoint, fault);
    store_rollback(call->store);
    bool empty = code == FAULT_NOT_FOUND;
    if (code == FAULT_NONE || empty)
        code = buf_check(records, "the page of audit records (ask for fewer with limit)", fault);
    if (code != FAULT_NONE)
        return code;
    struct json_out out = json_out_to(body);
    json_open(&out, '{');
    json_put_raw(&out, "records", buf_str(records));
    if (empty)
        json_put_null(&out, "checkpoint");
    else
        json_put_text(&out, "checkpoint", buf_str(checkpoint));
    json_close(&out, '}');
    return FAULT_NONE;
}

static enum fault_code get_records(void *context, struct web_request *request,
                                   struct web_reply *reply, struct fault *fault)
{
    struct call call;
    struct buf records;
    struct buf checkpoint;
    int64_t before = 0;
    int64_t most = 0;
    buf_init(&records, RECORDS_MAX);
    buf_init(&checkpoint, AUDIT_CHECKPOINT_MAX);
    enum fault_code code = begin(&call, context, request, fault);
    if (code == FAULT_NONE)
        code = web_query_whole(request, "before", 0, INT64_MAX, -1, &before, fault);
    if (code == FAULT_NONE)
        code = web_query_whole(request, "limit", 1, 500, 50, &most, fault);
    if (code == FAULT_NONE)
        code = put_records(&call, before, most, &records, &checkpoint, &reply->body, fault);
    end(&call);
    buf_done(&records);
    buf_done(&checkpoint);
    return code;
}

static enum fault_code get_checkpoint(void *context, struct web_request *request,
                                      struct web_reply *reply, struct fault *fault)
{
    struct call call;
    enum fault_code code = begin(&call, context, request, fault);
    if (code == FAULT_NONE)
        code = audit_checkpoint(call.service->audit, call.store, call.caller.tenant, &reply->body,
                                fault);
    end(&call);
    reply->content_type = STR("text/plain; charset=utf-8");
    return code;
}

static enum fault_code get_tile(void *context, struct web_request *request, struct web_reply *reply,
                                struct fault *fault)
{
    struct call call;
    enum fault_code code = begin(&call, context, request, fault);
    if (code == FAULT_NONE)
        code = audit_tile(call.store, call.caller.tenant, request->parts[0], &reply->body, fault);
    end(&call);
    reply->content_type = STR("application/octet-stream");
    return code;
}

static enum fault_code get_key(void *context, struct web_request *request, struct web_reply *reply,
                               struct fault *fault)
{
    struct call call;
    enum fault_code code = begin(&call, context, request, fault);
    if (code == FAULT_NONE) {
        audit_add_verifier_key(call.service->audit, call.caller.tenant, &reply->body);
        buf_add_byte(&reply->body, '\n');
    }
    end(&call);
    reply->content_type = STR("text/plain; charset=utf-8");
    return code;
}

const struct web_route main_audit_routes[] = {
    {"GET", "/v1/audit/records", get_records, 0},
    {"GET", "/v1/audit/log/checkpoint", get_checkpoint, 0},
    {"GET", "/v1/audit/log/tile/{*}", get_tile, 0},
    {"GET", "/v1/audit/log/key", get_key, 0},
    WEB_ROUTES_END,
};
