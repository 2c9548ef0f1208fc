/* Recipients and deliveries in the store. Every query is keyed by the tenant, but for the one that
 * finds what is due; writers run within the caller's transaction. */
#ifndef IG_NOTIFY_NOTIFY_STORE_H
#define IG_NOTIFY_NOTIFY_STORE_H

#include "libs/store/store_rows.h"
#include "service/notify/notify.h"

enum { NOTIFY_TENANT_RECIPIENTS_MAX = 100, NOTIFY_PAGE_MAX = 200 };

#define NOTIFY_OVERLAP_US (INT64_C(86400) * 1000000) /* how long an old secret signs too */

/* --- recipients ----------------------------------------------------------------------------- */

struct notify_recipient {
    struct str id;
    struct str kind; /* webhook, email */
    struct str to;
    struct str name;
    struct str state; /* active, disabled */
    struct str disabled_why;
    int64_t failures; /* in a row */
    int64_t created_us;
    struct str created_by;
};

/* FAULT_CONFLICT when the tenant has NOTIFY_TENANT_RECIPIENTS_MAX. `secret` is "" for mail. */
enum fault_code notify_recipient_put(struct store *store, struct str tenant,
                                     const struct notify_recipient *recipient, struct str secret,
                                     struct fault *fault) MUST_USE;

/* Of struct notify_recipient, oldest first; never a secret. */
enum fault_code notify_recipient_list(struct store *store, struct str tenant, struct arena *arena,
                                      struct store_list *out, struct fault *fault) MUST_USE;

/* FAULT_NOT_FOUND: the tenant has none of that id. */
enum fault_code notify_recipient_find(struct store *store, struct str tenant, struct str id,
                                      struct arena *arena, struct notify_recipient *out,
                                      struct fault *fault) MUST_USE;

/* What waits for it is dead then. */
enum fault_code notify_recipient_remove(struct store *store, struct str tenant, struct str id,
                                        int64_t now_us, struct fault *fault) MUST_USE;
enum fault_code notify_recipient_disable(struct store *store, struct str tenant, struct str id,
                                         struct str why, int64_t now_us,
                                         struct fault *fault) MUST_USE;
enum fault_code notify_recipient_enable(struct store *store, struct str tenant, struct str id,
                                        struct fault *fault) MUST_USE;

/* The secret that was signs beside the new one for NOTIFY_OVERLAP_US. */
enum fault_code notify_recipient_rotate(struct store *store, struct str tenant, struct str id,
                                        struct str secret, int64_t now_us,
                                        struct fault *fault) MUST_USE;

/* --- deliveries ----------------------------------------------------------------------------- */

struct notify_delivery {
    int64_t id;
    struct str message; /* its id */
    struct str kind;
    struct str subject;
    struct str recipient;
    struct str state; /* waiting, delivered, dead */
    int64_t attempts;
    int64_t next_us; /* of a waiting one */
    int64_t status;
    struct str error;
    int64_t created_us;
    int64_t ended_us; /* 0: waiting */
};

struct notify_filter {
    struct str state; /* "": any */
    int64_t before;   /* id; 0: from the newest */
    int64_t limit;
};

/* Of struct notify_delivery, newest first. */
enum fault_code notify_delivery_list(struct store *store, struct str tenant,
                                     const struct notify_filter *filter, struct arena *arena,
                                     struct store_list *out, struct fault *fault) MUST_USE;

/* Sent anew, under the id that it had. FAULT_NOT_FOUND; FAULT_CONFLICT while it waits, or when its
 * recipient is disabled or gone. */
enum fault_code notify_delivery_replay(struct store *store, struct str tenant, int64_t id,
                                       int64_t now_us, struct fault *fault) MUST_USE;

/* --- for the deliverer ---------------------------------------------------------------------- */

struct notify_due { /* a recipient for whom something is due */
    struct str tenant;
    struct str recipient;
    bool is_failing;
};

/* Of struct notify_due, at most `most`; those that answered last time first. */
enum fault_code notify_due_list(struct store *store, int64_t now_us, int64_t most,
                                struct arena *arena, struct store_list *out,
                                struct fault *fault) MUST_USE;

struct notify_item { /* all that an attempt needs */
    int64_t id;
    int64_t attempts;
    struct str message_id;
    struct notify_message message;
    struct str to;
    bool is_mail;
    struct str secret;
    struct str old_secret; /* "" when its time is over */
};

/* What is longest due for that recipient; *out_found is false when nothing is. */
enum fault_code notify_due_next(struct store *store, const struct notify_due *due, int64_t now_us,
                                struct arena *arena, bool *out_found, struct notify_item *out,
                                struct fault *fault) MUST_USE;

struct notify_outcome {
    struct str tenant;
    struct str recipient;
    int64_t id;
    bool is_good;
    bool is_dead;    /* no further attempt */
    bool is_gone;    /* the recipient wants none any more: 410 */
    int64_t next_us; /* of the next attempt */
    int64_t status;
    struct str error;
    int64_t now_us;
};

/* Changes nothing of a delivery that waits no more. */
enum fault_code notify_outcome_put(struct store *store, const struct notify_outcome *outcome,
                                   struct fault *fault) MUST_USE;

#endif
