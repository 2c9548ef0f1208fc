/* Whether a tenant's events still say what was taken: each one's columns against its digest, and
 * the digests of all of them, in the order of seq, against the chain of the requests that brought
 * them. A bit that flipped on disk and a hand that changed, added or removed an event are seen
 * alike; what is not seen is a tail of events that went together with their requests, and a chain
 * that somebody has written anew. */
#ifndef IG_USAGE_VERIFY_H
#define IG_USAGE_VERIFY_H

#include "libs/crypto/hash.h"
#include "libs/store/store.h"
#include "service/usage/usage_event.h"

struct usage_verifier {
    struct store *store;
    struct str tenant;
    struct sha256 chain;        /* up to the request under way */
    struct sha256_state *state; /* over the request under way; NULL: between two */
    int64_t last_seq;           /* its last event, or that of the one before */
    int64_t left;               /* events that it still has */
    struct sha256 want;         /* the chain after it */
};

void usage_verify_begin(struct usage_verifier *verifier, struct store *store, struct str tenant);
void usage_verify_done(struct usage_verifier *verifier);

/* The next event. FAULT_CORRUPT names it. `event` has kind, time, meter, quantity and refers_to as
 * the store has them. */
enum fault_code usage_verify_event(struct usage_verifier *verifier, int64_t seq,
                                   const struct usage_event *event, struct str dimensions,
                                   struct str content, struct fault *fault) MUST_USE;

/* After the last one. */
enum fault_code usage_verify_end(struct usage_verifier *verifier, struct fault *fault) MUST_USE;

#endif
