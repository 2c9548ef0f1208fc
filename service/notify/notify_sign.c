#include "service/notify/notify_sign.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libs/core/os.h"
#include "libs/crypto/hmac.h"
#include "libs/text/json_write.h"
#include "libs/text/time.h"

#define PREFIX "whsec_"

enum fault_code notify_secret_make(char out[NOTIFY_SECRET_MAX], struct fault *fault)
{
    unsigned char bytes[NOTIFY_SECRET_BYTES];
    struct buf text;
    if (os_random(bytes, sizeof bytes) != 0)
        return fault_errno(fault, errno, "no random numbers for a secret");
    buf_init(&text, NOTIFY_SECRET_MAX - 1);
    buf_add(&text, STR(PREFIX));
    base64_add(&text, (struct str){(const char *)bytes, sizeof bytes});
    enum fault_code code = buf_check(&text, "a secret", fault);
    if (code == FAULT_NONE)
        snprintf(out, NOTIFY_SECRET_MAX, "%.*s", STR_ARG(buf_str(&text)));
    explicit_bzero(bytes, sizeof bytes);
    if (text.ptr)
        explicit_bzero(text.ptr, text.len);
    buf_done(&text);
    return code;
}

void notify_add_payload(struct buf *out, const struct notify_message *message)
{
    struct json_out json = json_out_to(out);
    struct buf time;
    buf_init(&time, 64);
    time_add_rfc3339(&time, message->now_us);
    json_open(&json, '{');
    json_put_text(&json, "type", message->kind);
    json_put_text(&json, "timestamp", buf_str(&time));
    json_put_text(&json, "tenant", message->tenant);
    json_put_text(&json, "subject", message->subject);
    json_put_text(&json, "text", message->text);
    json_put_raw(&json, "data", message->json);
    json_close(&json, '}');
    buf_done(&time);
}

/* Adds "v1,<base64>". */
static enum fault_code add_signature(struct buf *out, const struct notify_signing *signing,
                                     struct str secret, struct str time, struct fault *fault)
{
    const struct str parts[] = {signing->id, STR("."), time, STR("."), signing->body};
    struct buf key;
    struct sha256 digest;
    buf_init(&key, NOTIFY_SECRET_MAX);
    enum fault_code code = FAULT_NONE;
    if (!str_starts(secret, STR(PREFIX)) ||
        !base64_decode_add(&key, str_skip(secret, strlen(PREFIX))) || key.len == 0)
        code = fault_set(fault, FAULT_CORRUPT, "the recipient's secret is none");
    else
        code = hmac_sha256(buf_str(&key), parts, sizeof parts / sizeof parts[0], &digest, fault);
    if (code == FAULT_NONE) {
        buf_add(out, STR("v1,"));
        base64_add(out, (struct str){(const char *)digest.bytes, sizeof digest.bytes});
    }
    if (key.ptr)
        explicit_bzero(key.ptr, key.len);
    buf_done(&key);
    return code;
}

enum fault_code notify_add_headers(struct buf *out, const struct notify_signing *signing,
                                   struct fault *fault)
{
    char time[32];
    snprintf(time, sizeof time, "%lld", (long long)(signing->at_us / 1000000));
    buf_addf(out, "content-type: application/json\nwebhook-id: %.*s\nwebhook-timestamp: %s\n",
             STR_ARG(signing->id), time);
    buf_add(out, STR("webhook-signature: "));
    enum fault_code code = add_signature(out, signing, signing->secret, str_of(time), fault);
    if (code == FAULT_NONE && signing->old_secret.len > 0) {
        buf_add_byte(out, ' ');
        code = add_signature(out, signing, signing->old_secret, str_of(time), fault);
    }
    buf_add_byte(out, '\n');
    return code == FAULT_NONE ? buf_check(out, "the headers of a webhook", fault) : code;
}
