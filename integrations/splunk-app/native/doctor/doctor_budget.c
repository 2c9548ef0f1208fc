/* How the tenant's budgets stand: what is in the way of hand-offs now, and what will be soon. */
#include "integrations/splunk-app/native/doctor/doctor.h"

#include <stdio.h>

#include "integrations/splunk-app/native/frame/command.h"
#include "integrations/splunk-app/native/frame/flat.h"
#include "integrations/splunk-app/native/peers/service.h"

enum {
    NEAR_HUNDREDTHS = 8000, /* of a percent of the limit */
    WHOLE_HUNDREDTHS = 10000,
    FORECAST_DAYS = 3, /* of history: with fewer, no threshold is judged by it either */
    TOLD_MOST = 4,
    NAME_TOLD = 120,
    VALUE_BYTES = DOCTOR_VALUE_BYTES - 256,
};

/* From well to worst. */
enum standing {
    STANDS_WELL,
    STANDS_NEAR,
    STANDS_OVER,
    STANDS_THROTTLED,
    STANDS_BLOCKED,
    STANDINGS
};

static struct str text_at(const struct json *budget, const char *path)
{
    struct str text;
    return json_text(flat_member(budget, path), &text) ? text : STR("");
}

/* Of a long name or contact what fits, cut where a character ends. */
static struct str told_at(const struct json *budget, const char *path)
{
    struct str text = str_take(text_at(budget, path), NAME_TOLD);
    for (size_t back = 0; back < 4 && text.len > 0 && !str_is_utf8(text); back++)
        text.len--;
    return text;
}

/* "83.4" is 8340; -1 for what is no share. What is beyond any sense is that beyond. */
static int64_t hundredths_at(const struct json *budget, const char *path)
{
    char room[24];
    struct str text;
    struct str whole;
    struct str part;
    uint64_t number;
    if (!flat_number(flat_member(budget, path), room, &text))
        return -1;
    str_cut(text, '.', &whole, &part);
    if (!str_to_u64(whole, 1000000000, &number))
        return str_starts(whole, STR("-")) ? 0 : INT64_C(100000000000);
    int64_t hundredths = (int64_t)number * 100;
    for (size_t i = 0; i < 2 && i < part.len; i++)
        hundredths += (int64_t)(part.ptr[i] - '0') * (i == 0 ? 10 : 1);
    return hundredths;
}

static bool is_shadow(const struct json *budget)
{
    bool shadow = false;
    return json_boolean(json_member(budget, "shadow"), &shadow) && shadow;
}

/* Cost without meters named is that of all that have a price. */
static bool is_of_handoffs(const struct json *budget)
{
    struct str name;
    const struct json *meters = json_first(json_member(budget, "meters"));
    if (!meters)
        return true;
    for (; meters; meters = json_next(meters))
        if (json_text(meters, &name) && str_equal(name, STR("handoffs")))
            return true;
    return false;
}

static bool is_forecast_over(const struct json *budget)
{
    int64_t days;
    return json_whole(flat_member(budget, "state.forecast.days"), &days) && days >= FORECAST_DAYS &&
           hundredths_at(budget, "state.forecast.share") > WHOLE_HUNDREDTHS;
}

/* A shadow budget refuses nothing: it is over at most. */
static enum standing standing_of(const struct json *budget)
{
    struct str verdict = text_at(budget, "state.verdict");
    int64_t share = hundredths_at(budget, "state.share");
    if (str_equal(verdict, STR("blocked")))
        return is_shadow(budget) ? STANDS_OVER : STANDS_BLOCKED;
    if (str_equal(verdict, STR("throttled")))
        return is_shadow(budget) ? STANDS_NEAR : STANDS_THROTTLED;
    if (share >= WHOLE_HUNDREDTHS)
        return STANDS_OVER;
    if (share >= NEAR_HUNDREDTHS || str_equal(verdict, STR("notice")) || is_forecast_over(budget))
        return STANDS_NEAR;
    return STANDS_WELL;
}

/* `"Hand-offs a day" blocks: 100 of 100 used (100 %) until 2026-11-24T00:00:00Z, ask ...` */
static void add_budget(struct buf *out, const struct json *budget, enum standing standing)
{
    static const char *const words[STANDINGS] = {
        [STANDS_WELL] = "is well",   [STANDS_NEAR] = "is near its limit",
        [STANDS_OVER] = "is over",   [STANDS_THROTTLED] = "throttles",
        [STANDS_BLOCKED] = "blocks",
    };
    struct str forecast = text_at(budget, "state.forecast.share");
    struct str contact = told_at(budget, "contact");
    struct str share = text_at(budget, "state.share");
    buf_addf(out, "%s\"%.*s\" %s%s: %.*s of %.*s used", out->len ? "; " : "",
             STR_ARG(told_at(budget, "name")), words[standing],
             is_shadow(budget) ? " (shadow)" : "", STR_ARG(text_at(budget, "state.used")),
             STR_ARG(text_at(budget, "state.limit")));
    if (share.len > 0)
        buf_addf(out, " (%.*s %%)", STR_ARG(share));
    buf_addf(out, " until %.*s", STR_ARG(text_at(budget, "state.period_to")));
    if (standing == STANDS_NEAR && forecast.len > 0)
        buf_addf(out, ", forecast %.*s %%", STR_ARG(forecast));
    if (contact.len > 0)
        buf_addf(out, ", ask %.*s", STR_ARG(contact));
}

