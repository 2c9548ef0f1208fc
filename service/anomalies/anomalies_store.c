#include "service/anomalies/anomalies_store.h"

#include <stdio.h>

#include "libs/text/json.h"
#include "service/usage/usage_query.h"
#include "service/usage/usage_rollup.h"

/* --- keeping -------------------------------------------------------------------------------- */

static void bind_amount(struct statement *statement, int place, __int128 amount)
{
    __int128 high = amount / USAGE_LOW;
    __int128 low = amount % USAGE_LOW;
    if (low < 0) {
        low += USAGE_LOW;
        high--;
    }
    store_bind_whole(statement, place, (int64_t)high);
    store_bind_whole(statement, place + 1, (int64_t)low);
}

static enum fault_code next_id(struct store *store, struct str tenant, int64_t *out,
                               struct fault *fault)
{
    static const char sql[] =
        "SELECT CAST(coalesce(max(id), 0) + 1 AS BIGINT) FROM anomalies WHERE tenant = $1";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    return store_read_whole(query, out, fault);
}

enum fault_code anomalies_put(struct store *store, struct str tenant,
                              const struct anomalies_row *row, int64_t *out_id, struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO anomalies (tenant, id, meter, from_us, to_us, direction, high, low,"
        " usual_high, usual_low, z_milli, robust_milli, baseline, days, dimension, value,"
        " explains_ppm, state, detected_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
        " $12, $13, $14, $15, $16, $17, 'open', $18)"
        " ON CONFLICT (tenant, meter, from_us, direction) DO NOTHING";
    struct statement *insert;
    int64_t id = 0;
    enum fault_code code = next_id(store, tenant, &id, fault);
    if (code == FAULT_NONE)
        code = store_prepare(store, sql, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(insert, 1, tenant);
    store_bind_whole(insert, 2, id);
    store_bind_text(insert, 3, str_of(row->meter->name));
    store_bind_whole(insert, 4, row->from_us);
    store_bind_whole(insert, 5, row->to_us);
    store_bind_text(insert, 6, row->is_above ? STR("above") : STR("below"));
    bind_amount(insert, 7, row->amount);
    bind_amount(insert, 9, row->usual);
    store_bind_whole(insert, 11, row->z_milli);
    store_bind_whole(insert, 12, row->robust_milli);
    store_bind_text(insert, 13, row->by_weekday ? STR("weekday") : STR("window"));
    store_bind_whole(insert, 14, row->days);
    store_bind_text(insert, 15, row->dimension);
    store_bind_text(insert, 16, row->value);
    store_bind_whole(insert, 17, row->explains_ppm);
    store_bind_whole(insert, 18, row->detected_us);
    code = store_run(insert, fault);
    if (code == FAULT_NONE)
        *out_id = store_changes(store) == 1 ? id : 0;
    return code;
}

/* --- the list ------------------------------------------------------------------------------- */

static enum fault_code read_row(struct store_row *row, void *out, struct fault *fault)
{
    struct statement *query = row->query;
    struct anomalies_row *anomaly = out;
    *anomaly = (struct anomalies_row){
        .id = store_whole(query, 0),
        .meter = usage_meter_find(store_text(query, 1)),
        .from_us = store_whole(query, 2),
        .to_us = store_whole(query, 3),
        .is_above = str_equal(store_text(query, 4), STR("above")),
        .amount = usage_rollup_sum(store_whole(query, 5), store_whole(query, 6)),
        .usual = usage_rollup_sum(store_whole(query, 7), store_whole(query, 8)),
        .z_milli = store_whole(query, 9),
        .robust_milli = store_whole(query, 10),
        .by_weekday = str_equal(store_text(query, 11), STR("weekday")),
        .days = store_whole(query, 12),
        .dimension = store_row_text(row, 13),
        .value = store_row_text(row, 14),
        .explains_ppm = store_whole(query, 15),
        .state = store_row_text(row, 16),
        .detected_us = store_whole(query, 17),
        .ended_us = store_is_null(query, 18) ? 0 : store_whole(query, 18),
        .ended_by = store_row_text(row, 19),
        .ended_why = store_row_text(row, 20),
    };
    if (!anomaly->meter)
        return fault_set(fault, FAULT_CORRUPT, "anomaly %lld is of a meter that there is not",
                         (long long)anomaly->id);
    return FAULT_NONE;
}

enum fault_code anomalies_list(struct store *store, struct str tenant,
                               const struct anomalies_filter *filter, struct arena *arena,
                               struct store_list *out, struct fault *fault)
{
    static const char sql[] =
        "SELECT id, meter, from_us, to_us, direction, high, low, usual_high, usual_low, z_milli,"
        " robust_milli, baseline, days, dimension, value, explains_ppm, state, detected_us,"
        " ended_us, ended_by, ended_why FROM anomalies WHERE tenant = $1"
        " AND (CAST($2 AS BIGINT) = 0 OR id < $2) AND (CAST($3 AS TEXT) = '' OR state = $3)"
        " ORDER BY id DESC LIMIT $4";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_whole(query, 2, filter->before);
    store_bind_text(query, 3, filter->state);
    store_bind_whole(query, 4, filter->limit);
    return store_list(query, arena, sizeof(struct anomalies_row), read_row, out, fault);
}

/* --- its end -------------------------------------------------------------------------------- */

static enum fault_code why_not(struct store *store, struct str tenant, int64_t id,
                               struct fault *fault)
{
    static const char sql[] = "SELECT count(*) FROM anomalies WHERE tenant = $1 AND id = $2";
    struct statement *query;
    int64_t count = 0;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_whole(query, 2, id);
    code = store_read_whole(query, &count, fault);
    if (code != FAULT_NONE)
        return code;
    return count == 0 ? fault_field(fault, FAULT_NOT_FOUND, "id", "there is no such anomaly")
                      : fault_field(fault, FAULT_CONFLICT, "id",
                                    "the anomaly was acknowledged before; GET "
                                    "/v1/usage/anomalies says by whom");
}

enum fault_code anomalies_acknowledge(struct store *store, struct str tenant, int64_t id,
                                      struct str by, struct str why, int64_t now_us,
                                      struct fault *fault)
{
    static const char sql[] = "UPDATE anomalies SET state = 'acknowledged', ended_us = $1,"
                              " ended_by = $2, ended_why = $3"
                              " WHERE tenant = $4 AND id = $5 AND state = 'open'";
    struct statement *update;
    enum fault_code code = store_prepare(store, sql, &update, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(update, 1, now_us);
    store_bind_text(update, 2, by);
    store_bind_text(update, 3, why);
    store_bind_text(update, 4, tenant);
    store_bind_whole(update, 5, id);
    code = store_run(update, fault);
    return code == FAULT_NONE && store_changes(store) == 0 ? why_not(store, tenant, id, fault)
                                                           : code;
}

/* --- settings ------------------------------------------------------------------------------- */

/* As measured on the labelled set of tests/test_anomalies_judge.c. */
static const struct {
    const char *name;
    double threshold;
    double least_share;
} levels[] = {{"low", 7, 0.5}, {"medium", 5, 0.25}, {"high", 4, 0.2}};

enum { LIST_MAX = NOTIFY_RECIPIENTS_MAX * (NOTIFY_ID_MAX + 4) };
enum { LEVELS = sizeof levels / sizeof levels[0], LEAST_SHOWN = 10 };

bool anomalies_is_sensitivity(struct str word)
{
    bool is_one = str_equal(word, STR("off"));
    for (size_t i = 0; i < LEVELS; i++)
        is_one = is_one || str_equal(word, str_of(levels[i].name));
    return is_one;
}

bool anomalies_rule_of(struct str sensitivity, const struct usage_meter *meter,
                       struct anomalies_rule *out)
{
    for (size_t i = 0; i < LEVELS; i++)
        if (str_equal(sensitivity, str_of(levels[i].name))) {
            *out = (struct anomalies_rule){
                .threshold = levels[i].threshold,
                .least_amount = LEAST_SHOWN * (double)meter->shown_per,
                .least_share = levels[i].least_share,
            };
            return true;
        }
    return false;
}

static enum fault_code read_recipients(struct str text, struct arena *arena,
                                       struct anomalies_settings *out, struct fault *fault)
{
    const struct json *list;
    enum fault_code code = json_read(arena, text, &list, fault);
    if (code != FAULT_NONE)
        return code;
    for (const struct json *each = json_first(list);
         each && out->recipient_count < NOTIFY_RECIPIENTS_MAX; each = json_next(each))
        if (json_text(each, &out->recipients[out->recipient_count]))
            out->recipient_count++;
    return FAULT_NONE;
}

struct kept {
    struct str sensitivity;
    struct str recipients; /* as JSON */
};

static enum fault_code read_kept(struct store_row *row, void *out, struct fault *fault)
{
    (void)fault;
    *(struct kept *)out = (struct kept){store_row_text(row, 0), store_row_text(row, 1)};
    return FAULT_NONE;
}

enum fault_code anomalies_settings_read(struct store *store, struct str tenant, struct arena *arena,
                                        struct anomalies_settings *out, struct fault *fault)
{
    static const char sql[] =
        "SELECT sensitivity, recipients FROM anomaly_settings WHERE tenant = $1";
    struct kept kept = {.sensitivity = STR("medium"), .recipients = STR("[]")};
    struct statement *query;
    bool found = false;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    code = store_find(query, arena, sizeof kept, read_kept, &found, &kept, fault);
    if (code != FAULT_NONE)
        return code;
    struct anomalies_settings settings = {.sensitivity = kept.sensitivity};
    code = read_recipients(kept.recipients, arena, &settings, fault);
    if (code == FAULT_NONE)
        *out = settings;
    return code;
}

static void put_recipients(struct json_out *out, const char *name,
                           const struct anomalies_settings *settings)
{
    json_open_at(out, name, '[');
    for (size_t i = 0; i < settings->recipient_count; i++)
        json_put_text(out, NULL, settings->recipients[i]);
    json_close(out, ']');
}

void anomalies_settings_add(struct buf *out, const struct anomalies_settings *settings)
{
    struct json_out json = json_out_to(out);
    json_open(&json, '{');
    json_put_text(&json, "sensitivity", settings->sensitivity);
    put_recipients(&json, "recipients", settings);
    json_close(&json, '}');
}

enum fault_code anomalies_settings_put(struct store *store, struct str tenant,
                                       const struct anomalies_settings *settings, struct str by,
                                       int64_t now_us, struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO anomaly_settings (tenant, sensitivity, recipients, updated_us, updated_by)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant) DO UPDATE SET"
        " sensitivity = excluded.sensitivity, recipients = excluded.recipients,"
        " updated_us = excluded.updated_us, updated_by = excluded.updated_by";
    struct statement *insert;
    struct buf recipients;
    buf_init(&recipients, LIST_MAX);
    struct json_out json = json_out_to(&recipients);
    json_open(&json, '[');
    for (size_t i = 0; i < settings->recipient_count; i++)
        json_put_text(&json, NULL, settings->recipients[i]);
    json_close(&json, ']');
    enum fault_code code = buf_check(&recipients, "the list of recipients", fault);
    if (code == FAULT_NONE)
        code = store_prepare(store, sql, &insert, fault);
    if (code == FAULT_NONE) {
        store_bind_text(insert, 1, tenant);
        store_bind_text(insert, 2, settings->sensitivity);
        store_bind_text(insert, 3, buf_str(&recipients));
        store_bind_whole(insert, 4, now_us);
        store_bind_text(insert, 5, by);
        code = store_run(insert, fault);
    }
    buf_done(&recipients);
    return code;
}

/* --- as JSON -------------------------------------------------------------------------------- */

static void put_milli(struct json_out *out, const char *name, int64_t milli)
{
    char text[32];
    int64_t size = milli < 0 ? -milli : milli;
    snprintf(text, sizeof text, "%s%lld.%03lld", milli < 0 ? "-" : "", (long long)(size / 1000),
             (long long)(size % 1000));
    json_put_text(out, name, str_of(text));
}

static void put_amount(struct json_out *out, const char *name, const char *shown_name,
                       const struct anomalies_row *row, __int128 amount)
{
    struct buf text;
    buf_init(&text, 96);
    usage_add_whole(&text, amount);
    json_put_text(out, name, buf_str(&text));
    buf_clear(&text);
    usage_add_shown(&text, row->meter, amount);
    json_put_text(out, shown_name, buf_str(&text));
    buf_done(&text);
}

void anomalies_row_put(struct json_out *out, const struct anomalies_row *row)
{
    char id[32];
    snprintf(id, sizeof id, "ano_%lld", (long long)row->id);
    json_open(out, '{');
    json_put_text(out, "id", str_of(id));
    json_put_text(out, "meter", str_of(row->meter->name));
    usage_put_time(out, "from", row->from_us);
    usage_put_time(out, "to", row->to_us);
    json_put_text(out, "direction", row->is_above ? STR("above") : STR("below"));
    put_amount(out, "quantity", "shown", row, row->amount);
    put_amount(out, "usual", "usual_shown", row, row->usual);
    json_put_text(out, "shown_unit", str_of(row->meter->shown_unit));
    put_milli(out, "z", row->z_milli);
    put_milli(out, "robust_z", row->robust_milli);
    json_put_text(out, "baseline", row->by_weekday ? STR("weekday") : STR("window"));
    json_put_whole(out, "days", row->days);
    if (row->dimension.len > 0) {
        json_open_at(out, "explained_by", '{');
        json_put_text(out, "dimension", row->dimension);
        json_put_text(out, "value", row->value);
        put_milli(out, "share", row->explains_ppm / 1000);
        json_close(out, '}');
    } else {
        json_put_null(out, "explained_by");
    }
    json_put_text(out, "state", row->state);
    usage_put_time(out, "detected_at", row->detected_us);
    if (row->ended_us != 0) {
        usage_put_time(out, "acknowledged_at", row->ended_us);
        json_put_text(out, "acknowledged_by", row->ended_by);
        json_put_text(out, "reason", row->ended_why);
    }
    json_close(out, '}');
}
