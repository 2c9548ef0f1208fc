/* Recomputes every log from its records. Two cursors run side by side, records and leaf hashes; the
 * tree's state is its compact range: memory does not depend on the log's length. */
#include "service/audit/audit_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char sql_next_tenant[] =
    "SELECT min(tenant) FROM ("
    "SELECT (SELECT min(tenant) FROM audit_heads WHERE tenant > $1) AS tenant UNION ALL "
    "SELECT (SELECT min(tenant) FROM audit_entries WHERE tenant > $1) UNION ALL "
    "SELECT (SELECT min(tenant) FROM audit_hashes WHERE tenant > $1)) AS next";
static const char sql_entries[] =
    "SELECT idx, entry FROM audit_entries WHERE tenant = $1 ORDER BY idx";
static const char sql_leaves[] =
    "SELECT idx, hash FROM audit_hashes WHERE tenant = $1 AND level = 0 ORDER BY idx";
static const char sql_count[] = "SELECT count(*) FROM audit_hashes WHERE tenant = $1 AND level > 0";

struct walk {
    const struct audit *audit;
    struct store *store;
    struct str tenant;
    struct audit_head head;
    struct merkle_range range;       /* of the records seen so far */
    const struct audit_heads *heads; /* kept elsewhere; NULL: none */
    size_t next_head;                /* the first of `heads` that is not met yet */
};

static enum fault_code bad(const struct walk *walk, struct fault *fault, const char *what,
                           uint64_t from, uint64_t to)
{
    if (from == to)
        return fault_set(fault, FAULT_CORRUPT, "tenant %.*s: record %llu %s", STR_ARG(walk->tenant),
                         (unsigned long long)from, what);
    return fault_set(fault, FAULT_CORRUPT, "tenant %.*s: one of the records %llu to %llu %s",
                     STR_ARG(walk->tenant), (unsigned long long)from, (unsigned long long)to, what);
}

/* The hashes above the leaves that this record completed. */
static enum fault_code check_made(struct walk *walk, const struct sha256 *made, int count,
                                  struct fault *fault)
{
    uint64_t index = walk->range.size - 1;
    for (int height = AUDIT_TILE_HEIGHT; height < count; height += AUDIT_TILE_HEIGHT) {
        struct sha256 stored;
        bool found = false;
        uint64_t at = index >> height;
        enum fault_code code = audit_hash_read(
            walk->store, walk->tenant, height / AUDIT_TILE_HEIGHT, at, &found, &stored, fault);
        if (code != FAULT_NONE)
            return code;
        if (!found || memcmp(stored.bytes, made[height].bytes, SHA256_SIZE) != 0)
            return bad(walk, fault, "is not what the stored hash of them all says", at << height,
                       index);
    }
    return FAULT_NONE;
}

static enum fault_code check_record(struct walk *walk, struct statement *entries,
                                    struct statement *leaves, bool *out_more, struct fault *fault)
{
    bool entry_row = false;
    bool leaf_row = false;
    enum fault_code code = store_step(entries, &entry_row, fault);
    if (code == FAULT_NONE)
        code = store_step(leaves, &leaf_row, fault);
    if (code != FAULT_NONE)
        return code;
    uint64_t index = walk->range.size;
    if (!entry_row && leaf_row)
        return bad(walk, fault, "is missing while its hash is stored", index, index);
    *out_more = entry_row;
    if (!entry_row)
        return FAULT_NONE;
    if (store_whole(entries, 0) != (int64_t)index)
        return bad(walk, fault, "is missing", index, index);
    if (index >= walk->head.range.size)
        return bad(walk, fault, "is not covered by the signed head", index, index);
    if (!leaf_row || store_whole(leaves, 0) != (int64_t)index)
        return bad(walk, fault, "has no stored hash", index, index);
    struct str stored = store_text(leaves, 1);
    struct sha256 leaf = merkle_leaf(store_text(entries, 1));
    if (stored.len != SHA256_SIZE || memcmp(stored.ptr, leaf.bytes, SHA256_SIZE) != 0)
        return bad(walk, fault, "does not match its stored hash", index, index);
    struct sha256 made[MERKLE_HEIGHTS];
    int count = merkle_append(&walk->range, &leaf, made);
    enum fault_code checked = check_made(walk, made, count, fault);
    if (checked != FAULT_NONE)
        return checked;
    return audit_heads_check(walk->heads, walk->tenant, &walk->next_head, &walk->range, fault);
}

