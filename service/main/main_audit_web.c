/* The audit log over HTTP: records for the admin page, and the static files of C2SP tlog-tiles for
 * verifiers. Always the log of the caller's tenant. */
#include "service/main/main_routes.h"

#include <inttypes.h>

#include "libs/store/store_pool.h"
#include "libs/text/json_write.h"
#include "libs/wire/audit.h"
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
                             enum identity_permission permission, struct fault *fault)
{
    *call = (struct call){.service = context};
    enum fault_code code =
        identity_gate(call->service->identity, request, permission, &call->caller, fault);
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
    enum fault_code code = begin(&call, context, request, PERMIT_AUDIT_READ, fault);
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

/* --- the logs as C2SP tlog-tiles: /v1/audit/log/... and /v1/audit/receipts/... -----------------
 */

static bool is_receipts(const struct web_request *request)
{
    return str_starts(request->path, STR("/v1/audit/receipts/"));
}

/* As begin, and names the log that the path speaks of. */
static enum fault_code begin_log(struct call *call, void *context, struct web_request *request,
                                 char log[AUDIT_LOG_MAX], struct fault *fault)
{
    enum fault_code code = begin(call, context, request, PERMIT_AUDIT_READ, fault);
    if (code == FAULT_NONE)
        code = audit_log_name(call->caller.tenant, is_receipts(request), log, fault);
    return code;
}

static enum fault_code get_checkpoint(void *context, struct web_request *request,
                                      struct web_reply *reply, struct fault *fault)
{
    struct call call;
    char log[AUDIT_LOG_MAX];
    enum fault_code code = begin_log(&call, context, request, log, fault);
    if (code == FAULT_NONE)
        code = audit_checkpoint(call.service->audit, call.store, str_of(log), &reply->body, fault);
    end(&call);
    reply->content_type = STR("text/plain; charset=utf-8");
    return code;
}

/* A tile never changes once it can be had: a partial one too is named by its width. It stays the
 * tenant's, so no shared cache may keep it. */
static enum fault_code get_tile(void *context, struct web_request *request, struct web_reply *reply,
                                struct fault *fault)
{
    struct call call;
    char log[AUDIT_LOG_MAX];
    enum fault_code code = begin_log(&call, context, request, log, fault);
    if (code == FAULT_NONE)
        code = audit_tile(call.store, str_of(log), request->parts[0], &reply->body, fault);
    end(&call);
    reply->content_type = STR("application/octet-stream");
    if (code == FAULT_NONE)
        web_reply_header(request, reply, "Cache-Control",
                         STR("private, max-age=31536000, immutable"));
    return code;
}

static enum fault_code get_key(void *context, struct web_request *request, struct web_reply *reply,
                               struct fault *fault)
{
    struct call call;
    char log[AUDIT_LOG_MAX];
    enum fault_code code = begin_log(&call, context, request, log, fault);
    if (code == FAULT_NONE) {
        audit_add_verifier_key(call.service->audit, str_of(log), &reply->body);
        buf_add_byte(&reply->body, '\n');
    }
    end(&call);
    reply->content_type = STR("text/plain; charset=utf-8");
    return code;
}

/* --- proofs as JSON, for who does not want to make them from tiles ------------------------------
 */

/* `name`: "index" or "from"; `size_name`: "size" or "to". */
static enum fault_code put_proof(struct buf *body, const char *name, int64_t number,
                                 const char *size_name, int64_t size,
                                 const struct merkle_proof *proof, struct fault *fault)
{
    struct json_out out = json_out_to(body);
    json_open(&out, '{');
    json_put_whole(&out, name, number);
    json_put_whole(&out, size_name, size);
    wire_put_proof(&out, "hashes", proof);
    json_close(&out, '}');
    return buf_check(body, "the proof", fault);
}

static enum fault_code get_inclusion(void *context, struct web_request *request,
                                     struct web_reply *reply, struct fault *fault)
{
    struct call call;
    char log[AUDIT_LOG_MAX];
    struct merkle_proof proof;
    uint64_t index = 0;
    int64_t size = 0;
    enum fault_code code = begin_log(&call, context, request, log, fault);
    if (code == FAULT_NONE && !str_to_u64(request->parts[0], INT64_MAX - 1, &index))
        code =
            fault_field(fault, FAULT_INPUT, "index", "a record's index is a whole number from 0");
    if (code == FAULT_NONE)
        code = web_query_whole(request, "size", 1, INT64_MAX, -1, &size, fault);
    if (code == FAULT_NONE && size < 0)
        code = fault_field(fault, FAULT_INPUT, "size",
                           "size is needed: how many records the checkpoint counts");
    if (code == FAULT_NONE)
        code = audit_inclusion(call.store, str_of(log), (int64_t)index, size, &proof, fault);
    if (code == FAULT_NONE)
        code = put_proof(&reply->body, "index", (int64_t)index, "size", size, &proof, fault);
    end(&call);
    return code;
}

static enum fault_code get_consistency(void *context, struct web_request *request,
                                       struct web_reply *reply, struct fault *fault)
{
    struct call call;
    char log[AUDIT_LOG_MAX];
    struct merkle_proof proof;
    int64_t from = 0;
    int64_t to = 0;
    /* Hashes of hashes tell nothing of the records: whoever sees own records may check them. */
    enum fault_code code = begin(&call, context, request, PERMIT_AUDIT_OWN, fault);
    if (code == FAULT_NONE)
        code = audit_log_name(call.caller.tenant, false, log, fault);
    if (code == FAULT_NONE)
        code = web_query_whole(request, "from", 1, INT64_MAX, -1, &from, fault);
    if (code == FAULT_NONE)
        code = web_query_whole(request, "to", 1, INT64_MAX, -1, &to, fault);
    if (code == FAULT_NONE && (from < 0 || to < 0))
        code = fault_field(fault, FAULT_INPUT, from < 0 ? "from" : "to",
                           "from and to are needed: the sizes of the older and the newer head");
    if (code == FAULT_NONE && from > to)
        code = fault_field(fault, FAULT_INPUT, "from", "from must not be over to");
    if (code == FAULT_NONE)
        code = audit_consistency(call.store, str_of(log), from, to, &proof, fault);
    if (code == FAULT_NONE)
        code = put_proof(&reply->body, "from", from, "to", to, &proof, fault);
    end(&call);
    return code;
}

const struct web_route main_audit_routes[] = {
    {"GET", "/v1/audit/records", get_records, 0},
    {"GET", "/v1/audit/records/{}/proof", get_inclusion, 0},
    {"GET", "/v1/audit/consistency", get_consistency, 0},
    {"GET", "/v1/audit/log/checkpoint", get_checkpoint, 0},
    {"GET", "/v1/audit/log/tile/{*}", get_tile, 0},
    {"GET", "/v1/audit/log/key", get_key, 0},
    {"GET", "/v1/audit/receipts/checkpoint", get_checkpoint, 0},
    {"GET", "/v1/audit/receipts/tile/{*}", get_tile, 0},
    {"GET", "/v1/audit/receipts/key", get_key, 0},
    WEB_ROUTES_END,
};
