#include "service/usage/usage_rebuild.h"

#include <string.h>

#include "libs/core/os.h"
#include "libs/store/store_rows.h"
#include "service/usage/usage_behind.h"
#include "service/usage/usage_count.h"
#include "service/usage/usage_provenance.h"
#include "service/usage/usage_sql.h"
#include "service/usage/usage_verify.h"

enum { PAGE = 10000, ROWS = 100000 }; /* events, and hours and days, between two writings */

/* --- what was, against what is -------------------------------------------------------------- */

/* A digest for each of the derived tables would tell that they differ; this tells how many rows do.
 * The old rows are kept beside the new ones for the length of the transaction. */
static enum fault_code run(struct store *store, const char *sql, struct str tenant, int64_t *out,
                           struct fault *fault)
{
    struct statement *statement;
    bool row = false;
    enum fault_code code = store_prepare(store, sql, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(statement, 1, tenant);
    code = store_step(statement, &row, fault);
    if (code == FAULT_NONE && row && out)
        *out = store_whole(statement, 0);
    store_reset(statement);
    return code;
}

static enum fault_code keep_old(struct store *store, struct str tenant, struct fault *fault)
{
    static const char clear[] = "DELETE FROM usage_rebuild_old WHERE tenant = $1";
    static const char hours[] =
        "INSERT INTO usage_rebuild_old (tenant, unit, meter, from_us, dimset, high, low, events)"
        " SELECT tenant, 'hour', meter, from_us, dimset, high, low, events FROM usage_hours"
        " WHERE tenant = $1 AND (high <> 0 OR low <> 0 OR events <> 0)";
    static const char days[] =
        "INSERT INTO usage_rebuild_old (tenant, unit, meter, from_us, dimset, high, low, events)"
        " SELECT tenant, 'day', meter, from_us, dimset, high, low, events FROM usage_days"
        " WHERE tenant = $1 AND (high <> 0 OR low <> 0 OR events <> 0)";
    static const char provenance[] =
        "INSERT INTO usage_rebuild_old (tenant, unit, meter, from_us, dimset, high, low, events)"
        " SELECT tenant, 'provenance', '', day_us, provenance, 0, 0, events FROM usage_provenance"
        " WHERE tenant = $1 AND events <> 0";
    enum fault_code code = run(store, clear, tenant, NULL, fault);
    if (code == FAULT_NONE)
        code = run(store, hours, tenant, NULL, fault);
    if (code == FAULT_NONE)
        code = run(store, days, tenant, NULL, fault);
    return code == FAULT_NONE ? run(store, provenance, tenant, NULL, fault) : code;
}

static enum fault_code compare(struct store *store, struct str tenant, int64_t *out,
                               struct fault *fault)
{
    /* In old or new and not the same in the other: each such row once. */
    static const char sql[] =
        "SELECT count(*) FROM ("
        " SELECT unit, meter, from_us, dimset FROM ("
        "  SELECT unit, meter, from_us, dimset, high, low, events FROM usage_rebuild_old"
        "   WHERE tenant = $1"
        "  UNION ALL"
        "  SELECT 'hour' AS unit, meter, from_us, dimset, high, low, events FROM usage_hours"
        "   WHERE tenant = $1 AND (high <> 0 OR low <> 0 OR events <> 0)"
        "  UNION ALL"
        "  SELECT 'day' AS unit, meter, from_us, dimset, high, low, events FROM usage_days"
        "   WHERE tenant = $1 AND (high <> 0 OR low <> 0 OR events <> 0)"
        "  UNION ALL"
        "  SELECT 'provenance' AS unit, '' AS meter, day_us, provenance, 0, 0, events"
        "   FROM usage_provenance WHERE tenant = $1 AND events <> 0) AS each_row"
        " GROUP BY unit, meter, from_us, dimset"
        " HAVING count(*) <> 2 OR min(high) <> max(high) OR min(low) <> max(low)"
        "  OR min(events) <> max(events)) AS differing";
    static const char clear[] = "DELETE FROM usage_rebuild_old WHERE tenant = $1";
    enum fault_code code = run(store, sql, tenant, out, fault);
    return code == FAULT_NONE ? run(store, clear, tenant, NULL, fault) : code;
}

static enum fault_code forget(struct store *store, struct str tenant, struct fault *fault)
{
    static const enum usage_sql_name names[] = {
        USAGE_SQL_FORGET_HOURS, USAGE_SQL_FORGET_DAYS, USAGE_SQL_FORGET_LEVELS,
        USAGE_SQL_FORGET_CORRECTIONS, USAGE_SQL_FORGET_PROVENANCE};
    enum fault_code code = FAULT_NONE;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && code == FAULT_NONE; i++)
        code = run(store, usage_sql(names[i]), tenant, NULL, fault);
    return code;
}