static enum fault_code check_records(struct walk *walk, struct fault *fault)
{
    struct statement *entries;
    struct statement *leaves;
    enum fault_code code = store_prepare(walk->store, sql_entries, &entries, fault);
    if (code == FAULT_NONE)
        code = store_prepare(walk->store, sql_leaves, &leaves, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(entries, 1, walk->tenant);
    store_bind_text(leaves, 1, walk->tenant);
    bool more = true;
    while (more && code == FAULT_NONE)
        code = check_record(walk, entries, leaves, &more, fault);
    store_reset(entries);
    store_reset(leaves);
    return code;
}

/* The head's edge says which subtree differs, so that a change of both record and hash is placed as
 * closely as what was signed allows. */
static enum fault_code check_edge(const struct walk *walk, struct fault *fault)
{
    uint64_t size = walk->head.range.size;
    if (walk->range.size < size)
        return bad(walk, fault, "is missing: the signed head counts it", walk->range.size,
                   walk->range.size);
    assert(walk->range.size == size && walk->range.count == walk->head.range.count);
    uint64_t from = 0;
    uint64_t left = size;
    for (int i = 0; i < walk->range.count; i++) {
        uint64_t width = (uint64_t)1 << (63 - __builtin_clzll(left));
        if (memcmp(walk->range.hashes[i].bytes, walk->head.range.hashes[i].bytes, SHA256_SIZE) != 0)
            return bad(walk, fault, "is not what the signed head says", from, from + width - 1);
        from += width;
        left -= width;
    }
    return FAULT_NONE;
}

static enum fault_code check_hash_count(const struct walk *walk, struct fault *fault)
{
    struct statement *query;
    bool row = false;
    enum fault_code code = store_prepare(walk->store, sql_count, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, walk->tenant);
    code = store_step(query, &row, fault);
    if (code != FAULT_NONE)
        return code;
    uint64_t expected = 0;
    for (int level = 1; level < AUDIT_LEVELS; level++)
        expected += walk->range.size >> (AUDIT_TILE_HEIGHT * level);
    if (store_whole(query, 0) != (int64_t)expected)
        code = fault_set(fault, FAULT_CORRUPT,
                         "tenant %.*s: %lld hashes are stored above the records', not %llu",
                         STR_ARG(walk->tenant), (long long)store_whole(query, 0),
                         (unsigned long long)expected);
    store_reset(query);
    return code;
}

/* What belongs to a log of receipts; of a log of records, that the receipts' log is there, and that
 * what finds records by who and when agrees with them. */
static enum fault_code check_beside(const struct walk *walk, struct fault *fault)
{
    char receipts[AUDIT_LOG_MAX];
    struct str tenant;
    uint64_t size = 0;
    if (audit_log_is_receipts(walk->tenant, &tenant))
        return audit_receipts_check(walk->audit, walk->store, tenant, walk->range.size, fault);
    enum fault_code code = audit_log_name(walk->tenant, true, receipts, fault);
    if (code == FAULT_NONE)
        code = audit_size_read(walk->store, str_of(receipts), &size, fault);
    if (code == FAULT_NONE && size == 0)
        code = audit_receipts_check(walk->audit, walk->store, walk->tenant, 0, fault);
    if (code == FAULT_NONE)
        code = audit_find_check(walk->store, walk->tenant, fault);
    return code;
}

/* Records first: who reads the verdict wants to know which one is bad, and a changed record under
 * an untouched head would otherwise be told as a bad head. */
static enum fault_code check_log(struct walk *walk, struct fault *fault)
{
    enum fault_code code = audit_head_read(walk->store, walk->tenant, &walk->head, fault);
    if (code == FAULT_NONE)
        code = audit_heads_check_newest(walk->heads, walk->store, walk->tenant,
                                        walk->head.range.size, fault);
    walk->next_head = audit_heads_first(walk->heads, walk->tenant);
    if (code == FAULT_NONE)
        code = check_records(walk, fault);
    if (code == FAULT_NONE && walk->head.range.size == 0)
        return fault_set(fault, FAULT_CORRUPT, "tenant %.*s: the log has hashes, but no records",
                         STR_ARG(walk->tenant));
    if (code == FAULT_NONE)
        code = check_edge(walk, fault);
    if (code == FAULT_NONE)
        code = check_hash_count(walk, fault);
    if (code == FAULT_NONE)
        code = audit_head_check(&walk->audit->public_key, walk->tenant, &walk->head, fault);
    if (code == FAULT_NONE)
        code = check_beside(walk, fault);
    return code;
}

/* The tenant after *tenant in byte order; *out_more = false at the end. */
static enum fault_code next_tenant(struct store *store, struct buf *tenant, bool *out_more,
                                   struct fault *fault)
{
    struct statement *query;
    bool row = false;
    enum fault_code code = store_prepare(store, sql_next_tenant, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, buf_str(tenant));
    code = store_step(query, &row, fault);
    if (code != FAULT_NONE)
        return code;
    *out_more = !store_is_null(query, 0);
    buf_clear(tenant);
    buf_add(tenant, store_text(query, 0));
    store_reset(query);
    return buf_check(tenant, "a tenant's name", fault);
}

static void add_verdict(const struct walk *walk, enum fault_code code, const struct fault *fault,
                        struct buf *out)
{
    if (code == FAULT_CORRUPT) {
        buf_addf(out, "BAD   %s\n", fault->text);
        return;
    }
    buf_addf(out, "good  tenant %.*s: %llu records, head ", STR_ARG(walk->tenant),
             (unsigned long long)walk->head.range.size);
    base64_add(out, (struct str){(const char *)walk->head.root.bytes, SHA256_SIZE});
    size_t met = walk->next_head - audit_heads_first(walk->heads, walk->tenant);
    if (met > 0)
        buf_addf(out, ", extends %zu kept head%s", met, met == 1 ? "" : "s");
    buf_add(out, STR("\n"));
}

/* One log in one read transaction, so that appends meanwhile are not taken for damage. */
static enum fault_code verify_tenant(const struct audit *audit, struct store *store,
                                     struct str tenant, const struct audit_heads *heads,
                                     struct buf *out, struct fault *fault)
{
    struct walk walk = {.audit = audit, .store = store, .tenant = tenant, .heads = heads};
    enum fault_code code = store_begin_read(store, fault);
    if (code != FAULT_NONE)
        return code;
    code = check_log(&walk, fault);
    store_rollback(store);
    if (code == FAULT_NONE || code == FAULT_CORRUPT)
        add_verdict(&walk, code, fault, out);
    return code;
}

enum fault_code audit_verify(const struct audit *audit, struct store *store,
                             const struct audit_heads *heads, struct buf *out, struct fault *fault)
{
    enum fault_code code;
    struct fault one;
    enum fault_code verdict = audit_heads_check_signed(heads, audit, store, &one);
    if (verdict != FAULT_NONE) {
        *fault = one;
        buf_addf(out, "BAD   heads: %s\n", one.text);
    }
    struct buf tenant;
    bool more = true;
    buf_init(&tenant, 4096); /* a foreign hand may have written a longer one than we do */
    while ((code = next_tenant(store, &tenant, &more, &one)) == FAULT_NONE && more) {
        code = verify_tenant(audit, store, buf_str(&tenant), heads, out, &one);
        if (code != FAULT_NONE && code != FAULT_CORRUPT)
            break;
        if (code == FAULT_CORRUPT && verdict == FAULT_NONE) {
            verdict = code;
            *fault = one;
        }
    }
    buf_done(&tenant);
    if (code != FAULT_NONE && verdict == FAULT_NONE) {
        verdict = code;
        *fault = one;
    }
    return verdict == FAULT_NONE ? buf_check(out, "the verdict", fault) : verdict;
}
