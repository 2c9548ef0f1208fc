/* Events that could not be taken, until somebody replays or discards them. An open entry is never
 * removed; those that have ended are forgotten after a time (usage_dlq_forget.h). */
#ifndef IG_USAGE_DLQ_H
#define IG_USAGE_DLQ_H

#include "libs/store/store_rows.h"
#include "service/usage/usage_ingest.h"

enum { USAGE_DLQ_PAGE_MAX = 200, USAGE_DLQ_OPEN_MAX = 50000 /* of a tenant */ };

/* What a tenant's DLQ holds. */
struct usage_dlq_books {
    int64_t last_id;
    int64_t open;
    int64_t unkept; /* events that found no room, since ever */
};
enum fault_code usage_dlq_books_read(struct store *store, struct str tenant,
                                     struct usage_dlq_books *out, struct fault *fault) MUST_USE;
enum fault_code usage_dlq_books_write(struct store *store, struct str tenant,
                                      const struct usage_dlq_books *books,
                                      struct fault *fault) MUST_USE;

/* A rejected event. The same text, rejected for the same reason while its entry is open, is that
 * entry once more; one of which only the beginning is kept is an entry of its own. Beyond
 * USAGE_DLQ_OPEN_MAX it is kept nowhere: item->unkept. The caller writes the books. */
enum fault_code usage_dlq_put(struct store *store, const struct usage_batch *batch,
                              struct usage_item *item, struct usage_dlq_books *books,
                              struct fault *fault) MUST_USE;

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
    int64_t times;    /* it came so often */
    int64_t last_us;  /* when it came last */
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
