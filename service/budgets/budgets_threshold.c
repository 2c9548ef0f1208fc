#include "service/budgets/budgets_threshold.h"

#include "libs/text/time.h"
#include "service/notify/notify.h"
#include "service/usage/usage_query.h"

enum {
    BAND = 2 * BUDGETS_PERCENT,
    FORECAST_BAND = 5 * BUDGETS_PERCENT,
    ABSOLUTE_BAND = 50, /* the 50th part: 2 % */
    TEXT_MAX = 4096,
    JSON_MAX = 8192,
    KEY_MAX = 200,
};

/* --- judging -------------------------------------------------------------------------------- */

/* Below what it counts as cleared. */
static int64_t clear_at(int64_t value, int64_t band)
{
    return value >= 2 * band ? value - band : value / 2;
}

enum budgets_move budgets_threshold_judge(const struct budgets_threshold *threshold,
                                          const struct budgets_state *state, bool is_crossed)
{
    int64_t now = state->share;
    int64_t band = BAND;
    if (threshold->kind == BUDGETS_ABSOLUTE) {
        now = state->used;
        band = threshold->value / ABSOLUTE_BAND;
    }
    if (threshold->kind == BUDGETS_FORECAST) {
        /* A period's own pace on its first days says too little to wake anybody. */
        if (!state->has_forecast || state->forecast_days < PRICES_FORECAST_DAYS_LEAST)
            return BUDGETS_STAYS;
        now = state->forecast_share;
        band = FORECAST_BAND;
    }
    if (!is_crossed)
        return now >= threshold->value ? BUDGETS_CROSSED : BUDGETS_STAYS;
    return now < clear_at(threshold->value, band) ? BUDGETS_CLEARED : BUDGETS_STAYS;
}

enum fault_code budgets_threshold_look(const struct budgets_ground *ground,
                                       const struct budgets_row *row, int64_t at_us,
                                       struct budgets_seen *out, size_t room, size_t *count,
                                       struct fault *fault)
{
    const struct budgets_definition *definition = &row->definition;
    struct budgets_state state;
    enum fault_code code = FAULT_NONE;
    if (definition->threshold_count > 0)
        code = budgets_state_read(ground, row, at_us, &state, fault);
    for (size_t i = 0; i < definition->threshold_count && code == FAULT_NONE; i++) {
        struct budgets_crossing last;
        code = budgets_store_crossing_last(ground->store, ground->tenant, row->id,
                                           state.period.from_us, &definition->thresholds[i], &last,
                                           fault);
        if (code != FAULT_NONE || *count == room)
            continue;
        if (budgets_threshold_judge(&definition->thresholds[i], &state, last.ordinal % 2 == 1) ==
            BUDGETS_STAYS)
            continue;
        out[*count] = (struct budgets_seen){.row = row, .state = state, .crossing = last};
        out[*count].crossing.ordinal++;
        out[*count].crossing.used = state.used;
        out[*count].crossing.limit = state.limit;
        ++*count;
    }
    return code;
}

/* --- telling -------------------------------------------------------------------------------- */

static void add_unit(struct buf *out, const struct budgets_definition *definition)
{
    __int128 per;
    buf_add_byte(out, ' ');
    if (definition->basis == BUDGETS_COST)
        buf_add(out, definition->currency);
    else
        buf_add_c(out, budgets_unit(definition->meters[0], &per));
}

/* "80 %", "12.50 EUR", "a forecast of 100 %". */
static void add_threshold(struct buf *out, const struct budgets_definition *definition,
                          const struct budgets_threshold *threshold)
{
    if (threshold->kind == BUDGETS_ABSOLUTE) {
        budgets_amount_add(out, definition->basis, threshold->value);
        add_unit(out, definition);
        return;
    }
    if (threshold->kind == BUDGETS_FORECAST)
        buf_add_c(out, "a forecast of ");
    budgets_percent_add(out, threshold->value);
    buf_add_c(out, " %");
}

