/* The routes that send: a hand-off in one, or opened, part by part, committed. */
#include "service/handoffs/handoffs.h"

#include <inttypes.h>

#include "libs/core/log.h"
#include "libs/core/os.h"
#include "service/handoffs/handoffs_call.h"
#include "service/handoffs/handoffs_content.h"
#include "service/handoffs/handoffs_rules.h"

#define STALE_US ((int64_t)HANDOFFS_STALE_HOURS * 3600 * 1000000)

/* --- lines ---------------------------------------------------------------------------------- */

/* Reads call->manifest from its line, which must be the caller's own. */
static enum fault_code read_manifest(struct handoffs_call *call, struct str text,
                                     struct fault *fault)
{
    struct wire_line line;
    enum fault_code code = wire_read_line(call->request->arena, text, &line, fault);
    if (code == FAULT_NONE && line.kind != WIRE_HANDOFF)
        code =
            fault_field(fault, FAULT_INPUT, "handoff", "the first line must be the handoff line");
    if (code == FAULT_NONE)
        code = handoffs_check_manifest(&line.handoff, call->caller.tenant, fault);
    if (code == FAULT_NONE)
        code = handoffs_check_analyst(&line.handoff, call->caller.name, call->caller.via, fault);
    if (code == FAULT_NONE)
        call->manifest = line.handoff;
    return code;
}

static enum fault_code read_claims(struct handoffs_call *call, struct str text,
                                   struct wire_commit *out, struct fault *fault)
{
    struct wire_line line;
    if (text.len == 0)
        return fault_field(fault, FAULT_INPUT, "commit",
                           "the commit line is missing: it is the last one");
    enum fault_code code = wire_read_line(call->request->arena, text, &line, fault);
    if (code != FAULT_NONE) {
        fault_prefix(fault, "last line: ");
        return code;
    }
    if (line.kind != WIRE_COMMIT)
        return fault_field(fault, FAULT_INPUT, "commit", "the last line must be the commit line");
    *out = line.commit;
    return FAULT_NONE;
}

/* --- POST /v1/handoffs ---------------------------------------------------------------------- */

/* Within a write transaction: keeps what came for the same manifest, forgets what came for another
 * one (the search has run again and has other results). */
static enum fault_code put_open(struct handoffs_call *call, struct str manifest,
                                struct fault *fault)
{
    struct str tenant = call->caller.tenant;
    struct str id = call->manifest.id;
    const struct handoffs_open opened = {manifest, call->manifest.parts};
    struct handoffs_open before;
    struct fault missing;
    int64_t now_us = os_now_us();
    int64_t others = 0;
    enum fault_code code = handoffs_store_open_sweep(call->store, now_us - STALE_US, fault);
    if (code == FAULT_NONE)
        code = handoffs_store_open_count(call->store, tenant, id, &others, fault);
    if (code == FAULT_NONE)
        code = handoffs_check_open(others, fault);
    if (code != FAULT_NONE)
        return code;
    code =
        handoffs_store_open_find(call->store, tenant, id, call->request->arena, &before, &missing);
    if (code == FAULT_NONE && !str_equal(before.manifest, manifest))
        code = handoffs_store_open_remove(call->store, tenant, id, &missing);
    if (code != FAULT_NONE && code != FAULT_NOT_FOUND) {
        *fault = missing;
        return code;
    }
    return handoffs_store_open_put(call->store, tenant, id, &opened, now_us, fault);
}

/* What is told once the transaction has ended well. */
static enum fault_code answer(struct handoffs_call *call, const struct handoffs_outcome *outcome,
                              struct fault *fault)
{
    struct service_counters *counters = &call->service->counters;
    atomic_fetch_add(
        outcome->duplicate ? &counters->handoffs_duplicate : &counters->handoffs_committed, 1);
    log_event(LOG_INFO, outcome->duplicate ? "handoff.duplicate" : "handoff.committed",
              LOG_TEXT("tenant", call->caller.tenant), LOG_TEXT("id", outcome->row.id),
              LOG_NUMBER("entities", outcome->row.entities),
              LOG_NUMBER("relations", outcome->row.relations));
    return handoffs_reply_receipt(call, outcome, fault);
}

