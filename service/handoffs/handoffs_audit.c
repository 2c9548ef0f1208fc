/* What goes on record about hand-offs. */
#include "service/handoffs/handoffs_call.h"

#include "libs/core/log.h"
#include "service/audit/audit.h"
#include "service/handoffs/handoffs_rules.h"

enum {
    CLIENT_MAX = 1024,
    CHECKPOINT_MAX = 64 * 1024,
    REASON_MAX = 128,
};

/* A log that takes no record is a fault of the service, whatever the store says of it: the caller's
 * request is not at fault. */
static enum fault_code not_recorded(struct fault *fault)
{
    fault_prefix(fault, "the record cannot be appended, so nothing was done: ");
    if (fault->code != FAULT_UNAVAILABLE && fault->code != FAULT_NO_MEMORY)
        fault->code = FAULT_IO;
    return fault->code;
}

/* "192.0.2.7 intelgraph/0.1.0" */
static void write_client(struct buf *out, const struct handoffs_call *call)
{
    buf_add(out, call->request->client);
    if (call->manifest.client.len > 0) {
        buf_add_byte(out, ' ');
        buf_add(out, call->manifest.client);
    }
}

enum fault_code handoffs_audit_append(struct handoffs_call *call,
                                      const struct handoffs_event *event, int64_t *out_index,
                                      struct buf *out_checkpoint, struct fault *fault)
{
    const struct identity_caller *caller = &call->caller;
    const struct wire_handoff *manifest = &call->manifest;
    struct buf client;
    buf_init(&client, CLIENT_MAX);
    write_client(&client, call);
    const struct audit_record record = {
        .action = event->action,
        .result = event->result,
        .tenant = caller->tenant,
        .subject = manifest->user.len > 0 ? manifest->user : caller->name,
        .token = caller->token,
        .via = caller->via,
        .search_head = caller->search_head,
        .role = str_of(identity_role_name(caller->role)),
        .client = buf_str(&client),
        .handoff = event->handoff,
        .sid = manifest->sid,
        .search_sha256 = manifest->search_sha256,
        .content_sha256 = event->content_sha256,
        .title_sha256 = event->title_sha256,
        .reason = event->reason,
        .counts = event->counts,
        .count_count = event->count_count,
    };
    enum fault_code code = buf_check(&client, "the client's name", fault);
    if (code == FAULT_NONE)
        code = audit_append(call->service->audit, call->store, &record, out_index, out_checkpoint,
                            fault);
    buf_done(&client);
    return code == FAULT_NONE ? FAULT_NONE : not_recorded(fault);
}

enum fault_code handoffs_audit_receipt(struct handoffs_call *call,
                                       const struct audit_receipt *receipt, struct fault *fault)
{
    enum fault_code code = audit_receipt_append(call->service->audit, call->store, receipt, fault);
    return code == FAULT_NONE ? FAULT_NONE : not_recorded(fault);
}

struct refusal {
    struct buf reason;
    int64_t before; /* likewise refused since the last record, and not told */
};

static enum fault_code append_refusal(struct handoffs_call *call, void *context,
                                      struct fault *fault)
{
    const struct refusal *refusal = context;
    const struct audit_count count = {"refused_before", refusal->before};
    const struct handoffs_event event = {
        .action = "handoff.refused",
        .result = "failure",
        .handoff = call->manifest.id,
        .reason = buf_str(&refusal->reason),
        .counts = &count,
        .count_count = refusal->before > 0 ? 1 : 0,
    };
    struct buf checkpoint;
    int64_t index;
    buf_init(&checkpoint, CHECKPOINT_MAX);
    enum fault_code code = handoffs_audit_append(call, &event, &index, &checkpoint, fault);
    buf_done(&checkpoint);
    return code;
}

static bool record(struct handoffs_call *call, struct refusal *refusal)
{
    struct fault fault;
    if (handoffs_call_write(call, append_refusal, refusal, &fault) == FAULT_NONE)
        return true;
    log_event(LOG_ERROR, "handoff.refusal_not_recorded", LOG_TEXT("tenant", call->caller.tenant),
              LOG_TEXT("reason", buf_str(&refusal->reason)), LOG_TEXT("fault", str_of(fault.text)));
    return false;
}

void handoffs_audit_refusal(struct handoffs_call *call, const struct fault *fault)
{
    struct refusal refusal = {.before = 0};
    atomic_fetch_add(&call->service->counters.handoffs_refused, 1);
    buf_init(&refusal.reason, REASON_MAX);
    handoffs_add_reason(&refusal.reason, fault);
    (void)record(call, &refusal);
    buf_done(&refusal.reason);
}

void handoffs_audit_over_budget(struct handoffs_call *call, const struct budgets_decision *decision)
{
    struct refusal refusal;
    char id[BUDGETS_DECISION_ID_SIZE];
    struct budgets *budgets = call->service->budgets;
    struct str tenant = call->caller.tenant;
    struct str work = call->manifest.id;
    if (!budgets_refused_anew(budgets, tenant, work, decision, &refusal.before))
        return;
    budgets_decision_id(decision, id);
    buf_init(&refusal.reason, REASON_MAX);
    buf_addf(&refusal.reason, "budget: %s by %s, decision %s",
             budgets_verdict_name(decision->verdict), decision->refused_by.id, id);
    if (!record(call, &refusal))
        budgets_refused_untold(budgets, tenant, work, decision, refusal.before);
    buf_done(&refusal.reason);
}
