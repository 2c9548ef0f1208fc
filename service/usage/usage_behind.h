/* The events that the index by key, usage_keys, does not have yet, and how they get there: sorted,
 * some ten thousand at once, in small steps, so that a page of it is written once for many keys and
 * nobody waits for it. */
#ifndef IG_USAGE_BEHIND_H
#define IG_USAGE_BEHIND_H

#include <stddef.h>

#include "libs/store/store.h"
#include "service/usage/usage_event.h"

struct usage_behind_row {
    uint8_t key[USAGE_KEY_SIZE];
    int64_t seq;
    const struct str *tenant;
};

struct usage_behind_run {
    struct usage_behind_row *rows;
    size_t count;
    size_t room;
};

struct usage_behind {
    struct usage_behind_run fresh;  /* in the order of seq */
    struct usage_behind_run sorted; /* by key: on its way into the index */
    size_t at;                      /* so many of it are there */
    int64_t sorted_up_to;           /* the last seq of it */
    int64_t done;                   /* all up to this seq are in the index */
    size_t kept_fresh;              /* these as they are committed */
    size_t kept_at;
    int64_t kept_done;
};

void usage_behind_init(struct usage_behind *behind);
void usage_behind_done(struct usage_behind *behind);

/* What the store says: another process may have moved the index on. */
void usage_behind_set_done(struct usage_behind *behind, int64_t done);

/* In the order of seq; passed over when the index has it. The tenant's name is borrowed. */
enum fault_code usage_behind_add(struct usage_behind *behind, const uint8_t key[USAGE_KEY_SIZE],
                                 int64_t seq, const struct str *tenant,
                                 struct fault *fault) MUST_USE;

/* All that was added so far is committed. */
void usage_behind_keep(struct usage_behind *behind);
void usage_behind_ended(struct usage_behind *behind, bool kept);

/* A step: about twice as many keys as this transaction has added. */
enum fault_code usage_behind_advance(struct usage_behind *behind, struct store *store, size_t added,
                                     struct fault *fault) MUST_USE;

/* Brings the index up to the last event that is written, by itself. FAULT_CORRUPT
 * when it is not as large as the events are many. */
enum fault_code usage_behind_settle(struct store *store, struct fault *fault) MUST_USE;

#endif
