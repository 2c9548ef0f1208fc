/* Events that could not be taken, until somebody replays or discards them. */
#ifndef IG_USAGE_DLQ_H
#define IG_USAGE_DLQ_H

#include "libs/store/store_rows.h"
#include "service/usage/usage_ingest.h"

enum { USAGE_DLQ_PAGE_MAX = 200 };

enum fault_code usage_dlq_put(struct store *store, const struct usage_batch *batch,
                              const struct usage_item *item, struct fault *fault) MUST_USE;

struct usage_dlq_entry {
    int64_t id;
    struct str state; /* open, replayed, discarded */
    struct str reason;
    struct str detail;
    struct str source; /* "": it could not be read */
    struct str event_id;
    struct str event;    /* as it came */
    struct str replayed; /* what was replayed in its place; "": nothing else */
    int64_t received_us;
    int64_t ended_us; /* 0: open */
    struct str ended_by;
    struct str ended_why;
};

/* Of struct usage_dlq_entry, newest first, those below `before` (0: from the newest); "" is any
 * state, reason or source. */
struct usage_dlq_filter {
    int64_t before;
    int64_t limit;
    struct str state;
    struct str reason;
    struct str source;
};
enum fault_code usage_dlq_list(struct store *store, struct str tenant,
                               const struct usage_dlq_filter *filter, struct arena *arena,
                               struct store_list *out, struct fault *fault) MUST_USE;

/* FAULT_NOT_FOUND in the same words for another tenant's. */
enum fault_code usage_dlq_find(struct store *store, struct str tenant, int64_t id,
                               struct arena *arena, struct usage_dlq_entry *out,
                               struct fault *fault) MUST_USE;

/* Ends an open entry; FAULT_CONFLICT when it has ended. `replayed` is another event in its place,
 * "" for none. */
struct usage_dlq_end {
    const char *state; /* replayed, discarded */
    struct str replayed;
    struct str by;
    struct str why;
    int64_t at_us;
};
enum fault_code usage_dlq_end(struct store *store, struct str tenant, int64_t id,
                              const struct usage_dlq_end *end, struct fault *fault) MUST_USE;

#endif
