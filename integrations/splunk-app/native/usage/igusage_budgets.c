/* igusage show=budgets, forecast, overrides: how the budgets stand; and show=decisions: what they
 * refused. */
#include "integrations/splunk-app/native/usage/igusage.h"

#include <stdio.h>
#include <string.h>

#include "integrations/splunk-app/native/peers/service.h"
#include "libs/core/os.h"
#include "libs/text/time.h"

enum { PATH_BYTES = 1024, LIST_BYTES = 256, PAGE_ROWS = 500 };

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define GIVEN        NULL, FLAT_GIVEN, true

static const struct flat_column budget_columns[] = {
    {"_time", GIVEN},
    {"budget", "name", FLAT_TEXT, true},
    {"budget_id", "id", FLAT_TEXT, true},
    {"basis", "basis", FLAT_TEXT, true},
    {"meters", "meters", FLAT_LIST, true},
    {"unit", GIVEN},
    {"period", "period", FLAT_TEXT, true},
    {"mode", "mode", FLAT_TEXT, true},
    {"shadow", "shadow", FLAT_BOOLEAN, true},
    {"verdict", "state.verdict", FLAT_TEXT, true},
    {"used", "state.used", FLAT_NUMBER, true},
    {"reserved", "state.reserved", FLAT_NUMBER, true},
    {"limit", "state.limit", FLAT_NUMBER, true},
    {"limit_set", "limit", FLAT_NUMBER, true},
    {"share", "state.share", FLAT_NUMBER, false},
    {"period_from", "state.period_from", FLAT_TIME, true},
    {"resets_at", "state.period_to", FLAT_TIME, true},
    {"days_left", "state.days_left", FLAT_NUMBER, false},
    {"forecast_expected", "state.forecast.expected", FLAT_NUMBER, false},
    {"forecast_low", "state.forecast.low", FLAT_NUMBER, false},
    {"forecast_high", "state.forecast.high", FLAT_NUMBER, false},
    {"forecast_share", "state.forecast.share", FLAT_NUMBER, false},
    {"forecast_days", "state.forecast.days", FLAT_NUMBER, false}, /* of history behind it */
    {"crossed", "state.crossed", FLAT_THRESHOLDS, false},
    {"thresholds", "thresholds", FLAT_THRESHOLDS, false},
    {"override", "state.override.id", FLAT_TEXT, false},
    {"override_kind", "state.override.kind", FLAT_TEXT, false},
    {"override_amount", "state.override.amount", FLAT_NUMBER, false},
    {"override_expires_at", "state.override.expires_at", FLAT_TIME, false},
    {"contact", "contact", FLAT_TEXT, false},
    {"recipients", "recipients", FLAT_LIST, false},
    {"two_person", "two_person", FLAT_BOOLEAN, false},
    {"version", "version", FLAT_NUMBER, false},
    {"complete_up_to", "state.complete_up_to", FLAT_TIME, false},
    {"instance", GIVEN},
};

/* Of all cost (scope "cost") and of each budget (scope "budget"). */
static const struct flat_column forecast_columns[] = {
    {"_time", GIVEN},
    {"scope", GIVEN},
    {"budget", "name", FLAT_TEXT, true},
    {"budget_id", "id", FLAT_TEXT, true},
    {"unit", GIVEN},
    {"used", "state.used", FLAT_NUMBER, true},
    {"limit", "state.limit", FLAT_NUMBER, true},
    {"share", "state.share", FLAT_NUMBER, false},
    {"forecast_expected", "state.forecast.expected", FLAT_NUMBER, false},
    {"forecast_low", "state.forecast.low", FLAT_NUMBER, false},
    {"forecast_high", "state.forecast.high", FLAT_NUMBER, false},
    {"forecast_share", "state.forecast.share", FLAT_NUMBER, false},
    {"forecast_days", "state.forecast.days", FLAT_NUMBER, false},
    {"previous", "state.previous", FLAT_NUMBER, false},
    {"period_from", "state.period_from", FLAT_TIME, true},
    {"period_to", "state.period_to", FLAT_TIME, true},
    {"days_left", "state.days_left", FLAT_NUMBER, false},
    {"complete_up_to", "state.complete_up_to", FLAT_TIME, false},
    {"instance", GIVEN},
};

