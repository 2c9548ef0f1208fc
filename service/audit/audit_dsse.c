#include "service/audit/audit_dsse.h"

#include "libs/crypto/hash.h"
#include "libs/text/json_write.h"

enum { ENVELOPE_MAX = 2 * AUDIT_STATEMENT_MAX, PEM_MAX = 256 };

static void put_base64(struct json_out *json, const char *name, struct str bytes)
{
    struct buf text;
    buf_init(&text, ENVELOPE_MAX);
    base64_add(&text, bytes);
    json_put_text(json, name, buf_str(&text));
    if (text.code != FAULT_NONE)
        json->buf->code = text.code;
    buf_done(&text);
}

static struct str signature_bytes(const struct signature *signature)
{
    return (struct str){(const char *)signature->bytes, SIGN_SIZE};
}

/* "DSSEv1 28 application/vnd.in-toto+json <length> <payload>" */
static enum fault_code sign_payload(const struct sign_key *key, struct str payload,
                                    struct signature *out, struct fault *fault)
{
    struct buf message;
    buf_init(&message, ENVELOPE_MAX);
    buf_addf(&message, "DSSEv1 %zu %s %zu ", sizeof AUDIT_PAYLOAD_TYPE - 1, AUDIT_PAYLOAD_TYPE,
             payload.len);
    buf_add(&message, payload);
    enum fault_code code = buf_check(&message, "the receipt's statement", fault);
    if (code == FAULT_NONE)
        code = sign_message(key, buf_str(&message), out, fault);
    buf_done(&message);
    return code;
}

void audit_dsse_add_envelope(struct str payload, const struct signature *signature, struct buf *out)
{
    struct json_out json = json_out_to(out);
    json_open(&json, '{');
    put_base64(&json, "payload", payload);
    json_put_text(&json, "payloadType", STR(AUDIT_PAYLOAD_TYPE));
    json_open_at(&json, "signatures", '[');
    json_open(&json, '{');
    put_base64(&json, "sig", signature_bytes(signature));
    json_close(&json, '}');
    json_close(&json, ']');
    json_close(&json, '}');
}

static void put_digest(struct json_out *json, const char *name, struct str data)
{
    struct sha256 digest = sha256_of(data);
    json_open_at(json, name, '{');
    json_put_text(json, "algorithm", STR("sha256"));
    json_put_hex(json, "value", digest.bytes, SHA256_SIZE);
    json_close(json, '}');
}

/* The key as a PEM text, in base64 once more. */
static void put_verifier(struct json_out *json, const struct sign_key *key)
{
    uint8_t spki[SIGN_SPKI_SIZE];
    char room[PEM_MAX];
    struct buf pem = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    struct sign_public public_key = sign_key_public(key);
    sign_public_spki(&public_key, spki);
    buf_add(&pem, STR("-----BEGIN PUBLIC KEY-----\n"));
    base64_add(&pem, (struct str){(const char *)spki, sizeof spki});
    buf_add(&pem, STR("\n-----END PUBLIC KEY-----\n"));
    put_base64(json, "verifier", buf_str(&pem));
}

enum fault_code audit_dsse_entry(const struct sign_key *key, struct str payload, struct buf *out,
                                 struct signature *out_signature, struct fault *fault)
{
    struct buf envelope;
    struct signature signature;
    enum fault_code code = sign_payload(key, payload, &signature, fault);
    if (code != FAULT_NONE)
        return code;
    buf_init(&envelope, ENVELOPE_MAX);
    audit_dsse_add_envelope(payload, &signature, &envelope);
    code = buf_check(&envelope, "the receipt's envelope", fault);
    /* Names in the order of canonical JSON. */
    struct json_out json = json_out_to(out);
    json_open(&json, '{');
    json_put_text(&json, "apiVersion", STR("0.0.1"));
    json_put_text(&json, "kind", STR("dsse"));
    json_open_at(&json, "spec", '{');
    put_digest(&json, "envelopeHash", buf_str(&envelope));
    put_digest(&json, "payloadHash", payload);
    json_open_at(&json, "signatures", '[');
    json_open(&json, '{');
    put_base64(&json, "signature", signature_bytes(&signature));
    put_verifier(&json, key);
    json_close(&json, '}');
    json_close(&json, ']');
    json_close(&json, '}');
    json_close(&json, '}');
    buf_done(&envelope);
    if (code == FAULT_NONE)
        code = buf_check(out, "the receipt's entry", fault);
    if (code == FAULT_NONE)
        *out_signature = signature;
    return code;
}
