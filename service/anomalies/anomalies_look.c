#include "service/anomalies/anomalies_look.h"

#include <math.h>
#include <string.h>

#include "service/anomalies/anomalies_explain.h"
#include "service/usage/usage_query.h"
#include "service/usage/usage_store.h"

enum {
    COMPLETE_DAYS = 3,                             /* that are looked at again */
    DAYS = ANOMALIES_DAYS_MAX + COMPLETE_DAYS + 1, /* with today as the last */
    TODAY = DAYS - 1,
    HOURS_LEAST = 6,    /* of today: before that there is little to say */
    DIMSETS_MAX = 1000, /* hours of more combinations than these are too many to read each time */
};

#define HOUR_US (INT64_C(3600) * 1000000)

struct looking {
    struct store *store;
    struct str tenant;
    const struct usage_meter *meter;
    const struct anomalies_rule *rule;
    int64_t now_us;
    struct arena *arena;
    struct zone_period days[DAYS];
    double whole[DAYS]; /* of each day */
    double part[DAYS];  /* of its hours up to now's */
    __int128 exact[DAYS];
    size_t first;  /* day with usage; DAYS: none */
    int64_t hours; /* of today that are over */
    struct anomalies_row *out;
    size_t count;
};

/* --- reading -------------------------------------------------------------------------------- */

static enum fault_code name_days(struct looking *looking, struct fault *fault)
{
    struct str name;
    struct zone *zone;
    int anchor_day;
    enum fault_code code = usage_store_zone(looking->store, looking->tenant, looking->arena, &name,
                                            &anchor_day, fault);
    if (code == FAULT_NONE)
        code = zone_open(name, anchor_day, &zone, fault);
    if (code != FAULT_NONE)
        return code;
    int64_t at_us = looking->now_us;
    for (size_t i = DAYS; i > 0; i--) {
        looking->days[i - 1] = zone_period_at(zone, ZONE_DAY, at_us);
        at_us = looking->days[i - 1].from_us - 1;
    }
    zone_free(zone);
    looking->hours = (looking->now_us - looking->days[TODAY].from_us) / HOUR_US;
    return FAULT_NONE;
}

/* Which of the days holds the moment; DAYS: none. */
static size_t day_of(const struct looking *looking, int64_t at_us)
{
    for (size_t i = 0; i < DAYS; i++)
        if (at_us >= looking->days[i].from_us && at_us < looking->days[i].to_us)
            return i;
    return DAYS;
}

static enum fault_code run(struct looking *looking, enum zone_unit window, struct usage_report *out,
                           struct fault *fault)
{
    const struct usage_query query = {
        .meter = looking->meter,
        .window = window,
        .from_us = looking->days[0].from_us,
        .to_us = looking->days[TODAY].to_us,
        .now_us = looking->now_us,
    };
    return usage_query_run(&query, looking->store, looking->tenant, looking->arena, out, fault);
}

static enum fault_code read_days(struct looking *looking, struct fault *fault)
{
    struct usage_report report;
    enum fault_code code = run(looking, ZONE_DAY, &report, fault);
    looking->first = DAYS;
    for (size_t i = 0; code == FAULT_NONE && i < report.count; i++) {
        size_t day = day_of(looking, report.rows[i].period.from_us);
        if (day == DAYS)
            continue;
        looking->exact[day] += report.rows[i].quantity;
        looking->whole[day] = (double)looking->exact[day];
        if (day < looking->first && looking->exact[day] != 0)
            looking->first = day;
    }
    return code;
}

static enum fault_code count_dimsets(struct looking *looking, int64_t *out, struct fault *fault)
{
    static const char sql[] = "SELECT count(*) FROM usage_dimsets WHERE tenant = $1 AND meter = $2";
    struct statement *query;
    enum fault_code code = store_prepare(looking->store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, looking->tenant);
    store_bind_text(query, 2, str_of(looking->meter->name));
    return store_read_whole(query, out, fault);
}

static enum fault_code read_hours(struct looking *looking, struct fault *fault)
{
    struct usage_report report;
    enum fault_code code = run(looking, ZONE_HOUR, &report, fault);
    for (size_t i = 0; code == FAULT_NONE && i < report.count; i++) {
        int64_t from_us = report.rows[i].period.from_us;
        size_t day = day_of(looking, from_us);
        if (day != DAYS && from_us - looking->days[day].from_us < looking->hours * HOUR_US)
            looking->part[day] += (double)report.rows[i].quantity;
    }
    return code;
}

/* --- judging -------------------------------------------------------------------------------- */

