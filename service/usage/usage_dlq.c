#include "service/usage/usage_dlq.h"

static enum fault_code next_id(struct store *store, struct str tenant, int64_t *out,
                               struct fault *fault)
{
    static const char sql[] = "SELECT coalesce(max(id), 0) + 1 FROM usage_dlq WHERE tenant = $1";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    return store_read_whole(query, out, fault);
}

enum fault_code usage_dlq_put(struct store *store, const struct usage_batch *batch,
                              const struct usage_item *item, struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO usage_dlq (tenant, id, state, reason, detail, source, event_id, event,"
        " received_us) VALUES ($1, $2, 'open', $3, $4, $5, $6, $7, $8)";
    struct statement *insert;
    int64_t id = 0;
    enum fault_code code = next_id(store, batch->tenant, &id, fault);
    if (code == FAULT_NONE)
        code = store_prepare(store, sql, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(insert, 1, batch->tenant);
    store_bind_whole(insert, 2, id);
    store_bind_text(insert, 3, str_of(item->reason));
    store_bind_text(insert, 4, item->detail);
    store_bind_text(insert, 5, item->event.source);
    store_bind_text(insert, 6, item->event.id);
    store_bind_text(insert, 7, item->text);
    store_bind_whole(insert, 8, batch->received_us);
    return store_run(insert, fault);
}

#define COLUMNS                                                                                    \
    "id, state, reason, detail, source, event_id, event, received_us, ended_us, ended_by, "        \
    "ended_why, replayed"

static enum fault_code read_entry(struct store_row *row, void *out, struct fault *fault)
{
    (void)fault;
    *(struct usage_dlq_entry *)out = (struct usage_dlq_entry){
        .id = store_whole(row->query, 0),
        .state = store_row_text(row, 1),
        .reason = store_row_text(row, 2),
        .detail = store_row_text(row, 3),
        .source = store_row_text(row, 4),
        .event_id = store_row_text(row, 5),
        .event = store_row_text(row, 6),
        .received_us = store_whole(row->query, 7),
        .ended_us = store_is_null(row->query, 8) ? 0 : store_whole(row->query, 8),
        .ended_by = store_row_text(row, 9),
        .ended_why = store_row_text(row, 10),
        .replayed = store_row_text(row, 11),
    };
    return FAULT_NONE;
}

enum fault_code usage_dlq_list(struct store *store, struct str tenant,
                               const struct usage_dlq_filter *filter, struct arena *arena,
                               struct store_list *out, struct fault *fault)
{
    static const char sql[] =
        "SELECT " COLUMNS
        " FROM usage_dlq WHERE tenant = $1 AND (CAST($2 AS BIGINT) = 0 OR id < $2)"
        " AND ($3 = '' OR state = $3) AND ($4 = '' OR reason = $4) AND ($5 = '' OR source = $5)"
        " ORDER BY id DESC LIMIT $6";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_whole(query, 2, filter->before);
    store_bind_text(query, 3, filter->state);
    store_bind_text(query, 4, filter->reason);
    store_bind_text(query, 5, filter->source);
    store_bind_whole(query, 6, filter->limit);
    return store_list(query, arena, sizeof(struct usage_dlq_entry), read_entry, out, fault);
}

enum fault_code usage_dlq_find(struct store *store, struct str tenant, int64_t id,
                               struct arena *arena, struct usage_dlq_entry *out,
                               struct fault *fault)
{
    static const char sql[] = "SELECT " COLUMNS " FROM usage_dlq WHERE tenant = $1 AND id = $2";
    struct statement *query;
    bool found = false;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_whole(query, 2, id);
    code = store_find(query, arena, sizeof *out, read_entry, &found, out, fault);
    if (code == FAULT_NONE && !found)
        code = fault_field(fault, FAULT_NOT_FOUND, "id", "there is no such entry in the DLQ");
    return code;
}

enum fault_code usage_dlq_end(struct store *store, struct str tenant, int64_t id,
                              const struct usage_dlq_end *end, struct fault *fault)
{
    static const char sql[] = "UPDATE usage_dlq SET state = $1, replayed = $2, ended_by = $3, "
                              "ended_why = $4, ended_us = $5"
                              " WHERE tenant = $6 AND id = $7 AND state = 'open'";
    struct statement *update;
    enum fault_code code = store_prepare(store, sql, &update, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(update, 1, str_of(end->state));
    if (end->replayed.len > 0)
        store_bind_text(update, 2, end->replayed);
    else
        store_bind_null(update, 2);
    store_bind_text(update, 3, end->by);
    store_bind_text(update, 4, end->why);
    store_bind_whole(update, 5, end->at_us);
    store_bind_text(update, 6, tenant);
    store_bind_whole(update, 7, id);
    code = store_run(update, fault);
    if (code == FAULT_NONE && store_changes(store) == 0)
        code = fault_field(fault, FAULT_CONFLICT, "id",
                           "this entry was replayed or discarded already");
    return code;
}