/* --- counting again ------------------------------------------------------------------------- */

/* A kept event, read before the next query uses the statement. */
struct past {
    int64_t seq;
    struct usage_kept kept;
    struct usage_event event; /* key, kind, quantity, refers_to, provenance */
};

static enum fault_code read_past(struct statement *query, struct past *out, struct fault *fault)
{
    struct str key = store_text(query, 1);
    struct str refers_to = store_text(query, 7);
    *out = (struct past){
        .seq = store_whole(query, 0),
        .kept = {.meter = usage_meter_find(store_text(query, 2)),
                 .kind = (enum usage_kind)store_whole(query, 3),
                 .time_us = store_whole(query, 4),
                 .quantity = store_whole(query, 5),
                 .dimset = store_whole(query, 6)},
    };
    out->event.kind = out->kept.kind;
    out->event.quantity = out->kept.quantity;
    out->event.provenance = (int)store_whole(query, 8);
    if (!out->kept.meter || key.len != USAGE_KEY_SIZE ||
        (out->kept.kind != USAGE_USE && refers_to.len != USAGE_KEY_SIZE))
        return fault_set(fault, FAULT_CORRUPT, "event %lld is not what the service writes",
                         (long long)out->seq);
    memcpy(out->event.key, key.ptr, USAGE_KEY_SIZE);
    if (refers_to.len == USAGE_KEY_SIZE)
        memcpy(out->event.refers_to, refers_to.ptr, USAGE_KEY_SIZE);
    return FAULT_NONE;
}

static enum fault_code count_past(const struct usage_counting *counting, const struct past *past,
                                  struct fault *fault)
{
    struct usage_kept use;
    bool found = false;
    if (past->event.kind == USAGE_USE)
        return usage_count_use(counting, &past->kept, past->event.key, fault);
    enum fault_code code = usage_store_find(counting->store, counting->tenant,
                                            past->event.refers_to, &found, &use, fault);
    if (code == FAULT_NONE && !found)
        code = fault_set(fault, FAULT_CORRUPT, "event %lld corrects one that is not there",
                         (long long)past->seq);
    if (code == FAULT_NONE)
        code = usage_count_correction(counting, &use, &past->event, fault);
    return code;
}

/* As many events as are counted between two writings of the rollups. */
struct page {
    struct past *events; /* PAGE of them */
    size_t count;
    struct usage_verifier verifier;
};

static enum fault_code add_past(struct statement *row, void *context, struct fault *fault)
{
    struct page *page = context;
    struct past *past = &page->events[page->count++];
    enum fault_code code = read_past(row, past, fault);
    if (code != FAULT_NONE)
        return code;
    struct usage_event said = past->event;
    said.meter = past->kept.meter;
    said.time_us = past->kept.time_us;
    return usage_verify_event(&page->verifier, past->seq, &said, store_text(row, 10),
                              store_text(row, 9), fault);
}

static enum fault_code read_page(const struct usage_counting *counting, int64_t after,
                                 struct page *page, struct fault *fault)
{
    struct statement *query;
    enum fault_code code =
        store_prepare(counting->store, usage_sql(USAGE_SQL_EACH_EVENT), &query, fault);
    page->count = 0;
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, counting->tenant);
    store_bind_whole(query, 2, after);
    store_bind_whole(query, 3, PAGE);
    return store_each(query, add_past, page, fault);
}

