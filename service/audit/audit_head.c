/* The newest state of each log, as the store has it. */
#include "service/audit/audit_internal.h"

#include <string.h>

static const char sql_head[] =
    "SELECT size, root, edge, checkpoint FROM audit_heads WHERE tenant = $1";
static const char sql_hash[] =
    "SELECT hash FROM audit_hashes WHERE tenant = $1 AND level = $2 AND idx = $3";

bool audit_tenant_is_valid(struct str tenant)
{
    if (tenant.len < 1 || tenant.len > AUDIT_TENANT_MAX)
        return false;
    for (size_t i = 0; i < tenant.len; i++) {
        char c = tenant.ptr[i];
        bool known = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '.' || c == '_' || c == '-';
        if (!known)
            return false;
    }
    return true;
}

enum fault_code audit_check_tenant(struct str tenant, struct fault *fault)
{
    if (audit_tenant_is_valid(tenant))
        return FAULT_NONE;
    return fault_field(fault, FAULT_INPUT, "tenant",
                       "a tenant is 1 to %d of letters, digits, '.', '_' and '-'",
                       AUDIT_TENANT_MAX);
}

static enum fault_code bad_head(struct str tenant, struct fault *fault)
{
    return fault_set(fault, FAULT_CORRUPT, "tenant %.*s: the stored head is damaged",
                     STR_ARG(tenant));
}

static enum fault_code take_row(struct statement *query, struct str tenant, struct audit_head *out,
                                struct fault *fault)
{
    int64_t size = store_whole(query, 0);
    struct str root = store_text(query, 1);
    struct str edge = store_text(query, 2);
    struct str note = store_text(query, 3);
    if (size < 1 || (uint64_t)size > MERKLE_SIZE_MAX || root.len != SHA256_SIZE ||
        edge.len != (size_t)merkle_range_count((uint64_t)size) * SHA256_SIZE ||
        note.len > AUDIT_CHECKPOINT_MAX)
        return bad_head(tenant, fault);
    out->range.size = (uint64_t)size;
    out->range.count = merkle_range_count((uint64_t)size);
    memcpy(out->range.hashes, edge.ptr, edge.len);
    memcpy(out->root.bytes, root.ptr, SHA256_SIZE);
    out->note_len = note.len;
    if (note.len > 0)
        memcpy(out->note, note.ptr, note.len);
    return FAULT_NONE;
}

enum fault_code audit_head_read(struct store *store, struct str tenant, struct audit_head *out,
                                struct fault *fault)
{
    struct statement *query;
    bool row = false;
    enum fault_code code = store_prepare(store, sql_head, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    code = store_step(query, &row, fault);
    if (code == FAULT_NONE && row)
        code = take_row(query, tenant, out, fault);
    else if (code == FAULT_NONE)
        *out = (struct audit_head){.note_len = 0};
    store_reset(query);
    return code;
}

enum fault_code audit_head_check(const struct sign_public *key, struct str tenant,
                                 const struct audit_head *head, struct fault *fault)
{
    struct sha256 root = merkle_root(&head->range);
    if (!crypto_equal(root.bytes, head->root.bytes, SHA256_SIZE))
        return bad_head(tenant, fault);
    struct note_head text = {.log = tenant, .size = (int64_t)head->range.size, .root = head->root};
    if (note_holds(key, &text, (struct str){head->note, head->note_len}))
        return FAULT_NONE;
    if (sign_lacked_memory())
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to check a signature");
    return fault_set(fault, FAULT_CORRUPT,
                     "tenant %.*s: the head of %lld records is not signed by this log's key",
                     STR_ARG(tenant), (long long)head->range.size);
}

enum fault_code audit_hash_read(struct store *store, struct str tenant, int level, uint64_t index,
                                bool *out_found, struct sha256 *out, struct fault *fault)
{
    struct statement *query;
    bool row = false;
    enum fault_code code = store_prepare(store, sql_hash, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    store_bind_whole(query, 2, level);
    store_bind_whole(query, 3, (int64_t)index);
    code = store_step(query, &row, fault);
    if (code == FAULT_NONE) {
        struct str hash = row ? store_text(query, 0) : STR("");
        *out_found = hash.len == SHA256_SIZE;
        if (*out_found)
            memcpy(out->bytes, hash.ptr, SHA256_SIZE);
    }
    store_reset(query);
    return code;
}
