#include "service/usage/usage_provenance.h"

#include <stdlib.h>

#include "libs/core/os.h"
#include "service/usage/usage_sql.h"

enum { ROOM_LEAST = 64, NEAR = 4, BITS = 16, COLUMNS = 4 };

void usage_provenance_init(struct usage_provenance *provenance)
{
    *provenance = (struct usage_provenance){.last_id = -1};
    map_init(&provenance->sources);
}

void usage_provenance_done(struct usage_provenance *provenance)
{
    os_free(provenance->rows);
    map_done(&provenance->sources);
    usage_provenance_init(provenance);
}

void usage_provenance_clear(struct usage_provenance *provenance)
{
    provenance->count = 0;
}

/* --- sources -------------------------------------------------------------------------------- */

static enum fault_code find_source(struct store *store, struct str tenant, struct str source,
                                   bool *out_found, int64_t *out_id, struct fault *fault)
{
    static const char sql[] = "SELECT id FROM usage_sources WHERE tenant = $1 AND source = $2";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_text(query, 2, source);
    code = store_step(query, out_found, fault);
    if (code == FAULT_NONE && *out_found) {
        *out_id = store_whole(query, 0);
        store_reset(query);
    }
    return code;
}

/* 0 beyond the cap. */
static enum fault_code add_source(struct store *store, struct str tenant, struct str source,
                                  int64_t *out_id, struct fault *fault)
{
    static const char last[] = "SELECT coalesce(max(id), 0) FROM usage_sources WHERE tenant = $1";
    static const char add[] = "INSERT INTO usage_sources (tenant, id, source) VALUES ($1, $2, $3)";
    struct statement *statement;
    int64_t id = 0;
    enum fault_code code = store_prepare(store, last, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(statement, 1, tenant);
    code = store_read_whole(statement, &id, fault);
    *out_id = 0;
    if (code != FAULT_NONE || id >= USAGE_SOURCES_MAX)
        return code;
    code = store_prepare(store, add, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(statement, 1, tenant);
    store_bind_whole(statement, 2, id + 1);
    store_bind_text(statement, 3, source);
    code = store_run(statement, fault);
    if (code == FAULT_NONE)
        *out_id = id + 1;
    return code;
}

enum fault_code usage_provenance_resolve(struct usage_provenance *provenance, struct store *store,
                                         struct str tenant, struct usage_event *event,
                                         struct fault *fault)
{
    struct str source = event->source;
    uint32_t known = 0;
    if (provenance->last_id < 0 || !str_equal(source, provenance->last_source)) {
        if (!map_get(&provenance->sources, source, &known)) {
            bool found = false;
            int64_t id = 0;
            enum fault_code code = find_source(store, tenant, source, &found, &id, fault);
            if (code == FAULT_NONE && !found)
                code = add_source(store, tenant, source, &id, fault);
            if (code != FAULT_NONE)
                return code;
            known = (uint32_t)id;
            if (map_put(&provenance->sources, source, known) != FAULT_NONE)
                return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a batch's sources");
        }
        provenance->last_source = source;
        provenance->last_id = (int)known;
    }
    event->provenance = event->provenance % BITS + provenance->last_id * BITS;
    return FAULT_NONE;
}

/* --- days ----------------------------------------------------------------------------------- */

static enum fault_code make_room(struct usage_provenance *provenance, struct fault *fault)
{
    if (provenance->count < provenance->room)
        return FAULT_NONE;
    size_t room = provenance->room ? provenance->room * 2 : ROOM_LEAST;
    struct usage_provenance_row *rows = os_resize(provenance->rows, room * sizeof *rows);
    if (!rows)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for counting where events are of");
    provenance->rows = rows;
    provenance->room = room;
    return FAULT_NONE;
}

enum fault_code usage_provenance_count(struct usage_provenance *provenance, int64_t time_us,
                                       int64_t of_event, struct fault *fault)
{
    int64_t day_us = time_us - time_us % USAGE_DAY_US;
    /* Most events are like one of the last few. */
    for (size_t i = provenance->count, left = NEAR; i > 0 && left > 0; left--) {
        struct usage_provenance_row *row = &provenance->rows[--i];
        if (row->day_us == day_us && row->provenance == of_event) {
            row->events++;
            return FAULT_NONE;
        }
    }
    enum fault_code code = make_room(provenance, fault);
    if (code == FAULT_NONE)
        provenance->rows[provenance->count++] =
            (struct usage_provenance_row){.day_us = day_us, .provenance = of_event, .events = 1};
    return code;
}

static int by_day_and_provenance(const void *a, const void *b)
{
    const struct usage_provenance_row *one = a;
    const struct usage_provenance_row *two = b;
    if (one->day_us != two->day_us)
        return one->day_us < two->day_us ? -1 : 1;
    return (one->provenance > two->provenance) - (one->provenance < two->provenance);
}

/* Sums up what is alike, in place; the rows that are left. */
static size_t merge(struct usage_provenance_row *rows, size_t count)
{
    size_t merged = 0;
    if (count > 1)
        qsort(rows, count, sizeof *rows, by_day_and_provenance);
    for (size_t i = 0; i < count; i++)
        if (merged > 0 && by_day_and_provenance(&rows[merged - 1], &rows[i]) == 0)
            rows[merged - 1].events += rows[i].events;
        else
            rows[merged++] = rows[i];
    return merged;
}

static void bind(struct statement *upsert, size_t place, const struct usage_provenance_row *row,
                 struct str tenant)
{
    int before = (int)place * COLUMNS;
    store_bind_text(upsert, before + 1, tenant);
    store_bind_whole(upsert, before + 2, row->day_us);
    store_bind_whole(upsert, before + 3, row->provenance);
    store_bind_whole(upsert, before + 4, row->events);
}

enum fault_code usage_provenance_write(struct usage_provenance *provenance, struct store *store,
                                       struct str tenant, struct fault *fault)
{
    size_t count = merge(provenance->rows, provenance->count);
    enum fault_code code = FAULT_NONE;
    provenance->count = count;
    for (size_t at = 0; at < count && code == FAULT_NONE;) {
        struct statement *upsert;
        size_t several = count - at;
        code = store_prepare(store, usage_sql_rows(USAGE_SQL_ADD_PROVENANCE, &several), &upsert,
                             fault);
        if (code != FAULT_NONE)
            return code;
        for (size_t i = 0; i < several; i++)
            bind(upsert, i, &provenance->rows[at++], tenant);
        code = store_run(upsert, fault);
    }
    return code;
}
