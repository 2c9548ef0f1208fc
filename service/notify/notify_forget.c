#include "service/notify/notify_forget.h"

static const int64_t day_us = INT64_C(86400) * 1000000;

static enum fault_code run(struct store *store, const char *sql, int64_t before_us,
                           struct fault *fault)
{
    struct statement *statement;
    enum fault_code code = store_prepare(store, sql, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(statement, 1, before_us);
    return store_run(statement, fault);
}

/* Over all tenants. The newest delivery of each stays, so that no number is given out twice. */
static enum fault_code forget_in(struct store *store, void *context, struct fault *fault)
{
    static const char deliveries[] =
        "DELETE FROM notify_deliveries WHERE ended_us < $1 AND state <> 'waiting' AND id <"
        " (SELECT max(l.id) FROM notify_deliveries AS l WHERE l.tenant = notify_deliveries.tenant)";
    static const char messages[] =
        "DELETE FROM notify_messages WHERE created_us < $1 AND NOT EXISTS (SELECT 1 FROM"
        " notify_deliveries AS d WHERE d.tenant = notify_messages.tenant AND"
        " d.message_key = notify_messages.message_key)";
    const struct jobs_turn *turn = context;
    enum fault_code code =
        run(store, deliveries, turn->now_us - NOTIFY_DELIVERY_DAYS * day_us, fault);
    return code == FAULT_NONE
               ? run(store, messages, turn->now_us - NOTIFY_MESSAGE_DAYS * day_us, fault)
               : code;
}

enum fault_code notify_forget(struct jobs_turn *turn, void *context, struct fault *fault)
{
    (void)context;
    return jobs_write(turn, forget_in, turn, fault);
}
