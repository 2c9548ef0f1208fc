/* The job: every meter that a tenant uses, one after the other; what is new is kept and told in one
 * transaction. */
#include "service/anomalies/anomalies.h"

#include <stdio.h>

#include "libs/core/os.h"
#include "libs/text/time.h"
#include "service/anomalies/anomalies_look.h"
#include "service/service.h"
#include "service/usage/usage_query.h"

enum { ARENA_MAX = 256 << 20, TEXT_MAX = 2048, RENEW_EVERY = 8 };

struct pair {
    struct str tenant;
    const struct usage_meter *meter; /* NULL: one of another version of the service */
};

static enum fault_code read_pair(struct store_row *row, void *out, struct fault *fault)
{
    (void)fault;
    *(struct pair *)out =
        (struct pair){store_row_text(row, 0), usage_meter_find(store_text(row->query, 1))};
    return FAULT_NONE;
}

static enum fault_code list_pairs(struct store_pool *pool, struct arena *arena,
                                  struct store_list *out, struct fault *fault)
{
    static const char sql[] = "SELECT DISTINCT tenant, meter FROM usage_dimsets";
    struct store *store;
    struct statement *query;
    enum fault_code code = store_pool_take(pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = store_prepare(store, sql, &query, fault);
    if (code == FAULT_NONE)
        code = store_list(query, arena, sizeof(struct pair), read_pair, out, fault);
    store_pool_give(pool, store);
    return code;
}

/* --- telling -------------------------------------------------------------------------------- */

struct finding {
    struct str tenant;
    struct anomalies_settings settings;
    struct anomalies_row rows[ANOMALIES_FOUND_MAX];
    size_t count;
    int64_t now_us;
    int kept; /* by the last run of the work */
};

static void add_day(struct buf *out, int64_t from_us)
{
    struct buf time;
    buf_init(&time, 64);
    time_add_rfc3339(&time, from_us);
    buf_add(out, buf_str(&time));
    buf_done(&time);
}

static void add_subject(struct buf *out, const struct anomalies_row *row)
{
    buf_addf(out, "IntelGraph: %s is %s what is usual, ", row->meter->name,
             row->is_above ? "above" : "below");
    usage_add_shown(out, row->meter, row->amount);
    buf_add(out, STR(" instead of "));
    usage_add_shown(out, row->meter, row->usual);
    buf_addf(out, " %s", row->meter->shown_unit);
}

static void add_text(struct buf *out, const struct anomalies_row *row)
{
    buf_addf(out, "Meter: %s\nDay from: ", row->meter->name);
    add_day(out, row->from_us);
    buf_add(out, STR("\nUsed: "));
    usage_add_shown(out, row->meter, row->amount);
    buf_addf(out, " %s\nUsual: ", row->meter->shown_unit);
    usage_add_shown(out, row->meter, row->usual);
    buf_addf(out, " %s (the median of %lld %s before)\n", row->meter->shown_unit,
             (long long)row->days, row->by_weekday ? "of the same weekday" : "days");
    if (row->dimension.len > 0) {
        buf_addf(out, "Most of the difference (%lld %%): %.*s ",
                 (long long)(row->explains_ppm / 10000), STR_ARG(row->dimension));
        /* Others have written it: kept on its line. */
        for (size_t i = 0; i < row->value.len; i++)
            buf_add_byte(out, (unsigned char)row->value.ptr[i] < ' ' || row->value.ptr[i] == 0x7f
                                  ? '?'
                                  : row->value.ptr[i]);
        buf_add_byte(out, '\n');
    }
    buf_add(out, STR("Somebody should look at it, and say why in /v1/usage/anomalies.\n"));
}

static enum fault_code tell(struct store *store, const struct finding *finding,
                            const struct anomalies_row *row, struct fault *fault)
{
    struct buf subject;
    struct buf text;
    struct buf json;
    char key[NOTIFY_KEY_MAX];
    buf_init(&subject, TEXT_MAX);
    buf_init(&text, TEXT_MAX);
    buf_init(&json, NOTIFY_JSON_MAX);
    struct json_out out = json_out_to(&json);
    add_subject(&subject, row);
    add_text(&text, row);
    anomalies_row_put(&out, row);
    snprintf(key, sizeof key, "anomaly:%s:%lld:%s", row->meter->name, (long long)row->from_us,
             row->is_above ? "above" : "below");
    const struct notify_message message = {
        .tenant = finding->tenant,
        .kind = STR("anomaly.detected"),
        .key = str_of(key),
        .recipients = finding->settings.recipients,
        .recipient_count = finding->settings.recipient_count,
        .subject = buf_str(&subject),
        .text = buf_str(&text),
        .json = buf_str(&json),
        .now_us = finding->now_us,
    };
    enum fault_code code = buf_check(&text, "a notice", fault);
    if (code == FAULT_NONE)
        code = notify_enqueue(store, &message, fault);
    buf_done(&subject);
    buf_done(&text);
    buf_done(&json);
    return code;
}

static enum fault_code keep_in(struct store *store, void *context, struct fault *fault)
{
    struct finding *finding = context;
    enum fault_code code = FAULT_NONE;
    finding->kept = 0;
    for (size_t i = 0; i < finding->count && code == FAULT_NONE; i++) {
        struct anomalies_row row = finding->rows[i];
        code = anomalies_put(store, finding->tenant, &row, &row.id, fault);
        if (code == FAULT_NONE && row.id != 0) {
            finding->kept++;
            code = tell(store, finding, &row, fault);
        }
    }
    return code;
}

/* --- looking -------------------------------------------------------------------------------- */

static enum fault_code look_at(struct store_pool *pool, const struct pair *pair, int64_t now_us,
                               struct arena *arena, struct finding *out, struct fault *fault)
{
    struct anomalies_rule rule;
    struct store *store;
    *out = (struct finding){.tenant = pair->tenant, .now_us = now_us};
    enum fault_code code = store_pool_take(pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = store_begin_read(store, fault);
    if (code == FAULT_NONE)
        code = anomalies_settings_read(store, pair->tenant, arena, &out->settings, fault);
    if (code == FAULT_NONE && anomalies_rule_of(out->settings.sensitivity, pair->meter, &rule))
        code = anomalies_look(store, pair->tenant, pair->meter, &rule, now_us, arena, out->rows,
                              &out->count, fault);
    store_pool_give(pool, store);
    return code;
}

static enum fault_code look_and_keep(struct jobs_turn *turn, struct service *service,
                                     const struct pair *pair, struct arena *arena,
                                     struct fault *fault)
{
    struct finding finding;
    enum fault_code code = look_at(turn->pool, pair, turn->now_us, arena, &finding, fault);
    if (code == FAULT_NONE && finding.count > 0)
        code = jobs_write(turn, keep_in, &finding, fault);
    if (code == FAULT_NONE)
        atomic_fetch_add(&service->counters.anomalies_found, (uint64_t)finding.kept);
    return code;
}

/* What is wrong with one tenant's meter must not keep the others from being looked at. */
static bool concerns_all(enum fault_code code)
{
    return code == FAULT_CONFLICT || code == FAULT_UNAVAILABLE || code == FAULT_IO;
}

enum fault_code anomalies_look_at_all(struct jobs_turn *turn, void *context, struct fault *fault)
{
    struct store_list list = {0};
    struct fault each;
    struct arena names;
    struct arena arena;
    int looked = 0;
    arena_init(&names, ARENA_MAX);
    arena_init(&arena, ARENA_MAX);
    enum fault_code first = list_pairs(turn->pool, &names, &list, fault);
    enum fault_code code = first;
    const struct pair *pairs = list.rows;
    for (size_t i = 0; i < list.count && !concerns_all(code) && !atomic_load(turn->ending); i++) {
        if (!pairs[i].meter)
            continue;
        arena_reset(&arena);
        code = look_and_keep(turn, context, &pairs[i], &arena, &each);
        if (code == FAULT_NONE && ++looked % RENEW_EVERY == 0)
            code = jobs_renew(turn, &each);
        if (code != FAULT_NONE && (first == FAULT_NONE || concerns_all(code))) {
            *fault = each;
            first = code;
        }
    }
    arena_done(&arena);
    arena_done(&names);
    return first;
}