/* The same columns, of GET /v1/costs. */
static const struct flat_column cost_columns[COUNT(forecast_columns)] = {
    {"_time", GIVEN},
    {"scope", GIVEN},
    {"budget", "none", FLAT_TEXT, false},
    {"budget_id", "none", FLAT_TEXT, false},
    {"unit", GIVEN},
    {"used", "total", FLAT_NUMBER, true},
    {"limit", "none", FLAT_NUMBER, false},
    {"share", "none", FLAT_NUMBER, false},
    {"forecast_expected", "forecast.expected", FLAT_NUMBER, false},
    {"forecast_low", "forecast.low", FLAT_NUMBER, false},
    {"forecast_high", "forecast.high", FLAT_NUMBER, false},
    {"forecast_share", "none", FLAT_NUMBER, false},
    {"forecast_days", "forecast.days", FLAT_NUMBER, false},
    {"previous", "previous.total", FLAT_NUMBER, false},
    {"period_from", "from", FLAT_TIME, true},
    {"period_to", "forecast.period_to", FLAT_TIME, false},
    {"days_left", "none", FLAT_NUMBER, false},
    {"complete_up_to", "complete_up_to", FLAT_TIME, false},
    {"instance", GIVEN},
};

static const struct flat_column override_columns[] = {
    {"_time", "asked_at", FLAT_EPOCH, true},
    {"override", "id", FLAT_TEXT, true},
    {"budget", GIVEN},
    {"budget_id", GIVEN},
    {"unit", GIVEN},
    {"kind", "kind", FLAT_TEXT, true},
    {"amount", "amount", FLAT_NUMBER, false},
    {"state", "state", FLAT_TEXT, true},
    {"reason", "reason", FLAT_TEXT, true},
    {"asked_by", "asked_by", FLAT_TEXT, false},
    {"approved_by", "approved_by", FLAT_TEXT, false},
    {"approved_at", "approved_at", FLAT_TIME, false},
    {"approved_reason", "approved_reason", FLAT_TEXT, false},
    {"ended_by", "ended_by", FLAT_TEXT, false},
    {"ended_at", "ended_at", FLAT_TIME, false},
    {"ended_reason", "ended_reason", FLAT_TEXT, false},
    {"expires_at", "expires_at", FLAT_TIME, true},
    {"instance", GIVEN},
};

static const struct flat_column decision_columns[] = {
    {"_time", "at", FLAT_EPOCH, true},          {"decision", "id", FLAT_TEXT, true},
    {"verdict", "verdict", FLAT_TEXT, true},    {"shadow", "shadow", FLAT_BOOLEAN, true},
    {"budget", "budget_name", FLAT_TEXT, true}, {"budget_id", "budget", FLAT_TEXT, true},
    {"meter", "meter", FLAT_TEXT, true},        {"quantity", "quantity", FLAT_NUMBER, false},
    {"used", "used", FLAT_NUMBER, true},        {"reserved", "reserved", FLAT_NUMBER, false},
    {"limit", "limit", FLAT_NUMBER, true},      {"caller", "caller", FLAT_TEXT, false},
    {"subject", "subject", FLAT_TEXT, false},   {"instance", GIVEN},
};

/* --- budgets -------------------------------------------------------------------------------- */

static bool is_wanted(const struct igusage *usage, const struct json *budget)
{
    struct str text;
    struct str wanted = usage->args.budget;
    return wanted.len == 0 ||
           (json_text(json_member(budget, "id"), &text) && str_equal(text, wanted)) ||
           (json_text(json_member(budget, "name"), &text) && str_equal(text, wanted));
}

static enum fault_code no_such_budget(const struct igusage *usage, const struct json *list,
                                      struct fault *fault)
{
    char room[LIST_BYTES];
    struct buf names = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    struct str name;
    for (const struct json *each = json_first(list); each; each = json_next(each))
        if (json_text(json_member(each, "name"), &name))
            igusage_add_name(&names, "\"", name);
    return fault_field(fault, FAULT_INPUT, "budget",
                       "budget= holds \"%.*s\", which is the name or the id of no budget; there "
                       "are %.*s",
                       STR_ARG(str_take(usage->args.budget, 80)),
                       STR_ARG(names.len ? buf_str(&names) : STR("none")));
}

