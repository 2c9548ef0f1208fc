#include "service/budgets/budgets_admin_state.h"

#include "service/budgets/budgets_slices.h"
#include "service/usage/usage_query.h"
#include "service/usage/usage_store.h"

#define DAY_US INT64_C(86400000000)

const char *budgets_standing_name(enum budgets_standing standing)
{
    static const char *const names[] = {"ok", "notice", "throttled", "blocked"};
    return names[standing];
}

enum fault_code budgets_ground_open(struct store *store, struct str tenant, int64_t now_us,
                                    struct arena *arena, struct budgets_ground *out,
                                    struct fault *fault)
{
    struct str zone;
    int anchor_day;
    *out =
        (struct budgets_ground){.store = store, .tenant = tenant, .arena = arena, .now_us = now_us};
    enum fault_code code = usage_store_zone(store, tenant, arena, &zone, &anchor_day, fault);
    if (code == FAULT_NONE)
        code = zone_open(zone, anchor_day, &out->zone, fault);
    if (code == FAULT_NONE)
        code = prices_load(store, tenant, arena, &out->table, fault);
    if (code == FAULT_NONE)
        code = prices_days_load(store, tenant, out->zone, now_us, arena, &out->days, fault);
    if (code != FAULT_NONE)
        budgets_ground_done(out);
    return code;
}

void budgets_ground_done(struct budgets_ground *ground)
{
    zone_free(ground->zone);
    ground->zone = NULL;
}

int64_t budgets_share(int64_t part, int64_t whole)
{
    __int128 share = (__int128)part * 100 * BUDGETS_PERCENT / (whole > 0 ? whole : 1);
    return share > INT64_MAX ? INT64_MAX : (int64_t)share;
}

/* --- used, reserved ------------------------------------------------------------------------- */

static int64_t cap(__int128 amount)
{
    return amount > INT64_MAX ? INT64_MAX : (int64_t)amount;
}

static int64_t read_used(const struct budgets_ground *ground,
                         const struct budgets_definition *definition, struct zone_period period)
{
    __int128 sum = 0;
    __int128 per = 1;
    for (int i = 0; usage_meter_at(i); i++) {
        const struct usage_meter *meter = usage_meter_at(i);
        if (!budgets_has_meter(definition, meter))
            continue;
        if (definition->basis == BUDGETS_COST) {
            sum += prices_days_cost(ground->days, &ground->table, meter, period);
        } else {
            (void)budgets_unit(meter, &per); /* the same for all of them */
            sum += prices_days_quantity(ground->days, meter, period);
        }
    }
    return cap(sum / per);
}

/* --- forecast ------------------------------------------------------------------------------- */

static void read_forecast(const struct budgets_ground *ground,
                          const struct budgets_definition *definition, struct budgets_state *state)
{
    struct prices_forecast forecast;
    struct prices_course_query query = {
        .period = state->period,
        .meters = definition->meters,
        .meter_count = definition->meter_count,
        .table = definition->basis == BUDGETS_COST ? &ground->table : NULL,
        .per = 1,
        .used = state->used,
        .now_us = ground->now_us,
    };
    if (definition->basis == BUDGETS_QUANTITY)
        (void)budgets_unit(definition->meters[0], &query.per);
    state->has_forecast = prices_course_forecast(&query, ground->days, ground->zone, &forecast);
    if (!state->has_forecast)
        return;
    state->expected = prices_forecast_whole(forecast.expected);
    state->low = prices_forecast_whole(forecast.low);
    state->high = prices_forecast_whole(forecast.high);
    state->forecast_share = budgets_share(state->expected, state->limit);
    state->forecast_days = (int64_t)forecast.days;
}

/* --- standing ------------------------------------------------------------------------------- */

static enum fault_code read_crossed(const struct budgets_ground *ground,
                                    const struct budgets_row *row, struct budgets_state *state,
                                    struct fault *fault)
{
    const struct budgets_definition *definition = &row->definition;
    enum fault_code code = FAULT_NONE;
    for (size_t i = 0; i < definition->threshold_count && code == FAULT_NONE; i++) {
        struct budgets_crossing last;
        code = budgets_store_crossing_last(ground->store, ground->tenant, row->id,
                                           state->period.from_us, &definition->thresholds[i], &last,
                                           fault);
        if (code == FAULT_NONE && last.ordinal % 2 == 1)
            state->crossed[state->crossed_count++] = definition->thresholds[i];
    }
    return code;
}

static enum budgets_standing stand(const struct budgets_definition *definition,
                                   const struct budgets_state *state)
{
    bool refuses = !definition->shadow && !state->bypass;
    __int128 claimed = (__int128)state->used + state->reserved;
    bool is_spent = claimed >= state->limit;
    if (refuses && definition->mode == BUDGETS_BLOCK && is_spent)
        return BUDGETS_STANDS_BLOCKED;
    if (refuses && definition->mode == BUDGETS_THROTTLE &&
        claimed * 100 * BUDGETS_PERCENT >=
            (__int128)definition->throttle.from_percent * state->limit)
        return BUDGETS_STANDS_THROTTLED;
    return state->crossed_count > 0 || is_spent ? BUDGETS_STANDS_NOTICE : BUDGETS_STANDS_OK;
}

