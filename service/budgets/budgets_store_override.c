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

#define COLUMNS                                                                                    \
    "id, budget, kind, amount, reason, state, asked_us, asked_by, asked_token, expires_us, "       \
    "approved_us, approved_by, approved_why, ended_us, ended_by, ended_why"

static enum fault_code read_override(struct statement *query, int64_t now_us, struct arena *arena,
                                     struct budgets_override *out, struct fault *fault)
{
    struct budgets_reader reader = {query, arena, false};
    struct budgets_override read = {
        .id = budgets_reader_text(&reader, 0),
        .budget = budgets_reader_text(&reader, 1),
        .kind = str_equal(store_text(query, 2), STR("amount")) ? BUDGETS_AMOUNT : BUDGETS_BYPASS,
        .amount = budgets_reader_whole(&reader, 3),
        .reason = budgets_reader_text(&reader, 4),
        .asked_us = store_whole(query, 6),
        .asked_by = budgets_reader_text(&reader, 7),
        .asked_token = budgets_reader_text(&reader, 8),
        .expires_us = store_whole(query, 9),
        .approved_us = budgets_reader_whole(&reader, 10),
        .approved_by = budgets_reader_text(&reader, 11),
        .approved_why = budgets_reader_text(&reader, 12),
        .ended_us = budgets_reader_whole(&reader, 13),
        .ended_by = budgets_reader_text(&reader, 14),
        .ended_why = budgets_reader_text(&reader, 15),
    };
    enum fault_code code = budgets_reader_check(&reader, fault);
    if (code == FAULT_NONE)
        code = read_state(store_text(query, 5), &read.state, fault);
    if (code != FAULT_NONE)
        return code;
    if (read.ended_us == 0 && read.expires_us <= now_us)
        read.state = BUDGETS_EXPIRED;
    *out = read;
    return FAULT_NONE;
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

/* Runs a query that was bound; at most `room` rows. */
static enum fault_code read_rows(struct statement *query, int64_t now_us, struct arena *arena,
                                 struct budgets_override *out, size_t room, size_t *out_count,
                                 struct fault *fault)
{
    size_t count = 0;
    bool row = false;
    enum fault_code code = store_step(query, &row, fault);
    while (code == FAULT_NONE && row && count < room) {
        code = read_override(query, now_us, arena, &out[count], fault);
        if (code == FAULT_NONE) {
            count++;
            code = store_step(query, &row, fault);
        }
    }
    store_reset(query);
    if (code == FAULT_NONE)
        *out_count = count;
    return code;
}

enum fault_code budgets_store_override_find(struct store *store, struct str tenant,
                                            struct str budget, struct str id, int64_t now_us,
                                            struct arena *arena, struct budgets_override *out,
                                            struct fault *fault)
{
    static const char sql[] = "SELECT " COLUMNS " FROM budgets_overrides"
                              " WHERE tenant = $1 AND budget = $2 AND id = $3";
    const struct budgets_value values[] = {TEXT(tenant), TEXT(budget), TEXT(id)};
    struct statement *query;
    size_t count = 0;
    enum fault_code code = budgets_ask(store, sql, values, BUDGETS_COUNT(values), &query, fault);
    if (code == FAULT_NONE)
        code = read_rows(query, now_us, arena, out, 1, &count, fault);
    if (code == FAULT_NONE && count == 0)
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
    struct statement *query;
    size_t count = 0;
    enum fault_code code = budgets_ask(store, sql, values, BUDGETS_COUNT(values), &query, fault);
    if (code == FAULT_NONE)
        code = read_rows(query, now_us, arena, out, 1, &count, fault);
    if (code == FAULT_NONE)
        *out_found = count > 0;
    return code;
}

enum fault_code budgets_store_override_list(struct store *store, struct str tenant,
                                            struct str budget, int64_t now_us, struct arena *arena,
                                            struct budgets_override *out, size_t room,
                                            size_t *out_count, struct fault *fault)
{
    static const char sql[] = "SELECT " COLUMNS " FROM budgets_overrides"
                              " WHERE tenant = $1 AND budget = $2"
                              " ORDER BY asked_us DESC, id DESC LIMIT $3";
    const struct budgets_value values[] = {TEXT(tenant), TEXT(budget), WHOLE((int64_t)room)};
    struct statement *query;
    enum fault_code code = budgets_ask(store, sql, values, BUDGETS_COUNT(values), &query, fault);
    return code == FAULT_NONE ? read_rows(query, now_us, arena, out, room, out_count, fault) : code;
}

enum fault_code budgets_store_override_due(struct store *store, struct str tenant, int64_t now_us,
                                           struct arena *arena, struct budgets_override *out,
                                           size_t room, size_t *out_count, struct fault *fault)
{
    static const char sql[] = "SELECT " COLUMNS " FROM budgets_overrides"
                              " WHERE tenant = $1 AND ended_us IS NULL AND expires_us <= $2"
                              " ORDER BY expires_us, id LIMIT $3";
    const struct budgets_value values[] = {TEXT(tenant), WHOLE(now_us), WHOLE((int64_t)room)};
    struct statement *query;
    enum fault_code code = budgets_ask(store, sql, values, BUDGETS_COUNT(values), &query, fault);
    return code == FAULT_NONE ? read_rows(query, 0, arena, out, room, out_count, fault) : code;
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