/* The next one that is wanted, from `at` on. */
static const struct json *wanted_from(const struct igusage *usage, const struct json *at)
{
    while (at && !is_wanted(usage, at))
        at = json_next(at);
    return at;
}

static enum fault_code get_budgets(struct igusage *usage, struct fault *fault)
{
    const struct json *top = NULL;
    int64_t now_us = os_now_us();
    snprintf(usage->asked_at, sizeof usage->asked_at, "%lld.%06lld", (long long)(now_us / 1000000),
             (long long)(now_us % 1000000));
    enum fault_code code = igusage_get(usage, "v1/budgets", &usage->arena, &top, fault);
    if (code != FAULT_NONE)
        return code;
    const struct json *list = json_member(top, "budgets");
    if (!json_is_array(list)) {
        fault_set(fault, FAULT_UNAVAILABLE, "GET /v1/budgets: budgets must be a list");
        return igusage_is_other(usage, fault);
    }
    usage->budget = wanted_from(usage, json_first(list));
    if (!usage->budget && usage->args.budget.len > 0)
        return no_such_budget(usage, list, fault);
    return FAULT_NONE;
}

/* The currency, or what the budget counts. */
static struct str unit_of(const struct json *budget)
{
    struct str text;
    if (json_text(json_member(budget, "currency"), &text) ||
        json_text(json_member(budget, "unit"), &text))
        return text;
    return STR("");
}

static enum fault_code open_budgets(struct igusage *usage, struct command_messages *messages,
                                    struct fault *fault)
{
    (void)messages;
    return get_budgets(usage, fault);
}

static const struct json *take_budget(struct igusage *usage)
{
    const struct json *budget = usage->budget;
    if (budget)
        usage->budget = wanted_from(usage, json_next(budget));
    return budget;
}

static enum fault_code put(struct igusage *usage, const struct json *object, const char *where,
                           const struct flat_column *columns, size_t count, const struct str *given,
                           struct generating_rows *rows, struct fault *fault)
{
    if (flat_put(object, where, columns, count, given, rows, fault) == FAULT_NONE)
        return FAULT_NONE;
    return igusage_is_other(usage, fault);
}

static enum fault_code step_budgets(struct igusage *usage, struct generating_rows *rows,
                                    struct command_messages *messages, struct fault *fault)
{
    (void)messages;
    const struct json *budget = take_budget(usage);
    usage->ended = !budget;
    return budget ? put(usage, budget, "budgets", budget_columns, COUNT(budget_columns),
                        (const struct str[]){str_of(usage->asked_at), unit_of(budget),
                                             usage->settings.instance},
                        rows, fault)
                  : FAULT_NONE;
}

static enum fault_code prepare_budgets(struct igusage *usage, struct fault *fault)
{
    (void)fault;
    flat_names(budget_columns, COUNT(budget_columns), usage->columns);
    return FAULT_NONE;
}

const struct igusage_view igusage_view_budgets = {.name = "budgets",
                                                  .takes = IGUSAGE_BUDGET,
                                                  .window = "",
                                                  .prepare = prepare_budgets,
                                                  .open = open_budgets,
                                                  .step = step_budgets};

/* --- forecast ------------------------------------------------------------------------------- */

/* The running period's cost as a whole; none while there are no prices. */
static enum fault_code get_cost(struct igusage *usage, struct fault *fault)
{
    struct buf path;
    const struct json *top = NULL;
    buf_init(&path, PATH_BYTES);
    buf_add_c(&path, "v1/costs");
    service_add_query(&path, "window", usage->args.window);
    buf_add_byte(&path, '\0');
    enum fault_code code = buf_check(&path, "the request for costs", fault);
    if (code == FAULT_NONE)
        code = igusage_get(usage, path.ptr, &usage->arena, &top, fault);
    buf_done(&path);
    if (code != FAULT_NONE)
        return code;
    usage->row = json_text(json_member(top, "currency"), &usage->currency) ? top : NULL;
    return FAULT_NONE;
}

static enum fault_code open_forecast(struct igusage *usage, struct command_messages *messages,
                                     struct fault *fault)
{
    enum fault_code code = open_budgets(usage, messages, fault);
    return code == FAULT_NONE && usage->args.budget.len == 0 ? get_cost(usage, fault) : code;
}