static void tell_troubled(struct doctor *doctor, const struct json *list, size_t count,
                          enum standing worst, bool stops)
{
    static const enum doctor_cure cures[STANDINGS] = {
        [STANDS_NEAR] = CURE_BUDGET_NEAR,
        [STANDS_OVER] = CURE_BUDGET_NEAR,
        [STANDS_THROTTLED] = CURE_BUDGET_THROTTLED,
        [STANDS_BLOCKED] = CURE_BUDGET_BLOCKED,
    };
    char room[VALUE_BYTES];
    struct buf text = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    size_t told = 0;
    size_t troubled = 0;
    for (int standing = (int)worst; standing > STANDS_WELL; standing--)
        for (const struct json *each = json_first(list); each; each = json_next(each)) {
            if (standing_of(each) != (enum standing)standing)
                continue;
            troubled++;
            if (told < TOLD_MOST && text.code == FAULT_NONE) {
                add_budget(&text, each, (enum standing)standing);
                told++;
            }
        }
    doctor_tell(doctor, DOCTOR_BUDGET, stops ? DOCTOR_FAILED : DOCTOR_WARNING, cures[worst],
                "%zu of %zu %s: %.*s%s", troubled, count,
                command_plural(count, "budget", "budgets"), STR_ARG(buf_str(&text)),
                told < troubled ? "; ..." : "");
}

static void tell_budgets(struct doctor *doctor, const struct json *list)
{
    enum standing worst = STANDS_WELL;
    const struct json *fullest = NULL;
    size_t count = 0;
    bool stops = false;
    for (const struct json *each = json_first(list); each; each = json_next(each)) {
        enum standing standing = standing_of(each);
        worst = standing > worst ? standing : worst;
        stops = stops || (standing == STANDS_BLOCKED && is_of_handoffs(each));
        if (!fullest || hundredths_at(each, "state.share") > hundredths_at(fullest, "state.share"))
            fullest = each;
        count++;
    }
    if (worst != STANDS_WELL)
        tell_troubled(doctor, list, count, worst, stops);
    else if (!fullest)
        doctor_tell(doctor, DOCTOR_BUDGET, DOCTOR_SKIPPED, CURE_NONE, "the tenant has no budgets");
    else if (hundredths_at(fullest, "state.share") < 0)
        doctor_tell(doctor, DOCTOR_BUDGET, DOCTOR_OK, CURE_NONE, "%zu %s, none near its limit",
                    count, command_plural(count, "budget", "budgets"));
    else
        doctor_tell(doctor, DOCTOR_BUDGET, DOCTOR_OK, CURE_NONE,
                    "%zu %s; the fullest, \"%.*s\", is at %.*s %%", count,
                    command_plural(count, "budget", "budgets"), STR_ARG(told_at(fullest, "name")),
                    STR_ARG(text_at(fullest, "state.share")));
}

/* What an answer must hold for anything to be said of it. */
static enum fault_code check_answer(const struct json *top, struct fault *fault)
{
    const struct json *list = json_member(top, "budgets");
    if (!json_is_array(list))
        return fault_set(fault, FAULT_UNAVAILABLE, "GET /v1/budgets: budgets must be a list");
    for (const struct json *each = json_first(list); each; each = json_next(each))
        if (text_at(each, "name").len == 0 || text_at(each, "state.verdict").len == 0 ||
            text_at(each, "state.used").len == 0)
            return fault_set(fault, FAULT_UNAVAILABLE,
                             "GET /v1/budgets: a budget must have name, state.verdict and "
                             "state.used");
    return FAULT_NONE;
}

void doctor_budget(struct doctor *doctor)
{
    struct fault fault;
    struct str body;
    const struct json *top = NULL;
    int limit_ms = doctor_time(doctor, DOCTOR_BUDGET);
    http_client_limit(doctor->signed_in, limit_ms, limit_ms);
    enum fault_code code =
        service_get(doctor->signed_in, "v1/budgets", &doctor->arena, &body, &fault);
    if (code == FAULT_NONE)
        code = json_read(&doctor->arena, body, &top, &fault);
    if (code == FAULT_NONE)
        code = check_answer(top, &fault);
    if (code == FAULT_NONE)
        tell_budgets(doctor, json_member(top, "budgets"));
    else if (code == FAULT_NOT_FOUND)
        doctor_tell(doctor, DOCTOR_BUDGET, DOCTOR_SKIPPED, CURE_NONE,
                    "this version of the service keeps no budgets");
    else if (code == FAULT_DENIED)
        doctor_tell(doctor, DOCTOR_BUDGET, DOCTOR_SKIPPED, CURE_NONE,
                    "this token may not see the budgets");
    else
        doctor_tell(doctor, DOCTOR_BUDGET, DOCTOR_FAILED, CURE_BUDGET_AWAY, "%s", fault.text);
}
