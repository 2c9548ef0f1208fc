/* Deliveries: the list, the replay, what is due and what became of it. */
#include "service/notify/notify_store.h"

/* --- the list ------------------------------------------------------------------------------- */

static enum fault_code read_delivery(struct store_row *row, void *out, struct fault *fault)
{
    struct statement *query = row->query;
    (void)fault;
    *(struct notify_delivery *)out = (struct notify_delivery){
        .id = store_whole(query, 0),
        .message = store_row_text(row, 1),
        .kind = store_row_text(row, 2),
        .subject = store_row_text(row, 3),
        .recipient = store_row_text(row, 4),
        .state = store_row_text(row, 5),
        .attempts = store_whole(query, 6),
        .next_us = store_whole(query, 7),
        .status = store_whole(query, 8),
        .error = store_row_text(row, 9),
        .created_us = store_whole(query, 10),
        .ended_us = store_is_null(query, 11) ? 0 : store_whole(query, 11),
    };
    return FAULT_NONE;
}

enum fault_code notify_delivery_list(struct store *store, struct str tenant,
                                     const struct notify_filter *filter, struct arena *arena,
                                     struct store_list *out, struct fault *fault)
{
    static const char sql[] =
        "SELECT d.id, m.id, m.kind, m.subject, d.recipient, d.state, d.attempts, d.next_us,"
        " d.status, d.error, d.created_us, d.ended_us FROM notify_deliveries AS d"
        " JOIN notify_messages AS m ON m.tenant = d.tenant AND m.message_key = d.message_key"
        " WHERE d.tenant = $1 AND (CAST($2 AS BIGINT) = 0 OR d.id < $2)"
        " AND (CAST($3 AS TEXT) = '' OR d.state = $3) ORDER BY d.id DESC LIMIT $4";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_whole(query, 2, filter->before);
    store_bind_text(query, 3, filter->state);
    store_bind_whole(query, 4, filter->limit);
    return store_list(query, arena, sizeof(struct notify_delivery), read_delivery, out, fault);
}

/* --- the replay ----------------------------------------------------------------------------- */

/* Why it cannot be replayed, or nothing. */
static enum fault_code check_replay(struct store *store, struct str tenant, int64_t id,
                                    struct fault *fault)
{
    static const char sql[] =
        "SELECT d.state, r.state FROM notify_deliveries AS d LEFT JOIN notify_recipients AS r"
        " ON r.tenant = d.tenant AND r.id = d.recipient WHERE d.tenant = $1 AND d.id = $2";
    struct statement *query;
    bool row = false;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_whole(query, 2, id);
    code = store_step(query, &row, fault);
    if (code != FAULT_NONE)
        return code;
    if (!row)
        code = fault_field(fault, FAULT_NOT_FOUND, "id", "there is no such delivery");
    else if (str_equal(store_text(query, 0), STR("waiting")))
        code = fault_field(fault, FAULT_CONFLICT, "id", "the delivery is on its way already");
    else if (store_is_null(query, 1))
        code = fault_field(fault, FAULT_CONFLICT, "id", "the delivery's recipient was deleted");
    else if (!str_equal(store_text(query, 1), STR("active")))
        code = fault_field(fault, FAULT_CONFLICT, "id",
                           "the delivery's recipient is disabled; enable it first");
    store_reset(query);
    return code;
}

