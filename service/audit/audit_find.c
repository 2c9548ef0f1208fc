#include "service/audit/audit_find.h"

#include "service/audit/audit_internal.h"

static const char sql_insert[] = "INSERT INTO audit_handoffs (tenant, time_us, idx, action, "
                                 "subject, sid, token, handoff) VALUES ($1, $2, $3, $4, $5, $6, "
                                 "$7, $8)";

/* The places are the same in all three. Each is sure to use its index: without figures about the
 * table SQLite would take the first one for all (PostgreSQL keeps figures and is not told). */
#define COLUMNS                                                                                    \
    "SELECT h.idx, h.time_us, e.entry, h.handoff, h.action = 'handoff.committed' "                 \
    "FROM audit_handoffs h "
#define CONDITIONS                                                                                 \
    "JOIN audit_entries e ON e.tenant = h.tenant AND e.idx = h.idx "                               \
    "WHERE h.tenant = $1 AND h.time_us >= $2 AND h.time_us < $3 "                                  \
    "AND (h.time_us, h.idx) < ($4, $5) AND h.idx < $6 AND ($7 = '' OR h.token = $7) "
#define ORDER "ORDER BY h.time_us DESC, h.idx DESC LIMIT $10"

static const char sql_by_time[] = COLUMNS CONDITIONS "AND $8 = '' AND $9 = '' " ORDER;
static const char sql_by_subject[] = COLUMNS "INDEXED BY audit_handoffs_by_subject " CONDITIONS
                                             "AND h.subject = $8 AND $9 = '' " ORDER;
static const char sql_by_sid[] = COLUMNS "INDEXED BY audit_handoffs_by_sid " CONDITIONS
                                         "AND ($8 = '' OR h.subject = $8) AND h.sid = $9 " ORDER;

enum fault_code audit_find_note(struct store *store, const struct audit_record *record,
                                int64_t time_us, int64_t index, struct fault *fault)
{
    struct statement *insert;
    if (!str_starts(str_of(record->action), STR("handoff.")))
        return FAULT_NONE;
    enum fault_code code = store_prepare(store, sql_insert, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(insert, 1, record->tenant);
    store_bind_whole(insert, 2, time_us);
    store_bind_whole(insert, 3, index);
    store_bind_text(insert, 4, str_of(record->action));
    store_bind_text(insert, 5, record->subject);
    store_bind_text(insert, 6, record->sid);
    store_bind_text(insert, 7, record->token);
    store_bind_text(insert, 8, record->handoff);
    return store_run(insert, fault);
}

static void bind(struct statement *query, const struct audit_find *find)
{
    store_bind_text(query, 1, find->tenant);
    store_bind_whole(query, 2, find->from_us);
    store_bind_whole(query, 3, find->to_us);
    store_bind_whole(query, 4, find->before_us);
    store_bind_whole(query, 5, find->before_index);
    store_bind_whole(query, 6, find->size);
    store_bind_text(query, 7, find->token);
    store_bind_text(query, 8, find->subject);
    store_bind_text(query, 9, find->sid);
    store_bind_whole(query, 10, find->most);
}

enum fault_code audit_find_handoffs(struct store *store, const struct audit_find *find,
                                    audit_visit *visit, void *context, struct fault *fault)
{
    struct statement *query;
    bool row = false;
    bool stop = false;
    const char *sql = find->sid.len > 0       ? sql_by_sid
                      : find->subject.len > 0 ? sql_by_subject
                                              : sql_by_time;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    bind(query, find);
    while (!stop && (code = store_step(query, &row, fault)) == FAULT_NONE && row) {
        struct audit_found found = {
            .index = store_whole(query, 0),
            .time_us = store_whole(query, 1),
            .entry = store_text(query, 2),
            .handoff = store_text(query, 3),
            .committed = store_whole(query, 4) != 0,
        };
        code = visit(context, &found, &stop, fault);
        if (code != FAULT_NONE)
            break;
    }
    store_reset(query);
    return code;
}

enum fault_code audit_size(struct store *store, struct str log, int64_t *out, struct fault *fault)
{
    uint64_t size = 0;
    enum fault_code code = audit_size_read(store, log, &size, fault);
    if (code == FAULT_NONE)
        *out = (int64_t)size;
    return code;
}
