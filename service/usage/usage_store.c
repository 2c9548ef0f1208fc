#include "service/usage/usage_store.h"

#include <assert.h>
#include <string.h>

#include "service/usage/usage_sql.h"

static struct str bytes_of(const uint8_t *bytes, size_t len)
{
    return (struct str){(const char *)bytes, len};
}

static struct str key_of(const uint8_t key[USAGE_KEY_SIZE])
{
    return bytes_of(key, USAGE_KEY_SIZE);
}

/* --- tenants -------------------------------------------------------------------------------- */

enum fault_code usage_store_zone(struct store *store, struct str tenant, struct arena *arena,
                                 struct str *out_zone, int *out_anchor_day, struct fault *fault)
{
    static const char sql[] = "SELECT zone, anchor_day FROM usage_tenants WHERE tenant = $1";
    struct statement *query;
    bool row = false;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    code = store_step(query, &row, fault);
    if (code != FAULT_NONE)
        return code;
    *out_zone = row ? arena_copy(arena, store_text(query, 0)) : STR("UTC");
    *out_anchor_day = row ? (int)store_whole(query, 1) : 1;
    store_reset(query);
    return out_zone->ptr ? FAULT_NONE
                         : fault_set(fault, FAULT_NO_MEMORY, "no memory left for a time zone");
}

