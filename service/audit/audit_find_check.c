/* Whether what finds records agrees with them: two passes, rows that say other than their record,
 * and records without a row. Where no row is wrong a record has at most one, so that counting tells
 * of the second. */
#include "libs/text/json.h"
#include "service/audit/audit_find.h"
#include "service/audit/audit_internal.h"

static const char sql_rows[] =
    "SELECT h.idx, h.time_us, h.action, h.subject, h.sid, h.token, h.handoff, e.entry "
    "FROM audit_handoffs h LEFT JOIN audit_entries e ON e.tenant = h.tenant AND e.idx = h.idx "
    "WHERE h.tenant = $1";
static const char sql_records[] =
    "SELECT idx, entry FROM audit_entries WHERE tenant = $1 ORDER BY idx";
static const char sql_row[] = "SELECT count(*) FROM audit_handoffs "
                              "WHERE tenant = $1 AND time_us = $2 AND idx = $3";

enum { RECORD_MEMORY_MAX = 1 << 20 };

/* What a record says of itself; false for one that is not JSON, or has no time. */
struct said {
    int64_t time_us;
    struct str action;
    const struct json *body;
};

static bool read_record(struct arena *arena, struct str entry, struct said *out)
{
    struct fault ignored;
    arena_reset(arena);
    return json_read(arena, entry, &out->body, &ignored) == FAULT_NONE &&
           json_whole(json_member(out->body, "time_us"), &out->time_us) &&
           json_text(json_member(out->body, "action"), &out->action);
}

static bool says(const struct json *body, const char *name, struct str expected)
{
    struct str text = {0};
    (void)json_text(json_member(body, name), &text); /* none is as good as an empty one */
    return str_equal(text, expected);
}

static bool row_is_right(struct arena *arena, struct statement *row)
{
    struct said said;
    return !store_is_null(row, 7) && read_record(arena, store_text(row, 7), &said) &&
           said.time_us == store_whole(row, 1) && str_equal(said.action, store_text(row, 2)) &&
           says(said.body, "subject", store_text(row, 3)) &&
           says(said.body, "sid", store_text(row, 4)) &&
           says(said.body, "token", store_text(row, 5)) &&
           says(said.body, "handoff", store_text(row, 6));
}

static enum fault_code check_rows(struct store *store, struct arena *arena, struct str tenant,
                                  int64_t *out_count, struct fault *fault)
{
    struct statement *rows;
    bool row = false;
    int64_t count = 0;
    int64_t wrong = -1;
    enum fault_code code = store_prepare(store, sql_rows, &rows, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(rows, 1, tenant);
    while ((code = store_step(rows, &row, fault)) == FAULT_NONE && row) {
        int64_t index = store_whole(rows, 0);
        if (!row_is_right(arena, rows) && (wrong < 0 || index < wrong))
            wrong = index;
        count++;
    }
    store_reset(rows);
    if (code == FAULT_NONE && wrong >= 0)
        code = fault_set(fault, FAULT_CORRUPT,
                         "tenant %.*s: record %lld is found under what it does not say: "
                         "audit_handoffs was changed",
                         STR_ARG(tenant), (long long)wrong);
    if (code == FAULT_NONE)
        *out_count = count;
    return code;
}

static enum fault_code has_row(struct store *store, struct str tenant, const struct said *said,
                               int64_t index, bool *out, struct fault *fault)
{
    struct statement *query;
    bool row = false;
    enum fault_code code = store_prepare(store, sql_row, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_whole(query, 2, said->time_us);
    store_bind_whole(query, 3, index);
    code = store_step(query, &row, fault);
    if (code != FAULT_NONE)
        return code;
    *out = store_whole(query, 0) > 0;
    store_reset(query);
    return FAULT_NONE;
}

/* Counts the records that must be found; with `look`, names the first that has no row. */
static enum fault_code check_records(struct store *store, struct arena *arena, struct str tenant,
                                     bool look, int64_t *out_count, struct fault *fault)
{
    struct statement *records;
    struct said said;
    bool row = false;
    bool found = true;
    int64_t count = 0;
    enum fault_code code = store_prepare(store, sql_records, &records, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(records, 1, tenant);
    while ((code = store_step(records, &row, fault)) == FAULT_NONE && row) {
        int64_t index = store_whole(records, 0);
        if (!read_record(arena, store_text(records, 1), &said) ||
            !str_starts(said.action, STR("handoff.")))
            continue;
        count++;
        if (look)
            code = has_row(store, tenant, &said, index, &found, fault);
        if (code == FAULT_NONE && !found)
            code = fault_set(fault, FAULT_CORRUPT,
                             "tenant %.*s: record %lld cannot be found by time, analyst and "
                             "search: audit_handoffs lacks it",
                             STR_ARG(tenant), (long long)index);
        if (code != FAULT_NONE)
            break;
    }
    store_reset(records);
    if (code == FAULT_NONE)
        *out_count = count;
    return code;
}

enum fault_code audit_find_check(struct store *store, struct str tenant, struct fault *fault)
{
    struct arena arena;
    int64_t rows = 0;
    int64_t records = 0;
    arena_init(&arena, RECORD_MEMORY_MAX);
    enum fault_code code = check_rows(store, &arena, tenant, &rows, fault);
    if (code == FAULT_NONE)
        code = check_records(store, &arena, tenant, false, &records, fault);
    if (code == FAULT_NONE && records != rows)
        code = check_records(store, &arena, tenant, true, &records, fault);
    arena_done(&arena);
    return code;
}