static bool is_up(const struct budgets_seen *seen)
{
    return seen->crossing.ordinal % 2 == 1;
}

/* The sentence of the history, and the notice's: what is used, or where it is going. */
static void add_sentence(struct buf *out, const struct budgets_seen *seen)
{
    const struct budgets_definition *definition = &seen->row->definition;
    bool of_forecast = seen->crossing.threshold.kind == BUDGETS_FORECAST;
    add_threshold(out, definition, &seen->crossing.threshold);
    buf_add_c(out, is_up(seen) ? " is reached: " : " is no longer reached: ");
    budgets_amount_add(out, definition->basis,
                       of_forecast ? seen->state.expected : seen->state.used);
    buf_add_c(out, " of ");
    budgets_amount_add(out, definition->basis, seen->state.limit);
    add_unit(out, definition);
    buf_add_c(out, of_forecast ? " expected (" : " used (");
    budgets_percent_add(out, of_forecast ? seen->state.forecast_share : seen->state.share);
    buf_add_c(out, " %)");
}

static void add_text(struct buf *out, const struct budgets_seen *seen)
{
    const struct budgets_definition *definition = &seen->row->definition;
    buf_addf(out, "Budget: %.*s\n", STR_ARG(definition->name));
    add_sentence(out, seen);
    buf_add_c(out, "\nPeriod: ");
    time_add_rfc3339(out, seen->state.period.from_us);
    buf_add_c(out, " to ");
    time_add_rfc3339(out, seen->state.period.to_us);
    if (seen->state.has_forecast) {
        buf_add_c(out, "\nForecast for its end: ");
        budgets_amount_add(out, definition->basis, seen->state.expected);
        buf_add_c(out, " (");
        budgets_amount_add(out, definition->basis, seen->state.low);
        buf_add_c(out, " to ");
        budgets_amount_add(out, definition->basis, seen->state.high);
        buf_add_byte(out, ')');
        add_unit(out, definition);
    }
    buf_addf(out, "\nMode: %s%s\nContact: %.*s\n", budgets_mode_name(definition->mode),
             definition->shadow ? " (shadow: nothing is refused)" : "",
             STR_ARG(definition->contact));
}

static void add_json(struct buf *out, const struct budgets_seen *seen)
{
    const struct budgets_definition *definition = &seen->row->definition;
    struct json_out json = json_out_to(out);
    json_open(&json, '{');
    json_put_text(&json, "budget", seen->row->id);
    json_put_text(&json, "name", definition->name);
    json_put_text(&json, "direction", is_up(seen) ? STR("up") : STR("down"));
    budgets_threshold_put(&json, "threshold", definition->basis, &seen->crossing.threshold);
    json_put_text(&json, "basis", str_of(budgets_basis_name(definition->basis)));
    if (definition->basis == BUDGETS_COST)
        json_put_text(&json, "currency", definition->currency);
    json_put_text(&json, "mode", str_of(budgets_mode_name(definition->mode)));
    json_put_boolean(&json, "shadow", definition->shadow);
    json_put_text(&json, "contact", definition->contact);
    budgets_state_put(&json, seen->row, &seen->state);
    json_close(&json, '}');
}

