/* GET /v1/audit/handoffs: hand-offs on record, each with what it takes to check it
 * (libs/wire/audit.h). */
#include "service/handoffs/handoffs_call.h"

#include <inttypes.h>
#include <stdio.h>

#include "libs/wire/audit.h"
#include "service/audit/audit_find.h"
#include "service/audit/audit_prover.h"
#include "service/handoffs/handoffs_records.h"

enum {
    RECORDS_USUAL = 100,
    PAGE_BYTES = 3 << 20, /* a page ends early rather than pass what the app reads of a reply */
};

/* A page under way. */
struct listing {
    struct handoffs_call *call;
    struct json_out out;
    struct audit_find find;
    struct audit_prover *prover;
    int64_t limit;
    int64_t put;
    int64_t last_us; /* of the record put last */
    int64_t last_index;
    bool more;
};

/* --- what is asked for ----------------------------------------------------------------------- */

bool handoffs_read_cursor(struct str text, struct handoffs_cursor *out)
{
    struct str size;
    struct str time;
    struct str index;
    struct str rest;
    uint64_t numbers[3];
    if (!str_cut(text, '.', &size, &rest) || !str_cut(rest, '.', &time, &index) ||
        !str_to_u64(size, MERKLE_SIZE_MAX, &numbers[0]) || numbers[0] == 0 ||
        !str_to_u64(time, INT64_MAX, &numbers[1]) ||
        !str_to_u64(index, MERKLE_SIZE_MAX, &numbers[2]) || numbers[2] >= numbers[0])
        return false;
    *out = (struct handoffs_cursor){(int64_t)numbers[0], (int64_t)numbers[1], (int64_t)numbers[2]};
    return true;
}

static enum fault_code read_text(const struct web_request *request, const char *name,
                                 struct str *out, struct fault *fault)
{
    struct str text = web_query(request, name);
    if (text.len > WIRE_TEXT_MAX)
        return fault_field(fault, FAULT_LIMIT, name, "%s has %zu bytes, at most %d are allowed",
                           name, text.len, WIRE_TEXT_MAX);
    *out = text;
    return FAULT_NONE;
}

static enum fault_code read_cursor(const struct web_request *request, int64_t log_size,
                                   struct audit_find *find, struct fault *fault)
{
    struct handoffs_cursor cursor = {log_size, INT64_MAX, INT64_MAX};
    struct str text = web_query(request, "after");
    if (text.len > 0 && !handoffs_read_cursor(text, &cursor))
        return fault_field(fault, FAULT_INPUT, "after",
                           "after must be `next` of the page before, as it was given");
    if (cursor.size > log_size)
        return fault_field(fault, FAULT_NOT_FOUND, "after",
                           "the log has %" PRId64 " records, the page before was of %" PRId64,
                           log_size, cursor.size);
    find->size = cursor.size;
    find->before_us = cursor.time_us;
    find->before_index = cursor.index;
    return FAULT_NONE;
}

static enum fault_code read_question(struct listing *listing, struct fault *fault)
{
    const struct web_request *request = listing->call->request;
    struct audit_find *find = &listing->find;
    enum fault_code code = read_text(request, "analyst", &find->subject, fault);
    if (code == FAULT_NONE)
        code = read_text(request, "sid", &find->sid, fault);
    if (code == FAULT_NONE)
        code = web_query_whole(request, "from", 0, INT64_MAX, 0, &find->from_us, fault);
    if (code == FAULT_NONE)
        code = web_query_whole(request, "to", 0, INT64_MAX, INT64_MAX, &find->to_us, fault);
    if (code == FAULT_NONE)
        code = web_query_whole(request, "limit", 1, WIRE_AUDIT_RECORDS_MAX, RECORDS_USUAL,
                               &listing->limit, fault);
    if (code == FAULT_NONE && find->from_us > find->to_us)
        code = fault_field(fault, FAULT_INPUT, "from", "from must not be over to");
    find->most = listing->limit + 1; /* the one over the limit only tells that there is more */
    return code;
}

/* Auditors and admins see the tenant's records, everybody else the own ones: those of the analyst
 * that the token was issued for, or, of a token that stands for no analyst, those it brought. */
static enum fault_code keep_to_own(struct listing *listing, struct fault *fault)
{
    const struct identity_caller *caller = &listing->call->caller;
    struct audit_find *find = &listing->find;
    if (identity_may(caller->role, PERMIT_AUDIT_READ))
        return FAULT_NONE;
    if (caller->via.len == 0) {
        find->token = caller->token;
        return FAULT_NONE;
    }
    if (find->subject.len > 0 && !str_equal(find->subject, caller->name))
        return fault_field(fault, FAULT_DENIED, "analyst",
                           "this token shows the hand-offs of the analyst whom it was issued for, "
                           "and no other's");
    find->subject = caller->name;
    return FAULT_NONE;
}

