/* Recipients. */
#include "service/notify/notify_store.h"

static enum fault_code check_room(struct store *store, struct str tenant, struct fault *fault)
{
    static const char sql[] = "SELECT count(*) FROM notify_recipients WHERE tenant = $1";
    struct statement *query;
    int64_t count = 0;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    code = store_read_whole(query, &count, fault);
    if (code == FAULT_NONE && count >= NOTIFY_TENANT_RECIPIENTS_MAX)
        code = fault_set(fault, FAULT_CONFLICT,
                         "there are %d recipients already; delete one that is not needed",
                         NOTIFY_TENANT_RECIPIENTS_MAX);
    return code;
}

enum fault_code notify_recipient_put(struct store *store, struct str tenant,
                                     const struct notify_recipient *recipient, struct str secret,
                                     struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO notify_recipients (tenant, id, kind, target, name, state, disabled_why,"
        " secret, old_secret, old_until_us, failures, created_us, created_by)"
        " VALUES ($1, $2, $3, $4, $5, 'active', '', $6, '', 0, 0, $7, $8)";
    struct statement *insert;
    enum fault_code code = check_room(store, tenant, fault);
    if (code == FAULT_NONE)
        code = store_prepare(store, sql, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(insert, 1, tenant);
    store_bind_text(insert, 2, recipient->id);
    store_bind_text(insert, 3, recipient->kind);
    store_bind_text(insert, 4, recipient->to);
    store_bind_text(insert, 5, recipient->name);
    store_bind_text(insert, 6, secret);
    store_bind_whole(insert, 7, recipient->created_us);
    store_bind_text(insert, 8, recipient->created_by);
    return store_run(insert, fault);
}

#define COLUMNS "id, kind, target, name, state, disabled_why, created_by, failures, created_us"

static enum fault_code read_recipient(struct store_row *row, void *out, struct fault *fault)
{
    (void)fault;
    *(struct notify_recipient *)out = (struct notify_recipient){
        .id = store_row_text(row, 0),
        .kind = store_row_text(row, 1),
        .to = store_row_text(row, 2),
        .name = store_row_text(row, 3),
        .state = store_row_text(row, 4),
        .disabled_why = store_row_text(row, 5),
        .created_by = store_row_text(row, 6),
        .failures = store_whole(row->query, 7),
        .created_us = store_whole(row->query, 8),
    };
    return FAULT_NONE;
}

enum fault_code notify_recipient_list(struct store *store, struct str tenant, struct arena *arena,
                                      struct store_list *out, struct fault *fault)
{
    static const char sql[] = "SELECT " COLUMNS " FROM notify_recipients WHERE tenant = $1"
                              " ORDER BY created_us, id";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    return store_list(query, arena, sizeof(struct notify_recipient), read_recipient, out, fault);
}

static enum fault_code none_such(struct fault *fault)
{
    return fault_field(fault, FAULT_NOT_FOUND, "id", "there is no such recipient");
}

enum fault_code notify_recipient_find(struct store *store, struct str tenant, struct str id,
                                      struct arena *arena, struct notify_recipient *out,
                                      struct fault *fault)
{
    static const char sql[] =
        "SELECT " COLUMNS " FROM notify_recipients WHERE tenant = $1 AND id = $2";
    struct statement *query;
    bool found = false;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_text(query, 2, id);
    code = store_find(query, arena, sizeof *out, read_recipient, &found, out, fault);
    return code == FAULT_NONE && !found ? none_such(fault) : code;
}

/* What waits for a recipient will not be sent. */
static enum fault_code end_waiting(struct store *store, struct str tenant, struct str id,
                                   struct str why, int64_t now_us, struct fault *fault)
{
    static const char sql[] = "UPDATE notify_deliveries SET state = 'dead', error = $1,"
                              " ended_us = $2 WHERE tenant = $3 AND recipient = $4 AND"
                              " state = 'waiting'";
    struct statement *update;
    enum fault_code code = store_prepare(store, sql, &update, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(update, 1, why);
    store_bind_whole(update, 2, now_us);
    store_bind_text(update, 3, tenant);
    store_bind_text(update, 4, id);
    return store_run(update, fault);
}

enum fault_code notify_recipient_remove(struct store *store, struct str tenant, struct str id,
                                        int64_t now_us, struct fault *fault)
{
    static const char sql[] = "DELETE FROM notify_recipients WHERE tenant = $1 AND id = $2";
    struct statement *statement;
    enum fault_code code = store_prepare(store, sql, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(statement, 1, tenant);
    store_bind_text(statement, 2, id);
    code = store_run(statement, fault);
    if (code == FAULT_NONE && store_changes(store) == 0)
        code = none_such(fault);
    return code == FAULT_NONE
               ? end_waiting(store, tenant, id, STR("the recipient was deleted"), now_us, fault)
               : code;
}

enum fault_code notify_recipient_disable(struct store *store, struct str tenant, struct str id,
                                         struct str why, int64_t now_us, struct fault *fault)
{
    static const char sql[] = "UPDATE notify_recipients SET state = 'disabled', disabled_why = $1"
                              " WHERE tenant = $2 AND id = $3";
    struct statement *update;
    enum fault_code code = store_prepare(store, sql, &update, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(update, 1, why);
    store_bind_text(update, 2, tenant);
    store_bind_text(update, 3, id);
    code = store_run(update, fault);
    return code == FAULT_NONE
               ? end_waiting(store, tenant, id, STR("the recipient is disabled"), now_us, fault)
               : code;
}

enum fault_code notify_recipient_enable(struct store *store, struct str tenant, struct str id,
                                        struct fault *fault)
{
    static const char sql[] = "UPDATE notify_recipients SET state = 'active', disabled_why = '',"
                              " failures = 0 WHERE tenant = $1 AND id = $2";
    struct statement *update;
    enum fault_code code = store_prepare(store, sql, &update, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(update, 1, tenant);
    store_bind_text(update, 2, id);
    code = store_run(update, fault);
    return code == FAULT_NONE && store_changes(store) == 0 ? none_such(fault) : code;
}

enum fault_code notify_recipient_rotate(struct store *store, struct str tenant, struct str id,
                                        struct str secret, int64_t now_us, struct fault *fault)
{
    static const char sql[] = "UPDATE notify_recipients SET old_secret = secret,"
                              " old_until_us = $1, secret = $2 WHERE tenant = $3 AND id = $4 AND"
                              " kind = 'webhook'";
    struct statement *update;
    enum fault_code code = store_prepare(store, sql, &update, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(update, 1, now_us + NOTIFY_OVERLAP_US);
    store_bind_text(update, 2, secret);
    store_bind_text(update, 3, tenant);
    store_bind_text(update, 4, id);
    code = store_run(update, fault);
    if (code == FAULT_NONE && store_changes(store) == 0)
        code = fault_field(fault, FAULT_NOT_FOUND, "id", "there is no such webhook");
    return code;
}
