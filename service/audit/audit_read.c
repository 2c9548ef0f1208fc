/* What others may read of a log: checkpoint, records, tiles, proofs. */
#include "service/audit/audit_internal.h"

#include <assert.h>
#include <string.h>

#include "libs/text/json.h"
#include "libs/text/json_write.h"
#include "service/audit/audit_tile_path.h"

static const char sql_note[] = "SELECT checkpoint FROM audit_heads WHERE tenant = $1";
static const char sql_size[] = "SELECT size FROM audit_heads WHERE tenant = $1";
static const char sql_newest[] = "SELECT idx, entry FROM audit_entries "
                                 "WHERE tenant = $1 AND idx < $2 ORDER BY idx DESC LIMIT $3";
static const char sql_entries[] = "SELECT idx, entry FROM audit_entries "
                                  "WHERE tenant = $1 AND idx >= $2 AND idx < $3 ORDER BY idx";
static const char sql_hashes[] =
    "SELECT idx, hash FROM audit_hashes "
    "WHERE tenant = $1 AND level = $2 AND idx >= $3 AND idx < $4 ORDER BY idx";

static enum fault_code no_log(struct str tenant, struct fault *fault)
{
    return fault_set(fault, FAULT_NOT_FOUND, "tenant %.*s has no audit records", STR_ARG(tenant));
}