enum fault_code budgets_state_read(const struct budgets_ground *ground,
                                   const struct budgets_row *row, int64_t at_us,
                                   struct budgets_state *out, struct fault *fault)
{
    const struct budgets_definition *definition = &row->definition;
    struct budgets_state state = {
        .period = zone_period_at(ground->zone, definition->period, at_us),
        .complete_up_to_us = ground->now_us - USAGE_COMPLETE_AFTER_S * INT64_C(1000000),
    };
    bool is_now = ground->now_us >= state.period.from_us && ground->now_us < state.period.to_us;
    state.used = read_used(ground, definition, state.period);
    state.limit = budgets_limit(row, at_us, &state.bypass);
    state.share = budgets_share(state.used, state.limit);
    if (is_now) {
        state.days_left = (state.period.to_us - ground->now_us + DAY_US - 1) / DAY_US;
        read_forecast(ground, definition, &state);
    }
    enum fault_code code = budgets_slice_reserved(ground->store, ground->tenant, row->id,
                                                  state.period.from_us, &state.reserved, fault);
    if (code == FAULT_NONE)
        code = read_crossed(ground, row, &state, fault);
    if (code != FAULT_NONE)
        return code;
    state.standing = stand(definition, &state);
    *out = state;
    return FAULT_NONE;
}

/* --- JSON ----------------------------------------------------------------------------------- */

static void put_percent(struct json_out *out, const char *name, int64_t hundredths)
{
    struct buf text;
    buf_init(&text, 32);
    budgets_percent_add(&text, hundredths);
    json_put_text(out, name, buf_str(&text));
    buf_done(&text);
}

static void put_forecast(struct json_out *out, enum budgets_basis basis,
                         const struct budgets_state *state)
{
    if (!state->has_forecast) {
        json_put_null(out, "forecast");
        return;
    }
    json_open_at(out, "forecast", '{');
    budgets_amount_put(out, "expected", basis, state->expected);
    budgets_amount_put(out, "low", basis, state->low);
    budgets_amount_put(out, "high", basis, state->high);
    put_percent(out, "share", state->forecast_share);
    json_put_whole(out, "days", state->forecast_days);
    json_close(out, '}');
}

static void put_moment(struct json_out *out, const char *name, int64_t at_us)
{
    if (at_us == 0)
        json_put_null(out, name);
    else
        usage_put_time(out, name, at_us);
}

static void put_text_or_null(struct json_out *out, const char *name, struct str text)
{
    if (text.len == 0)
        json_put_null(out, name);
    else
        json_put_text(out, name, text);
}

void budgets_override_put(struct json_out *out, const char *name, enum budgets_basis basis,
                          const struct budgets_override *override)
{
    json_open_at(out, name, '{');
    json_put_text(out, "id", override->id);
    json_put_text(out, "kind", override->kind == BUDGETS_AMOUNT ? STR("amount") : STR("bypass"));
    if (override->kind == BUDGETS_AMOUNT)
        budgets_amount_put(out, "amount", basis, override->amount);
    else
        json_put_null(out, "amount");
    json_put_text(out, "reason", override->reason);
    json_put_text(out, "state", str_of(budgets_override_state_name(override->state)));
    usage_put_time(out, "asked_at", override->asked_us);
    json_put_text(out, "asked_by", override->asked_by);
    usage_put_time(out, "expires_at", override->expires_us);
    put_moment(out, "approved_at", override->approved_us);
    put_text_or_null(out, "approved_by", override->approved_by);
    put_text_or_null(out, "approved_reason", override->approved_why);
    put_moment(out, "ended_at", override->ended_us);
    put_text_or_null(out, "ended_by", override->ended_by);
    put_text_or_null(out, "ended_reason", override->ended_why);
    json_close(out, '}');
}

void budgets_state_put(struct json_out *out, const struct budgets_row *row,
                       const struct budgets_state *state)
{
    enum budgets_basis basis = row->definition.basis;
    json_open_at(out, "state", '{');
    usage_put_time(out, "period_from", state->period.from_us);
    usage_put_time(out, "period_to", state->period.to_us);
    budgets_amount_put(out, "used", basis, state->used);
    budgets_amount_put(out, "reserved", basis, state->reserved);
    budgets_amount_put(out, "limit", basis, state->limit);
    put_percent(out, "share", state->share);
    json_put_text(out, "verdict", str_of(budgets_standing_name(state->standing)));
    put_forecast(out, basis, state);
    json_put_whole(out, "days_left", state->days_left);
    json_open_at(out, "crossed", '[');
    for (size_t i = 0; i < state->crossed_count; i++)
        budgets_threshold_put(out, NULL, basis, &state->crossed[i]);
    json_close(out, ']');
    if (row->override)
        budgets_override_put(out, "override", basis, row->override);
    else
        json_put_null(out, "override");
    usage_put_time(out, "complete_up_to", state->complete_up_to_us);
    json_close(out, '}');
}
