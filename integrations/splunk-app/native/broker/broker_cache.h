/* Short-lived tokens that the broker has in hand: in its memory only, wiped when they go. */
#ifndef IG_NATIVE_BROKER_CACHE_H
#define IG_NATIVE_BROKER_CACHE_H

#include <stdint.h>

#include "integrations/splunk-app/native/peers/token.h"
#include "integrations/splunk-app/native/settings/settings.h"
#include "libs/crypto/hash.h"

enum {
    BROKER_CACHE_ROOM = 256,
    BROKER_TIME_MAX = 40, /* bytes of an RFC 3339 time */
    /* A token that is handed out still holds for that long: a hand-off takes its time. */
    BROKER_LEFT_LEAST_S = 60,
};

struct broker_grant {
    struct http_secret token;
    char expires_at[BROKER_TIME_MAX]; /* as the service says it */
    int64_t until_us; /* on our monotonic clock, counted from before it was asked for */
};

struct broker_slot {
    bool used;
    struct sha256 key;
    struct broker_grant grant;
};

struct broker_cache {
    struct broker_slot slots[BROKER_CACHE_ROOM];
};

/* For exactly this user, at this instance as it is configured now, with this scope. */
struct sha256 broker_cache_key(struct str user, const struct settings *settings,
                               enum token_scope scope);

/* The grant, as long as it holds for BROKER_LEFT_LEAST_S; NULL when there is none. */
const struct broker_grant *broker_cache_find(struct broker_cache *cache, const struct sha256 *key,
                                             int64_t now_us);
void broker_cache_put(struct broker_cache *cache, const struct sha256 *key,
                      const struct broker_grant *grant); /* in place of the one that ends first */
void broker_cache_drop(struct broker_cache *cache, const struct sha256 *key);
void broker_cache_wipe(struct broker_cache *cache);

#endif
