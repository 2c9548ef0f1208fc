#include "service/identity/identity.h"

enum fault_code identity_change_record(struct audit *audit, struct store *store,
                                       const struct web_request *request,
                                       const struct identity_caller *caller,
                                       const struct identity_change *change, struct fault *fault)
{
    const struct audit_record record = {
        .action = change->action,
        .result = "success",
        .tenant = caller->tenant,
        .subject = caller->name,
        .token = caller->token,
        .via = caller->via,
        .search_head = caller->search_head,
        .role = str_of(identity_role_name(caller->role)),
        .client = request->client,
        .reason = change->reason,
    };
    struct buf checkpoint;
    int64_t index;
    buf_init(&checkpoint, AUDIT_CHECKPOINT_MAX);
    enum fault_code code = audit_append(audit, store, &record, &index, &checkpoint, fault);
    buf_done(&checkpoint);
    return code;
}