static enum fault_code step_forecast(struct igusage *usage, struct generating_rows *rows,
                                     struct command_messages *messages, struct fault *fault)
{
    (void)messages;
    const struct json *cost = usage->row;
    const struct json *object = cost ? cost : take_budget(usage);
    usage->row = NULL;
    usage->ended = !object;
    if (!object)
        return FAULT_NONE;
    return put(usage, object, cost ? "costs" : "budgets", cost ? cost_columns : forecast_columns,
               COUNT(forecast_columns),
               (const struct str[]){str_of(usage->asked_at), cost ? STR("cost") : STR("budget"),
                                    cost ? usage->currency : unit_of(object),
                                    usage->settings.instance},
               rows, fault);
}

static enum fault_code prepare_forecast(struct igusage *usage, struct fault *fault)
{
    struct str window = usage->args.window;
    if (!str_equal(window, STR("month")) && !str_equal(window, STR("billing")))
        return fault_field(
            fault, FAULT_INPUT, "window",
            "window= holds \"%.*s\"; a forecast is of a month or of a billing period",
            STR_ARG(window));
    flat_names(forecast_columns, COUNT(forecast_columns), usage->columns);
    return FAULT_NONE;
}

const struct igusage_view igusage_view_forecast = {.name = "forecast",
                                                   .takes = IGUSAGE_BUDGET | IGUSAGE_WINDOW,
                                                   .window = "month",
                                                   .prepare = prepare_forecast,
                                                   .open = open_forecast,
                                                   .step = step_forecast};

/* --- overrides ------------------------------------------------------------------------------ */

static enum fault_code get_overrides(struct igusage *usage, struct fault *fault)
{
    char path[256];
    struct str id;
    const struct json *top = NULL;
    if (!json_text(json_member(usage->budget_now, "id"), &id) || id.len > 128) {
        fault_set(fault, FAULT_UNAVAILABLE, "GET /v1/budgets: budgets.id must be a text");
        return igusage_is_other(usage, fault);
    }
    struct buf text = {.ptr = path, .room = sizeof path, .limit = sizeof path - 1};
    buf_add_c(&text, "v1/budgets/");
    service_add_part(&text, id);
    buf_add_c(&text, "/overrides");
    path[text.len] = '\0';
    enum fault_code code = buf_check(&text, "the request for overrides", fault);
    arena_reset(&usage->page);
    if (code == FAULT_NONE)
        code = igusage_get(usage, path, &usage->page, &top, fault);
    if (code != FAULT_NONE)
        return code == FAULT_NOT_FOUND ? FAULT_NONE : code; /* it was deleted meanwhile */
    if (!json_is_array(json_member(top, "overrides"))) {
        fault_set(fault, FAULT_UNAVAILABLE, "overrides must be a list");
        return igusage_is_other(usage, fault);
    }
    usage->row = json_first(json_member(top, "overrides"));
    return FAULT_NONE;
}

static enum fault_code step_overrides(struct igusage *usage, struct generating_rows *rows,
                                      struct command_messages *messages, struct fault *fault)
{
    struct str name = STR("");
    struct str id = STR("");
    const struct json *row = usage->row;
    (void)messages;
    if (!row) {
        usage->budget_now = take_budget(usage);
        usage->ended = !usage->budget_now;
        return usage->ended ? FAULT_NONE : get_overrides(usage, fault);
    }
    (void)json_text(json_member(usage->budget_now, "name"), &name);
    (void)json_text(json_member(usage->budget_now, "id"), &id);
    usage->row = json_next(row);
    return put(usage, row, "overrides", override_columns, COUNT(override_columns),
               (const struct str[]){name, id, unit_of(usage->budget_now), usage->settings.instance},
               rows, fault);
}

static enum fault_code prepare_overrides(struct igusage *usage, struct fault *fault)
{
    (void)fault;
    flat_names(override_columns, COUNT(override_columns), usage->columns);
    return FAULT_NONE;
}

const struct igusage_view igusage_view_overrides = {.name = "overrides",
                                                    .takes = IGUSAGE_BUDGET,
                                                    .window = "",
                                                    .prepare = prepare_overrides,
                                                    .open = open_budgets,
                                                    .step = step_overrides};

