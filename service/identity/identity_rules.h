/* What tokens look like and when they hold; nothing here reads a clock or a store. */
#ifndef IG_IDENTITY_IDENTITY_RULES_H
#define IG_IDENTITY_IDENTITY_RULES_H

#include "libs/core/str.h"
#include "service/identity/identity.h"

enum {
    IDENTITY_ID_BYTES = 8,      /* of a token's public id: 16 digits */
    IDENTITY_SECRET_BYTES = 32, /* of a token's secret, and of a session: 64 digits */
    IDENTITY_NAME_MAX = 64,
};

#define IDENTITY_SESSION_US (INT64_C(12) * 60 * 60 * 1000000)

const char *identity_permission_name(enum identity_permission permission);

bool identity_tenant_is_good(
    struct str tenant); /* 1..64 of [A-Za-z0-9._-]; begins with neither _ (kept for us) nor . */
bool identity_name_is_good(struct str name); /* blanks, _ and @ too, no blank at an end */

#define IDENTITY_TOKEN_PREFIX "igt_" /* an API token */
#define IDENTITY_GRANT_PREFIX "igs_" /* one for minutes; of the same length */

/* `igt_<id>_<secret>`, `igs_<id>_<secret>`; false when it has not that form. */
bool identity_token_split(struct str token, struct str *out_id, struct str *out_secret);
bool identity_grant_split(struct str token, struct str *out_id, struct str *out_secret);

/* Revoked before expired: a revocation is somebody's decision, and is what must be said. */
enum identity_state { TOKEN_GOOD, TOKEN_REVOKED, TOKEN_EXPIRED };

enum identity_state identity_token_state(int64_t expires_us, int64_t revoked_us, int64_t now_us);

/* Whether a request with that Origin comes from a page of ours: its host and port are those of the
 * request, or of the public URL. */
bool identity_origin_is_ours(struct str origin, struct str host, struct str public_url);

#endif
