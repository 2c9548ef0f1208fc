/* What the routes of recipients and deliveries share: a change on its way, which goes on record. */
#ifndef IG_NOTIFY_NOTIFY_WEB_H
#define IG_NOTIFY_NOTIFY_WEB_H

#include "libs/text/json_write.h"
#include "service/identity/identity.h"
#include "service/notify/notify_store.h"
#include "service/service.h"

enum { NOTIFY_LIST_USUAL = 50 };

/* Who asks, and what of. */
struct notify_change {
    struct service *service;
    struct web_request *request;
    struct identity_caller caller;
    struct str id; /* of the path; "": there is none in it */
};

/* Asks the gate. */
enum fault_code notify_change_begin(struct notify_change *change, struct service *service,
                                    struct web_request *request, struct fault *fault) MUST_USE;

/* "recipient.deleted" and its like; `what` is shortened. */
enum fault_code notify_change_record(const struct notify_change *change, struct store *store,
                                     const char *action, struct str what,
                                     struct fault *fault) MUST_USE;

/* The answer {"id", "state"}, and "secret" unless it is "". */
enum fault_code notify_change_answer(const struct notify_change *change, const char *state,
                                     const char *secret, struct web_reply *reply,
                                     struct fault *fault) MUST_USE;

void notify_put_time(struct json_out *out, const char *name, int64_t at_us);

#endif
