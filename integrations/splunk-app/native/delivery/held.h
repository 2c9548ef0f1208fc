/* When a budget refuses what waits in the outbox, the rest waits without being tried: a hold, kept
 * beside the outbox for all searches of this search head. Without it each search would send one
 * hand-off again to hear the same.
 *
 * A hold ends by itself: when the budget said so (Retry-After, or the period's end), after
 * HELD_MOST_S at the latest, since the limit may have been raised meanwhile. */
#ifndef IG_NATIVE_HELD_H
#define IG_NATIVE_HELD_H

#include "integrations/splunk-app/native/record/refusal.h"
#include "libs/core/str.h"

enum { HELD_MOST_S = 900 };

struct held {
    int64_t until_us; /* UTC; 0: nothing holds */
    char why[FAULT_TEXT_MAX];
};

/* Notes that nothing of this tenant is to be sent to this address for a while. What cannot be
 * written down holds nothing: the next search is refused as this one was. */
void held_note(const char *outbox, struct str target, struct str tenant,
               const struct refusal *refusal);

/* Whether something holds. A file that cannot be read, or that speaks of a time that is over or too
 * far away (the clock was set), holds nothing. */
bool held_look(const char *outbox, struct str target, struct str tenant, struct held *out);

/* Reads the text of such a file; for held_look and its tests. */
bool held_read(struct str text, int64_t now_us, struct held *out);

#endif