/* --- the page -------------------------------------------------------------------------------- */

static enum fault_code put_record(void *context, const struct audit_found *found, bool *out_stop,
                                  struct fault *fault)
{
    struct listing *listing = context;
    struct handoffs_call *call = listing->call;
    struct str tenant = call->caller.tenant;
    struct wire_audit_record record = {.index = found->index, .leaf = found->entry};
    bool full = listing->put == listing->limit ||
                (listing->put > 0 && call->reply->body.len + 2 * found->entry.len > PAGE_BYTES);
    if (full) {
        listing->more = true;
        *out_stop = true;
        return FAULT_NONE;
    }
    enum fault_code code = audit_prover_inclusion(listing->prover, found->index, listing->find.size,
                                                  &record.inclusion, fault);
    record.has_consistency = found->committed;
    if (code == FAULT_NONE && found->committed)
        code = audit_prover_consistency(listing->prover, found->index + 1, listing->find.size,
                                        &record.consistency, fault);
    if (code == FAULT_NONE && found->committed)
        code = handoffs_store_title(call->store, tenant, found->handoff, call->request->arena,
                                    &record.title, fault);
    if (code != FAULT_NONE)
        return code;
    wire_audit_put(&listing->out, &record);
    listing->put++;
    listing->last_us = found->time_us;
    listing->last_index = found->index;
    return FAULT_NONE;
}

static enum fault_code put_page(struct listing *listing, int64_t size, struct buf *checkpoint,
                                struct fault *fault)
{
    struct handoffs_call *call = listing->call;
    char next[WIRE_AUDIT_NEXT_MAX] = "";
    struct buf key;
    bool first = listing->find.before_index == INT64_MAX;
    enum fault_code code = FAULT_NONE;
    if (first && size > 0)
        code = audit_checkpoint(call->service->audit, call->store, call->caller.tenant, checkpoint,
                                fault);
    if (code != FAULT_NONE)
        return code;
    buf_init(&key, NOTE_VKEY_MAX);
    audit_add_verifier_key(call->service->audit, call->caller.tenant, &key);
    wire_audit_open(&listing->out, listing->find.size, buf_str(checkpoint), buf_str(&key));
    code = buf_check(&key, "the verifier key", fault);
    buf_done(&key);
    if (code == FAULT_NONE)
        code = audit_prover_new(call->store, call->caller.tenant, &listing->prover, fault);
    if (code == FAULT_NONE)
        code = audit_find_handoffs(call->store, &listing->find, put_record, listing, fault);
    audit_prover_free(listing->prover);
    if (listing->more)
        snprintf(next, sizeof next, "%" PRId64 ".%" PRId64 ".%" PRId64, listing->find.size,
                 listing->last_us, listing->last_index);
    wire_audit_close(&listing->out, str_of(next));
    return code == FAULT_NONE ? buf_check(&call->reply->body, "the page of records", fault) : code;
}

static enum fault_code list_records(struct handoffs_call *call, struct fault *fault)
{
    struct listing listing = {.call = call,
                              .out = json_out_to(&call->reply->body),
                              .find = {.tenant = call->caller.tenant}};
    struct buf checkpoint;
    int64_t size = 0;
    enum fault_code code = read_question(&listing, fault);
    if (code == FAULT_NONE)
        code = keep_to_own(&listing, fault);
    if (code == FAULT_NONE)
        code = store_begin_read(call->store, fault);
    if (code != FAULT_NONE)
        return code;
    buf_init(&checkpoint, AUDIT_CHECKPOINT_MAX);
    code = audit_size(call->store, call->caller.tenant, &size, fault);
    if (code == FAULT_NONE)
        code = read_cursor(call->request, size, &listing.find, fault);
    if (code == FAULT_NONE)
        code = put_page(&listing, size, &checkpoint, fault);
    store_rollback(call->store);
    buf_done(&checkpoint);
    return code;
}

static enum fault_code get_records(void *service, struct web_request *request,
                                   struct web_reply *reply, struct fault *fault)
{
    struct handoffs_call call = {.service = service, .request = request, .reply = reply};
    enum fault_code code =
        identity_gate(call.service->identity, request, PERMIT_AUDIT_OWN, &call.caller, fault);
    return code == FAULT_NONE ? handoffs_call_run(&call, list_records, fault) : code;
}

const struct web_route handoffs_record_routes[] = {
    {"GET", "/v1/audit/handoffs", get_records, 0},
    WEB_ROUTES_END,
};
