/* What was delivered or given up long ago is forgotten. */
#ifndef IG_NOTIFY_NOTIFY_FORGET_H
#define IG_NOTIFY_NOTIFY_FORGET_H

#include "service/jobs/jobs.h"

enum {
    NOTIFY_FORGET_EVERY_S = 86400,
    NOTIFY_FORGET_AT_ONCE = 500, /* rows of one transaction: others write between two */
    NOTIFY_DELIVERY_DAYS = 90,
    NOTIFY_MESSAGE_DAYS = 400, /* until then a key is enqueued once */
};

/* A jobs_run without context. */
enum fault_code notify_forget(struct jobs_turn *turn, void *context, struct fault *fault);

#endif