enum fault_code notify_delivery_replay(struct store *store, struct str tenant, int64_t id,
                                       int64_t now_us, struct fault *fault)
{
    static const char sql[] = "UPDATE notify_deliveries SET state = 'waiting', attempts = 0,"
                              " next_us = $1, ended_us = NULL WHERE tenant = $2 AND id = $3";
    struct statement *update;
    enum fault_code code = check_replay(store, tenant, id, fault);
    if (code == FAULT_NONE)
        code = store_prepare(store, sql, &update, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(update, 1, now_us);
    store_bind_text(update, 2, tenant);
    store_bind_whole(update, 3, id);
    return store_run(update, fault);
}

/* --- what is due ---------------------------------------------------------------------------- */

static enum fault_code read_due(struct store_row *row, void *out, struct fault *fault)
{
    (void)fault;
    *(struct notify_due *)out = (struct notify_due){
        .tenant = store_row_text(row, 0),
        .recipient = store_row_text(row, 1),
        .is_failing = store_whole(row->query, 2) == 1,
    };
    return FAULT_NONE;
}

enum fault_code notify_due_list(struct store *store, int64_t now_us, int64_t most,
                                struct arena *arena, struct store_list *out, struct fault *fault)
{
    static const char sql[] =
        "SELECT d.tenant, d.recipient, CASE WHEN r.failures > 0 THEN 1 ELSE 0 END"
        " FROM notify_deliveries AS d JOIN notify_recipients AS r"
        " ON r.tenant = d.tenant AND r.id = d.recipient"
        " WHERE d.state = 'waiting' AND d.next_us <= $1 GROUP BY d.tenant, d.recipient, r.failures"
        " ORDER BY 3, min(d.next_us) LIMIT $2";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(query, 1, now_us);
    store_bind_whole(query, 2, most);
    return store_list(query, arena, sizeof(struct notify_due), read_due, out, fault);
}

static enum fault_code read_item(struct store_row *row, void *out, struct fault *fault)
{
    struct statement *query = row->query;
    (void)fault;
    *(struct notify_item *)out = (struct notify_item){
        .id = store_whole(query, 0),
        .attempts = store_whole(query, 1),
        .message_id = store_row_text(row, 2),
        .message =
            {
                .tenant = store_row_text(row, 3),
                .kind = store_row_text(row, 4),
                .subject = store_row_text(row, 5),
                .text = store_row_text(row, 6),
                .json = store_row_text(row, 7),
                .now_us = store_whole(query, 8),
            },
        .is_mail = str_equal(store_text(query, 9), STR("email")),
        .to = store_row_text(row, 10),
        .secret = store_row_text(row, 11),
        .old_secret = store_row_text(row, 12),
    };
    return FAULT_NONE;
}

enum fault_code notify_due_next(struct store *store, const struct notify_due *due, int64_t now_us,
                                struct arena *arena, bool *out_found, struct notify_item *out,
                                struct fault *fault)
{
    static const char sql[] =
        "SELECT d.id, d.attempts, m.id, d.tenant, m.kind, m.subject, m.body, m.data, m.created_us,"
        " r.kind, r.target, r.secret, CASE WHEN r.old_until_us > $1 THEN r.old_secret ELSE '' END"
        " FROM notify_deliveries AS d"
        " JOIN notify_messages AS m ON m.tenant = d.tenant AND m.message_key = d.message_key"
        " JOIN notify_recipients AS r ON r.tenant = d.tenant AND r.id = d.recipient"
        " WHERE d.tenant = $2 AND d.recipient = $3 AND d.state = 'waiting' AND d.next_us <= $1"
        " ORDER BY d.next_us, d.id LIMIT 1";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(query, 1, now_us);
    store_bind_text(query, 2, due->tenant);
    store_bind_text(query, 3, due->recipient);
    return store_find(query, arena, sizeof *out, read_item, out_found, out, fault);
}

/* --- what became of it ---------------------------------------------------------------------- */

static enum fault_code put_delivery(struct store *store, const struct notify_outcome *outcome,
                                    bool *out_changed, struct fault *fault)
{
    static const char sql[] =
        "UPDATE notify_deliveries SET state = $1, attempts = attempts + 1, next_us = $2,"
        " status = $3, error = $4, ended_us = $5"
        " WHERE tenant = $6 AND id = $7 AND state = 'waiting'";
    struct statement *update;
    bool is_over = outcome->is_good || outcome->is_dead || outcome->is_gone;
    enum fault_code code = store_prepare(store, sql, &update, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(update, 1,
                    outcome->is_good ? STR("delivered")
                    : is_over        ? STR("dead")
                                     : STR("waiting"));
    store_bind_whole(update, 2, is_over ? outcome->now_us : outcome->next_us);
    store_bind_whole(update, 3, outcome->status);
    store_bind_text(update, 4, outcome->error);
    if (is_over)
        store_bind_whole(update, 5, outcome->now_us);
    else
        store_bind_null(update, 5);
    store_bind_text(update, 6, outcome->tenant);
    store_bind_whole(update, 7, outcome->id);
    code = store_run(update, fault);
    if (code == FAULT_NONE)
        *out_changed = store_changes(store) == 1;
    return code;
}

static enum fault_code put_failures(struct store *store, const struct notify_outcome *outcome,
                                    struct fault *fault)
{
    static const char good[] = "UPDATE notify_recipients SET failures = 0 WHERE tenant = $1 AND"
                               " id = $2 AND failures <> 0";
    static const char bad[] = "UPDATE notify_recipients SET failures = failures + 1"
                              " WHERE tenant = $1 AND id = $2";
    struct statement *update;
    enum fault_code code = store_prepare(store, outcome->is_good ? good : bad, &update, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(update, 1, outcome->tenant);
    store_bind_text(update, 2, outcome->recipient);
    return store_run(update, fault);
}

enum fault_code notify_outcome_put(struct store *store, const struct notify_outcome *outcome,
                                   struct fault *fault)
{
    bool changed = false;
    enum fault_code code = put_delivery(store, outcome, &changed, fault);
    if (code == FAULT_NONE && changed)
        code = put_failures(store, outcome, fault);
    if (code == FAULT_NONE && changed && outcome->is_gone)
        code = notify_recipient_disable(store, outcome->tenant, outcome->recipient,
                                        STR("it answered 410 Gone"), outcome->now_us, fault);
    return code;
}
