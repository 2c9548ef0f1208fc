/* A request's events on their way into the store: each is taken, found to be there already, or put
 * into the DLQ with its reason. All of it in one transaction, or nothing. */
#ifndef IG_USAGE_INGEST_H
#define IG_USAGE_INGEST_H

#include "libs/store/store_pool.h"
#include "service/usage/usage_event.h"

enum {
    USAGE_BATCH_MAX = 10000,       /* events of one request */
    USAGE_BODY_MAX = 8 << 20,      /* bytes of one request's body, decompressed */
    USAGE_FUTURE_MAX_S = 5 * 60,   /* an event's time may be ahead of ours by that much */
    USAGE_LATE_MAX_S = 35 * 86400, /* and behind it by that much, unless it is a backfill */
};

enum usage_outcome {
    USAGE_ACCEPTED,
    USAGE_DUPLICATE, /* the same event is there already */
    USAGE_REJECTED   /* it stands in the DLQ, unless that is full */
};

struct usage_item {
    struct str text;          /* as it came */
    struct usage_event event; /* when it could be read; else source and id, where those could */
    bool refused;             /* for what it says, before the store was asked */
    enum usage_outcome outcome;
    const char *reason; /* of a rejection: a word */
    int status;         /* as HTTP has it: 201, 200, 400, 404, 409, 413, 422 */
    struct str detail;  /* the sentence */
    bool unkept;        /* rejected, and the DLQ had no room: the sender has it alone */
};

/* What the sources of the service's own events begin with. */
#define USAGE_OWN_SOURCES "/intelgraphd/"

struct usage_batch {
    struct arena *arena;
    struct arena *scratch; /* of one event at a time */
    struct str tenant;
    bool is_own;    /* the service's own events */
    bool backfill;  /* late events are taken */
    bool is_single; /* the request is one event, whose status is the answer's; no array, no lines */
    int64_t received_us;
    struct usage_item *items;
    size_t count;
    size_t room;
    int64_t accepted;
    int64_t duplicates;
    int64_t rejected;
    int64_t unkept; /* of the rejected ones */
};

/* One more event, as its text (a line, an element of an array). What is wrong with it is its
 * outcome; FAULT_LIMIT and FAULT_NO_MEMORY are of the batch. */
enum fault_code usage_batch_add(struct usage_batch *batch, struct str text,
                                struct fault *fault) MUST_USE;

/* Takes all of it. Durable when it returns. */
enum fault_code usage_batch_store(struct usage_batch *batch, struct store_pool *pool,
                                  struct fault *fault) MUST_USE;

/* The same within a transaction that is open. */
enum fault_code usage_batch_store_in(struct usage_batch *batch, struct store *store,
                                     struct fault *fault) MUST_USE;

#endif
