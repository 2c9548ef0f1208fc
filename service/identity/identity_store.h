/* Tokens and sessions in the store (service/migrations/0002_identity.sql). */
#ifndef IG_IDENTITY_IDENTITY_STORE_H
#define IG_IDENTITY_IDENTITY_STORE_H

#include "libs/core/arena.h"
#include "libs/crypto/hash.h"
#include "libs/store/store.h"
#include "service/identity/identity.h"

struct identity_row {
    struct identity_token token;
    struct sha256 secret;
};

/* Texts are copied into the arena. FAULT_NOT_FOUND when there is none. */
enum fault_code identity_store_find(struct store *store, struct arena *arena, struct str id,
                                    struct identity_row *out, struct fault *fault) MUST_USE;

/* The token behind a session that has not ended; expires_us of the result is the session's. */
enum fault_code identity_store_find_session(struct store *store, struct arena *arena,
                                            const struct sha256 *session, int64_t now_us,
                                            struct identity_row *out, struct fault *fault) MUST_USE;

/* All below within a transaction of the caller. */
enum fault_code identity_store_add(struct store *store, const struct identity_row *row,
                                   struct fault *fault) MUST_USE;
/* Ends the sessions too. *out_changed is false when it was revoked before. */
enum fault_code identity_store_revoke(struct store *store, struct str id, int64_t now_us,
                                      bool *out_changed, struct fault *fault) MUST_USE;
enum fault_code identity_store_used(struct store *store, struct str id, int64_t now_us,
                                    struct fault *fault) MUST_USE;
/* Removes sessions that have expired, on the way. */
enum fault_code identity_store_open_session(struct store *store, const struct sha256 *session,
                                            struct str id, int64_t now_us, int64_t expires_us,
                                            struct fault *fault) MUST_USE;
enum fault_code identity_store_close_session(struct store *store, const struct sha256 *session,
                                             bool *out_closed, struct fault *fault) MUST_USE;

enum fault_code identity_store_each(struct store *store, struct str tenant,
                                    void (*visit)(void *context,
                                                  const struct identity_token *token),
                                    void *context, struct fault *fault) MUST_USE;

#endif
