/* Whether what is on record is what was counted. */
#include "service/usage/usage.h"

#include "libs/store/store_rows.h"
#include "libs/text/json.h"
#include "service/usage/usage_store.h"

enum { ENTRY_ARENA_MAX = 4 << 20, ENTRIES = 1000 };

static enum fault_code count(struct store *store, const char *sql, struct str tenant, int64_t *out,
                             struct fault *fault)
{
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    return store_read_whole(query, out, fault);
}

static enum fault_code reconcile_handoffs(struct store *store, struct str tenant,
                                          struct usage_reconciled *out, struct fault *fault)
{
    static const char handoffs[] = "SELECT count(*) FROM handoffs WHERE tenant = $1";
    static const char on_record[] = "SELECT count(*) FROM audit_handoffs WHERE tenant = $1"
                                    " AND action = 'handoff.committed'";
    static const char counted[] = "SELECT CAST(coalesce(sum(low), 0) AS BIGINT) FROM usage_days"
                                  " WHERE tenant = $1 AND meter = 'handoffs'";
    enum fault_code code = count(store, handoffs, tenant, &out->handoffs, fault);
    if (code == FAULT_NONE)
        code = count(store, counted, tenant, &out->counted, fault);
    if (code == FAULT_NONE)
        code = count(store, on_record, tenant, &out->on_record, fault);
    return code;
}

/* --- operations ----------------------------------------------------------------------------- */

/* The one of that name; NULL for what is not metered. */
static struct usage_reconciled_operation *find(struct usage_reconciled *reconciled, struct str name)
{
    for (size_t i = 0; i < USAGE_OPERATIONS; i++)
        if (str_equal(name, str_of(reconciled->operations[i].name)))
            return &reconciled->operations[i];
    return NULL;
}

struct reading {
    struct arena *arena; /* of one row */
    struct usage_reconciled *out;
    int64_t seen;
};

static enum fault_code add_counted(struct statement *row, void *context, struct fault *fault)
{
    const struct reading *reading = context;
    const struct json *dimensions;
    struct str name = STR("");
    enum fault_code code = json_read(reading->arena, store_text(row, 0), &dimensions, fault);
    if (code != FAULT_NONE)
        return code;
    struct usage_reconciled_operation *operation =
        json_text(json_member(dimensions, "operation"), &name) ? find(reading->out, name) : NULL;
    *(operation ? &operation->counted : &reading->out->strange) += store_whole(row, 1);
    arena_reset(reading->arena);
    return FAULT_NONE;
}

static enum fault_code read_counted(struct store *store, struct str tenant, struct reading *reading,
                                    struct fault *fault)
{
    static const char sql[] =
        "SELECT s.dimensions, CAST(sum(d.low) AS BIGINT) FROM usage_days AS d"
        " JOIN usage_dimsets AS s ON s.tenant = d.tenant AND s.id = d.dimset"
        " WHERE d.tenant = $1 AND d.meter = 'operations' GROUP BY s.dimensions";
    struct statement *rows;
    enum fault_code code = store_prepare(store, sql, &rows, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(rows, 1, tenant);
    return store_each(rows, add_counted, reading, fault);
}

static enum fault_code add_recorded(struct statement *row, void *context, struct fault *fault)
{
    struct reading *reading = context;
    const struct json *record;
    struct str action = STR("");
    enum fault_code code = json_read(reading->arena, store_text(row, 0), &record, fault);
    if (code == FAULT_NONE && json_text(json_member(record, "action"), &action)) {
        struct usage_reconciled_operation *operation = find(reading->out, action);
        if (operation)
            operation->on_record++;
    }
    arena_reset(reading->arena);
    reading->seen++;
    return code;
}

/* All records from the first one that was metered, a page at a time. */
static enum fault_code read_recorded(struct store *store, struct str tenant,
                                     struct reading *reading, struct fault *fault)
{
    static const char first[] =
        "SELECT coalesce(max(idx), 0) FROM usage_metered_from WHERE tenant = $1";
    static const char sql[] = "SELECT entry FROM audit_entries WHERE tenant = $1 AND idx >= $2"
                              " AND idx < $3 ORDER BY idx";
    struct statement *rows;
    int64_t from = 0;
    enum fault_code code = count(store, first, tenant, &from, fault);
    reading->seen = ENTRIES;
    for (; code == FAULT_NONE && reading->seen == ENTRIES; from += ENTRIES) {
        reading->seen = 0;
        code = store_prepare(store, sql, &rows, fault);
        if (code != FAULT_NONE)
            return code;
        store_bind_text(rows, 1, tenant);
        store_bind_whole(rows, 2, from);
        store_bind_whole(rows, 3, from + ENTRIES);
        code = store_each(rows, add_recorded, reading, fault);
    }
    return code;
}

enum fault_code usage_reconcile(struct store *store, struct str tenant,
                                struct usage_reconciled *out, struct fault *fault)
{
    struct usage_reconciled reconciled = {0};
    struct arena arena;
    for (size_t i = 0; i < USAGE_OPERATIONS; i++)
        reconciled.operations[i].name = usage_operations[i];
    struct reading reading = {.arena = &arena, .out = &reconciled};
    arena_init(&arena, ENTRY_ARENA_MAX);
    enum fault_code code = reconcile_handoffs(store, tenant, &reconciled, fault);
    if (code == FAULT_NONE)
        code = read_counted(store, tenant, &reading, fault);
    if (code == FAULT_NONE)
        code = read_recorded(store, tenant, &reading, fault);
    arena_done(&arena);
    if (code == FAULT_NONE)
        *out = reconciled;
    return code;
}

bool usage_reconciles(const struct usage_reconciled *reconciled)
{
    bool same = reconciled->handoffs == reconciled->on_record &&
                reconciled->handoffs == reconciled->counted && reconciled->strange == 0;
    for (size_t i = 0; i < USAGE_OPERATIONS; i++)
        same = same && reconciled->operations[i].on_record == reconciled->operations[i].counted;
    return same;
}
