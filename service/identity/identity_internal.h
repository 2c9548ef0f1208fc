/* What the files of service/identity share. */
#ifndef IG_IDENTITY_IDENTITY_INTERNAL_H
#define IG_IDENTITY_IDENTITY_INTERNAL_H

#include <pthread.h>

#include "service/identity/identity.h"
#include "service/identity/identity_flood.h"
#include "service/identity/identity_recent.h"
#include "service/identity/identity_store.h"

#define IDENTITY_COOKIE "intelgraph_session"

struct identity_pace_slot {
    uint64_t key; /* hash of who; 0: free */
    int64_t minute;
    int count;
};

/* Counts tokens by the minute, in memory (identity_grant.c). */
struct identity_pace {
    struct identity_pace_slot slots[512];
};

struct identity {
    struct store_pool *pool;
    struct audit *audit;
    struct str public_url;
    struct identity_recent recent;
    pthread_mutex_t lock; /* of what is below */
    struct identity_flood used;
    struct identity_flood denied;
    struct identity_pace pace;
};

/* Something that happened to a token or session, for the audit log. */
struct identity_event {
    const char *action;
    struct str tenant;
    const struct identity_token *token; /* NULL: none that is known */
    struct str subject;                 /* who did it; the token's name when empty */
    const char *reason;                 /* NULL: it went well */
    const char *detail;                 /* of what went well, more to say; NULL: nothing */
    int64_t suppressed;                 /* like it, not recorded since the last record */
};

/* Appends the record within the caller's transaction. `request` NULL: on the command line. */
enum fault_code identity_record(struct identity *identity, struct store *store,
                                const struct web_request *request,
                                const struct identity_event *event, struct fault *fault) MUST_USE;

/* The token behind `text`, when it holds now. Records a denial. Texts live in the request's arena.
 */
enum fault_code identity_verify(struct identity *identity, struct web_request *request,
                                struct str text, struct identity_row *out,
                                struct fault *fault) MUST_USE;

/* Records that the caller may not, unless too many like it were. Never fails: the caller is refused
 * either way, and a record that cannot be written is logged. */
void identity_record_denial(struct identity *identity, const struct web_request *request,
                            const struct identity_token *token, const char *reason);

/* The same for another refusal than of access. */
void identity_record_refusal(struct identity *identity, const struct web_request *request,
                             const char *action, const struct identity_token *token,
                             const char *reason);

/* For requests that change state and came with a cookie, or open a session. */
enum fault_code identity_check_origin(const struct identity *identity,
                                      const struct web_request *request,
                                      struct fault *fault) MUST_USE;

#endif
