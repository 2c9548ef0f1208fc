/* Crossings and the history. */
#include "service/budgets/budgets_store.h"

#include "service/budgets/budgets_store_row.h"

#define TEXT(value)  BUDGETS_VALUE_TEXT(value)
#define WHOLE(value) BUDGETS_VALUE_WHOLE(value)

/* --- crossings ------------------------------------------------------------------------------ */

/* A threshold's name in the keys. An absolute one is written as the whole number that it is kept
 * as, whatever the budget's unit. */
static struct str threshold_key(const struct budgets_threshold *threshold,
                                char room[BUDGETS_THRESHOLD_TEXT])
{
    struct buf text = {
        .ptr = room, .room = BUDGETS_THRESHOLD_TEXT, .limit = BUDGETS_THRESHOLD_TEXT};
    buf_addf(&text, "%s:", budgets_threshold_name(threshold->kind));
    if (threshold->kind == BUDGETS_ABSOLUTE)
        buf_add_i64(&text, threshold->value);
    else
        budgets_percent_add(&text, threshold->value);
    return buf_str(&text);
}

enum fault_code budgets_store_crossing_last(struct store *store, struct str tenant,
                                            struct str budget, int64_t period_from_us,
                                            const struct budgets_threshold *threshold,
                                            struct budgets_crossing *out, struct fault *fault)
{
    static const char sql[] =
        "SELECT ordinal, at_us, used, limit_amount FROM budgets_crossings"
        " WHERE tenant = $1 AND budget = $2 AND period_from_us = $3 AND threshold = $4"
        " ORDER BY ordinal DESC LIMIT 1";
    char room[BUDGETS_THRESHOLD_TEXT];
    const struct budgets_value values[] = {TEXT(tenant), TEXT(budget), WHOLE(period_from_us),
                                           TEXT(threshold_key(threshold, room))};
    struct statement *query;
    bool row = false;
    enum fault_code code = budgets_ask(store, sql, values, BUDGETS_COUNT(values), &query, fault);
    if (code == FAULT_NONE)
        code = store_step(query, &row, fault);
    if (code != FAULT_NONE)
        return code;
    *out = (struct budgets_crossing){
        .budget = budget, .period_from_us = period_from_us, .threshold = *threshold};
    if (!row)
        return FAULT_NONE;
    out->ordinal = store_whole(query, 0);
    out->at_us = store_whole(query, 1);
    out->used = store_whole(query, 2);
    out->limit = store_whole(query, 3);
    store_reset(query);
    return FAULT_NONE;
}

enum fault_code budgets_store_crossing_put(struct store *store, struct str tenant,
                                           const struct budgets_crossing *crossing, bool *out_new,
                                           struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO budgets_crossings (tenant, budget, period_from_us, threshold, ordinal,"
        " direction, at_us, used, limit_amount) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        " ON CONFLICT (tenant, budget, period_from_us, threshold, ordinal) DO NOTHING";
    char room[BUDGETS_THRESHOLD_TEXT];
    const struct budgets_value values[] = {
        TEXT(tenant),
        TEXT(crossing->budget),
        WHOLE(crossing->period_from_us),
        TEXT(threshold_key(&crossing->threshold, room)),
        WHOLE(crossing->ordinal),
        TEXT(crossing->ordinal % 2 == 1 ? STR("up") : STR("down")),
        WHOLE(crossing->at_us),
        WHOLE(crossing->used),
        WHOLE(crossing->limit),
    };
    enum fault_code code = budgets_do(store, sql, values, BUDGETS_COUNT(values), fault);
    if (code == FAULT_NONE)
        *out_new = store_changes(store) == 1;
    return code;
}

/* --- history -------------------------------------------------------------------------------- */

static enum fault_code next_id(struct store *store, struct str tenant, int64_t *out,
                               struct fault *fault)
{
    static const char sql[] =
        "SELECT coalesce(max(id), 0) + 1 FROM budgets_history WHERE tenant = $1";
    const struct budgets_value values[] = {TEXT(tenant)};
    struct statement *query;
    enum fault_code code = budgets_ask(store, sql, values, BUDGETS_COUNT(values), &query, fault);
    return code == FAULT_NONE ? store_read_whole(query, out, fault) : code;
}

enum fault_code budgets_store_history_put(struct store *store, struct str tenant,
                                          const struct budgets_entry *entry, struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO budgets_history (tenant, id, budget, at_us, kind, done_by, detail, threshold)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    int64_t id = 0;
    enum fault_code code = next_id(store, tenant, &id, fault);
    const struct budgets_value values[] = {
        TEXT(tenant),        WHOLE(id),
        TEXT(entry->budget), WHOLE(entry->at_us),
        TEXT(entry->kind),   TEXT(entry->by),
        TEXT(entry->detail), entry->threshold.len > 0 ? TEXT(entry->threshold) : BUDGETS_VALUE_NULL,
    };
    return code == FAULT_NONE ? budgets_do(store, sql, values, BUDGETS_COUNT(values), fault) : code;
}

static enum fault_code read_entry(struct store_row *row, void *out, struct fault *fault)
{
    (void)fault;
    *(struct budgets_entry *)out = (struct budgets_entry){
        .id = store_whole(row->query, 0),
        .budget = store_row_text(row, 1),
        .at_us = store_whole(row->query, 2),
        .kind = store_row_text(row, 3),
        .by = store_row_text(row, 4),
        .detail = store_row_text(row, 5),
        .threshold = store_row_text(row, 6),
    };
    return FAULT_NONE;
}

enum fault_code budgets_store_history_list(struct store *store, struct str tenant,
                                           struct str budget, int64_t before, int64_t limit,
                                           struct arena *arena, struct store_list *out,
                                           struct fault *fault)
{
    static const char sql[] =
        "SELECT id, budget, at_us, kind, done_by, detail, threshold FROM budgets_history"
        " WHERE tenant = $1 AND budget = $2 AND (CAST($3 AS BIGINT) = 0 OR id < $3)"
        " ORDER BY id DESC LIMIT $4";
    const struct budgets_value values[] = {TEXT(tenant), TEXT(budget), WHOLE(before), WHOLE(limit)};
    struct statement *query;
    enum fault_code code = budgets_ask(store, sql, values, BUDGETS_COUNT(values), &query, fault);
    return code == FAULT_NONE
               ? store_list(query, arena, sizeof(struct budgets_entry), read_entry, out, fault)
               : code;
}
