/* A receipt as a Sigstore bundle v0.3: envelope, entry, proof and head of one state of the log. */
#include "service/audit/audit_receipt.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libs/text/json_write.h"
#include "service/audit/audit_dsse.h"
#include "service/audit/audit_internal.h"

enum { TEXT_MAX = 2 * AUDIT_ENTRY_MAX };

static const char sql_receipt[] = "SELECT r.idx, r.statement, e.entry FROM audit_receipts r "
                                  "LEFT JOIN audit_entries e ON e.tenant = $1 AND e.idx = r.idx "
                                  "WHERE r.tenant = $2 AND r.handoff = $3";

struct bundle {
    struct str log;
    struct str tenant;
    struct str handoff;
    int64_t index;
    struct buf statement;
    struct buf entry;
    struct signature signature;
    struct audit_head head;
    struct merkle_proof proof;
};

static void put_base64(struct json_out *json, const char *name, const void *bytes, size_t len)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    base64_add(&text, (struct str){bytes, len});
    json_put_text(json, name, buf_str(&text));
    if (text.code != FAULT_NONE)
        json->buf->code = text.code;
    buf_done(&text);
}

/* Numbers of 64 bits are texts in the JSON of protocol buffers. */
static void put_number(struct json_out *json, const char *name, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    json_put_text(json, name, str_of(text));
}

static void put_proof(struct json_out *json, const struct bundle *bundle)
{
    const struct audit_head *head = &bundle->head;
    json_open_at(json, "inclusionProof", '{');
    put_number(json, "logIndex", bundle->index);
    put_base64(json, "rootHash", head->root.bytes, SHA256_SIZE);
    put_number(json, "treeSize", (int64_t)head->range.size);
    json_open_at(json, "hashes", '[');
    for (int i = 0; i < bundle->proof.count; i++)
        put_base64(json, NULL, bundle->proof.hashes[i].bytes, SHA256_SIZE);
    json_close(json, ']');
    json_open_at(json, "checkpoint", '{');
    json_put_text(json, "envelope", (struct str){head->note, head->note_len});
    json_close(json, '}');
    json_close(json, '}');
}

/* The log's id is its whole key id (C2SP signed-note), the hint the digest of the key as SPKI. */
static void put_bundle(struct json_out *json, const struct audit *audit,
                       const struct bundle *bundle)
{
    uint8_t spki[SIGN_SPKI_SIZE];
    sign_public_spki(&audit->public_key, spki);
    struct sha256 hint = sha256_of((struct str){(const char *)spki, sizeof spki});
    struct sha256 log_id = note_key_id(&audit->public_key, bundle->log);
    struct buf envelope;
    buf_init(&envelope, TEXT_MAX);
    audit_dsse_add_envelope(buf_str(&bundle->statement), &bundle->signature, &envelope);

    json_open(json, '{');
    json_put_text(json, "mediaType", STR(AUDIT_BUNDLE_TYPE));
    json_open_at(json, "verificationMaterial", '{');
    json_open_at(json, "publicKey", '{');
    put_base64(json, "hint", hint.bytes, SHA256_SIZE);
    json_close(json, '}');
    json_open_at(json, "tlogEntries", '[');
    json_open(json, '{');
    put_number(json, "logIndex", bundle->index);
    json_open_at(json, "logId", '{');
    put_base64(json, "keyId", log_id.bytes, SHA256_SIZE);
    json_close(json, '}');
    json_open_at(json, "kindVersion", '{');
    json_put_text(json, "kind", STR("dsse"));
    json_put_text(json, "version", STR("0.0.1"));
    json_close(json, '}');
    put_proof(json, bundle);
    put_base64(json, "canonicalizedBody", bundle->entry.ptr, bundle->entry.len);
    json_close(json, '}');
    json_close(json, ']');
    json_close(json, '}');
    json_put_raw(json, "dsseEnvelope", buf_str(&envelope));
    json_close(json, '}');
    if (envelope.code != FAULT_NONE)
        json->buf->code = envelope.code;
    buf_done(&envelope);
}

static enum fault_code read_row(struct store *store, struct bundle *bundle, struct fault *fault)
{
    struct statement *query;
    bool row = false;
    enum fault_code code = store_prepare(store, sql_receipt, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, bundle->log);
    store_bind_text(query, 2, bundle->tenant);
    store_bind_text(query, 3, bundle->handoff);
    code = store_step(query, &row, fault);
    if (code == FAULT_NONE && !row)
        code = fault_set(fault, FAULT_NOT_FOUND, "there is no receipt of such a hand-off");
    if (code == FAULT_NONE) {
        bundle->index = store_whole(query, 0);
        buf_add(&bundle->statement, store_text(query, 1));
        buf_add(&bundle->entry, store_text(query, 2));
        code = buf_check(&bundle->statement, "the receipt's statement", fault);
    }
    if (code == FAULT_NONE)
        code = buf_check(&bundle->entry, "the receipt's entry", fault);
    store_reset(query);
    return code;
}

/* Nothing is given out that the log does not hold. */
static enum fault_code check_entry(const struct audit *audit, struct bundle *bundle,
                                   struct fault *fault)
{
    struct buf entry;
    buf_init(&entry, AUDIT_ENTRY_MAX);
    enum fault_code code = audit_dsse_entry(audit->key, buf_str(&bundle->statement), &entry,
                                            &bundle->signature, fault);
    if (code == FAULT_NONE && !str_equal(buf_str(&entry), buf_str(&bundle->entry)))
        code =
            fault_set(fault, FAULT_CORRUPT,
                      "tenant %.*s: the statement of receipt %lld is not the one that was logged",
                      STR_ARG(bundle->tenant), (long long)bundle->index);
    buf_done(&entry);
    return code;
}

static enum fault_code read_bundle(const struct audit *audit, struct store *store,
                                   struct bundle *bundle, struct fault *fault)
{
    enum fault_code code = read_row(store, bundle, fault);
    if (code == FAULT_NONE)
        code = check_entry(audit, bundle, fault);
    if (code == FAULT_NONE)
        code = audit_head_read(store, bundle->log, &bundle->head, fault);
    if (code == FAULT_NONE && (uint64_t)bundle->index >= bundle->head.range.size)
        code = fault_set(fault, FAULT_CORRUPT, "tenant %.*s: receipt %lld is beyond its log's head",
                         STR_ARG(bundle->tenant), (long long)bundle->index);
    if (code == FAULT_NONE)
        code = audit_inclusion(store, bundle->log, bundle->index, (int64_t)bundle->head.range.size,
                               &bundle->proof, fault);
    return code;
}

enum fault_code audit_receipt_bundle(const struct audit *audit, struct store *store,
                                     struct str tenant, struct str handoff, struct buf *out,
                                     struct fault *fault)
{
    char log[AUDIT_LOG_MAX];
    struct bundle bundle = {.tenant = tenant, .handoff = handoff};
    enum fault_code code = audit_log_name(tenant, true, log, fault);
    if (code == FAULT_NONE)
        code = store_begin_read(store, fault);
    if (code != FAULT_NONE)
        return code;
    bundle.log = str_of(log);
    buf_init(&bundle.statement, AUDIT_STATEMENT_MAX);
    buf_init(&bundle.entry, AUDIT_ENTRY_MAX);
    code = read_bundle(audit, store, &bundle, fault);
    store_rollback(store);
    if (code == FAULT_NONE) {
        struct json_out json = json_out_to(out);
        put_bundle(&json, audit, &bundle);
        code = buf_check(out, "the receipt's bundle", fault);
    }
    buf_done(&bundle.statement);
    buf_done(&bundle.entry);
    return code;
}
