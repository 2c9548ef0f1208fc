/* The outbox: a message once for its key, a delivery for each recipient. */
#include "service/notify/notify.h"

#include <stdio.h>

#include "service/notify/notify_rules.h"

/* false: the key was there. */
static enum fault_code put_message(struct store *store, const struct notify_message *message,
                                   bool *out_new, struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO notify_messages (tenant, message_key, id, kind, subject, body, data,"
        " created_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        " ON CONFLICT (tenant, message_key) DO NOTHING";
    char id[NOTIFY_MESSAGE_ID_MAX];
    struct statement *insert;
    enum fault_code code = store_prepare(store, sql, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    notify_message_id(message->tenant, message->key, id);
    store_bind_text(insert, 1, message->tenant);
    store_bind_text(insert, 2, message->key);
    store_bind_text(insert, 3, str_of(id));
    store_bind_text(insert, 4, message->kind);
    store_bind_text(insert, 5, message->subject);
    store_bind_text(insert, 6, message->text);
    store_bind_text(insert, 7, message->json);
    store_bind_whole(insert, 8, message->now_us);
    code = store_run(insert, fault);
    if (code == FAULT_NONE)
        *out_new = store_changes(store) == 1;
    return code;
}

enum whether { ACTIVE, DISABLED, GONE };

static enum fault_code find_recipient(struct store *store, struct str tenant, struct str id,
                                      enum whether *out, struct fault *fault)
{
    static const char sql[] = "SELECT state FROM notify_recipients WHERE tenant = $1 AND id = $2";
    struct statement *query;
    bool found;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_text(query, 2, id);
    code = store_step(query, &found, fault);
    if (code != FAULT_NONE)
        return code;
    *out = !found ? GONE : str_equal(store_text(query, 0), STR("active")) ? ACTIVE : DISABLED;
    store_reset(query);
    return FAULT_NONE;
}

static enum fault_code next_id(struct store *store, struct str tenant, int64_t *out,
                               struct fault *fault)
{
    static const char sql[] =
        "SELECT CAST(coalesce(max(id), 0) + 1 AS BIGINT) FROM notify_deliveries WHERE tenant = $1";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    return store_read_whole(query, out, fault);
}

static enum fault_code put_delivery(struct store *store, const struct notify_message *message,
                                    struct str recipient, bool is_disabled, struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO notify_deliveries (tenant, id, message_key, recipient, state, attempts,"
        " next_us, status, error, created_us, ended_us)"
        " VALUES ($1, $2, $3, $4, $5, 0, $6, 0, $7, $8, $9)";
    struct statement *insert;
    int64_t id = 0;
    enum fault_code code = next_id(store, message->tenant, &id, fault);
    if (code == FAULT_NONE)
        code = store_prepare(store, sql, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(insert, 1, message->tenant);
    store_bind_whole(insert, 2, id);
    store_bind_text(insert, 3, message->key);
    store_bind_text(insert, 4, recipient);
    store_bind_text(insert, 5, is_disabled ? STR("dead") : STR("waiting"));
    store_bind_whole(insert, 6, message->now_us);
    store_bind_text(insert, 7, is_disabled ? STR("the recipient is disabled") : STR(""));
    store_bind_whole(insert, 8, message->now_us);
    if (is_disabled)
        store_bind_whole(insert, 9, message->now_us);
    else
        store_bind_null(insert, 9);
    return store_run(insert, fault);
}

static bool stands_before(const struct str *ids, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (str_equal(ids[i], ids[at]))
            return true;
    return false;
}

enum fault_code notify_enqueue(struct store *store, const struct notify_message *message,
                               struct fault *fault)
{
    bool is_new = false;
    enum fault_code code = notify_message_check(message, fault);
    if (code == FAULT_NONE)
        code = put_message(store, message, &is_new, fault);
    for (size_t i = 0; code == FAULT_NONE && is_new && i < message->recipient_count; i++) {
        enum whether whether = GONE;
        if (stands_before(message->recipients, i))
            continue;
        code = find_recipient(store, message->tenant, message->recipients[i], &whether, fault);
        if (code == FAULT_NONE && whether != GONE)
            code = put_delivery(store, message, message->recipients[i], whether == DISABLED, fault);
    }
    return code;
}

enum fault_code notify_recipients_check(struct store *store, struct str tenant,
                                        const struct str *ids, size_t count, struct fault *fault)
{
    if (count > NOTIFY_RECIPIENTS_MAX)
        return fault_field(fault, FAULT_INPUT, "recipients",
                           "recipients holds %zu ids; it may hold %d", count,
                           NOTIFY_RECIPIENTS_MAX);
    for (size_t i = 0; i < count; i++) {
        enum whether whether = GONE;
        if (stands_before(ids, i))
            return fault_field(fault, FAULT_INPUT, "recipients", "recipients holds \"%.*s\" twice",
                               STR_ARG(str_take(ids[i], 40)));
        enum fault_code code = find_recipient(store, tenant, ids[i], &whether, fault);
        if (code != FAULT_NONE)
            return code;
        if (whether == GONE)
            return fault_field(fault, FAULT_INPUT, "recipients",
                               "there is no recipient \"%.*s\"; GET /v1/recipients lists them",
                               STR_ARG(str_take(ids[i], 40)));
    }
    return FAULT_NONE;
}
