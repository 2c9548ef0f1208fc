/* Committed hand-offs. */
#include "service/handoffs/handoffs_store.h"

#include <stddef.h>

/* The columns of a row in the order of the SQL texts below, and where each stands in the struct. */
#define COLUMNS                                                                                    \
    "number, id, title, investigation, analyst, app, sid, command, target, client, search_sha256," \
    " content_sha256, earliest_us, latest_us, row_count, value_count, placeholders, invalid,"      \
    " entities, entities_new, entities_merged, entities_skipped, relations, relations_new,"        \
    " relations_merged, relations_skipped, opens, committed_us, committed_by, audit_index,"        \
    " audit_origin, checkpoint"

struct column {
    size_t offset;
    bool is_text;
};

#define TEXT(member)                                                                               \
    {                                                                                              \
        offsetof(struct handoffs_row, member), true                                                \
    }
#define WHOLE(member)                                                                              \
    {                                                                                              \
        offsetof(struct handoffs_row, member), false                                               \
    }

static const struct column columns[] = {
    WHOLE(number),
    TEXT(id),
    TEXT(title),
    TEXT(investigation),
    TEXT(analyst),
    TEXT(app),
    TEXT(sid),
    TEXT(command),
    TEXT(target),
    TEXT(client),
    TEXT(search_sha256),
    TEXT(content_sha256),
    WHOLE(earliest_us),
    WHOLE(latest_us),
    WHOLE(rows),
    WHOLE(values),
    WHOLE(placeholders),
    WHOLE(invalid),
    WHOLE(entities),
    WHOLE(entities_new),
    WHOLE(entities_merged),
    WHOLE(entities_skipped),
    WHOLE(relations),
    WHOLE(relations_new),
    WHOLE(relations_merged),
    WHOLE(relations_skipped),
    WHOLE(opens),
    WHOLE(committed_us),
    TEXT(committed_by),
    WHOLE(audit_index),
    TEXT(audit_origin),
    TEXT(checkpoint),
};

enum { COLUMN_COUNT = sizeof columns / sizeof columns[0] };

static enum fault_code read_row(struct store_row *row, void *out, struct fault *fault)
{
    (void)fault;
    for (int i = 0; i < COLUMN_COUNT; i++) {
        char *at = (char *)out + columns[i].offset;
        if (columns[i].is_text)
            *(struct str *)at = store_row_text(row, i);
        else
            *(int64_t *)at = store_whole(row->query, i);
    }
    return FAULT_NONE;
}

enum fault_code handoffs_store_find(struct store *store, struct str tenant, struct str id,
                                    struct arena *arena, struct handoffs_row *out,
                                    struct fault *fault)
{
    static const char sql[] = "SELECT " COLUMNS " FROM handoffs WHERE tenant = $1 AND id = $2";
    struct statement *query;
    bool found = false;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_text(query, 2, id);
    code = store_find(query, arena, sizeof *out, read_row, &found, out, fault);
    if (code == FAULT_NONE && !found)
        code = fault_set(fault, FAULT_NOT_FOUND, "no hand-off with this id");
    return code;
}

static enum fault_code read_title(struct store_row *row, void *out, struct fault *fault)
{
    (void)fault;
    *(struct str *)out = store_row_text(row, 0);
    return FAULT_NONE;
}

enum fault_code handoffs_store_title(struct store *store, struct str tenant, struct str id,
                                     struct arena *arena, struct str *out, struct fault *fault)
{
    static const char sql[] = "SELECT title FROM handoffs WHERE tenant = $1 AND id = $2";
    struct str title = STR("");
    struct statement *query;
    bool found = false;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_text(query, 2, id);
    code = store_find(query, arena, sizeof title, read_title, &found, &title, fault);
    if (code == FAULT_NONE)
        *out = title;
    return code;
}

enum fault_code handoffs_store_next_number(struct store *store, struct str tenant, int64_t *out,
                                           struct fault *fault)
{
    static const char sql[] = "SELECT coalesce(max(number), 0) + 1 FROM handoffs WHERE tenant = $1";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    return store_read_whole(query, out, fault);
}

enum fault_code handoffs_store_insert(struct store *store, struct str tenant,
                                      const struct handoffs_row *row, struct fault *fault)
{
    static const char sql[] = "INSERT INTO handoffs (tenant, " COLUMNS ") VALUES ("
                              "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,"
                              " $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28,"
                              " $29, $30, $31, $32, $33)";
    struct statement *insert;
    enum fault_code code = store_prepare(store, sql, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(insert, 1, tenant);
    for (int i = 0; i < COLUMN_COUNT; i++) {
        const char *at = (const char *)row + columns[i].offset;
        if (columns[i].is_text)
            store_bind_text(insert, i + 2, *(const struct str *)at);
        else
            store_bind_whole(insert, i + 2, *(const int64_t *)at);
    }
    return store_run(insert, fault);
}

enum fault_code handoffs_store_list(struct store *store, struct str tenant, int64_t before,
                                    int64_t most, struct arena *arena, struct store_list *out,
                                    struct fault *fault)
{
    static const char sql[] = "SELECT " COLUMNS " FROM handoffs WHERE tenant = $1 AND number < $2"
                              " ORDER BY number DESC LIMIT $3";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_whole(query, 2, before == 0 ? INT64_MAX : before);
    store_bind_whole(query, 3, most);
    return store_list(query, arena, sizeof(struct handoffs_row), read_row, out, fault);
}

enum fault_code handoffs_store_add_click(struct store *store, struct str tenant, struct str id,
                                         struct fault *fault)
{
    static const char sql[] = "UPDATE handoffs SET opens = opens + 1 WHERE tenant = $1 AND id = $2";
    struct statement *update;
    enum fault_code code = store_prepare(store, sql, &update, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(update, 1, tenant);
    store_bind_text(update, 2, id);
    return store_run(update, fault);
}