/* 202 with the parts that are here already, so that a retry can skip them. */
static enum fault_code reply_opened(struct handoffs_call *call, const int64_t *parts, int64_t count,
                                    struct fault *fault)
{
    struct json_out out = json_out_to(&call->reply->body);
    json_open(&out, '{');
    json_put_text(&out, "id", call->manifest.id);
    json_put_text(&out, "link", call->link);
    json_put_whole(&out, "parts", call->manifest.parts);
    json_open_at(&out, "received", '[');
    for (int64_t i = 0; i < count; i++)
        json_put_whole(&out, NULL, parts[i]);
    json_close(&out, ']');
    json_close(&out, '}');
    call->reply->status = 202;
    return buf_check(&call->reply->body, "the answer", fault);
}

struct opening {
    struct str manifest; /* the line */
    struct handoffs_outcome outcome;
    bool found;              /* it is committed already */
    struct store_list parts; /* their numbers */
};

static enum fault_code find_or_open(struct handoffs_call *call, void *context, struct fault *fault)
{
    struct opening *opening = context;
    enum fault_code code =
        handoffs_commit_find(call, STR(""), &opening->found, &opening->outcome, fault);
    if (code != FAULT_NONE || opening->found)
        return code;
    code = put_open(call, opening->manifest, fault);
    if (code == FAULT_NONE)
        code = handoffs_store_parts(call->store, call->caller.tenant, call->manifest.id,
                                    call->request->arena, &opening->parts, fault);
    return code;
}

static enum fault_code open_handoff(struct handoffs_call *call, struct str manifest,
                                    struct fault *fault)
{
    struct opening opening = {.manifest = manifest};
    bool refused = false;
    /* Before its parts are sent for nothing. */
    enum fault_code code = handoffs_budget_look(call, &refused, fault);
    if (code != FAULT_NONE || refused)
        return code;
    code = handoffs_call_write(call, find_or_open, &opening, fault);
    if (code != FAULT_NONE)
        return code;
    return opening.found
               ? answer(call, &opening.outcome, fault)
               : reply_opened(call, opening.parts.rows, (int64_t)opening.parts.count, fault);
}

static enum fault_code commit_and_answer(struct handoffs_call *call,
                                         const struct handoffs_commit *commit, struct fault *fault)
{
    struct handoffs_outcome outcome = {0};
    bool refused = false;
    enum fault_code code = handoffs_budget_reserve(call, &refused, fault);
    if (code != FAULT_NONE || refused)
        return code;
    code = handoffs_commit_run(call, commit, &outcome, fault);
    handoffs_budget_done(call, code, outcome.duplicate);
    return code == FAULT_NONE ? answer(call, &outcome, fault) : code;
}

/* All lines are read and checked before the turn to write is waited for. */
static enum fault_code receive_lines(struct handoffs_call *call, const struct handoffs_body *body,
                                     struct fault *fault)
{
    struct handoffs_content content;
    struct handoffs_commit commit = {.content = &content};
    enum fault_code code = read_claims(call, body->commit, &commit.claims, fault);
    if (code == FAULT_NONE)
        code = handoffs_content_init(&content, fault);
    if (code != FAULT_NONE)
        return code;
    code = handoffs_content_add(&content, body->content, 2, fault);
    if (code == FAULT_NONE)
        code = handoffs_commit_check(&commit.claims, &content, fault);
    if (code == FAULT_NONE)
        code = commit_and_answer(call, &commit, fault);
    handoffs_content_done(&content);
    return code;
}

