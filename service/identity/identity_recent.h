/* API tokens that held a moment ago, for what may not wait for the store: decisions, and whether to
 * read a large body. Who revokes one elsewhere is heeded after IDENTITY_RECENT_US at the latest;
 * all other requests ask the store each time.
 *
 * In memory, bounded; forgetting only means that the store is asked. Keys are hashes of whole
 * tokens, so nothing that opens anything is kept. Safe to share between threads. */
#ifndef IG_IDENTITY_IDENTITY_RECENT_H
#define IG_IDENTITY_IDENTITY_RECENT_H

#include <pthread.h>

#include "libs/core/arena.h"
#include "libs/crypto/hash.h"
#include "service/identity/identity.h"

enum { IDENTITY_RECENT_US = 1000000, IDENTITY_RECENT_ROOM = 1024, IDENTITY_RECENT_TEXT = 128 };

struct identity_recent_slot {
    struct sha256 key;
    int64_t until_us;                    /* of the monotonic clock; 0: free */
    struct identity_token token;         /* its texts lie in `texts` */
    char texts[4][IDENTITY_RECENT_TEXT]; /* id, tenant, name, role */
};

struct identity_recent {
    pthread_mutex_t lock;
    int64_t forgotten; /* how often */
    struct identity_recent_slot slots[IDENTITY_RECENT_ROOM];
};

void identity_recent_init(struct identity_recent *recent);
void identity_recent_done(struct identity_recent *recent);

/* Before the store is asked for a token: what to hand to `keep`. */
int64_t identity_recent_begin(struct identity_recent *recent);

/* The store has said at `asked_us` or later that the token behind `text` holds. Not kept when
 * something was forgotten since `begun`, nor one that another token issued. */
void identity_recent_keep(struct identity_recent *recent, int64_t begun, struct str text,
                          const struct identity_token *token, int64_t asked_us);

/* False: ask the store. Texts are copied into the arena. */
bool identity_recent_find(struct identity_recent *recent, struct str text, int64_t now_us,
                          struct arena *arena, struct identity_token *out);

/* A token was revoked here. */
void identity_recent_forget(struct identity_recent *recent);

#endif