static int64_t milli_of(double number)
{
    return (int64_t)llround(number * 1000);
}

static enum fault_code keep(struct looking *looking, size_t day, __int128 amount,
                            const struct anomalies_verdict *verdict, struct fault *fault)
{
    bool is_today = day == TODAY;
    struct anomalies_row row = {
        .meter = looking->meter,
        .from_us = looking->days[day].from_us,
        .to_us = looking->days[day].to_us,
        .is_above = verdict->is_above,
        .amount = amount,
        .usual = (__int128)verdict->usual,
        .z_milli = milli_of(verdict->z),
        .robust_milli = milli_of(verdict->robust),
        .by_weekday = verdict->by_weekday,
        .days = (int64_t)verdict->days,
        .dimension = STR(""),
        .value = STR(""),
        .state = STR("open"),
        .detected_us = looking->now_us,
        .ended_by = STR(""),
        .ended_why = STR(""),
    };
    struct anomalies_question question = {
        .meter = looking->meter,
        .days = looking->days,
        .first = looking->first,
        .day = day,
        .step = verdict->by_weekday ? 7 : 1,
        .most = verdict->days,
        .share = 1,
        .now_us = looking->now_us,
    };
    if (is_today) { /* the days before, cut as today is */
        double whole = 0;
        double part = 0;
        for (size_t i = looking->first; i < day; i++) {
            whole += looking->whole[i];
            part += looking->part[i];
        }
        question.share = whole > 0 ? part / whole : 1;
    }
    enum fault_code code =
        anomalies_explain(looking->store, looking->tenant, &question, looking->arena, &row, fault);
    if (code == FAULT_NONE)
        looking->out[looking->count++] = row;
    return code;
}

static enum fault_code judge(struct looking *looking, size_t day, const double *series,
                             const struct anomalies_rule *rule, struct fault *fault)
{
    struct anomalies_verdict verdict;
    size_t count = day - looking->first;
    size_t past = count < ANOMALIES_DAYS_MAX ? count : ANOMALIES_DAYS_MAX;
    bool is_today = day == TODAY;
    if (!anomalies_judge(series + day - past, past, rule, series[day], &verdict) ||
        !verdict.is_unusual || (is_today && !verdict.is_above))
        return FAULT_NONE;
    return keep(looking, day, is_today ? (__int128)series[day] : looking->exact[day], &verdict,
                fault);
}

/* What today has so far is compared with the same hours, but must matter beside a whole day. */
static enum fault_code judge_today(struct looking *looking, struct fault *fault)
{
    struct anomalies_rule rule = *looking->rule;
    double whole[ANOMALIES_DAYS_MAX];
    int64_t dimsets = 0;
    size_t count = TODAY - looking->first;
    if (count < ANOMALIES_DAYS_LEAST || looking->hours < HOURS_LEAST)
        return FAULT_NONE;
    enum fault_code code = count_dimsets(looking, &dimsets, fault);
    if (code != FAULT_NONE || dimsets > DIMSETS_MAX)
        return code;
    code = read_hours(looking, fault);
    if (code != FAULT_NONE)
        return code;
    size_t past = count < ANOMALIES_DAYS_MAX ? count : ANOMALIES_DAYS_MAX;
    memcpy(whole, looking->whole + TODAY - past, past * sizeof *whole);
    rule.least_amount = fmax(rule.least_amount, rule.least_share * anomalies_median(whole, past));
    return judge(looking, TODAY, looking->part, &rule, fault);
}

enum fault_code anomalies_look(struct store *store, struct str tenant,
                               const struct usage_meter *meter, const struct anomalies_rule *rule,
                               int64_t now_us, struct arena *arena,
                               struct anomalies_row out[ANOMALIES_FOUND_MAX], size_t *out_count,
                               struct fault *fault)
{
    struct looking looking = {
        .store = store,
        .tenant = tenant,
        .meter = meter,
        .rule = rule,
        .now_us = now_us,
        .arena = arena,
        .out = out,
    };
    enum fault_code code = name_days(&looking, fault);
    if (code == FAULT_NONE)
        code = read_days(&looking, fault);
    for (size_t day = TODAY - COMPLETE_DAYS; code == FAULT_NONE && day < TODAY; day++)
        if (day > looking.first &&
            now_us - looking.days[day].to_us >= USAGE_COMPLETE_AFTER_S * INT64_C(1000000))
            code = judge(&looking, day, looking.whole, rule, fault);
    if (code == FAULT_NONE && looking.first < TODAY)
        code = judge_today(&looking, fault);
    if (code == FAULT_NONE)
        *out_count = looking.count;
    return code;
}
