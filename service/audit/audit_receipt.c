/* Statements, their entries in the log of receipts, and the check that both belong together.
 * Ed25519 gives the same signature each time, so an entry can be made again from its statement. */
#include "service/audit/audit_receipt.h"

#include <assert.h>
#include <string.h>

#include "libs/text/json_write.h"
#include "service/audit/audit_dsse.h"
#include "service/audit/audit_internal.h"

static const char sql_insert[] =
    "INSERT INTO audit_receipts (tenant, idx, handoff, statement) VALUES ($1, $2, $3, $4)";
static const char sql_check[] =
    "SELECT e.idx, e.entry, r.statement FROM audit_entries e "
    "LEFT JOIN audit_receipts r ON r.tenant = $1 AND r.idx = e.idx WHERE e.tenant = $2 "
    "ORDER BY e.idx";
static const char sql_count[] = "SELECT count(*) FROM audit_receipts WHERE tenant = $1";

bool audit_log_is_receipts(struct str log, struct str *out_tenant)
{
    if (!str_ends(log, STR(AUDIT_RECEIPTS)))
        return false;
    *out_tenant = str_take(log, log.len - (sizeof AUDIT_RECEIPTS - 1));
    return true;
}

static void put_predicate(struct json_out *json, const struct audit_receipt *receipt)
{
    json_open_at(json, "predicate", '{');
    json_put_text(json, "handoff", receipt->handoff);
    json_put_text(json, "tenant", receipt->tenant);
    json_put_text(json, "user", receipt->user);
    json_put_text(json, "sid", receipt->sid);
    json_put_text(json, "search_sha256", receipt->search_sha256);
    json_put_whole(json, "committed_us", receipt->committed_us);
    if (receipt->earliest_us != 0)
        json_put_whole(json, "earliest_us", receipt->earliest_us);
    if (receipt->latest_us != 0)
        json_put_whole(json, "latest_us", receipt->latest_us);
    json_put_whole(json, "audit_index", receipt->audit_index);
    json_open_at(json, "counts", '{');
    for (size_t i = 0; i < receipt->count_count; i++)
        json_put_whole(json, receipt->counts[i].name, receipt->counts[i].number);
    json_close(json, '}');
    json_close(json, '}');
}

static enum fault_code write_statement(const struct audit_receipt *receipt, struct buf *out,
                                       struct fault *fault)
{
    struct json_out json = json_out_to(out);
    json_open(&json, '{');
    json_put_text(&json, "_type", STR(AUDIT_STATEMENT_TYPE));
    json_open_at(&json, "subject", '[');
    json_open(&json, '{');
    json_put_text(&json, "name", receipt->handoff);
    json_open_at(&json, "digest", '{');
    json_put_text(&json, "sha256", receipt->content_sha256);
    json_close(&json, '}');
    json_close(&json, '}');
    json_close(&json, ']');
    json_put_text(&json, "predicateType", STR(AUDIT_PREDICATE_TYPE));
    put_predicate(&json, receipt);
    json_close(&json, '}');
    return buf_check(out, "the receipt's statement", fault);
}

static enum fault_code put_statement(struct store *store, const struct audit_receipt *receipt,
                                     int64_t index, struct str statement, struct fault *fault)
{
    struct statement *insert;
    enum fault_code code = store_prepare(store, sql_insert, &insert, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(insert, 1, receipt->tenant);
    store_bind_whole(insert, 2, index);
    store_bind_text(insert, 3, receipt->handoff);
    store_bind_bytes(insert, 4, statement);
    code = store_run(insert, fault);
    if (code == FAULT_CONFLICT)
        return fault_set(
            fault, FAULT_CORRUPT,
            "tenant %.*s: a receipt of hand-off %.*s, or receipt %lld, is there already",
            STR_ARG(receipt->tenant), STR_ARG(receipt->handoff), (long long)index);
    return code;
}

enum fault_code audit_receipt_append(struct audit *audit, struct store *store,
                                     const struct audit_receipt *receipt, struct fault *fault)
{
    char log[AUDIT_LOG_MAX];
    struct buf statement;
    struct buf entry;
    struct buf note;
    struct signature signature;
    int64_t index;
    enum fault_code code = audit_log_name(receipt->tenant, true, log, fault);
    if (code != FAULT_NONE)
        return code;
    buf_init(&statement, AUDIT_STATEMENT_MAX);
    buf_init(&entry, AUDIT_ENTRY_MAX);
    buf_init(&note, AUDIT_CHECKPOINT_MAX);
    code = write_statement(receipt, &statement, fault);
    if (code == FAULT_NONE)
        code = audit_dsse_entry(audit->key, buf_str(&statement), &entry, &signature, fault);
    if (code == FAULT_NONE)
        code = audit_log_append(audit, store, str_of(log), buf_str(&entry), &index, &note, fault);
    if (code == FAULT_NONE)
        code = put_statement(store, receipt, index, buf_str(&statement), fault);
    buf_done(&statement);
    buf_done(&entry);
    buf_done(&note);
    return code;
}

/* --- for audit_verify ----------------------------------------------------------------------- */

static enum fault_code check_row(const struct audit *audit, struct statement *rows,
                                 struct str tenant, struct buf *entry, struct fault *fault)
{
    struct signature signature;
    long long index = (long long)store_whole(rows, 0);
    if (store_is_null(rows, 2))
        return fault_set(fault, FAULT_CORRUPT,
                         "tenant %.*s: the statement of receipt %lld is missing", STR_ARG(tenant),
                         index);
    buf_clear(entry);
    enum fault_code code =
        audit_dsse_entry(audit->key, store_text(rows, 2), entry, &signature, fault);
    if (code == FAULT_NONE && !str_equal(buf_str(entry), store_text(rows, 1)))
        return fault_set(
            fault, FAULT_CORRUPT,
            "tenant %.*s: the statement of receipt %lld is not the one that was logged",
            STR_ARG(tenant), index);
    return code;
}

static enum fault_code check_count(struct store *store, struct str tenant, uint64_t count,
                                   struct fault *fault)
{
    struct statement *query;
    bool row = false;
    enum fault_code code = store_prepare(store, sql_count, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, tenant);
    code = store_step(query, &row, fault);
    if (code != FAULT_NONE)
        return code;
    if (store_whole(query, 0) != (int64_t)count)
        code =
            fault_set(fault, FAULT_CORRUPT,
                      "tenant %.*s: %lld receipts are stored, but %llu are in their log",
                      STR_ARG(tenant), (long long)store_whole(query, 0), (unsigned long long)count);
    store_reset(query);
    return code;
}

enum fault_code audit_receipts_check(const struct audit *audit, struct store *store,
                                     struct str tenant, uint64_t count, struct fault *fault)
{
    char log[AUDIT_LOG_MAX];
    struct statement *rows;
    struct buf entry;
    bool row = false;
    enum fault_code code = audit_log_name(tenant, true, log, fault);
    if (code == FAULT_NONE && count > 0)
        code = store_prepare(store, sql_check, &rows, fault);
    if (code != FAULT_NONE || count == 0)
        return code == FAULT_NONE ? check_count(store, tenant, count, fault) : code;
    store_bind_text(rows, 1, tenant);
    store_bind_text(rows, 2, str_of(log));
    buf_init(&entry, AUDIT_ENTRY_MAX);
    while ((code = store_step(rows, &row, fault)) == FAULT_NONE && row) {
        code = check_row(audit, rows, tenant, &entry, fault);
        if (code != FAULT_NONE)
            break;
    }
    store_reset(rows);
    buf_done(&entry);
    return code == FAULT_NONE ? check_count(store, tenant, count, fault) : code;
}