enum fault_code usage_store_zone_put(struct store *store, struct str tenant, struct str zone,
                                     int anchor_day, struct fault *fault)
{
    static const char sql[] = "INSERT INTO usage_tenants (tenant, zone, anchor_day)"
                              " VALUES ($1, $2, $3) ON CONFLICT (tenant) DO UPDATE SET"
                              " zone = excluded.zone, anchor_day = excluded.anchor_day";
    struct statement *upsert;
    enum fault_code code = store_prepare(store, sql, &upsert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(upsert, 1, tenant);
    store_bind_text(upsert, 2, zone);
    store_bind_whole(upsert, 3, anchor_day);
    return store_run(upsert, fault);
}

/* --- events --------------------------------------------------------------------------------- */

enum fault_code usage_store_find(struct store *store, struct str tenant,
                                 const uint8_t key[USAGE_KEY_SIZE], bool *out_found,
                                 struct usage_kept *out, struct fault *fault)
{
    static const char sql[] =
        "SELECT meter, kind, time_us, quantity, dimset FROM usage_events WHERE seq ="
        " (SELECT seq FROM usage_keys WHERE event_key = $1 AND tenant = $2)";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_bytes(query, 1, key_of(key));
    store_bind_text(query, 2, tenant);
    code = store_step(query, out_found, fault);
    if (code != FAULT_NONE || !*out_found)
        return code;
    *out = (struct usage_kept){
        .meter = usage_meter_find(store_text(query, 0)),
        .kind = (enum usage_kind)store_whole(query, 1),
        .time_us = store_whole(query, 2),
        .quantity = store_whole(query, 3),
        .dimset = store_whole(query, 4),
    };
    store_reset(query);
    return out->meter ? FAULT_NONE
                      : fault_set(fault, FAULT_CORRUPT, "an event is of a meter that is not known");
}

/* --- dimensions ----------------------------------------------------------------------------- */

static enum fault_code find_dimset(struct store *store, struct str tenant,
                                   const struct usage_meter *meter, struct str dimensions,
                                   bool *out_found, int64_t *out_id, struct fault *fault)
{
    static const char sql[] = "SELECT id FROM usage_dimsets"
                              " WHERE tenant = $1 AND meter = $2 AND dimensions = $3";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_text(query, 2, str_of(meter->name));
    store_bind_text(query, 3, dimensions);
    code = store_step(query, out_found, fault);
    if (code != FAULT_NONE || !*out_found)
        return code;
    *out_id = store_whole(query, 0);
    store_reset(query);
    return FAULT_NONE;
}

static enum fault_code next_dimset(struct store *store, struct str tenant, int64_t *out,
                                   struct fault *fault)
{
    static const char sql[] =
        "SELECT coalesce(max(id), 0) + 1 FROM usage_dimsets WHERE tenant = $1";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    return store_read_whole(query, out, fault);
}

static enum fault_code count_dimsets(struct store *store, struct str tenant,
                                     const struct usage_meter *meter, int64_t *out,
                                     struct fault *fault)
{
    static const char sql[] = "SELECT count(*) FROM usage_dimsets WHERE tenant = $1 AND meter = $2";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_text(query, 2, str_of(meter->name));
    return store_read_whole(query, out, fault);
}

static enum fault_code insert_dimset(struct store *store, struct str tenant,
                                     const struct usage_meter *meter, struct str dimensions,
                                     int64_t *out_id, struct fault *fault)
{
    static const char sql[] = "INSERT INTO usage_dimsets (tenant, id, meter, dimensions)"
                              " VALUES ($1, $2, $3, $4)";
    struct statement *insert;
    int64_t id = 0;
    enum fault_code code = next_dimset(store, tenant, &id, fault);
    if (code == FAULT_NONE)
        code = store_prepare(store, sql, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(insert, 1, tenant);
    store_bind_whole(insert, 2, id);
    store_bind_text(insert, 3, str_of(meter->name));
    store_bind_text(insert, 4, dimensions);
    code = store_run(insert, fault);
    if (code == FAULT_NONE)
        *out_id = id;
    return code;
}

enum fault_code usage_store_dimset(struct store *store, struct str tenant,
                                   const struct usage_meter *meter, struct str dimensions,
                                   bool *full, bool *out_new, int64_t *out_id, struct fault *fault)
{
    bool found = false;
    int64_t count = 0;
    enum fault_code code = find_dimset(store, tenant, meter, dimensions, &found, out_id, fault);
    if (code == FAULT_NONE && !found && !*full) {
        code = count_dimsets(store, tenant, meter, &count, fault);
        *full = code == FAULT_NONE && count >= USAGE_DIMSETS_MAX;
    }
    if (code == FAULT_NONE && !found && *full) {
        dimensions = STR(USAGE_OVERFLOW);
        code = find_dimset(store, tenant, meter, dimensions, &found, out_id, fault);
    }
    *out_new = code == FAULT_NONE && !found;
    if (*out_new)
        code = insert_dimset(store, tenant, meter, dimensions, out_id, fault);
    return code;
}

/* --- corrections ---------------------------------------------------------------------------- */

enum fault_code usage_store_correction(struct store *store, struct str tenant,
                                       const uint8_t key[USAGE_KEY_SIZE], bool *out_found,
                                       uint8_t out_correction[USAGE_KEY_SIZE],
                                       int64_t *out_quantity, struct fault *fault)
{
    static const char sql[] = "SELECT quantity, correction FROM usage_corrections"
                              " WHERE tenant = $1 AND event_key = $2";
    struct statement *query;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_bytes(query, 2, key_of(key));
    code = store_step(query, out_found, fault);
    if (code != FAULT_NONE || !*out_found)
        return code;
    struct str correction = store_text(query, 1);
    assert(correction.len == USAGE_KEY_SIZE);
    *out_quantity = store_whole(query, 0);
    memcpy(out_correction, correction.ptr, USAGE_KEY_SIZE);
    store_reset(query);
    return FAULT_NONE;
}

enum fault_code usage_store_correction_put(struct store *store, struct str tenant,
                                           const uint8_t key[USAGE_KEY_SIZE],
                                           const struct usage_event *correction,
                                           struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO usage_corrections (tenant, event_key, correction, quantity)"
        " VALUES ($1, $2, $3, $4) ON CONFLICT (tenant, event_key) DO UPDATE SET"
        " correction = excluded.correction, quantity = excluded.quantity";
    struct statement *upsert;
    enum fault_code code = store_prepare(store, sql, &upsert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(upsert, 1, tenant);
    store_bind_bytes(upsert, 2, key_of(key));
    store_bind_bytes(upsert, 3, key_of(correction->key));
    store_bind_whole(upsert, 4, correction->quantity);
    return store_run(upsert, fault);
}

/* --- levels --------------------------------------------------------------------------------- */

static void bind_place(struct statement *statement, struct str tenant,
                       const struct usage_kept *kept, const uint8_t key[USAGE_KEY_SIZE])
{
    store_bind_text(statement, 1, tenant);
    store_bind_text(statement, 2, str_of(kept->meter->name));
    store_bind_whole(statement, 3, kept->dimset);
    store_bind_whole(statement, 4, kept->time_us);
    store_bind_bytes(statement, 5, key_of(key));
}

enum fault_code usage_store_level_beside(struct store *store, struct str tenant,
                                         const struct usage_kept *kept,
                                         const uint8_t key[USAGE_KEY_SIZE], bool after,
                                         bool *out_found, struct usage_level *out,
                                         struct fault *fault)
{
    struct statement *query;
    enum fault_code code = store_prepare(
        store, usage_sql(after ? USAGE_SQL_LEVEL_AFTER : USAGE_SQL_LEVEL_BEFORE), &query, fault);
    if (code != FAULT_NONE)
        return code;
    bind_place(query, tenant, kept, key);
    code = store_step(query, out_found, fault);
    if (code != FAULT_NONE || !*out_found)
        return code;
    struct str found = store_text(query, 1);
    assert(found.len == USAGE_KEY_SIZE);
    out->time_us = store_whole(query, 0);
    out->level = store_whole(query, 2);
    memcpy(out->key, found.ptr, USAGE_KEY_SIZE);
    store_reset(query);
    return FAULT_NONE;
}

enum fault_code usage_store_level_put(struct store *store, struct str tenant,
                                      const struct usage_kept *kept,
                                      const uint8_t key[USAGE_KEY_SIZE], struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO usage_levels (tenant, meter, dimset, time_us, event_key, level)"
        " VALUES ($1, $2, $3, $4, $5, $6)";
    struct statement *insert;
    enum fault_code code = store_prepare(store, sql, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    bind_place(insert, tenant, kept, key);
    store_bind_whole(insert, 6, kept->quantity);
    return store_run(insert, fault);
}

enum fault_code usage_store_level_remove(struct store *store, struct str tenant,
                                         const struct usage_kept *kept,
                                         const uint8_t key[USAGE_KEY_SIZE], struct fault *fault)
{
    static const char sql[] =
        "DELETE FROM usage_levels WHERE tenant = $1 AND meter = $2 AND dimset = $3"
        " AND time_us = $4 AND event_key = $5";
    struct statement *removal;
    enum fault_code code = store_prepare(store, sql, &removal, fault);
    if (code != FAULT_NONE)
        return code;
    bind_place(removal, tenant, kept, key);
    return store_run(removal, fault);
}

/* --- the chain ------------------------------------------------------------------------------ */

enum fault_code usage_store_chain(struct store *store, struct str tenant, struct sha256 *out,
                                  struct fault *fault)
{
    static const char sql[] = "SELECT chain FROM usage_batches WHERE tenant = $1"
                              " ORDER BY last_seq DESC LIMIT 1";
    struct statement *query;
    bool row = false;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    code = store_step(query, &row, fault);
    if (code != FAULT_NONE)
        return code;
    *out = (struct sha256){0};
    if (row) {
        struct str chain = store_text(query, 0);
        assert(chain.len == SHA256_SIZE);
        memcpy(out->bytes, chain.ptr, SHA256_SIZE);
        store_reset(query);
    }
    return FAULT_NONE;
}

enum { TAKEN_COLUMNS = 5 };

static void bind_taken(struct statement *insert, size_t place, const struct usage_taken *taken)
{
    int before = (int)place * TAKEN_COLUMNS;
    store_bind_text(insert, before + 1, taken->tenant);
    store_bind_whole(insert, before + 2, taken->last_seq);
    store_bind_whole(insert, before + 3, taken->events);
    store_bind_bytes(insert, before + 4, bytes_of(taken->chain.bytes, SHA256_SIZE));
    store_bind_whole(insert, before + 5, taken->accepted_us);
}

enum fault_code usage_store_taken_put(struct store *store, const struct usage_taken *taken,
                                      size_t count, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    for (size_t at = 0; at < count && code == FAULT_NONE;) {
        struct statement *insert;
        size_t several = count - at;
        code = store_prepare(store, usage_sql_rows(USAGE_SQL_ADD_BATCH, &several), &insert, fault);
        if (code != FAULT_NONE)
            return code;
        for (size_t i = 0; i < several; i++)
            bind_taken(insert, i, &taken[at++]);
        code = store_run(insert, fault);
    }
    return code;
}
