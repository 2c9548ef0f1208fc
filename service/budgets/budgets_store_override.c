#include "service/budgets/budgets_store.h"

#include "service/budgets/budgets_store_row.h"

#define TEXT(value)  BUDGETS_VALUE_TEXT(value)
#define WHOLE(value) BUDGETS_VALUE_WHOLE(value)

static const char *const states[] = {"active", "waiting", "expired", "revoked"};

const char *budgets_override_state_name(enum budgets_override_state state)
{
    return states[state];
}

static enum fault_code read_state(struct str text, enum budgets_override_state *out,
                                  struct fault *fault)
{
    for (int i = 0; i < (int)(sizeof states / sizeof states[0]); i++)
        if (str_equal(text, str_of(states[i]))) {
            *out = (enum budgets_override_state)i;
            return FAULT_NONE;
        }
    return fault_set(fault, FAULT_CORRUPT, "an override in the store has no state");
}

static int64_t whole_or_0(struct statement *query, int column)
{
    return store_is_null(query, column) ? 0 : store_whole(query, column);
}

#define COLUMNS                                                                                    \
    "id, budget, kind, amount, reason, state, asked_us, asked_by, asked_token, expires_us, "       \
    "approved_us, approved_by, approved_why, ended_us, ended_by, ended_why"

static enum fault_code read_override(struct store_row *row, void *out, struct fault *fault)
{
    struct budgets_override *read = out;
    struct statement *query = row->query;
    *read = (struct budgets_override){
        .id = store_row_text(row, 0),
        .budget = store_row_text(row, 1),
        .kind = str_equal(store_text(query, 2), STR("amount")) ? BUDGETS_AMOUNT : BUDGETS_BYPASS,
        .amount = whole_or_0(query, 3),
        .reason = store_row_text(row, 4),
        .asked_us = store_whole(query, 6),
        .asked_by = store_row_text(row, 7),
        .asked_token = store_row_text(row, 8),
        .expires_us = store_whole(query, 9),
        .approved_us = whole_or_0(query, 10),
        .approved_by = store_row_text(row, 11),
        .approved_why = store_row_text(row, 12),
        .ended_us = whole_or_0(query, 13),
        .ended_by = store_row_text(row, 14),
        .ended_why = store_row_text(row, 15),
    };
    return read_state(store_text(query, 5), &read->state, fault);
}

/* By the clock, noted or not. */
static void judge(struct budgets_override *override, int64_t now_us)
{
    if (override->ended_us == 0 && override->expires_us <= now_us)
        override->state = BUDGETS_EXPIRED;
}