static enum fault_code receive(struct handoffs_call *call, struct fault *fault)
{
    struct handoffs_body body = handoffs_split(call->request->body);
    enum fault_code code = read_manifest(call, body.manifest, fault);
    if (code != FAULT_NONE) {
        fault_prefix(fault, "line 1: ");
        return code;
    }
    code = handoffs_call_link(call, call->manifest.id, fault);
    if (code != FAULT_NONE)
        return code;
    if (call->manifest.parts > 1 && (body.content.len > 0 || body.commit.len > 0))
        return fault_field(fault, FAULT_INPUT, "handoff.parts",
                           "handoff.parts is %" PRId64
                           ", but more than the handoff line came: send "
                           "that line alone, then each part, or set parts to 1",
                           call->manifest.parts);
    return call->manifest.parts > 1 ? open_handoff(call, body.manifest, fault)
                                    : receive_lines(call, &body, fault);
}

/* Runs `work` and puts a refusal on record; the refusal stands whether that succeeds or not. */
static enum fault_code run_recorded(struct handoffs_call *call, handoffs_work *work,
                                    struct fault *fault)
{
    enum fault_code code = work(call, fault);
    if (handoffs_is_refusal(code))
        handoffs_audit_refusal(call, fault);
    return code;
}

static enum fault_code post_handoff(void *service, struct web_request *request,
                                    struct web_reply *reply, struct fault *fault)
{
    struct handoffs_call call = {.service = service, .request = request, .reply = reply};
    enum fault_code code =
        identity_gate(call.service->identity, request, PERMIT_HANDOFF_WRITE, &call.caller, fault);
    return code == FAULT_NONE ? run_recorded(&call, receive, fault) : code;
}

/* --- PUT /v1/handoffs/{id}/parts/{n} -------------------------------------------------------- */

/* The open hand-off of the path, and call->manifest from it. What is committed is a conflict. */
static enum fault_code find_open(struct handoffs_call *call, struct handoffs_open *out,
                                 struct fault *fault)
{
    struct handoffs_row row;
    struct fault missing;
    struct str id = call->request->parts[0];
    struct arena *arena = call->request->arena;
    enum fault_code code =
        handoffs_store_open_find(call->store, call->caller.tenant, id, arena, out, fault);
    if (code == FAULT_NONE)
        return read_manifest(call, out->manifest, fault);
    if (code == FAULT_NOT_FOUND && handoffs_store_find(call->store, call->caller.tenant, id, arena,
                                                       &row, &missing) == FAULT_NONE)
        return fault_set(fault, FAULT_CONFLICT,
                         "the hand-off is committed: it takes no more parts");
    return code;
}

/* Each line by itself, so that a wrong part is told when it comes and not at the commit. */
static enum fault_code check_lines(struct str lines, struct fault *fault)
{
    struct handoffs_content content;
    enum fault_code code = handoffs_content_init(&content, fault);
    if (code != FAULT_NONE)
        return code;
    content.alone = true;
    code = handoffs_content_add(&content, lines, 1, fault);
    handoffs_content_done(&content);
    return code;
}

/* The part's number, when the hand-off is open and has so many. */
static enum fault_code find_part(struct handoffs_call *call, int64_t *out_part, struct fault *fault)
{
    struct handoffs_open open;
    enum fault_code code = find_open(call, &open, fault);
    if (code == FAULT_NONE)
        code = handoffs_check_part(call->request->parts[1], open.part_count, out_part, fault);
    return code;
}

static enum fault_code look_for_part(struct handoffs_call *call, void *context, struct fault *fault)
{
    int64_t part;
    (void)context;
    return find_part(call, &part, fault);
}

/* The hand-off may have been committed or removed since it was looked for. */
static enum fault_code stage(struct handoffs_call *call, void *context, struct fault *fault)
{
    struct str tenant = call->caller.tenant;
    struct str id = call->manifest.id;
    struct str lines = call->request->body;
    int64_t staged = 0;
    int64_t part;
    (void)context;
    enum fault_code code = find_part(call, &part, fault);
    if (code == FAULT_NONE)
        code = handoffs_store_staged(call->store, tenant, id, part, &staged, fault);
    if (code == FAULT_NONE)
        code = handoffs_check_staged(staged, (int64_t)lines.len, fault);
    if (code == FAULT_NONE)
        code = handoffs_store_part_put(call->store, tenant, id, part, lines, os_now_us(), fault);
    return code;
}