static enum fault_code write_counted(const struct usage_counting *counting, struct fault *fault)
{
    enum fault_code code =
        usage_rollup_write(counting->rollup, counting->store, counting->tenant, fault);
    usage_rollup_clear(counting->rollup);
    return code;
}

/* Levels of several requests can touch more hours and days than one request may. */
static enum fault_code count_page(const struct usage_counting *counting, const struct page *page,
                                  struct usage_provenance *provenance, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    for (size_t i = 0; i < page->count && code == FAULT_NONE; i++) {
        const struct past *past = &page->events[i];
        code = count_past(counting, past, fault);
        if (code == FAULT_NONE)
            code = usage_provenance_count(provenance, past->kept.time_us, past->event.provenance,
                                          fault);
        if (code == FAULT_NONE && usage_rollup_count(counting->rollup) >= ROWS)
            code = write_counted(counting, fault);
    }
    if (code == FAULT_NONE)
        code = write_counted(counting, fault);
    if (code == FAULT_NONE)
        code = usage_provenance_write(provenance, counting->store, counting->tenant, fault);
    usage_rollup_clear(counting->rollup);
    usage_provenance_clear(provenance);
    return code;
}

static enum fault_code count_all(const struct usage_counting *counting, struct page *page,
                                 int64_t *out_events, struct fault *fault)
{
    int64_t after = 0;
    struct usage_provenance provenance;
    enum fault_code code = FAULT_NONE;
    usage_provenance_init(&provenance);
    usage_verify_begin(&page->verifier, counting->store, counting->tenant);
    do {
        code = read_page(counting, after, page, fault);
        if (code == FAULT_NONE)
            code = count_page(counting, page, &provenance, fault);
        *out_events += (int64_t)page->count;
        if (page->count > 0)
            after = page->events[page->count - 1].seq;
    } while (code == FAULT_NONE && page->count == PAGE);
    if (code == FAULT_NONE)
        code = usage_verify_end(&page->verifier, fault);
    usage_verify_done(&page->verifier);
    usage_provenance_done(&provenance);
    return code;
}

static enum fault_code count_again(struct store *store, struct str tenant, struct zone *zone,
                                   struct usage_rebuilt *out, struct fault *fault)
{
    struct usage_counting counting = {.store = store, .tenant = tenant};
    struct page page = {.events = os_resize(NULL, PAGE * sizeof *page.events)};
    enum fault_code code = FAULT_NONE;
    if (!page.events)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a rebuild");
    code = usage_rollup_new(zone, &counting.rollup, fault);
    if (code == FAULT_NONE)
        code = keep_old(store, tenant, fault);
    if (code == FAULT_NONE)
        code = forget(store, tenant, fault);
    if (code == FAULT_NONE)
        code = count_all(&counting, &page, &out->events, fault);
    if (code == FAULT_NONE)
        code = compare(store, tenant, &out->differences, fault);
    usage_rollup_free(counting.rollup);
    os_free(page.events);
    return code;
}

enum fault_code usage_rebuild(struct store *store, struct str tenant, struct usage_rebuilt *out,
                              struct fault *fault)
{
    struct usage_rebuilt rebuilt = {0};
    struct arena arena;
    struct str name;
    int anchor_day;
    struct zone *zone = NULL;
    arena_init(&arena, 4096);
    enum fault_code code = usage_ledger_settle(store, fault);
    if (code == FAULT_NONE)
        code = usage_behind_settle(store, fault);
    if (code == FAULT_NONE)
        code = usage_store_zone(store, tenant, &arena, &name, &anchor_day, fault);
    if (code == FAULT_NONE)
        code = zone_open(name, anchor_day, &zone, fault);
    if (code == FAULT_NONE)
        code = count_again(store, tenant, zone, &rebuilt, fault);
    zone_free(zone);
    arena_done(&arena);
    if (code == FAULT_NONE)
        *out = rebuilt;
    return code;
}
