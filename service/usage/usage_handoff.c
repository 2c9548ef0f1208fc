/* The service's own meter, and whether it agrees with what it counts. */
#include "service/usage/usage.h"

#include "libs/text/json_write.h"
#include "libs/text/time.h"
#include "service/usage/usage_ingest.h"
#include "service/usage/usage_store.h"

enum { EVENT_BYTES = 8192, EVENT_ARENA_MAX = 1 << 20 };

static const char source[] = USAGE_OWN_SOURCES "handoffs";

/* A name may hold what a dimension may not. */
static void put_name(struct json_out *out, const char *member, struct str name)
{
    char text[USAGE_TEXT_MAX];
    size_t len = name.len < sizeof text ? name.len : sizeof text - 1;
    while (len < name.len && len > 0 && ((unsigned char)name.ptr[len] & 0xc0) == 0x80)
        len--; /* not within a character */
    for (size_t i = 0; i < len; i++)
        text[i] = (unsigned char)name.ptr[i] < ' ' || name.ptr[i] == 0x7f ? '?' : name.ptr[i];
    json_put_text(out, member, (struct str){text, len});
}

static void write_event(struct buf *out, const struct usage_handoff *handoff)
{
    struct buf time;
    buf_init(&time, 64);
    time_add_rfc3339(&time, handoff->committed_us);
    struct json_out json = json_out_to(out);
    json_open(&json, '{');
    json_put_text(&json, "specversion", STR("1.0"));
    json_put_text(&json, "type", STR("io.intelgraph.usage.use"));
    json_put_text(&json, "source", str_of(source));
    json_put_text(&json, "id", handoff->id);
    json_put_text(&json, "time", buf_str(&time));
    if (handoff->analyst.len > 0)
        put_name(&json, "subject", handoff->analyst);
    json_open_at(&json, "data", '{');
    json_put_text(&json, "meter", STR("handoffs"));
    json_put_whole(&json, "quantity", 1);
    json_open_at(&json, "dimensions", '{');
    if (handoff->analyst.len > 0)
        put_name(&json, "analyst", handoff->analyst);
    json_close(&json, '}');
    json_close(&json, '}');
    json_close(&json, '}');
    buf_done(&time);
}

enum fault_code usage_count_handoff(struct store *store, const struct usage_handoff *handoff,
                                    struct arena *arena, struct fault *fault)
{
    struct arena scratch;
    struct buf text;
    struct usage_batch batch = {.arena = arena,
                                .scratch = &scratch,
                                .tenant = handoff->tenant,
                                .is_own = true,
                                .received_us = handoff->committed_us};
    arena_init(&scratch, EVENT_ARENA_MAX);
    buf_init(&text, EVENT_BYTES);
    write_event(&text, handoff);
    enum fault_code code = buf_check(&text, "the event of a hand-off", fault);
    if (code == FAULT_NONE)
        code = usage_batch_add(&batch, buf_str(&text), fault);
    if (code == FAULT_NONE && batch.items[0].refused)
        code = fault_set(fault, FAULT_CORRUPT, "a hand-off cannot be counted: %.*s",
                         STR_ARG(batch.items[0].detail));
    if (code == FAULT_NONE)
        code = usage_batch_store_in(&batch, store, fault);
    buf_done(&text);
    arena_done(&scratch);
    return code;
}

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

enum fault_code usage_reconcile(struct store *store, struct str tenant,
                                struct usage_reconciled *out, struct fault *fault)
{
    static const char handoffs[] = "SELECT count(*) FROM handoffs WHERE tenant = $1";
    static const char on_record[] = "SELECT count(*) FROM audit_handoffs WHERE tenant = $1"
                                    " AND action = 'handoff.committed'";
    static const char counted[] = "SELECT CAST(coalesce(sum(low), 0) AS BIGINT) FROM usage_days"
                                  " WHERE tenant = $1 AND meter = 'handoffs'";
    struct usage_reconciled reconciled = {0};
    enum fault_code code = count(store, handoffs, tenant, &reconciled.handoffs, fault);
    if (code == FAULT_NONE)
        code = count(store, counted, tenant, &reconciled.counted, fault);
    if (code == FAULT_NONE)
        code = count(store, on_record, tenant, &reconciled.on_record, fault);
    if (code == FAULT_NONE)
        *out = reconciled;
    return code;
}

struct zoning {
    struct str tenant;
    struct str zone;
    int anchor_day;
    struct usage_rebuilt rebuilt;
};

static enum fault_code set_zone_in(struct store *store, void *context, struct fault *fault)
{
    struct zoning *zoning = context;
    enum fault_code code =
        usage_store_zone_put(store, zoning->tenant, zoning->zone, zoning->anchor_day, fault);
    return code == FAULT_NONE ? usage_rebuild(store, zoning->tenant, &zoning->rebuilt, fault)
                              : code;
}

enum fault_code usage_set_zone(struct store_pool *pool, struct str tenant, struct str zone,
                               int anchor_day, struct usage_rebuilt *out, struct fault *fault)
{
    struct zoning zoning = {.tenant = tenant, .zone = zone, .anchor_day = anchor_day};
    enum fault_code code = store_pool_write(pool, set_zone_in, &zoning, fault);
    if (code == FAULT_NONE)
        *out = zoning.rebuilt;
    return code;
}