static enum fault_code receive_part(struct handoffs_call *call, struct fault *fault)
{
    enum fault_code code = handoffs_call_read(call, look_for_part, NULL, fault);
    if (code == FAULT_NONE)
        code = check_lines(call->request->body, fault);
    if (code == FAULT_NONE)
        code = handoffs_call_write(call, stage, NULL, fault);
    if (code == FAULT_NONE)
        call->reply->status = 204;
    return code;
}

static enum fault_code put_part(void *service, struct web_request *request, struct web_reply *reply,
                                struct fault *fault)
{
    struct handoffs_call call = {.service = service, .request = request, .reply = reply};
    enum fault_code code =
        identity_gate(call.service->identity, request, PERMIT_HANDOFF_WRITE, &call.caller, fault);
    return code == FAULT_NONE ? run_recorded(&call, receive_part, fault) : code;
}

/* --- POST /v1/handoffs/{id}/commit ---------------------------------------------------------- */

struct recommit {
    struct str content_sha256;
    struct handoffs_outcome outcome;
    bool found;
};

static enum fault_code find_again(struct handoffs_call *call, void *context, struct fault *fault)
{
    struct recommit *recommit = context;
    return handoffs_commit_find(call, recommit->content_sha256, &recommit->found,
                                &recommit->outcome, fault);
}

/* Nothing is open under the id: a repeated commit, or one for a hand-off that was never opened. */
static enum fault_code commit_again(struct handoffs_call *call, const struct wire_commit *claims,
                                    const struct fault *not_open, struct fault *fault)
{
    struct recommit recommit = {.content_sha256 = claims->content_sha256};
    call->manifest.id = call->request->parts[0];
    enum fault_code code = handoffs_call_write(call, find_again, &recommit, fault);
    if (code != FAULT_NONE)
        return code;
    if (recommit.found)
        return answer(call, &recommit.outcome, fault);
    *fault = *not_open;
    return not_open->code;
}

static enum fault_code look_for_open(struct handoffs_call *call, void *context, struct fault *fault)
{
    struct handoffs_open *out = context;
    return handoffs_store_open_find(call->store, call->caller.tenant, call->request->parts[0],
                                    call->request->arena, out, fault);
}

static enum fault_code receive_commit(struct handoffs_call *call, struct fault *fault)
{
    struct handoffs_open open;
    struct handoffs_commit commit = {0};
    struct fault not_open;
    struct str line;
    struct str rest = call->request->body;
    if (!wire_next_line(&rest, &line) || rest.len > 0)
        return fault_field(fault, FAULT_INPUT, "commit", "the body must be the commit line alone");
    enum fault_code code = read_claims(call, line, &commit.claims, fault);
    if (code == FAULT_NONE)
        code = handoffs_call_link(call, call->request->parts[0], fault);
    if (code != FAULT_NONE)
        return code;
    code = handoffs_call_read(call, look_for_open, &open, &not_open);
    if (code == FAULT_NOT_FOUND)
        return commit_again(call, &commit.claims, &not_open, fault);
    if (code != FAULT_NONE) {
        *fault = not_open;
        return code;
    }
    commit.parts = open.part_count;
    code = read_manifest(call, open.manifest, fault);
    return code == FAULT_NONE ? commit_and_answer(call, &commit, fault) : code;
}

static enum fault_code post_commit(void *service, struct web_request *request,
                                   struct web_reply *reply, struct fault *fault)
{
    struct handoffs_call call = {.service = service, .request = request, .reply = reply};
    enum fault_code code =
        identity_gate(call.service->identity, request, PERMIT_HANDOFF_WRITE, &call.caller, fault);
    return code == FAULT_NONE ? run_recorded(&call, receive_commit, fault) : code;
}

const struct web_route handoffs_routes[] = {
    {"POST", "/v1/handoffs", post_handoff, WIRE_PART_MAX},
    {"PUT", "/v1/handoffs/{}/parts/{}", put_part, WIRE_PART_MAX},
    {"POST", "/v1/handoffs/{}/commit", post_commit, WIRE_LINE_MAX},
    WEB_ROUTES_END,
};
