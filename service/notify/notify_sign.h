/* Standard Webhooks: the secret, the body and the headers that vouch for it
 * (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md). */
#ifndef IG_NOTIFY_NOTIFY_SIGN_H
#define IG_NOTIFY_NOTIFY_SIGN_H

#include "libs/core/buf.h"
#include "service/notify/notify.h"

enum { NOTIFY_SECRET_BYTES = 32, NOTIFY_SECRET_MAX = 64 };

/* "whsec_" and 32 random bytes in base64. */
enum fault_code notify_secret_make(char out[NOTIFY_SECRET_MAX], struct fault *fault) MUST_USE;

/* The body of every attempt: type, timestamp, tenant, subject, text, data. */
void notify_add_payload(struct buf *out, const struct notify_message *message);

struct notify_signing {
    struct str id; /* the message's: webhook-id */
    struct str body;
    struct str secret;
    struct str old_secret; /* "": none; else it signs too */
    int64_t at_us;         /* of this attempt */
};

/* Adds the headers as lines. FAULT_CORRUPT on a secret that is none. */
enum fault_code notify_add_headers(struct buf *out, const struct notify_signing *signing,
                                   struct fault *fault) MUST_USE;

#endif
