/* Notices: what the service tells people and programs by webhook and e-mail.
 *
 * A notice is written into an outbox in the transaction that makes it true, and delivered from
 * there: once enqueued, at least once delivered. A webhook follows Standard Webhooks
 * (standardwebhooks.com): its webhook-id is one for all attempts and replays, so that a receiver
 * can tell a repeat. */
#ifndef IG_NOTIFY_NOTIFY_H
#define IG_NOTIFY_NOTIFY_H

#include <stddef.h>
#include <stdint.h>

#include "libs/core/fault.h"
#include "libs/core/str.h"
#include "libs/store/store.h"
#include "service/web/web.h"

enum {
    NOTIFY_RECIPIENTS_MAX = 32, /* of one message */
    NOTIFY_ID_MAX = 40,         /* of a recipient's id */
    NOTIFY_KIND_MAX = 64,
    NOTIFY_KEY_MAX = 256,
    NOTIFY_SUBJECT_MAX = 200,
    NOTIFY_TEXT_MAX = 8192,
    NOTIFY_JSON_MAX = 16384,
};

struct notify_message {
    struct str tenant;
    struct str kind;              /* "budget.threshold.crossed": a-z, 0-9, '_' and dots */
    struct str key;               /* what makes it one within the tenant */
    const struct str *recipients; /* ids; none is allowed: the key is taken all the same */
    size_t recipient_count;
    struct str subject; /* one line, for people */
    struct str text;    /* lines, for people */
    struct str json;    /* an object, for programs: the webhook's "data" */
    int64_t now_us;
};

/* Within the caller's write transaction. A key that was enqueued before changes nothing. A
 * recipient that is gone is passed over; to one that is disabled the delivery is dead at once and
 * says so. FAULT_INPUT or FAULT_LIMIT on a message that breaks the rules above. */
enum fault_code notify_enqueue(struct store *store, const struct notify_message *message,
                               struct fault *fault) MUST_USE;

/* FAULT_INPUT, field "recipients", when one of them is none of the tenant's, stands twice, or there
 * are more than NOTIFY_RECIPIENTS_MAX. */
enum fault_code notify_recipients_check(struct store *store, struct str tenant,
                                        const struct str *ids, size_t count,
                                        struct fault *fault) MUST_USE;

extern const struct web_route notify_recipient_routes[]; /* /v1/recipients */
extern const struct web_route notify_delivery_routes[];  /* /v1/deliveries */

#endif
