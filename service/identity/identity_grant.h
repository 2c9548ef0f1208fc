/* Tokens for minutes: `igs_<public id>_<secret>`, issued by a broker's API token for one analyst.
 */
#ifndef IG_IDENTITY_IDENTITY_GRANT_H
#define IG_IDENTITY_IDENTITY_GRANT_H

#include "libs/core/arena.h"
#include "service/identity/identity_internal.h"

enum {
    IDENTITY_GRANT_TTL_MAX_S = 300,
    IDENTITY_SUBJECT_MAX = 512, /* bytes; as a hand-off's user (libs/wire) */
    IDENTITY_SEARCH_HEAD_MAX = 255,
};

enum identity_scope { SCOPE_HANDOFF, SCOPE_READ, SCOPE_AUDIT, SCOPE_COUNT };

const char *identity_scope_name(enum identity_scope scope);
bool identity_scope_of_name(struct str name, enum identity_scope *out_scope);
enum identity_role identity_scope_role(enum identity_scope scope); /* what it may: as that role */

/* What a broker asks for. */
struct identity_grant_ask {
    struct str subject;
    struct str search_head;
    enum identity_scope scope;
    int64_t ttl_s;
};

/* Reads {"subject","scope","search_head","ttl_s"}: all four and no other. */
enum fault_code identity_grant_ask_read(struct arena *arena, struct str body,
                                        struct identity_grant_ask *out,
                                        struct fault *fault) MUST_USE;

/* --- how many (identity_grant.c) -------------------------------------------------------------- */

enum {
    IDENTITY_PACE_ROOM = 512,
    IDENTITY_PACE_S = 60,
    IDENTITY_PACE_SUBJECT = 30, /* tokens in that time for one analyst by one broker's token */
    IDENTITY_PACE_PARENT = 600, /* and for all of its analysts */
};

/* Whether one more may be counted for `who` in the minute of `now_us`. */
bool identity_pace_takes(struct identity_pace *pace, struct str who, int most, int64_t now_us);

/* --- the store (identity_grant_store.c) ------------------------------------------------------- */

struct identity_grant {
    struct str id;
    struct str tenant;
    struct str parent;
    struct identity_grant_ask ask;
    struct sha256 secret;
    int64_t created_us;
    int64_t expires_us;
};

/* As a token: its id, the analyst as its name, the scope's role, the parent's revocation, the
 * earlier of both expiries. Texts are copied into the arena. FAULT_NOT_FOUND when there is none. */
enum fault_code identity_grant_store_find(struct store *store, struct arena *arena, struct str id,
                                          struct identity_row *out, struct fault *fault) MUST_USE;

/* Within a transaction of the caller. Sweeps what expired more than an hour ago. */
enum fault_code identity_grant_store_add(struct store *store, const struct identity_grant *grant,
                                         struct fault *fault) MUST_USE;

/* --- the route (identity_grant_web.c) --------------------------------------------------------- */

enum { IDENTITY_GRANT_BODY_MAX = 4096 };

enum fault_code identity_grant_post(void *context, struct web_request *request,
                                    struct web_reply *reply, struct fault *fault) MUST_USE;

#endif