enum fault_code audit_checkpoint(const struct audit *audit, struct store *store, struct str tenant,
                                 struct buf *out, struct fault *fault)
{
    (void)audit;
    struct statement *query;
    bool row = false;
    enum fault_code code = store_prepare(store, sql_note, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    code = store_step(query, &row, fault);
    if (code == FAULT_NONE && !row)
        code = no_log(tenant, fault);
    if (code == FAULT_NONE) {
        buf_add(out, store_text(query, 0));
        code = buf_check(out, "the checkpoint", fault);
    }
    store_reset(query);
    return code;
}

enum fault_code audit_size_read(struct store *store, struct str tenant, uint64_t *out,
                                struct fault *fault)
{
    struct statement *query;
    bool row = false;
    enum fault_code code = store_prepare(store, sql_size, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    code = store_step(query, &row, fault);
    if (code == FAULT_NONE)
        *out = row ? (uint64_t)store_whole(query, 0) : 0;
    store_reset(query);
    return code;
}

static enum fault_code add_record(struct json_out *json, struct str tenant, int64_t index,
                                  struct str entry, struct fault *fault)
{
    if (json_check(entry, fault) != FAULT_NONE)
        return fault_set(fault, FAULT_CORRUPT, "tenant %.*s: record %lld is not JSON",
                         STR_ARG(tenant), (long long)index);
    json_open(json, '{');
    json_put_whole(json, "index", index);
    json_put_raw(json, "record", entry);
    json_close(json, '}');
    return FAULT_NONE;
}

enum fault_code audit_list(struct store *store, struct str tenant, int64_t before, int most,
                           struct buf *out, struct fault *fault)
{
    assert(most >= 1 && most <= 500);
    struct statement *query;
    enum fault_code code = store_prepare(store, sql_newest, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_whole(query, 2, before < 0 ? INT64_MAX : before);
    store_bind_whole(query, 3, most);
    size_t len_before = out->len;
    struct json_out json = json_out_to(out);
    bool row = false;
    json_open(&json, '[');
    while ((code = store_step(query, &row, fault)) == FAULT_NONE && row) {
        code = add_record(&json, tenant, store_whole(query, 0), store_text(query, 1), fault);
        if (code != FAULT_NONE)
            break;
    }
    json_close(&json, ']');
    if (code == FAULT_NONE)
        code = buf_check(out, "the list of audit records", fault);
    if (code != FAULT_NONE)
        out->len = len_before;
    store_reset(query);
    return code;
}

static void add_bundled(struct buf *out, struct str entry)
{
    assert(entry.len <= UINT16_MAX);
    buf_add_byte(out, (char)(entry.len >> 8));
    buf_add_byte(out, (char)entry.len);
    buf_add(out, entry);
}

static enum fault_code prepare_tile(struct store *store, struct str tenant,
                                    const struct audit_tile_path *path, struct statement **out,
                                    struct fault *fault)
{
    int64_t from = path->index * AUDIT_TILE_WIDTH;
    struct statement *query;
    enum fault_code code =
        store_prepare(store, path->entries ? sql_entries : sql_hashes, &query, fault);
    if (code != FAULT_NONE)
        return code;
    int place = 1;
    store_bind_text(query, place++, tenant);
    if (!path->entries)
        store_bind_whole(query, place++, path->level);
    store_bind_whole(query, place++, from);
    store_bind_whole(query, place, from + path->width);
    *out = query;
    return FAULT_NONE;
}

static enum fault_code add_tile(struct store *store, struct str tenant,
                                const struct audit_tile_path *path, struct buf *out,
                                struct fault *fault)
{
    struct statement *query;
    enum fault_code code = prepare_tile(store, tenant, path, &query, fault);
    if (code != FAULT_NONE)
        return code;
    int64_t next = path->index * AUDIT_TILE_WIDTH;
    int64_t end = next + path->width;
    bool row = false;
    while ((code = store_step(query, &row, fault)) == FAULT_NONE && row) {
        struct str bytes = store_text(query, 1);
        bool fits = path->entries ? bytes.len <= UINT16_MAX : bytes.len == SHA256_SIZE;
        if (store_whole(query, 0) != next || !fits)
            break;
        if (path->entries)
            add_bundled(out, bytes);
        else
            buf_add(out, bytes);
        next++;
    }
    store_reset(query);
    if (code == FAULT_NONE && next != end)
        code = fault_set(fault, FAULT_CORRUPT, "tenant %.*s: %s %lld is missing or damaged",
                         STR_ARG(tenant), path->entries ? "record" : "the hash of subtree",
                         (long long)next);
    return code == FAULT_NONE ? buf_check(out, "the tile", fault) : code;
}

enum fault_code audit_tile(struct store *store, struct str tenant, struct str text, struct buf *out,
                           struct fault *fault)
{
    struct audit_tile_path path;
    uint64_t size = 0;
    if (!audit_tile_path_read(text, &path))
        return fault_field(fault, FAULT_INPUT, "tile",
                           "no tile is named like this; see C2SP tlog-tiles, e.g. 0/000, "
                           "1/x001/067.p/12, entries/000.p/5");
    enum fault_code code = audit_size_read(store, tenant, &size, fault);
    if (code != FAULT_NONE)
        return code;
    uint64_t hashes = path.level < AUDIT_LEVELS ? size >> (AUDIT_TILE_HEIGHT * path.level) : 0;
    if ((uint64_t)path.index > MERKLE_SIZE_MAX / AUDIT_TILE_WIDTH ||
        (uint64_t)path.index * AUDIT_TILE_WIDTH + (uint64_t)path.width > hashes)
        return fault_set(fault, FAULT_NOT_FOUND, "the log of %llu records has no tile %.*s",
                         (unsigned long long)size, STR_ARG(text));
    size_t len_before = out->len;
    code = add_tile(store, tenant, &path, out, fault);
    if (code != FAULT_NONE)
        out->len = len_before;
    return code;
}

struct reading {
    struct store *store;
    struct str tenant;
};

/* Every eighth height is stored; one between is folded from at most 128 of those below it. */
enum fault_code audit_subtree_read(struct store *store, struct str log, int height, uint64_t index,
                                   struct sha256 *out, struct fault *fault)
{
    int level = height / AUDIT_TILE_HEIGHT;
    uint64_t width = (uint64_t)1 << height % AUDIT_TILE_HEIGHT;
    uint64_t from = index * width;
    struct statement *query;
    enum fault_code code = store_prepare(store, sql_hashes, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, log);
    store_bind_whole(query, 2, level);
    store_bind_whole(query, 3, (int64_t)from);
    store_bind_whole(query, 4, (int64_t)(from + width));
    struct merkle_range range = {.size = 0};
    bool row = false;
    while ((code = store_step(query, &row, fault)) == FAULT_NONE && row) {
        struct str bytes = store_text(query, 1);
        struct sha256 hash;
        struct sha256 made[MERKLE_HEIGHTS];
        if (store_whole(query, 0) != (int64_t)(from + range.size) || bytes.len != SHA256_SIZE)
            break;
        memcpy(hash.bytes, bytes.ptr, SHA256_SIZE);
        merkle_append(&range, &hash, made);
    }
    store_reset(query);
    uint64_t next = from + range.size;
    if (code == FAULT_NONE && range.size != width)
        code = fault_set(fault, FAULT_CORRUPT,
                         "tenant %.*s: hash %llu of level %d is missing or damaged", STR_ARG(log),
                         (unsigned long long)next, level);
    if (code == FAULT_NONE)
        *out = merkle_root(&range);
    return code;
}

static enum fault_code read_subtree(void *context, int height, uint64_t index, struct sha256 *out,
                                    struct fault *fault)
{
    const struct reading *reading = context;
    return audit_subtree_read(reading->store, reading->tenant, height, index, out, fault);
}

/* 1 <= least <= size <= the log's size. */
static enum fault_code check_size(struct store *store, struct str tenant, int64_t least,
                                  int64_t size, const char *field, struct fault *fault)
{
    uint64_t log = 0;
    enum fault_code code = audit_size_read(store, tenant, &log, fault);
    if (code != FAULT_NONE)
        return code;
    if (log == 0)
        return no_log(tenant, fault);
    if (size < least)
        return fault_field(fault, FAULT_INPUT, field, "%s must be at least %lld", field,
                           (long long)least);
    if ((uint64_t)size > log)
        return fault_field(fault, FAULT_NOT_FOUND, field, "the log has %llu records, not %lld",
                           (unsigned long long)log, (long long)size);
    return FAULT_NONE;
}

enum fault_code audit_inclusion(struct store *store, struct str tenant, int64_t index, int64_t size,
                                struct merkle_proof *out, struct fault *fault)
{
    if (index < 0 || index == INT64_MAX)
        return fault_field(fault, FAULT_INPUT, "index", "a record's index counts from 0");
    struct reading reading = {store, tenant};
    enum fault_code code = check_size(store, tenant, index + 1, size, "size", fault);
    if (code != FAULT_NONE)
        return code;
    return merkle_prove_inclusion((uint64_t)index, (uint64_t)size, read_subtree, &reading, out,
                                  fault);
}

enum fault_code audit_consistency(struct store *store, struct str tenant, int64_t older,
                                  int64_t newer, struct merkle_proof *out, struct fault *fault)
{
    if (older < 1)
        return fault_field(fault, FAULT_INPUT, "older", "older must be at least 1");
    struct reading reading = {store, tenant};
    enum fault_code code = check_size(store, tenant, older, newer, "newer", fault);
    if (code != FAULT_NONE)
        return code;
    return merkle_prove_consistency((uint64_t)older, (uint64_t)newer, read_subtree, &reading, out,
                                    fault);
}