static enum fault_code enqueue(struct store *store, struct str tenant,
                               const struct budgets_seen *seen, int64_t now_us, struct fault *fault)
{
    const struct budgets_definition *definition = &seen->row->definition;
    struct buf texts[4]; /* key, subject, text, json */
    static const size_t limits[] = {KEY_MAX, NOTIFY_SUBJECT_MAX, TEXT_MAX, JSON_MAX};
    enum fault_code code = FAULT_NONE;
    for (int i = 0; i < 4; i++)
        buf_init(&texts[i], limits[i]);
    buf_addf(&texts[0], "budget:%.*s:%lld:%s:%lld:%lld", STR_ARG(seen->row->id),
             (long long)seen->crossing.period_from_us,
             budgets_threshold_name(seen->crossing.threshold.kind),
             (long long)seen->crossing.threshold.value, (long long)seen->crossing.ordinal);
    buf_addf(&texts[1],
             "Budget \"%.*s\": ", STR_ARG(budgets_name_cut(definition->name, BUDGETS_NAME_SHOWN)));
    add_threshold(&texts[1], definition, &seen->crossing.threshold);
    buf_add_c(&texts[1], is_up(seen) ? " reached" : " no longer reached");
    add_text(&texts[2], seen);
    add_json(&texts[3], seen);
    for (int i = 0; i < 4 && code == FAULT_NONE; i++)
        code = buf_check(&texts[i], "a notice", fault);
    const struct notify_message message = {
        .tenant = tenant,
        .kind = is_up(seen) ? STR("budget.threshold.crossed") : STR("budget.threshold.cleared"),
        .key = buf_str(&texts[0]),
        .recipients = definition->recipients,
        .recipient_count = definition->recipient_count,
        .subject = buf_str(&texts[1]),
        .text = buf_str(&texts[2]),
        .json = buf_str(&texts[3]),
        .now_us = now_us,
    };
    if (code == FAULT_NONE)
        code = notify_enqueue(store, &message, fault);
    for (int i = 0; i < 4; i++)
        buf_done(&texts[i]);
    return code;
}

static enum fault_code put_history(struct store *store, struct str tenant,
                                   const struct budgets_seen *seen, int64_t now_us,
                                   struct fault *fault)
{
    struct buf detail;
    struct buf threshold;
    buf_init(&detail, TEXT_MAX);
    buf_init(&threshold, TEXT_MAX);
    add_sentence(&detail, seen);
    struct json_out json = json_out_to(&threshold);
    budgets_threshold_put(&json, NULL, seen->row->definition.basis, &seen->crossing.threshold);
    const struct budgets_entry entry = {
        .budget = seen->row->id,
        .at_us = now_us,
        .kind = is_up(seen) ? STR("crossed") : STR("cleared"),
        .by = STR("intelgraphd"),
        .detail = buf_str(&detail),
        .threshold = buf_str(&threshold),
    };
    enum fault_code code = buf_check(&detail, "an entry of the history", fault);
    if (code == FAULT_NONE)
        code = budgets_store_history_put(store, tenant, &entry, fault);
    buf_done(&detail);
    buf_done(&threshold);
    return code;
}

enum fault_code budgets_threshold_tell(struct store *store, struct str tenant,
                                       const struct budgets_seen *seen, int64_t now_us,
                                       struct arena *arena, bool *out_told, struct fault *fault)
{
    struct budgets_row row;
    struct budgets_crossing last = {.ordinal = 0};
    struct budgets_crossing crossing = seen->crossing;
    bool is_new = false;
    *out_told = false;
    enum fault_code code =
        budgets_store_find(store, tenant, seen->row->id, now_us, arena, &row, fault);
    if (code == FAULT_NOT_FOUND)
        return FAULT_NONE; /* deleted since: nobody is told of it any more */
    if (code == FAULT_NONE)
        code = budgets_store_crossing_last(store, tenant, row.id, crossing.period_from_us,
                                           &crossing.threshold, &last, fault);
    if (code != FAULT_NONE || row.version != seen->row->version ||
        last.ordinal + 1 != crossing.ordinal)
        return code;
    crossing.at_us = now_us;
    code = budgets_store_crossing_put(store, tenant, &crossing, &is_new, fault);
    if (code != FAULT_NONE || !is_new)
        return code;
    code = put_history(store, tenant, seen, now_us, fault);
    if (code == FAULT_NONE)
        code = enqueue(store, tenant, seen, now_us, fault);
    if (code == FAULT_NONE)
        *out_told = true;
    return code;
}
