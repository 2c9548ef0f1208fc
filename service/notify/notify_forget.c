#include "service/notify/notify_forget.h"

static const int64_t day_us = INT64_C(86400) * 1000000;

/* A transaction's worth. */
struct step {
    const char *sql;
    int64_t before_us;
    int64_t removed; /* by the last run of the work */
};

static enum fault_code remove_in(struct store *store, void *context, struct fault *fault)
{
    struct step *step = context;
    struct statement *statement;
    enum fault_code code = store_prepare(store, step->sql, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(statement, 1, step->before_us);
    store_bind_whole(statement, 2, NOTIFY_FORGET_AT_ONCE);
    code = store_run(statement, fault);
    step->removed = code == FAULT_NONE ? store_changes(store) : 0;
    return code;
}

static enum fault_code remove_all(struct jobs_turn *turn, const char *sql, int days,
                                  struct fault *fault)
{
    struct step step = {.sql = sql, .before_us = turn->now_us - days * day_us};
    enum fault_code code = FAULT_NONE;
    do
        code = jobs_write(turn, remove_in, &step, fault);
    while (code == FAULT_NONE && step.removed == NOTIFY_FORGET_AT_ONCE &&
           !atomic_load(turn->ending));
    return code;
}

/* Over all tenants. The newest delivery of each stays, so that no number is given out twice. */
enum fault_code notify_forget(struct jobs_turn *turn, void *context, struct fault *fault)
{
    static const char deliveries[] =
        "DELETE FROM notify_deliveries WHERE (tenant, id) IN (SELECT o.tenant, o.id"
        " FROM notify_deliveries AS o WHERE o.ended_us < $1 AND o.state <> 'waiting' AND o.id <"
        " (SELECT max(l.id) FROM notify_deliveries AS l WHERE l.tenant = o.tenant) LIMIT $2)";
    static const char messages[] =
        "DELETE FROM notify_messages WHERE (tenant, message_key) IN (SELECT o.tenant, o.message_key"
        " FROM notify_messages AS o WHERE o.created_us < $1 AND NOT EXISTS (SELECT 1 FROM"
        " notify_deliveries AS d WHERE d.tenant = o.tenant AND d.message_key = o.message_key)"
        " LIMIT $2)";
    (void)context;
    enum fault_code code = remove_all(turn, deliveries, NOTIFY_DELIVERY_DAYS, fault);
    return code == FAULT_NONE ? remove_all(turn, messages, NOTIFY_MESSAGE_DAYS, fault) : code;
}
