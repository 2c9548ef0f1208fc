/* Keeps audit records few where events are many: who used what lately, and how often denials were
 * recorded. In memory, bounded; forgetting only means one record more. */
#ifndef IG_IDENTITY_IDENTITY_FLOOD_H
#define IG_IDENTITY_IDENTITY_FLOOD_H

#include <stdbool.h>
#include <stdint.h>

#include "libs/core/str.h"

enum { IDENTITY_FLOOD_ROOM = 512 };

struct identity_flood_slot {
    uint64_t key; /* hash of what; 0: free */
    int64_t last_us;
    int64_t suppressed; /* since then */
};

struct identity_flood {
    int64_t every_us;   /* one record for the same key in that time */
    int most_in_second; /* over all keys; 0: any number */
    int64_t second;     /* the one being counted */
    int in_second;
    int64_t suppressed_of_others; /* of forgotten keys, and over most_in_second */
    struct identity_flood_slot slots[IDENTITY_FLOOD_ROOM];
};

/* Whether to record this one. If so, *out_suppressed is how many were not, since the last record.
 * The caller holds a lock. `now_us` may go back. */
bool identity_flood_passes(struct identity_flood *flood, struct str who, struct str what,
                           int64_t now_us, int64_t *out_suppressed);

/* Whether there would be a record now. Changes nothing. */
bool identity_flood_is_due(const struct identity_flood *flood, struct str who, struct str what,
                           int64_t now_us);

/* The record could not be written after all: the next one is due at once. */
void identity_flood_forget(struct identity_flood *flood, struct str who, struct str what);

#endif
