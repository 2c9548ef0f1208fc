#include "service/usage/usage_provenance.h"

#include <stdlib.h>
#include <string.h>

#include "libs/store/store_rows.h"

enum { BITS = 16 };

/* A report under way. */
struct building {
    struct str only;
    struct arena *arena;
    struct usage_provenance_report *report;
    struct map index; /* a source to its place */
    size_t room;
};

static enum fault_code no_memory(struct fault *fault)
{
    return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a report of provenance");
}

static enum fault_code make_room(struct building *building, struct fault *fault)
{
    struct usage_provenance_report *report = building->report;
    if (report->count < building->room)
        return FAULT_NONE;
    size_t room = building->room * 2 + 16;
    struct usage_provenance_source *sources = arena_alloc(building->arena, room * sizeof *sources);
    if (!sources)
        return no_memory(fault);
    if (report->count > 0)
        memcpy(sources, report->sources, report->count * sizeof *sources);
    report->sources = sources;
    building->room = room;
    return FAULT_NONE;
}

/* The source's row, the first one for "": no source is empty. Refused events may name any number of
 * sources: what is beyond the cap goes to the first row too. */
static enum fault_code find_row(struct building *building, struct str source,
                                struct usage_provenance_source **out, struct fault *fault)
{
    struct usage_provenance_report *report = building->report;
    uint32_t at;
    if (report->count > USAGE_SOURCES_MAX && !map_get(&building->index, source, &at))
        source = STR("");
    if (!map_get(&building->index, source, &at)) {
        struct str kept = arena_copy(building->arena, source);
        at = (uint32_t)report->count;
        enum fault_code code = kept.ptr ? make_room(building, fault) : no_memory(fault);
        if (code == FAULT_NONE && map_put(&building->index, kept, at) != FAULT_NONE)
            code = no_memory(fault);
        if (code != FAULT_NONE)
            return code;
        report->sources[report->count++] =
            (struct usage_provenance_source){.source = source.len > 0 ? kept : (struct str){0}};
    }
    *out = &report->sources[at];
    return FAULT_NONE;
}

static void add_accepted(struct usage_provenance_source *row, int64_t bits, int64_t events)
{
    row->events += events;
    for (int i = 0; i < USAGE_ORIGINS; i++)
        row->given[i] += bits & 1 << i ? events : 0;
    row->complete += bits == USAGE_HAS_ALL ? events : 0;
}

static bool is_asked_for(const struct building *building, struct str source)
{
    return building->only.len == 0 || str_equal(source, building->only);
}

static enum fault_code put_accepted(struct statement *query, void *context, struct fault *fault)
{
    struct building *building = context;
    struct usage_provenance_source *row;
    if (!is_asked_for(building, store_text(query, 0)))
        return FAULT_NONE;
    enum fault_code code = find_row(building, store_text(query, 0), &row, fault);
    if (code != FAULT_NONE)
        return code;
    add_accepted(row, store_whole(query, 1) % BITS, store_whole(query, 2));
    add_accepted(&building->report->total, store_whole(query, 1) % BITS, store_whole(query, 2));
    return FAULT_NONE;
}

static enum fault_code put_rejected(struct statement *query, void *context, struct fault *fault)
{
    struct building *building = context;
    struct usage_provenance_source *row;
    if (!is_asked_for(building, store_text(query, 0)))
        return FAULT_NONE;
    enum fault_code code = find_row(building, store_text(query, 0), &row, fault);
    if (code != FAULT_NONE)
        return code;
    row->rejected += store_whole(query, 1);
    building->report->total.rejected += store_whole(query, 1);
    return FAULT_NONE;
}

static enum fault_code read_rows(struct building *building, struct store *store, struct str tenant,
                                 bool rejected, struct fault *fault)
{
    static const char accepted_sql[] =
        "SELECT coalesce(s.source, ''), g.provenance, g.events FROM ("
        "  SELECT tenant, provenance, CAST(sum(events) AS BIGINT) AS events FROM usage_provenance"
        "  WHERE tenant = $1 AND day_us >= $2 AND day_us < $3 GROUP BY tenant, provenance) AS g"
        " LEFT JOIN usage_sources AS s ON s.tenant = g.tenant AND s.id = g.provenance / 16"
        " ORDER BY g.provenance";
    static const char rejected_sql[] = "SELECT coalesce(source, ''), count(*) FROM usage_dlq"
                                       " WHERE tenant = $1 AND received_us >= $2 AND received_us < "
                                       "$3 GROUP BY coalesce(source, '')"
                                       " ORDER BY 1";
    struct statement *rows;
    enum fault_code code =
        store_prepare(store, rejected ? rejected_sql : accepted_sql, &rows, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(rows, 1, tenant);
    store_bind_whole(rows, 2, building->report->from_us);
    store_bind_whole(rows, 3, building->report->to_us);
    return store_each(rows, rejected ? put_rejected : put_accepted, building, fault);
}

static int by_source(const void *a, const void *b)
{
    const struct usage_provenance_source *one = a;
    const struct usage_provenance_source *two = b;
    return str_compare(one->source, two->source);
}

enum fault_code usage_provenance_read(struct store *store, struct str tenant, int64_t from_us,
                                      int64_t to_us, struct str only, struct arena *arena,
                                      struct usage_provenance_report *out, struct fault *fault)
{
    struct usage_provenance_report report = {
        .from_us = from_us - from_us % USAGE_DAY_US,
        .to_us = (to_us + USAGE_DAY_US - 1) / USAGE_DAY_US * USAGE_DAY_US,
    };
    struct building building = {.only = only, .arena = arena, .report = &report};
    map_init(&building.index);
    enum fault_code code = read_rows(&building, store, tenant, false, fault);
    if (code == FAULT_NONE)
        code = read_rows(&building, store, tenant, true, fault);
    map_done(&building.index);
    if (code != FAULT_NONE)
        return code;
    if (report.count > 1)
        qsort(report.sources, report.count, sizeof *report.sources, by_source);
    *out = report;
    return FAULT_NONE;
}