enum fault_code budgets_store_override_put(struct store *store, struct str tenant,
                                           const struct budgets_override *override,
                                           struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO budgets_overrides (tenant, id, budget, kind, amount, reason, state, asked_us,"
        " asked_by, asked_token, expires_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    bool has_amount = override->kind == BUDGETS_AMOUNT;
    const struct budgets_value values[] = {
        TEXT(tenant),
        TEXT(override->id),
        TEXT(override->budget),
        TEXT(has_amount ? STR("amount") : STR("bypass")),
        has_amount ? WHOLE(override->amount) : BUDGETS_VALUE_NULL,
        TEXT(override->reason),
        TEXT(str_of(states[override->state])),
        WHOLE(override->asked_us),
        TEXT(override->asked_by),
        TEXT(override->asked_token),
        WHOLE(override->expires_us),
    };
    return budgets_do(store, sql, values, BUDGETS_COUNT(values), fault);
}

static enum fault_code find_one(struct store *store, const char *sql,
                                const struct budgets_value *values, size_t count, int64_t now_us,
                                struct arena *arena, bool *out_found, struct budgets_override *out,
                                struct fault *fault)
{
    struct statement *query;
    bool found = false;
    enum fault_code code = budgets_ask(store, sql, values, count, &query, fault);
    if (code == FAULT_NONE)
        code = store_find(query, arena, sizeof *out, read_override, &found, out, fault);
    if (code != FAULT_NONE)
        return code;
    if (found)
        judge(out, now_us);
    *out_found = found;
    return FAULT_NONE;
}

enum fault_code budgets_store_override_find(struct store *store, struct str tenant,
                                            struct str budget, struct str id, int64_t now_us,
                                            struct arena *arena, struct budgets_override *out,
                                            struct fault *fault)
{
    static const char sql[] = "SELECT " COLUMNS " FROM budgets_overrides"
                              " WHERE tenant = $1 AND budget = $2 AND id = $3";
    const struct budgets_value values[] = {TEXT(tenant), TEXT(budget), TEXT(id)};
    bool found = false;
    enum fault_code code =
        find_one(store, sql, values, BUDGETS_COUNT(values), now_us, arena, &found, out, fault);
    if (code == FAULT_NONE && !found)
        code = fault_field(fault, FAULT_NOT_FOUND, "id", "there is no such override");
    return code;
}

enum fault_code budgets_store_override_open(struct store *store, struct str tenant,
                                            struct str budget, int64_t now_us, struct arena *arena,
                                            bool *out_found, struct budgets_override *out,
                                            struct fault *fault)
{
    static const char sql[] = "SELECT " COLUMNS " FROM budgets_overrides"
                              " WHERE tenant = $1 AND budget = $2 AND ended_us IS NULL";
    const struct budgets_value values[] = {TEXT(tenant), TEXT(budget)};
    return find_one(store, sql, values, BUDGETS_COUNT(values), now_us, arena, out_found, out,
                    fault);
}

enum fault_code budgets_store_override_list(struct store *store, struct str tenant,
                                            struct str budget, int64_t now_us, int64_t limit,
                                            struct arena *arena, struct store_list *out,
                                            struct fault *fault)
{
    static const char sql[] = "SELECT " COLUMNS " FROM budgets_overrides"
                              " WHERE tenant = $1 AND budget = $2"
                              " ORDER BY asked_us DESC, id DESC LIMIT $3";
    const struct budgets_value values[] = {TEXT(tenant), TEXT(budget), WHOLE(limit)};
    struct statement *query;
    enum fault_code code = budgets_ask(store, sql, values, BUDGETS_COUNT(values), &query, fault);
    if (code == FAULT_NONE)
        code = store_list(query, arena, sizeof(struct budgets_override), read_override, out, fault);
    struct budgets_override *overrides = code == FAULT_NONE ? out->rows : NULL;
    for (size_t i = 0; overrides && i < out->count; i++)
        judge(&overrides[i], now_us);
    return code;
}

/* A budget has one open at most, and is deleted with none. */
enum fault_code budgets_store_override_due(struct store *store, struct str tenant, int64_t now_us,
                                           struct arena *arena, struct store_list *out,
                                           struct fault *fault)
{
    static const char sql[] = "SELECT " COLUMNS " FROM budgets_overrides"
                              " WHERE tenant = $1 AND ended_us IS NULL AND expires_us <= $2"
                              " ORDER BY expires_us, id LIMIT $3";
    const struct budgets_value values[] = {TEXT(tenant), WHOLE(now_us), WHOLE(BUDGETS_MAX)};
    struct statement *query;
    enum fault_code code = budgets_ask(store, sql, values, BUDGETS_COUNT(values), &query, fault);
    return code == FAULT_NONE ? store_list(query, arena, sizeof(struct budgets_override),
                                           read_override, out, fault)
                              : code;
}

static struct budgets_value moment_or_null(int64_t at_us)
{
    return at_us == 0 ? BUDGETS_VALUE_NULL : WHOLE(at_us);
}

enum fault_code budgets_store_override_note(struct store *store, struct str tenant,
                                            const struct budgets_override *override,
                                            struct fault *fault)
{
    static const char sql[] =
        "UPDATE budgets_overrides SET state = $1, approved_us = $2, approved_by = $3,"
        " approved_why = $4, ended_us = $5, ended_by = $6, ended_why = $7"
        " WHERE tenant = $8 AND id = $9 AND ended_us IS NULL";
    const struct budgets_value values[] = {
        TEXT(str_of(states[override->state])),
        moment_or_null(override->approved_us),
        TEXT(override->approved_by),
        TEXT(override->approved_why),
        moment_or_null(override->ended_us),
        TEXT(override->ended_by),
        TEXT(override->ended_why),
        TEXT(tenant),
        TEXT(override->id),
    };
    return budgets_do(store, sql, values, BUDGETS_COUNT(values), fault);
}
