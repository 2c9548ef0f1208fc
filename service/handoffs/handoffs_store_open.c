/* Hand-offs whose parts are coming. */
#include "service/handoffs/handoffs_store.h"

static enum fault_code read_open(struct store_row *row, void *out, struct fault *fault)
{
    (void)fault;
    *(struct handoffs_open *)out =
        (struct handoffs_open){store_row_text(row, 0), store_whole(row->query, 1)};
    return FAULT_NONE;
}

enum fault_code handoffs_store_open_find(struct store *store, struct str tenant, struct str id,
                                         struct arena *arena, struct handoffs_open *out,
                                         struct fault *fault)
{
    static const char sql[] = "SELECT manifest, part_count FROM handoffs_open"
                              " WHERE tenant = $1 AND id = $2";
    struct statement *query;
    bool found = false;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_text(query, 2, id);
    code = store_find(query, arena, sizeof *out, read_open, &found, out, fault);
    if (code == FAULT_NONE && !found)
        code = fault_set(fault, FAULT_NOT_FOUND,
                         "no hand-off with this id is open: POST its first line to /v1/handoffs");
    return code;
}

enum fault_code handoffs_store_open_put(struct store *store, struct str tenant, struct str id,
                                        const struct handoffs_open *open, int64_t now_us,
                                        struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO handoffs_open (tenant, id, manifest, part_count, touched_us)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, id) DO UPDATE SET"
        " manifest = excluded.manifest, part_count = excluded.part_count,"
        " touched_us = excluded.touched_us";
    struct statement *upsert;
    enum fault_code code = store_prepare(store, sql, &upsert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(upsert, 1, tenant);
    store_bind_text(upsert, 2, id);
    store_bind_text(upsert, 3, open->manifest);
    store_bind_whole(upsert, 4, open->part_count);
    store_bind_whole(upsert, 5, now_us);
    return store_run(upsert, fault);
}

/* Runs a statement whose only places are tenant and id. */
static enum fault_code run_keyed(struct store *store, const char *sql, struct str tenant,
                                 struct str id, struct fault *fault)
{
    struct statement *statement;
    enum fault_code code = store_prepare(store, sql, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(statement, 1, tenant);
    store_bind_text(statement, 2, id);
    return store_run(statement, fault);
}

enum fault_code handoffs_store_open_remove(struct store *store, struct str tenant, struct str id,
                                           struct fault *fault)
{
    static const char sql_parts[] = "DELETE FROM handoffs_parts WHERE tenant = $1 AND id = $2";
    static const char sql_open[] = "DELETE FROM handoffs_open WHERE tenant = $1 AND id = $2";
    enum fault_code code = run_keyed(store, sql_parts, tenant, id, fault);
    return code == FAULT_NONE ? run_keyed(store, sql_open, tenant, id, fault) : code;
}

enum fault_code handoffs_store_open_sweep(struct store *store, int64_t before_us,
                                          struct fault *fault)
{
    static const char sql_parts[] =
        "DELETE FROM handoffs_parts WHERE EXISTS (SELECT 1 FROM handoffs_open AS o"
        " WHERE o.tenant = handoffs_parts.tenant AND o.id = handoffs_parts.id"
        " AND o.touched_us < $1)";
    static const char sql_open[] = "DELETE FROM handoffs_open WHERE touched_us < $1";
    struct statement *statement;
    enum fault_code code = store_prepare(store, sql_parts, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(statement, 1, before_us);
    code = store_run(statement, fault);
    if (code == FAULT_NONE)
        code = store_prepare(store, sql_open, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(statement, 1, before_us);
    return store_run(statement, fault);
}

enum fault_code handoffs_store_open_count(struct store *store, struct str tenant, struct str id,
                                          int64_t *out, struct fault *fault)
{
    static const char sql[] = "SELECT count(*) FROM handoffs_open WHERE tenant = $1 AND id <> $2";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_text(query, 2, id);
    return store_read_whole(query, out, fault);
}

static enum fault_code touch(struct store *store, struct str tenant, struct str id, int64_t now_us,
                             struct fault *fault)
{
    static const char sql[] = "UPDATE handoffs_open SET touched_us = $1"
                              " WHERE tenant = $2 AND id = $3";
    struct statement *update;
    enum fault_code code = store_prepare(store, sql, &update, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(update, 1, now_us);
    store_bind_text(update, 2, tenant);
    store_bind_text(update, 3, id);
    return store_run(update, fault);
}

enum fault_code handoffs_store_part_put(struct store *store, struct str tenant, struct str id,
                                        int64_t part, struct str lines, int64_t now_us,
                                        struct fault *fault)
{
    static const char sql[] = "INSERT INTO handoffs_parts (tenant, id, part, size, lines)"
                              " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, id, part)"
                              " DO UPDATE SET size = excluded.size, lines = excluded.lines";
    struct statement *upsert;
    enum fault_code code = store_prepare(store, sql, &upsert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(upsert, 1, tenant);
    store_bind_text(upsert, 2, id);
    store_bind_whole(upsert, 3, part);
    store_bind_whole(upsert, 4, (int64_t)lines.len);
    store_bind_bytes(upsert, 5, lines);
    code = store_run(upsert, fault);
    return code == FAULT_NONE ? touch(store, tenant, id, now_us, fault) : code;
}

enum fault_code handoffs_store_staged(struct store *store, struct str tenant, struct str id,
                                      int64_t part, int64_t *out, struct fault *fault)
{
    /* PostgreSQL's sum of BIGINT is NUMERIC: the cast keeps it whole on both. */
    static const char sql[] = "SELECT CAST(coalesce(sum(size), 0) AS BIGINT) FROM handoffs_parts"
                              " WHERE tenant = $1 AND NOT (id = $2 AND part = $3)";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_text(query, 2, id);
    store_bind_whole(query, 3, part);
    return store_read_whole(query, out, fault);
}

static enum fault_code read_part(struct store_row *row, void *out, struct fault *fault)
{
    (void)fault;
    *(int64_t *)out = store_whole(row->query, 0);
    return FAULT_NONE;
}

enum fault_code handoffs_store_parts(struct store *store, struct str tenant, struct str id,
                                     struct arena *arena, struct store_list *out,
                                     struct fault *fault)
{
    static const char sql[] = "SELECT part FROM handoffs_parts WHERE tenant = $1 AND id = $2"
                              " ORDER BY part";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_text(query, 2, id);
    return store_list(query, arena, sizeof(int64_t), read_part, out, fault);
}

enum fault_code handoffs_store_part(struct store *store, struct str tenant, struct str id,
                                    int64_t part, struct str *out, struct fault *fault)
{
    static const char sql[] = "SELECT lines FROM handoffs_parts"
                              " WHERE tenant = $1 AND id = $2 AND part = $3";
    struct statement *query;
    bool row = false;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_text(query, 2, id);
    store_bind_whole(query, 3, part);
    code = store_step(query, &row, fault);
    if (code != FAULT_NONE)
        return code;
    if (!row)
        return fault_set(fault, FAULT_CORRUPT, "a part of a hand-off is gone from the store");
    *out = store_text(query, 0);
    return FAULT_NONE;
}