/* --- decisions ------------------------------------------------------------------------------ */

static enum fault_code open_decisions(struct igusage *usage, struct command_messages *messages,
                                      struct fault *fault)
{
    (void)messages;
    if (usage->args.limit == 0)
        usage->args.limit = IGUSAGE_DECISIONS_MAX;
    if (usage->args.budget.len == 0)
        return FAULT_NONE;
    enum fault_code code = get_budgets(usage, fault);
    if (code == FAULT_NONE && !json_text(json_member(usage->budget, "id"), &usage->budget_id))
        usage->budget_id = usage->args.budget;
    return code;
}

/* "next" names where the page after this one begins; null: there is none. */
static enum fault_code read_page(struct igusage *usage, const struct json *top, struct fault *fault)
{
    char room[24];
    struct str before;
    const struct json *next = json_member(top, "next");
    const struct json *entries = json_member(top, "entries");
    if (!json_is_array(entries)) {
        fault_set(fault, FAULT_UNAVAILABLE, "GET /v1/decisions: entries must be a list");
        return igusage_is_other(usage, fault);
    }
    usage->row = json_first(entries);
    usage->before = STR("");
    if (!next || json_is_null(next) || !usage->row)
        return FAULT_NONE;
    if (!json_text(next, &before) && !flat_number(next, room, &before))
        before = STR("");
    usage->before = arena_copy(&usage->arena, before);
    return usage->before.ptr
               ? FAULT_NONE
               : fault_set(fault, FAULT_NO_MEMORY, "no memory left for the next decisions");
}

static enum fault_code get_page(struct igusage *usage, struct fault *fault)
{
    struct buf path;
    char rows[24];
    const struct json *top = NULL;
    snprintf(rows, sizeof rows, "%d", PAGE_ROWS);
    buf_init(&path, PATH_BYTES);
    buf_add_c(&path, "v1/decisions");
    service_add_query(&path, "budget", usage->budget_id);
    service_add_query(&path, "verdict", usage->args.verdict);
    service_add_query(&path, "before", usage->before);
    service_add_query(&path, "limit", str_of(rows));
    buf_add_byte(&path, '\0');
    enum fault_code code = buf_check(&path, "the request for decisions", fault);
    arena_reset(&usage->page);
    if (code == FAULT_NONE)
        code = igusage_get(usage, path.ptr, &usage->page, &top, fault);
    buf_done(&path);
    return code == FAULT_NONE ? read_page(usage, top, fault) : code;
}

/* Newest first, so that what is before the search's range ends it. */
static enum fault_code step_decisions(struct igusage *usage, struct generating_rows *rows,
                                      struct command_messages *messages, struct fault *fault)
{
    struct str at;
    int64_t at_us = 0;
    const struct json *row = usage->row;
    if (!row) {
        usage->ended = usage->row_number > 0 && usage->before.len == 0;
        usage->row_number++; /* of the page */
        return usage->ended ? FAULT_NONE : get_page(usage, fault);
    }
    usage->row = json_next(row);
    if (json_text(json_member(row, "at"), &at) && time_read_us(at, &at_us)) {
        if (at_us >= usage->until_us)
            return FAULT_NONE;
        if (at_us < usage->from_us) {
            usage->ended = true;
            return FAULT_NONE;
        }
    }
    if (usage->args.limit-- == 0) {
        usage->ended = true;
        command_say(messages, COMMAND_WARN,
                    "IntelGraph: there are more decisions than limit=; narrow the time or raise "
                    "it.");
        return FAULT_NONE;
    }
    return put(usage, row, "entries", decision_columns, COUNT(decision_columns),
               &usage->settings.instance, rows, fault);
}

static enum fault_code prepare_decisions(struct igusage *usage, struct fault *fault)
{
    (void)fault;
    flat_names(decision_columns, COUNT(decision_columns), usage->columns);
    return FAULT_NONE;
}

const struct igusage_view igusage_view_decisions = {.name = "decisions",
                                                    .takes = IGUSAGE_BUDGET | IGUSAGE_VERDICT |
                                                             IGUSAGE_LIMIT,
                                                    .window = "",
                                                    .is_of_a_time = true,
                                                    .prepare = prepare_decisions,
                                                    .open = open_decisions,
                                                    .step = step_decisions};
